//! Domain names in uncompressed wire form (RFC 1035 §3.1, RFC 4343): length-prefixed labels up to the
//! root label. Case is kept and never matters.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Octets of a name at the most, its root label included (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 255;
const MAX_LABEL: usize = 63;
/// Pointers that reading one name follows at the most: as many as a name can have labels, so that a
/// message of chained pointers costs no more to read than a message of long names.
const MAX_POINTERS: usize = 127;

/// Why a text or a packet holds no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// A label of no octets inside a name, as in `a..b`.
    EmptyLabel,
    /// A label of more than 63 octets.
    LongLabel,
    /// A name of more than 255 octets.
    LongName,
    /// A `\` that no character and no three decimal digits up to 255 follow.
    BadEscape,
    /// The packet ends inside the name.
    Truncated,
    /// A pointer that does not point backwards, one too many, or a label type that is not in use.
    BadPointer,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyLabel => "an empty label inside a name",
            Self::LongLabel => "a label of more than 63 octets",
            Self::LongName => "a name of more than 255 octets",
            Self::BadEscape => "a bad escape: want \\X or \\DDD up to 255",
            Self::Truncated => "the message ends inside a name",
            Self::BadPointer => "a compression pointer that does not point backwards, or one too many",
        })
    }
}

impl std::error::Error for NameError {}

/// An absolute domain name, as it was written; equality, order and hash fold ASCII case.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// Takes octets that already are one uncompressed name, to the last octet.
    pub fn from_wire(wire: &[u8]) -> Result<Self, NameError> {
        match check(wire)? {
            len if len == wire.len() => Ok(Self(wire.into())),
            _ => Err(NameError::LongName),
        }
    }

    /// Reads the name at `at` of a message, following compression pointers, which must point
    /// backwards. Returns it and the offset behind it.
    pub fn read(message: &[u8], at: usize) -> Result<(Self, usize), NameError> {
        let mut buffer = [0; MAX_NAME];
        let (len, end) = expand(message, at, &mut buffer)?;
        Ok((Self(buffer[..len].into()), end))
    }

    /// The wire form, uncompressed, the root label included.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels from the leftmost on, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        labels(&self.0)
    }

    /// How many labels, the root not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether the leftmost label is `*` (RFC 4592).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// The name without its leftmost label; none of the root.
    pub fn parent(&self) -> Option<Self> {
        (!self.is_root()).then(|| Self(self.0[1 + usize::from(self.0[0])..].into()))
    }

    /// Whether this name is `other` or lies below it.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        suffix_matches(&self.0, &other.0)
    }

    /// This name as one label more: `label` + `self`.
    pub fn child(&self, label: &[u8]) -> Result<Self, NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        let length = u8::try_from(label.len()).ok().filter(|&l| usize::from(l) <= MAX_LABEL);
        let length = length.ok_or(NameError::LongLabel)?;
        if 1 + label.len() + self.0.len() > MAX_NAME {
            return Err(NameError::LongName);
        }
        Ok(Self([&[length], label, &self.0].concat().into()))
    }

    /// The folded form, for look-ups.
    pub fn folded(&self) -> Folded {
        Folded::of(&self.0)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.folded().as_wire());
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The canonical order (RFC 4034 §6.1): by labels from the right, folded.
impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (mine, theirs) = (self.label_count(), other.label_count());
        for index in 1..=mine.min(theirs) {
            let labels = self.labels().nth(mine - index).zip(other.labels().nth(theirs - index));
            let (a, b) = labels.unwrap_or_default();
            let order = a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase));
            if order.is_ne() {
                return order;
            }
        }
        mine.cmp(&theirs)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        present(&self.0, f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the presentation form (RFC 1035 §5.1); a final dot is optional, the name is absolute.
impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == "." {
            return Ok(Self::root());
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        let mut start = 0;
        wire.push(0);
        let mut octets = text.bytes();
        let mut dotted = true;
        while let Some(octet) = octets.next() {
            dotted = octet == b'.';
            if dotted {
                close_label(&mut wire, start)?;
                start = wire.len();
                wire.push(0);
                continue;
            }
            wire.push(if octet == b'\\' { unescape(&mut octets)? } else { octet });
        }
        if !dotted {
            close_label(&mut wire, start)?;
            wire.push(0);
        }
        if wire.len() > MAX_NAME {
            return Err(NameError::LongName);
        }
        if wire.len() == 1 {
            return Err(NameError::EmptyLabel);
        }
        Ok(Self(wire.into()))
    }
}

fn close_label(wire: &mut [u8], start: usize) -> Result<(), NameError> {
    match wire.len() - start - 1 {
        0 => Err(NameError::EmptyLabel),
        length @ 1..=MAX_LABEL => {
            wire[start] = length as u8;
            Ok(())
        }
        _ => Err(NameError::LongLabel),
    }
}

