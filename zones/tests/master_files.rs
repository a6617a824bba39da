//! Master files: what is read, what is refused and how it is said.
//!
//! Long: every error stands in one table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Command;

use wire::Name;
use zones::{LoadError, Severity, Zone};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Reads `main` and the files beside it; errors as text, one a line.
fn read(main: &str, others: &[(&str, &str)]) -> Result<Zone, String> {
    let files: HashMap<_, _> = others.iter().copied().collect();
    let open = |path: &Path| {
        let content = files.get(path.to_str().unwrap()).ok_or(io::ErrorKind::NotFound)?;
        Ok(content.as_bytes().to_vec())
    };
    zones::parse(main.as_bytes(), Path::new("dir/main"), &name("z."), &open)
        .map_err(|problems| LoadError::Bad(problems).to_string())
}

/// The records, one a line.
fn records(main: &str) -> Vec<String> {
    let zone = read(main, &[]).unwrap_or_else(|error| panic!("{error}"));
    zone.records().map(|record| record.to_string()).collect()
}

fn error(main: &str) -> String {
    read(main, &[]).err().unwrap_or_else(|| panic!("{main} is read"))
}

#[test]
fn owners_ttls_and_classes_may_be_left_out() {
    let text = "$TTL 1h\n\
        @ 60 IN A 192.0.2.1\n\
        \tA 192.0.2.2 ; the same owner, $TTL\n\
        a IN 1m30s A 192.0.2.3\n\
        \n  ; nothing\n\
        b.z. A 192.0.2.4\r\n\
        $ORIGIN sub\n\
        c A 192.0.2.5\n\
        $ORIGIN .\n\
        d.z IN A 192.0.2.6";
    let want = [
        "z. 60 IN A 192.0.2.1",
        "z. 3600 IN A 192.0.2.2",
        "a.z. 90 IN A 192.0.2.3",
        "b.z. 3600 IN A 192.0.2.4",
        "c.sub.z. 3600 IN A 192.0.2.5",
        "d.z. 3600 IN A 192.0.2.6",
    ];
    assert_eq!(records(text), want);
    // Without $TTL the last stated one holds (RFC 1035 §5.1).
    assert_eq!(records("a 5 A 192.0.2.1\nb A 192.0.2.2"), ["a.z. 5 IN A 192.0.2.1", "b.z. 5 IN A 192.0.2.2"]);
}

#[test]
fn parentheses_quotes_and_escapes() {
    let text = "$TTL 1\n\
        @ SOA ns ( admin\\.x ; its contact\n\
        1 1h\n 2h 3d\n\n 1w )\n\
        t TXT ( \"a;b (c)\" d\\032e\n\"\\\"q\\\\\" \"\" )\n\
        \\$x\\.y\\@.\\065 A 192.0.2.1\n\
        (o) (A) (192.0.2.2)\n";
    let want = [
        "z. 1 IN SOA ns.z. admin\\.x.z. 1 3600 7200 259200 604800",
        "t.z. 1 IN TXT \"a;b (c)\" \"d e\" \"\\\"q\\\\\" \"\"",
        "\\$x\\.y\\@.A.z. 1 IN A 192.0.2.1",
        "o.z. 1 IN A 192.0.2.2",
    ];
    assert_eq!(records(text), want);
    assert_eq!(read(text, &[]).unwrap().records().nth(1).unwrap().line, 7);
}

