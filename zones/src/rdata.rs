//! RDATA between presentation and wire form.
//!
//! Types made of names, numbers, texts and addresses are described by their [`Field`]s and read here:
//! zones have them by the million, relative to an origin, with times in units. What needs more (DNSSEC,
//! SVCB, TLSA …) is read by the `domain` crate; any type may stand as `\# length hex` (RFC 3597 §5).

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use domain::base::iana::Rtype as DomainType;
use domain::base::rdata::ComposeRecordData;
use domain::base::{ParseRecordData, ParsedName};
use domain::rdata::ZoneRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use wire::types::UnknownMnemonic;
use wire::{Name, Rtype};

use crate::problem::Flaw;
use crate::scan::{self, Token};

/// A piece of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    U8,
    U16,
    U32,
    /// 32 bits of seconds.
    Seconds,
    Ipv4,
    Ipv6,
    Name,
    /// One character string.
    Text,
    /// One character string or more, to the end.
    Texts,
    /// Octets without a length, to the end.
    Octets,
}

/// What a type is made of; none for types that are left to the `domain` crate.
pub(crate) fn fields(rtype: Rtype) -> Option<&'static [Field]> {
    use Field::{Ipv4, Ipv6, Name, Octets, Seconds, Text, Texts, U8, U16, U32};
    Some(match rtype {
        Rtype::A => &[Ipv4],
        Rtype::AAAA => &[Ipv6],
        Rtype::NS
        | Rtype::CNAME
        | Rtype::PTR
        | Rtype::DNAME
        | Rtype::MD
        | Rtype::MF
        | Rtype::MB
        | Rtype::MG
        | Rtype::MR => &[Name],
        Rtype::SOA => &[Name, Name, U32, Seconds, Seconds, Seconds, Seconds],
        Rtype::MINFO | Rtype::RP => &[Name, Name],
        Rtype::MX | Rtype::AFSDB | Rtype::RT | Rtype::KX => &[U16, Name],
        Rtype::PX => &[U16, Name, Name],
        Rtype::SRV => &[U16, U16, U16, Name],
        Rtype::NAPTR => &[U16, U16, Text, Text, Text, Name],
        Rtype::HINFO => &[Text, Text],
        Rtype::TXT | Rtype::SPF => &[Texts],
        Rtype::URI => &[U16, U16, Octets],
        Rtype::CAA => &[U8, Text, Octets],
        _ => return None,
    })
}

/// Whether data of this type has names that an answer compresses or finds addresses for.
pub(crate) fn has_names(rtype: Rtype) -> bool {
    fields(rtype).is_some_and(|fields| fields.contains(&Field::Name))
}

/// Reads the type of a record: a mnemonic, or `TYPE65280`.
pub(crate) fn rtype(token: &[u8]) -> Option<Rtype> {
    let text = std::str::from_utf8(token).ok()?;
    let known: Result<Rtype, UnknownMnemonic> = text.parse();
    known.ok().or_else(|| DomainType::from_str(text).ok().map(|rtype| Rtype(rtype.to_int())))
}

/// The tokens of a record's RDATA.
#[derive(Clone, Copy)]
pub(crate) struct Presentation<'t> {
    pub(crate) text: &'t [u8],
    pub(crate) tokens: &'t [Token],
    /// What relative names are below, in wire form.
    pub(crate) origin: &'t [u8],
}

impl<'t> Presentation<'t> {
    fn get(&self, token: Token) -> &'t [u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }
}

/// Appends RDATA in uncompressed wire form; what `out` holds after an error is of no use.
pub(crate) fn read(rtype: Rtype, from: Presentation<'_>, out: &mut Vec<u8>) -> Result<(), Flaw> {
    let begin = out.len();
    match (from.tokens, fields(rtype)) {
        ([first, tokens @ ..], _) if !first.quoted && from.get(*first) == b"\\#" => {
            read_generic(rtype, Presentation { tokens, ..from }, out)?;
        }
        (_, Some(fields)) => read_fields(rtype, fields, from, out)?,
        (_, None) => read_by_domain(rtype, from, out)?,
    }
    if out.len() - begin > usize::from(u16::MAX) {
        return Err(Flaw::new(format!("{rtype} data of more than 65,535 octets"), "shorten it"));
    }
    Ok(())
}

