//! The address space cut into runs of equal value: the form in which layers are merged and
//! tables are built.
//!
//! Keys are 128 bits wide. An IPv6 address is its own key; an IPv4 address takes the top 32
//! bits, so that a prefix has the same length in both, and one code serves both families.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// The key of an IPv4 address.
pub(crate) fn key_v4(address: Ipv4Addr) -> u128 {
    u128::from(u32::from(address)) << 96
}

/// First and last key of a prefix in its own family.
pub(crate) fn keys(net: IpNet) -> (u128, u128) {
    let first = match net.network() {
        IpAddr::V4(address) => key_v4(address),
        IpAddr::V6(address) => address.into(),
    };
    (first, last_key(first, net.prefix_len()))
}

/// The last key of the prefix of `length` bits that begins at `first`.
pub(crate) fn last_key(first: u128, length: u8) -> u128 {
    first | u128::MAX.checked_shr(length.into()).unwrap_or(0)
}

/// One row of a source: keys `first..=last` have `value`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<V> {
    pub(crate) first: u128,
    pub(crate) last: u128,
    pub(crate) value: V,
}

/// A value for every key: runs in order, neighbours different, the first one beginning at 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segments<V> {
    runs: Vec<(u128, V)>,
}

impl<V: Copy + Eq> Segments<V> {
    /// One value everywhere.
    pub(crate) fn uniform(value: V) -> Self {
        Self { runs: vec![(0, value)] }
    }

    /// `base` everywhere, under `rows` that nest or lie apart (they never overlap in part): the
    /// value of a row is `over(what surrounds it, its own)`. Among rows of equal extent the
    /// later lies inside the earlier.
    pub(crate) fn nested(base: V, mut rows: Vec<Row<V>>, mut over: impl FnMut(V, V) -> V) -> Self {
        rows.sort_by_key(|row| (row.first, Reverse(row.last)));
        let mut result = Self::uniform(base);
        // Rows that the sweep is inside of, outermost first.
        let mut open: Vec<(u128, V)> = Vec::new();
        for row in rows {
            result.close(&mut open, base, |last| last < row.first);
            let around = open.last().map_or(base, |(_, value)| *value);
            let value = over(around, row.value);
            result.push(row.first, value);
            open.push((row.last, value));
        }
        result.close(&mut open, base, |_| true);
        result
    }

    /// Ends the innermost open rows while `ended` says so of their last key.
    fn close(&mut self, open: &mut Vec<(u128, V)>, base: V, ended: impl Fn(u128) -> bool) {
        while let Some((last, _)) = open.pop_if(|(last, _)| ended(*last)) {
            let around = open.last().map_or(base, |(_, value)| *value);
            if let Some(next) = last.checked_add(1) {
                self.push(next, around);
            }
        }
    }

    /// `join(value here, value there)` for every key.
    pub(crate) fn overlay<W: Copy + Eq, X: Copy + Eq>(
        &self,
        above: &Segments<W>,
        mut join: impl FnMut(V, W) -> X,
    ) -> Segments<X> {
        let (mut here, mut there) = (0, 0);
        let mut result = Segments { runs: Vec::with_capacity(self.runs.len()) };
        loop {
            let (low, high) = (self.runs[here], above.runs[there]);
            result.push(low.0.max(high.0), join(low.1, high.1));
            let next_here = self.runs.get(here + 1).map(|run| run.0);
            let next_there = above.runs.get(there + 1).map(|run| run.0);
            match (next_here, next_there) {
                (None, None) => return result,
                (Some(a), Some(b)) if a == b => (here, there) = (here + 1, there + 1),
                (Some(a), Some(b)) if a > b => there += 1,
                (None, Some(_)) => there += 1,
                _ => here += 1,
            }
        }
    }

    /// The value from `start` on, as far as known; starts never go back.
    fn push(&mut self, start: u128, value: V) {
        self.runs.pop_if(|run| run.0 == start);
        if self.runs.last().is_none_or(|run| run.1 != value) {
            self.runs.push((start, value));
        }
    }

    /// The runs as first key, last key, value.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (u128, u128, V)> {
        (0..self.runs.len()).map(|at| (self.runs[at].0, self.last(at), self.runs[at].1))
    }

    /// How many runs there are; at least one.
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    /// The value of the run `at`.
    pub(crate) fn value(&self, at: usize) -> V {
        self.runs[at].1
    }

    /// The last key of the run `at`.
    pub(crate) fn last(&self, at: usize) -> u128 {
        self.runs.get(at + 1).map_or(u128::MAX, |next| next.0 - 1)
    }

    /// The length of the shortest prefix around `key` that does not leave the run `at`, which
    /// `key` is in: one bit more than it has in common with either neighbour of the run.
    pub(crate) fn prefix_len(&self, at: usize, key: u128) -> u8 {
        let apart = |neighbour: u128| (key ^ neighbour).leading_zeros() + 1;
        let before = self.runs[at].0.checked_sub(1).map_or(0, apart);
        let after = self.last(at).checked_add(1).map_or(0, apart);
        u8::try_from(before.max(after)).unwrap_or(128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: u128, last: u128, value: char) -> Row<char> {
        Row { first, last, value }
    }

    fn nested(rows: Vec<Row<char>>) -> Vec<(u128, char)> {
        Segments::nested('-', rows, |_, own| own).runs
    }

    #[test]
    fn inner_rows_and_later_rows_win() {
        let runs = nested(vec![row(12, 15, 'b'), row(0, 31, 'a'), row(15, 15, 'c')]);
        assert_eq!(runs, [(0, 'a'), (12, 'b'), (15, 'c'), (16, 'a'), (32, '-')]);
        assert_eq!(nested(vec![row(4, 7, 'a'), row(4, 7, 'b')]), [(0, '-'), (4, 'b'), (8, '-')]);
        assert_eq!(nested(vec![row(0, u128::MAX, 'a')]), [(0, 'a')]);
    }

    #[test]
    fn equal_neighbours_become_one() {
        let runs = nested(vec![row(0, 3, 'a'), row(4, 7, 'a'), row(8, 8, '-')]);
        assert_eq!(runs, [(0, 'a'), (8, '-')]);
    }

    #[test]
    fn overlay_meets_every_border() {
        let low = Segments::nested('-', vec![row(4, 7, 'a'), row(10, u128::MAX, 'b')], |_, v| v);
        let high = Segments::nested('-', vec![row(6, 10, 'x')], |_, v| v);
        let both = low.overlay(&high, |low, high| if high == '-' { low } else { high });
        assert_eq!(both.runs, [(0, '-'), (4, 'a'), (6, 'x'), (11, 'b')]);
    }

    #[test]
    fn the_shortest_prefix_inside_a_run() {
        let bits = |bits: u32| u128::from(bits) << 96;
        let run = Segments::nested('-', vec![row(bits(4), bits(15) - 1, 'a')], |_, v| v);
        assert_eq!(run.prefix_len(1, bits(4)), 30);
        assert_eq!(run.prefix_len(1, bits(8)), 30);
        assert_eq!(run.prefix_len(1, bits(13)), 31);
        assert_eq!(run.prefix_len(1, bits(14)), 32);
        assert_eq!(Segments::uniform('-').prefix_len(0, 7), 0);
    }
}