/// Each type, and what it is written as.
#[test]
fn all_common_types() {
    let table = [
        ("A 192.0.2.1", "A 192.0.2.1"),
        ("AAAA 2001:DB8::1", "AAAA 2001:db8::1"),
        ("NS a", "NS a.z."),
        ("CNAME @", "CNAME z."),
        ("PTR .", "PTR ."),
        ("DNAME a.b.", "DNAME a.b."),
        ("MX 10 mail", "MX 10 mail.z."),
        ("SRV 1 2 3 a", "SRV 1 2 3 a.z."),
        ("TXT one \"two three\"", "TXT \"one\" \"two three\""),
        ("SPF v", "SPF \"v\""),
        ("HINFO PC Linux", "HINFO \"PC\" \"Linux\""),
        ("RP a b", "RP a.z. b.z."),
        ("AFSDB 1 a", "AFSDB 1 a.z."),
        ("KX 1 a", "KX 1 a.z."),
        ("PX 1 a b", "PX 1 a.z. b.z."),
        ("NAPTR 1 2 u sip \"!x!y!\" .", "NAPTR 1 2 \"u\" \"sip\" \"!x!y!\" ."),
        ("URI 1 2 \"https://z/\"", "URI 1 2 \"https://z/\""),
        ("CAA 0 issue \"ca.example\"", "CAA 0 \"issue\" \"ca.example\""),
        ("DS 1 13 2 00FF", "DS \\# 6 00010d0200ff"),
        ("DNSKEY 257 3 13 AAEC", "DNSKEY \\# 7 0101030d000102"),
        ("TLSA 3 1 1 ( 00 ff )", "TLSA \\# 5 03010100ff"),
        ("SSHFP 1 1 00ff", "SSHFP \\# 4 010100ff"),
        ("NSEC a A TXT", "NSEC \\# 10 01610 17a00 0003400080"),
        ("OPENPGPKEY AAEC", "TYPE61 \\# 3 000102"),
        ("SVCB 0 a", "SVCB \\# 7 00000161017a00"),
        ("HTTPS 1 . alpn=\"h2,h3\" port=53", "HTTPS \\# 19 0001000001000602683202683300030002 0035"),
        (
            "RRSIG A 13 2 60 20260101000000 20250101000000 7 @ AAEC",
            "RRSIG \\# 24 00010d020000003c6955b900677485800007 017a00 000102",
        ),
        ("TYPE65280 \\# 3 00 01 fF", "TYPE65280 \\# 3 0001ff"),
        ("TYPE65280 \\# 0", "TYPE65280 \\# 0"),
        ("TYPE1 192.0.2.1", "A 192.0.2.1"),
        ("A \\# 4 C0000201", "A 192.0.2.1"),
        ("MX \\# 5 000A 01 61 00", "MX 10 a."),
        ("aaaa ::", "AAAA ::"),
    ];
    for (text, want) in table {
        let got = records(&format!("$TTL 1\n@ {text}"));
        let written = got[0].strip_prefix("z. 1 IN ").unwrap();
        // Spaces in the table's hex are for the reader.
        let (spaceless, want_spaceless) = (written.replace(' ', ""), want.replace(' ', ""));
        assert_eq!(spaceless, want_spaceless, "{text}");
        assert_eq!(records(&got[0]), got, "what is written of {text} is read the same");
    }
}

#[test]
fn every_error_has_its_place_and_its_mend() {
    let table = [
        ("\n\na", "dir/main:3: error: a record without a type (mend: write `owner [ttl] [class] type data`)"),
        (
            " A 192.0.2.1",
            "dir/main:1: error: a record without an owner, and none before it (mend: begin the line with a name)",
        ),
        (
            "a A 192.0.2.1",
            "dir/main:1: error: a record without a TTL, and none before it (mend: add `$TTL 3600` at the top of the file)",
        ),
        (
            "a 1 A 192.0.2.300",
            "dir/main:1: error: `192.0.2.300` has no place in A data (mend: write an IPv4 address)",
        ),
        (
            "a 1 MX 10",
            "dir/main:1: error: MX data ends early (mend: write a number up to 65535, then a name)",
        ),
        ("a 1 A 192.0.2.1 x", "dir/main:1: error: more than A data has (mend: write an IPv4 address)"),
        (
            "a 1 CH A 192.0.2.1",
            "dir/main:1: error: class CH (mend: only class IN is served: write IN or leave it out)",
        ),
        (
            "a 1 WHAT x",
            "dir/main:1: error: unknown type `WHAT` (mend: correct it, or write TYPEnnn (RFC 3597))",
        ),
        (
            "a 1 ANY x",
            "dir/main:1: error: no record has type ANY (mend: remove it: it is for questions only)",
        ),
        (
            "a 2147483648 A 1",
            "dir/main:1: error: bad TTL `2147483648` (mend: write seconds as 3600 or 1h, up to 2147483647)",
        ),
        (
            "a 4000w A 1",
            "dir/main:1: error: bad TTL `4000w` (mend: write seconds as 3600 or 1h, up to 2147483647)",
        ),
        (
            "a..b 1 A 1",
            "dir/main:1: error: bad owner `a..b`: an empty label inside a name (mend: write a good name)",
        ),
        (
            "a 1 NS b..",
            "dir/main:1: error: `b..` has no place in NS data (mend: write a good name: an empty label inside a name)",
        ),
        (
            "$TTL x",
            "dir/main:1: error: `$TTL` without a time (mend: write seconds as `$TTL 3600` or `$TTL 1h`, up to 2147483647)",
        ),
        (
            "$ORIGIN",
            "dir/main:1: error: `$ORIGIN` with too few or too many words (mend: write `$ORIGIN name`, `$TTL time` or `$INCLUDE file [origin]`)",
        ),
        (
            "$GENERATE 1-2 a A 1",
            "dir/main:1: error: unknown directive `$GENERATE` (mend: use $ORIGIN, $TTL and $INCLUDE; write other entries out)",
        ),
        (
            "$INCLUDE none",
            "dir/main:1: error: cannot read `dir/none`: entity not found (mend: correct the name (it is relative to this file), or let this user read the file)",
        ),
        ("\na 1 TXT ( \"x\"\n\n", "dir/main:2: error: a `(` is never closed (mend: add the `)`)"),
        ("a 1 TXT \"x\n", "dir/main:1: error: a quoted text does not end on its line (mend: add the `\"`)"),
        (
            "a 1 A )",
            "dir/main:1: error: a parenthesis inside a parenthesis, or one that closes nothing (mend: write one `(` and one `)` around the lines of an entry)",
        ),
        (
            "a 1 A \\# 3 000102",
            "dir/main:1: error: the octets after `\\#` are no A data (mend: correct them, or write them in the type's own form)",
        ),
        (
            "a 1 DS \\# 2 0001",
            "dir/main:1: error: the octets after `\\#` are no DS data (mend: correct them, or write them in the type's own form)",
        ),
        (
            "a 1 A \\# 4 00010",
            "dir/main:1: error: bad data in the form `\\# length hex` (mend: write as many octets in hex as the length says)",
        ),
        (
            "a 1 DS x",
            "dir/main:1: error: bad DS data: expected decimal number (mend: write it in its type's form, or as `\\# length hex` (RFC 3597))",
        ),
        ("a 1 TXT", "dir/main:1: error: TXT data ends early (mend: write texts of at most 255 octets each)"),
    ];
    for (text, want) in table {
        assert_eq!(error(text), want);
    }
    let long = format!("a 1 TXT {}", "x".repeat(256));
    assert!(error(&long).ends_with("(mend: write texts of at most 255 octets each)"));
    let label = format!("{} 1 A 192.0.2.1", "x".repeat(64));
    assert!(error(&label).contains("a label of more than 63 octets"));
    let deep = format!("{} 1 A 192.0.2.1", "x.".repeat(130));
    assert!(error(&deep).contains("a name of more than 255 octets"));
}