fn read_fields(
    rtype: Rtype,
    fields: &[Field],
    from: Presentation<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Flaw> {
    let mut tokens = from.tokens;
    for field in fields {
        let repeated = *field == Field::Texts;
        loop {
            let Some((token, rest)) = tokens.split_first() else {
                return Err(Flaw::new(format!("{rtype} data ends early"), want(fields)));
            };
            tokens = rest;
            read_field(*field, from.get(*token), from.origin, out).map_err(|mend| {
                let text = String::from_utf8_lossy(from.get(*token));
                Flaw::new(format!("`{text}` has no place in {rtype} data"), mend)
            })?;
            if !repeated || tokens.is_empty() {
                break;
            }
        }
    }
    if tokens.is_empty() {
        return Ok(());
    }
    Err(Flaw::new(format!("more than {rtype} data has"), want(fields)))
}

fn want(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|&field| describe(field)).collect();
    format!("write {}", names.join(", then "))
}

fn describe(field: Field) -> &'static str {
    match field {
        Field::U8 => "a number up to 255",
        Field::U16 => "a number up to 65535",
        Field::U32 => "a number up to 4294967295",
        Field::Seconds => "a time as 3600 or 1h, up to 2147483647 seconds",
        Field::Ipv4 => "an IPv4 address",
        Field::Ipv6 => "an IPv6 address",
        Field::Name => "a name",
        Field::Text => "a text of at most 255 octets",
        Field::Texts => "texts of at most 255 octets each",
        Field::Octets => "a text",
    }
}

/// Reads one token; the error is the mend.
fn read_field(field: Field, token: &[u8], origin: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    fn parsed<T: FromStr>(token: &[u8]) -> Option<T> {
        std::str::from_utf8(token).ok()?.parse().ok()
    }
    let done = match field {
        Field::U8 => parsed(token).map(|value: u8| out.push(value)),
        Field::U16 => parsed(token).map(|value: u16| out.extend_from_slice(&value.to_be_bytes())),
        Field::U32 => parsed(token).map(|value: u32| out.extend_from_slice(&value.to_be_bytes())),
        Field::Seconds => scan::seconds(token).map(|value| out.extend_from_slice(&value.to_be_bytes())),
        Field::Ipv4 => parsed(token).map(|ip: Ipv4Addr| out.extend_from_slice(&ip.octets())),
        Field::Ipv6 => parsed(token).map(|ip: Ipv6Addr| out.extend_from_slice(&ip.octets())),
        Field::Name => {
            return scan::name(token, origin, out).map_err(|error| format!("write a good name: {error}"));
        }
        Field::Text | Field::Texts => {
            let length_at = out.len();
            out.push(0);
            scan::unescape(token, out).ok().and_then(|()| {
                out[length_at] = u8::try_from(out.len() - length_at - 1).ok()?;
                Some(())
            })
        }
        Field::Octets => scan::unescape(token, out).ok(),
    };
    done.ok_or_else(|| format!("write {}", describe(field)))
}

/// Reads the form of RFC 3597 §5; data of a type that is known must still be good data.
fn read_generic(rtype: Rtype, from: Presentation<'_>, out: &mut Vec<u8>) -> Result<(), Flaw> {
    let flaw = || {
        Flaw::new("bad data in the form `\\# length hex`", "write as many octets in hex as the length says")
    };
    let (length, tokens) = from.tokens.split_first().ok_or_else(flaw)?;
    let length = std::str::from_utf8(from.get(*length)).ok().and_then(|text| text.parse::<u16>().ok());
    let begin = out.len();
    let mut high = None;
    for &octet in tokens.iter().flat_map(|&token| from.get(token)) {
        let digit = char::from(octet).to_digit(16).ok_or_else(flaw)? as u8;
        match high.take() {
            None => high = Some(digit << 4),
            Some(high) => out.push(high | digit),
        }
    }
    if high.is_some() || length.map(usize::from) != Some(out.len() - begin) {
        return Err(flaw());
    }
    if is_good(rtype, &out[begin..]) {
        return Ok(());
    }
    Err(Flaw::new(
        format!("the octets after `\\#` are no {rtype} data"),
        "correct them, or write them in the type's own form",
    ))
}

/// Whether octets are RDATA of this type, names uncompressed.
fn is_good(rtype: Rtype, rdata: &[u8]) -> bool {
    match fields(rtype) {
        Some(fields) => split(fields, rdata).is_some(),
        None => {
            let mut parser = domain::dep::octseq::Parser::from_ref(rdata);
            ZoneRecordData::parse_rdata(DomainType::from_int(rtype.0), &mut parser).is_ok_and(
                |data: Option<ZoneRecordData<_, ParsedName<_>>>| {
                    // Names in it must be uncompressed: written out, the octets are the same.
                    let mut again = Vec::new();
                    data.is_none_or(|data| data.compose_rdata(&mut again).is_ok() && again == rdata)
                },
            )
        }
    }
}

