//! What may be typed, and what may not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tern::Cli;
use tern::cli::{Bgp, Command};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_parser_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_they_parse() {
    fn walk(command: &clap::Command, examples: &mut Vec<String>) {
        if command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no examples", command.get_name());
        }
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().map(str::trim).filter(|line| line.starts_with("tern "));
        // Comments stand after two blanks.
        examples.extend(lines.map(|line| line.split("   ").next().unwrap_or_default().to_owned()));
        for sub in command.get_subcommands() {
            walk(sub, examples);
        }
    }
    let mut examples = Vec::new();
    walk(&Cli::command(), &mut examples);
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples {
        // As a shell would read the one quoted text in them.
        let typed = example.replace("'ticket 4711'", "ticket-4711");
        assert!(parse(&typed).is_ok(), "{example}");
    }
}

#[test]
fn what_does_not_make_sense_is_refused() {
    for (line, kind) in [
        ("tern", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("tern fly", ErrorKind::InvalidSubcommand),
        ("tern up --net 127.9.0.0/24", ErrorKind::ValueValidation),
        ("tern up --port 0", ErrorKind::ValueValidation),
        ("tern up --port 65536", ErrorKind::ValueValidation),
        ("tern explain www.vip.yourcompany.com", ErrorKind::MissingRequiredArgument),
        ("tern explain www.vip.yourcompany.com here", ErrorKind::ValueValidation),
        ("tern explain www.vip.yourcompany.com ::1 --family 5", ErrorKind::InvalidValue),
        ("tern explain www.vip.yourcompany.com ::1 --dir x --admin 127.0.0.1:1", ErrorKind::ArgumentConflict),
        ("tern bgp withdraw", ErrorKind::MissingRequiredArgument),
        ("tern bgp withdraw --why because", ErrorKind::MissingRequiredArgument),
        ("tern bgp withdraw --all --router cn-east-br1", ErrorKind::ArgumentConflict),
        ("tern bgp withdraw --all --for 2h --until 2026-11-22T12:00:00Z", ErrorKind::ArgumentConflict),
        ("tern bgp withdraw --all --until tomorrow", ErrorKind::ValueValidation),
        ("tern geo lookup", ErrorKind::MissingRequiredArgument),
        ("tern geo lookup 127.0.1.1 --db x --admin 127.0.0.1:9053", ErrorKind::ArgumentConflict),
    ] {
        let error = parse(line).err().unwrap_or_else(|| panic!("{line} is taken"));
        assert_eq!(error.kind(), kind, "{line}");
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn a_world_that_runs_is_the_default_one_unless_told_otherwise() {
    let Command::Bgp(Bgp::Show(show)) = parse("tern bgp show").unwrap().command else { panic!() };
    assert_eq!((show.world.admin.to_string().as_str(), show.world.dir), ("127.0.0.1:9053", None));
    let Command::Bgp(Bgp::Show(show)) = parse("tern bgp show --dir world").unwrap().command else { panic!() };
    assert_eq!(show.world.dir.as_deref(), Some("world".as_ref()));
}