/// One bad line does not hide the next; the good between them do no harm.
#[test]
fn errors_are_listed_in_order() {
    let all = error("a 1 A x\nb 1 A 192.0.2.1\nc 1 A y\n$TTL");
    let lines: Vec<_> = all.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["dir/main:1", "dir/main:3", "dir/main:4"]);
    let many = error(&"a 1 A x\n".repeat(100));
    assert_eq!(many.lines().count(), 20);
}

#[test]
fn includes_have_their_own_origin_and_leave_ours() {
    let main =
        "$TTL 1\n@ A 192.0.2.1\n$INCLUDE sub/one one\n A 192.0.2.2\n$INCLUDE \"sub/one\"\nend A 192.0.2.3";
    let others = [
        ("dir/sub/one", "x A 192.0.2.10\n$INCLUDE two\n$ORIGIN other\n$TTL 9\ny A 192.0.2.11"),
        ("dir/sub/two", "@ A 192.0.2.20"),
    ];
    let zone = read(main, &others).unwrap();
    let all: Vec<_> = zone.records().map(|it| format!("{it} {}:{}", it.file.display(), it.line)).collect();
    let want = [
        "z. 1 IN A 192.0.2.1 dir/main:2",
        "x.one.z. 1 IN A 192.0.2.10 dir/sub/one:1",
        "one.z. 1 IN A 192.0.2.20 dir/sub/two:1",
        "y.other.one.z. 9 IN A 192.0.2.11 dir/sub/one:5",
        "z. 1 IN A 192.0.2.2 dir/main:4",
        "x.z. 1 IN A 192.0.2.10 dir/sub/one:1",
        "z. 1 IN A 192.0.2.20 dir/sub/two:1",
        "y.other.z. 9 IN A 192.0.2.11 dir/sub/one:5",
        "end.z. 1 IN A 192.0.2.3 dir/main:6",
    ];
    assert_eq!(all, want);
    assert_eq!(zone.files().len(), 3);
}

#[test]
fn circles_of_includes_end() {
    let circle = read("$INCLUDE a", &[("dir/a", "\n$INCLUDE b"), ("dir/b", "$INCLUDE a")]).unwrap_err();
    let want = "dir/b:1: error: `dir/a` includes itself, or includes go deeper than 16 (mend: break the circle of $INCLUDE)";
    assert_eq!(circle, want);
    let chain: Vec<_> = (0..20).map(|i| (format!("dir/{i}"), format!("$INCLUDE {}", i + 1))).collect();
    let chain: Vec<_> = chain.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    assert!(read("$INCLUDE 0", &chain).unwrap_err().starts_with("dir/14:1: error: `dir/15` includes itself"));
}

