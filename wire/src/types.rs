//! Types, classes, codes: newtypes over the wire's numbers, so that unknown values pass through.

use std::fmt;
use std::str::FromStr;

macro_rules! numbers {
    ($(#[$doc:meta])* $type:ident($int:ty), $prefix:literal, { $($name:ident = $value:literal $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(pub $int);

        #[allow(missing_docs, reason = "the mnemonics are the field's own")]
        impl $type {
            $(pub const $name: Self = Self($value);)*
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($value => f.write_str($text),)*
                    other => write!(f, concat!($prefix, "{}"), other),
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $type {
            type Err = UnknownMnemonic;

            fn from_str(text: &str) -> Result<Self, UnknownMnemonic> {
                $(if text.eq_ignore_ascii_case($text) { return Ok(Self($value)); })*
                text.split_at_checked($prefix.len())
                    .filter(|(head, tail)| head.eq_ignore_ascii_case($prefix) && !tail.starts_with('+'))
                    .and_then(|(_, tail)| tail.parse().ok())
                    .map(Self)
                    .ok_or_else(|| UnknownMnemonic(text.to_owned()))
            }
        }
    };
}

/// A mnemonic that names no type, class or code; `TYPE65280` and `CLASS4` forms (RFC 3597 §5) always do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMnemonic(pub String);

impl fmt::Display for UnknownMnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown mnemonic {:?}", self.0)
    }
}

impl std::error::Error for UnknownMnemonic {}

numbers! {
    /// A resource record type (IANA "DNS Parameters").
    Rtype(u16), "TYPE", {
        A = 1 "A", NS = 2 "NS", MD = 3 "MD", MF = 4 "MF", CNAME = 5 "CNAME", SOA = 6 "SOA", MB = 7 "MB",
        MG = 8 "MG", MR = 9 "MR", NULL = 10 "NULL", PTR = 12 "PTR", HINFO = 13 "HINFO", MINFO = 14 "MINFO",
        MX = 15 "MX", TXT = 16 "TXT", RP = 17 "RP", AFSDB = 18 "AFSDB", RT = 21 "RT", SIG = 24 "SIG",
        KEY = 25 "KEY", PX = 26 "PX", AAAA = 28 "AAAA", LOC = 29 "LOC", NXT = 30 "NXT", SRV = 33 "SRV",
        NAPTR = 35 "NAPTR", KX = 36 "KX", CERT = 37 "CERT", DNAME = 39 "DNAME", OPT = 41 "OPT", DS = 43 "DS",
        SSHFP = 44 "SSHFP", RRSIG = 46 "RRSIG", NSEC = 47 "NSEC", DNSKEY = 48 "DNSKEY", NSEC3 = 50 "NSEC3",
        NSEC3PARAM = 51 "NSEC3PARAM", TLSA = 52 "TLSA", CDS = 59 "CDS", CDNSKEY = 60 "CDNSKEY",
        ZONEMD = 63 "ZONEMD", SVCB = 64 "SVCB", HTTPS = 65 "HTTPS", SPF = 99 "SPF", TSIG = 250 "TSIG",
        IXFR = 251 "IXFR", AXFR = 252 "AXFR", ANY = 255 "ANY", URI = 256 "URI", CAA = 257 "CAA",
    }
}

impl Rtype {
    /// Types that no record has: only questions ask for them, or they steer the transport (RFC 6895 §3.1).
    pub fn is_meta(self) -> bool {
        self == Self::OPT || (128..=255).contains(&self.0)
    }
}

numbers! {
    /// A class; nearly always [`Class::IN`].
    Class(u16), "CLASS", { IN = 1 "IN", CH = 3 "CH", HS = 4 "HS", NONE = 254 "NONE", ANY = 255 "ANY" }
}

numbers! {
    /// An operation code, four bits of the header.
    Opcode(u8), "OPCODE", { QUERY = 0 "QUERY", IQUERY = 1 "IQUERY", STATUS = 2 "STATUS", NOTIFY = 4 "NOTIFY", UPDATE = 5 "UPDATE", DSO = 6 "DSO" }
}

numbers! {
    /// A response code: four bits in the header, eight more in the OPT record (RFC 6891 §6.1.3).
    Rcode(u16), "RCODE", {
        NOERROR = 0 "NOERROR", FORMERR = 1 "FORMERR", SERVFAIL = 2 "SERVFAIL", NXDOMAIN = 3 "NXDOMAIN",
        NOTIMP = 4 "NOTIMP", REFUSED = 5 "REFUSED", YXDOMAIN = 6 "YXDOMAIN", YXRRSET = 7 "YXRRSET",
        NXRRSET = 8 "NXRRSET", NOTAUTH = 9 "NOTAUTH", NOTZONE = 10 "NOTZONE", BADVERS = 16 "BADVERS",
        BADCOOKIE = 23 "BADCOOKIE",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn mnemonics_go_both_ways() {
        for value in 0..=u16::MAX {
            assert_eq!(Rtype(value).to_string().parse(), Ok(Rtype(value)));
        }
        assert_eq!("aaaa".parse::<Rtype>().unwrap(), Rtype::AAAA);
        assert_eq!("TYPE1".parse::<Rtype>().unwrap(), Rtype::A);
        assert!("TYPE65536".parse::<Rtype>().is_err());
        assert!("TYPE+1".parse::<Rtype>().is_err());
        assert!("é".parse::<Class>().is_err());
    }
}
