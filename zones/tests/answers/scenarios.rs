//! Runs the files of `tests/scenarios`: a zone, questions, and the whole of each answer.
//!
//! ```text
//! # comments, at the start of a line
//! zone example.
//! (master file)
//! ask www.example. A
//! NOERROR aa
//! answer
//! (records)
//! ```
//!
//! A record's class is left out or IN; its TTL is stated. Sections that are not named are empty.

use std::path::{Path, PathBuf};

use crate::support::{Response, ask, compile, name, parse, text};

/// What one `ask` wants.
struct Question {
    line: usize,
    qname: String,
    qtype: String,
    status: String,
    sections: [String; 3],
}

struct Scenario {
    apex: String,
    zone: String,
    questions: Vec<Question>,
}

fn read(file: &Path) -> Scenario {
    let content = std::fs::read_to_string(file).unwrap();
    let mut scenario = Scenario { apex: String::new(), zone: String::new(), questions: Vec::new() };
    let mut section = None;
    for (index, line) in content.lines().enumerate() {
        let words: Vec<_> = line.split_whitespace().collect();
        match (words.as_slice(), scenario.questions.last_mut()) {
            ([], _) => {}
            _ if line.starts_with('#') => {}
            (["zone", apex], None) => scenario.apex = (*apex).to_owned(),
            (["ask", qname, qtype], _) => {
                section = None;
                scenario.questions.push(Question {
                    line: index + 1,
                    qname: (*qname).to_owned(),
                    qtype: (*qtype).to_owned(),
                    status: String::new(),
                    sections: Default::default(),
                });
            }
            (_, None) => scenario.zone += &format!("{line}\n"),
            (["answer"], _) => section = Some(0),
            (["authority"], _) => section = Some(1),
            (["additional"], _) => section = Some(2),
            (_, Some(question)) => match section {
                Some(section) => question.sections[section] += &format!("{}\n", line.trim()),
                None => question.status = words.join(" "),
            },
        }
    }
    scenario
}

fn want(question: &Question) -> Response {
    let mut words = question.status.split(' ');
    let mut response = Response {
        rcode: words.next().unwrap().to_owned(),
        authoritative: words.next() == Some("aa"),
        ..Response::default()
    };
    for (section, lines) in response.sections.iter_mut().zip(&question.sections) {
        *section = parse(lines, ".").records().map(text).collect();
        section.sort();
    }
    response
}

#[test]
fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 5);
    for file in files {
        let scenario = read(&file);
        let zone = compile(&scenario.zone, &scenario.apex);
        assert!(!scenario.questions.is_empty(), "{}", file.display());
        for question in &scenario.questions {
            let got = ask(&zone, &name(&question.qname), question.qtype.parse().unwrap());
            assert_eq!(got, want(question), "{}:{}", file.display(), question.line);
        }
    }
}