#[test]
fn real_files() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("z.zone");
    std::fs::write(&main, "$TTL 1\n@ SOA ns a 7 2 3 4 5\n$INCLUDE more\n").unwrap();
    std::fs::write(dir.path().join("more"), "@ NS ns\nns A 192.0.2.1\n").unwrap();
    let (zone, warnings) = zones::load(&main, &name("z.")).unwrap();
    assert_eq!((zone.serial(), zone.records(), warnings.len()), (7, 3, 0));
    let missing = zones::load(&dir.path().join("no"), &name("z.")).unwrap_err().to_string();
    assert!(missing.contains("cannot read the zone z.: No such file"), "{missing}");
    assert!(missing.ends_with("(mend: correct the path, or let this user read the file)"));
}

/// The problems of a zone whose apex is in order, without the mends.
fn check(text: &str) -> Vec<String> {
    let zone = read(&format!("$TTL 9\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n{text}"), &[]).unwrap();
    let problems = zone.check();
    let bad = problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(zone.compile().is_err(), bad, "only a zone without an error compiles");
    assert!(problems.iter().all(|problem| !problem.mend.is_empty()));
    problems.iter().map(|it| format!("{} {}: {}", it.line, it.severity, it.what)).collect()
}

#[test]
fn every_rule_of_a_good_zone() {
    let table = [
        ("x.other. A 192.0.2.1", "5 error: x.other. is outside the zone z."),
        ("@ SOA ns a 2 2 3 4 5", "5 error: a second SOA at z."),
        ("x SOA ns a 2 2 3 4 5", "5 error: SOA at x.z., which is not the apex"),
        ("x CNAME ns\nx CNAME y", "6 error: a second CNAME at x.z."),
        ("x CNAME ns\nx A 192.0.2.1", "5 error: CNAME and A at x.z. (RFC 1034 §3.6.2)"),
        ("@ CNAME ns", "5 error: CNAME and NS at z. (RFC 1034 §3.6.2)"),
        ("x DNAME y\nx DNAME w", "6 error: a second DNAME at x.z."),
        ("x DNAME y\na.x A 192.0.2.1", "6 error: a.x.z. A lies below the DNAME at x.z. (RFC 6672 §2.4)"),
        ("x DNAME y\nx NS ns", "5 error: DNAME and NS at x.z. (RFC 6672 §2.3)"),
        ("*.x NS ns", "5 error: NS at the wildcard *.x.z. (RFC 4592 §4.2, §4.4)"),
        ("*.x DNAME y", "5 error: DNAME at the wildcard *.x.z. (RFC 4592 §4.2, §4.4)"),
        ("x NS ns.x", "5 error: the NS of x.z. leads to ns.x.z., which has no address here"),
        ("x NS x", "5 error: the NS of x.z. leads to x.z., which has no address here"),
        ("x NS nowhere", "5 error: the NS of x.z. leads to nowhere.z., which has no address here"),
        ("@ NS ns2", "5 error: the NS of z. leads to ns2.z., which has no address here"),
        ("@ MX 1 nowhere", "5 warning: the MX of z. leads to nowhere.z., which has no address here"),
        ("@ MX 1 x\nx CNAME ns", "5 warning: the MX of z. leads to the CNAME x.z. (RFC 2181 §10.3)"),
        ("y NS x\nx CNAME ns", "5 warning: the NS of y.z. leads to the CNAME x.z. (RFC 2181 §10.3)"),
        ("x 5 A 192.0.2.1\nx 4 A 192.0.2.2", "5 warning: the TTLs of x.z. A differ (RFC 2181 §5.2)"),
        ("x A 192.0.2.1\nX A 192.0.2.1", "6 warning: X.z. A stands twice with the same data"),
        (
            "x NS ns\na.x A 192.0.2.1",
            "6 warning: a.x.z. A is hidden by the delegation of x.z., and is no glue",
        ),
        ("x NS ns\nx TXT t", "6 warning: x.z. TXT is hidden by the delegation of x.z., and is no glue"),
        (
            "x NS ns.x\nns.x A 192.0.2.1\nns.x TXT t",
            "7 warning: ns.x.z. TXT is hidden by the delegation of x.z., and is no glue",
        ),
    ];
    for (text, want) in table {
        assert_eq!(check(text), [want], "{text}");
    }
    let fine = [
        "x NS ns.x\nns.x A 192.0.2.1\nx DS 1 13 2 00",
        "x NS ns.y\ny NS ns.other.",
        "x NS a.w\n*.w A 192.0.2.1",
        "@ MX 0 .",
        "x CNAME x.other.",
        "x CNAME ns\nx RRSIG CNAME 13 2 60 20260101000000 20250101000000 7 @ AAEC",
        "@ DNAME other.\n; but then nothing may be below: ns is at",
    ];
    for text in &fine[..6] {
        assert_eq!(check(text), [""; 0], "{text}");
    }
    assert_eq!(check(fine[6]), ["4 error: ns.z. A lies below the DNAME at z. (RFC 6672 §2.4)"]);
}

