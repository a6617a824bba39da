//! Any text is a listener's configuration or an error with a line of it; what passes the check has an
//! access list that answers.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use serve::acl::Acl;
use serve::{ConfigError, ConfigFile, Invalid, ListenConfig};

fuzz_target!(|text: &str| {
    let file = ConfigFile { path: Path::new("f").to_owned(), text: text.to_owned() };
    let lines = 1 + text.matches('\n').count();
    let line_of = |error: ConfigError| match error {
        ConfigError::Wrong { line, .. } => line,
        ConfigError::Unreadable { .. } => unreachable!("nothing is read"),
    };
    match file.parse::<ListenConfig>() {
        Ok(config) => {
            let acl = Acl::new(&config.acl);
            for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv4Addr::BROADCAST.into(), Ipv6Addr::LOCALHOST.into()] {
                let allowed = config.acl.allow.is_empty() || config.acl.allow.iter().any(|net| net.contains(&address));
                let denied = config.acl.deny.iter().any(|net| net.contains(&address));
                assert_eq!(acl.verdict(address).is_none(), allowed && !denied, "{address}");
            }
            if let Err(invalid) = config.check() {
                assert!((1..=lines).contains(&line_of(file.wrong(&invalid))));
            }
        }
        Err(error) => assert!((1..=lines).contains(&line_of(error))),
    }
    let _ = file.wrong(&Invalid::new(text, "", ""));
});