fn unescape(octets: &mut std::str::Bytes<'_>) -> Result<u8, NameError> {
    let first = octets.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = octets.next().filter(u8::is_ascii_digit).ok_or(NameError::BadEscape)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

/// A name folded to lower case, on the stack: the key of every look-up.
#[derive(Clone, Copy)]
pub struct Folded {
    octets: [u8; MAX_NAME],
    len: u8,
}

impl Folded {
    /// Folds an uncompressed name; `wire` is one, of at most 255 octets.
    #[inline]
    pub(crate) fn of(wire: &[u8]) -> Self {
        let mut octets = [0; MAX_NAME];
        let len = wire.len().min(MAX_NAME);
        octets[..len].copy_from_slice(&wire[..len]);
        // Length octets are below 64 and no capital letters: folding the whole is folding the labels.
        octets[..len].make_ascii_lowercase();
        Self { octets, len: len as u8 }
    }

    /// The wire form, folded.
    pub fn as_wire(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// This name, then each name above it, to the root: what a search for the closest encloser visits.
    pub fn ancestors(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = Some(self.as_wire());
        std::iter::from_fn(move || {
            let here = rest?;
            let length = usize::from(*here.first()?);
            rest = (length > 0).then(|| &here[1 + length..]);
            Some(here)
        })
    }

    /// Whether this name is `other` or lies below it.
    pub fn is_at_or_below(&self, other: &Name) -> bool {
        suffix_matches(self.as_wire(), &other.0)
    }

    /// The same name, owned.
    pub fn to_name(&self) -> Name {
        Name(self.as_wire().into())
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for Folded {}

impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_wire());
    }
}

impl fmt::Display for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        present(self.as_wire(), f)
    }
}

impl fmt::Debug for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The labels of an uncompressed name, without the root.
pub(crate) fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let (&length, tail) = rest.split_first()?;
        let (label, tail) = tail.split_at_checked(usize::from(length))?;
        rest = tail;
        (length > 0).then_some(label)
    })
}

/// The octets that the uncompressed name at the start of `packet` takes.
pub(crate) fn check(packet: &[u8]) -> Result<usize, NameError> {
    let mut at = 0;
    loop {
        match *packet.get(at).ok_or(NameError::Truncated)? {
            0 => return if at < MAX_NAME { Ok(at + 1) } else { Err(NameError::LongName) },
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return Err(NameError::BadPointer),
        }
        if at >= MAX_NAME {
            return Err(NameError::LongName);
        }
    }
}

/// Writes the name at `at` of a message, decompressed, into `buffer`; returns its length and the
/// offset behind its first pointer or root label.
pub(crate) fn expand(
    message: &[u8],
    at: usize,
    buffer: &mut [u8; MAX_NAME],
) -> Result<(usize, usize), NameError> {
    let (mut at, mut len, mut end) = (at, 0, None);
    // Each pointer must point before the last one: no loop can form.
    let (mut before, mut pointers) = (at, 0);
    loop {
        let length = *message.get(at).ok_or(NameError::Truncated)?;
        match length {
            0..=63 => {
                let label = message.get(at..=at + usize::from(length)).ok_or(NameError::Truncated)?;
                let room = buffer.get_mut(len..len + label.len()).ok_or(NameError::LongName)?;
                room.copy_from_slice(label);
                (at, len) = (at + label.len(), len + label.len());
                if length == 0 {
                    return Ok((len, end.unwrap_or(at)));
                }
            }
            0xC0.. => {
                let pointer = crate::u16_at(message, at).ok_or(NameError::Truncated)? & 0x3FFF;
                end = end.or(Some(at + 2));
                at = usize::from(pointer);
                pointers += 1;
                if at >= before || pointers > MAX_POINTERS {
                    return Err(NameError::BadPointer);
                }
                before = at;
            }
            _ => return Err(NameError::BadPointer),
        }
    }
}

/// Whether `wire` is `ancestor` or lies below it, case folded.
pub(crate) fn suffix_matches(wire: &[u8], ancestor: &[u8]) -> bool {
    let mut rest = wire;
    while rest.len() > ancestor.len() {
        rest = &rest[1 + usize::from(rest[0])..];
    }
    rest.eq_ignore_ascii_case(ancestor)
}

fn present(wire: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write;
    if wire.len() <= 1 {
        return f.write_char('.');
    }
    for label in labels(wire) {
        for &octet in label {
            match octet {
                b'.' | b'\\' | b'"' | b';' | b'@' | b'$' | b'(' | b')' => write!(f, "\\{}", octet as char)?,
                0x21..=0x7E => f.write_char(octet as char)?,
                _ => write!(f, "\\{octet:03}")?,
            }
        }
        f.write_char('.')?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