#[test]
fn an_apex_needs_soa_and_ns() {
    let problems = read("a 1 A 192.0.2.1", &[]).unwrap().compile().unwrap_err();
    let text = LoadError::Bad(problems).to_string();
    let want = "dir/main:1: error: the zone z. has no SOA at its apex (mend: add `@ SOA server contact serial refresh retry expire minimum`)\n\
        dir/main:1: error: the zone z. has no NS at its apex (mend: add an NS record for each server of the zone)";
    assert_eq!(text, want);
}

/// However many warnings there are, an error behind them is found.
#[test]
fn warnings_hide_no_error() {
    let twice: String = (0..300).map(|i| format!("x{i} A 192.0.2.1\nx{i} A 192.0.2.1\n")).collect();
    let text =
        format!("$TTL 9\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n{twice}y CNAME ns\ny A 192.0.2.1\n");
    let problems = read(&text, &[]).unwrap().compile().unwrap_err();
    assert_eq!(problems.len(), 100);
    assert_eq!(problems[0].severity, Severity::Error);
    assert_eq!(problems[0].what, "CNAME and A at y.z. (RFC 1034 §3.6.2)");
}

/// Enough records for more than a message, and more than a header can count: said at compile time, with
/// the place.
#[test]
fn too_long_for_a_message() {
    for count in [5000, 70_000] {
        let many: String =
            (0..count).map(|i| format!("x AAAA 2001:db8::{:x}:{:x}\n", i >> 8, i & 255)).collect();
        let text = format!("$TTL 9\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n{many}");
        let problems = read(&text, &[]).unwrap().compile().unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "dir/main:5: error: the answer for x.z. AAAA has more than 65,535 octets (mend: use fewer records, or a shorter chain of CNAMEs)"
        );
    }
}

#[test]
fn the_default_world() {
    for (apex, text) in zones::default::DEFAULT {
        let open = |_: &Path| Err(io::ErrorKind::NotFound.into());
        let zone = zones::parse(text.as_bytes(), Path::new(apex), &name(apex), &open).unwrap();
        let (_, warnings) = zone.compile().unwrap();
        assert_eq!(warnings, [], "{apex}");
        assert!(!zone.to_string().is_empty());
    }
    let open = |_: &Path| Err(io::ErrorKind::NotFound.into());
    let hints = zones::parse(zones::default::ROOT_HINTS.as_bytes(), Path::new("hints"), &Name::root(), &open)
        .unwrap();
    let hints: Vec<_> = hints.records().map(|it| it.to_string()).collect();
    assert_eq!(hints, [". 3600000 IN NS ns.root.tern.", "ns.root.tern. 3600000 IN A 127.0.0.2"]);
    // Another /16 is written over `127.0.`: it stands in addresses of servers only.
    let all = zones::default::DEFAULT.iter().map(|(_, text)| *text).chain([zones::default::ROOT_HINTS]);
    let lines: Vec<_> = all.flat_map(str::lines).filter(|line| line.contains("127.0.")).collect();
    assert!(lines.len() == 7 && lines.iter().all(|line| line.contains(" A ")), "{lines:?}");
}

/// BIND's own tool takes the default world's zones.
#[test]
fn named_checkzone_takes_the_default_world() {
    let dir = tempfile::tempdir().unwrap();
    for (index, (apex, text)) in zones::default::DEFAULT.iter().enumerate() {
        let file = dir.path().join(index.to_string());
        std::fs::write(&file, text).unwrap();
        let Ok(done) = Command::new("named-checkzone").args(["-i", "local", apex]).arg(&file).output() else {
            return eprintln!("skipped: named-checkzone is not installed (apt-get install bind9-utils)");
        };
        assert!(done.status.success(), "{apex}: {}", String::from_utf8_lossy(&done.stdout));
    }
}