/// Cuts RDATA into its fields; none if it is not made of them.
pub(crate) fn split<'r>(fields: &[Field], rdata: &'r [u8]) -> Option<Vec<(Field, &'r [u8])>> {
    let mut pieces = Vec::with_capacity(fields.len());
    let mut rest = rdata;
    for &field in fields {
        loop {
            let length = match field {
                Field::U8 => 1,
                Field::U16 => 2,
                Field::U32 | Field::Seconds | Field::Ipv4 => 4,
                Field::Ipv6 => 16,
                Field::Name => name_length(rest)?,
                Field::Text | Field::Texts => 1 + usize::from(*rest.first()?),
                Field::Octets => rest.len(),
            };
            let (piece, tail) = rest.split_at_checked(length)?;
            pieces.push((field, piece));
            rest = tail;
            if field != Field::Texts || rest.is_empty() {
                break;
            }
        }
    }
    rest.is_empty().then_some(pieces)
}

/// The octets of the uncompressed name that begins `octets`.
pub(crate) fn name_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *octets.get(at)? {
            0 => return (at < wire::name::MAX_NAME).then_some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
}

/// Reads by the `domain` crate, as a master file of one record.
fn read_by_domain(rtype: Rtype, from: Presentation<'_>, out: &mut Vec<u8>) -> Result<(), Flaw> {
    let origin =
        Name::from_wire(from.origin).map_err(|error| Flaw::new(error.to_string(), "mend the origin"))?;
    let origin = origin.to_string();
    let mut line = format!("$ORIGIN {origin}\n. 0 IN TYPE{}", rtype.0).into_bytes();
    for &token in from.tokens {
        if !token.joined {
            line.push(b' ');
        }
        let quote: &[u8] = if token.quoted { b"\"" } else { b"" };
        // `domain` knows `@` as an owner only.
        let text = if from.get(token) == b"@" && !token.quoted { origin.as_bytes() } else { from.get(token) };
        for part in [quote, text, quote] {
            line.extend_from_slice(part);
        }
    }
    line.push(b'\n');
    let flaw = |error: String| {
        // Its message begins with the place in our own lines: of no use to anyone.
        let what = error.splitn(3, ':').last().unwrap_or_default().trim().to_owned();
        Flaw::new(
            format!("bad {rtype} data: {what}"),
            "write it in its type's form, or as `\\# length hex` (RFC 3597)",
        )
    };
    let mut file = Zonefile::from(line.as_slice());
    let begin = out.len();
    match file.next_entry() {
        Ok(Some(Entry::Record(record))) => {
            record.data().compose_rdata(out).map_err(|_| flaw("too long".to_owned()))?;
            // It writes what it would not read: the length of a digest, for one, is not looked at.
            let good = is_good(rtype, out.get(begin..).unwrap_or_default());
            if good { Ok(()) } else { Err(flaw("a piece has the wrong length".to_owned())) }
        }
        Ok(_) => Err(flaw("no data".to_owned())),
        Err(error) => Err(flaw(error.to_string())),
    }
}

/// Writes RDATA in presentation form, names absolute; what has no fields, as RFC 3597 §5 has it.
pub(crate) fn present(rtype: Rtype, rdata: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(pieces) = fields(rtype).and_then(|fields| split(fields, rdata)) else {
        write!(f, "\\# {}", rdata.len())?;
        if !rdata.is_empty() {
            f.write_char(' ')?;
        }
        return rdata.iter().try_for_each(|octet| write!(f, "{octet:02x}"));
    };
    for (index, &(field, piece)) in pieces.iter().enumerate() {
        if index > 0 {
            f.write_char(' ')?;
        }
        let number = piece.iter().take(4).fold(0u32, |sum, &octet| sum << 8 | u32::from(octet));
        match field {
            Field::U8 | Field::U16 | Field::U32 | Field::Seconds => write!(f, "{number}")?,
            Field::Ipv4 => write!(f, "{}", Ipv4Addr::from(number))?,
            Field::Ipv6 => {
                let octets: [u8; 16] = piece.try_into().map_err(|_| fmt::Error)?;
                write!(f, "{}", Ipv6Addr::from(octets))?;
            }
            Field::Name => write!(f, "{}", Name::from_wire(piece).map_err(|_| fmt::Error)?)?,
            Field::Text | Field::Texts => quote(&piece[1..], f)?,
            Field::Octets => quote(piece, f)?,
        }
    }
    Ok(())
}

fn quote(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for &octet in text {
        match octet {
            b'"' | b'\\' => write!(f, "\\{}", char::from(octet))?,
            0x20..=0x7E => f.write_char(char::from(octet))?,
            _ => write!(f, "\\{octet:03}")?,
        }
    }
    f.write_char('"')
}
