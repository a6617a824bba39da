//! Tables for people: aligned columns, no borders.

use comfy_table::{Cell, CellAlignment, Table};

/// A column's title, and on which side its cells stand.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// Words.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

/// Rows under their titles, one line each.
pub fn table<const N: usize>(columns: [Column; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let cell = |text: String, column: Column| {
        Cell::new(text).set_alignment(match column {
            Column::Left(_) => CellAlignment::Left,
            Column::Right(_) => CellAlignment::Right,
        })
    };
    let title = |column| match column {
        Column::Left(title) | Column::Right(title) => cell(title.to_owned(), column),
    };
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(columns.map(title));
    for row in rows {
        table.add_row(row.into_iter().zip(columns).map(|(text, column)| cell(text, column)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// What is known, or a dash.
pub fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// The names that are like a mistyped one, nearest first; all of them if none is.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<_> =
        known.into_iter().map(|other| (strsim::osa_distance(name, other), other)).collect();
    let near = |distance| distance <= 1 + name.len() / 3;
    if known.iter().any(|&(distance, _)| near(distance)) {
        known.retain(|&(distance, _)| near(distance));
        known.sort();
        known.truncate(3);
    }
    known.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let columns = [Column::Left("SLB"), Column::Right("km"), Column::Left("verdict")];
        let rows = [["cn-east-slb1", "0", "taken"], ["x", "1068", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(columns, rows),
            "SLB             km  verdict\ncn-east-slb1     0  taken\nx             1068\n"
        );
    }

    #[test]
    fn near_names_come_first_and_far_ones_bring_all() {
        let known = ["telecom", "unicom", "mobile", "edu"];
        assert_eq!(nearest("telekom", known), ["telecom"]);
        assert_eq!(nearest("telcom", known), ["telecom", "unicom"]);
        assert_eq!(nearest("zzzzzzz", known), known);
    }
}
