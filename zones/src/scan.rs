//! The lexical half of master files (RFC 1035 §5.1): entries and their tokens. What a token means is
//! not known here, and escapes stay as they are.

use wire::NameError;

use crate::problem::Flaw;

/// A token of an entry: where it stands in the text, its quotes left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) quoted: bool,
    /// Whether nothing stands between it and the token before, as in `alpn="h2"`.
    pub(crate) joined: bool,
}

/// Reads a text entry by entry.
pub(crate) struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
}

/// Where an entry stands; its tokens are in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The line of its first token, from 1.
    pub(crate) line: u32,
    /// Whether it begins with white space: the owner is the last one.
    pub(crate) indented: bool,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        // A byte order mark is no part of the first name.
        let at = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Self { text, at, line: 1 }
    }

    /// Reads the next entry that has tokens into `tokens`; none at the end of the text. After an error
    /// the scanner stands on the next line.
    pub(crate) fn next(&mut self, tokens: &mut Vec<Token>) -> Result<Option<Entry>, (u32, Flaw)> {
        tokens.clear();
        let (mut entry, mut open, mut fresh) = (Entry { line: self.line, indented: false }, None, true);
        loop {
            let Some(&octet) = self.text.get(self.at) else {
                return match open {
                    Some(line) => Err((line, Flaw::new("a `(` is never closed", "add the `)`"))),
                    None => Ok((!tokens.is_empty()).then_some(entry)),
                };
            };
            match octet {
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    if open.is_none() {
                        if !tokens.is_empty() {
                            return Ok(Some(entry));
                        }
                        (entry.indented, fresh) = (false, true);
                    }
                }
                b' ' | b'\t' | b'\r' => {
                    entry.indented |= fresh && octet != b'\r';
                    fresh = false;
                    self.at += 1;
                }
                b';' => self.skip_line(),
                b'(' | b')' => {
                    if (octet == b'(') == open.is_some() {
                        let line = self.line;
                        self.skip_line();
                        let flaw = Flaw::new(
                            "a parenthesis inside a parenthesis, or one that closes nothing",
                            "write one `(` and one `)` around the lines of an entry",
                        );
                        return Err((line, flaw));
                    }
                    open = (octet == b'(').then_some(self.line);
                    fresh = false;
                    self.at += 1;
                }
                _ => {
                    if tokens.is_empty() {
                        entry.line = self.line;
                    }
                    fresh = false;
                    let token = self.token(octet == b'"')?;
                    tokens.push(token);
                }
            }
        }
    }

    fn skip_line(&mut self) {
        while self.text.get(self.at).is_some_and(|&octet| octet != b'\n') {
            self.at += 1;
        }
    }

    fn token(&mut self, quoted: bool) -> Result<Token, (u32, Flaw)> {
        let joined = self.at > 0 && !b" \t\r\n()".contains(&self.text[self.at - 1]);
        let start = self.at + usize::from(quoted);
        let mut end = start;
        while let Some(&octet) = self.text.get(end) {
            match octet {
                b'\n' | b'"' => break,
                b' ' | b'\t' | b'\r' | b';' | b'(' | b')' if !quoted => break,
                b'\\' if self.text.get(end + 1).is_some_and(|&next| next != b'\n') => end += 2,
                _ => end += 1,
            }
        }
        let closed = self.text.get(end) == Some(&b'"');
        self.at = end + usize::from(quoted && closed);
        if quoted && !closed {
            let flaw = Flaw::new("a quoted text does not end on its line", "add the `\"`");
            return Err((self.line, flaw));
        }
        Ok(Token { start, end, quoted, joined })
    }
}

/// Appends the octets that a token stands for, its escapes resolved (`\X`, `\DDD`).
pub(crate) fn unescape(token: &[u8], out: &mut Vec<u8>) -> Result<(), NameError> {
    let mut rest = token;
    while let Some((octet, tail)) = next_octet(rest)? {
        out.push(octet.0);
        rest = tail;
    }
    Ok(())
}

/// An octet and whether it was escaped.
type Octet = (u8, bool);

fn next_octet(text: &[u8]) -> Result<Option<(Octet, &[u8])>, NameError> {
    match *text {
        [] => Ok(None),
        [b'\\', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ref tail @ ..] => {
            let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
            let octet = u8::try_from(value).map_err(|_| NameError::BadEscape)?;
            Ok(Some(((octet, true), tail)))
        }
        [b'\\', b'0'..=b'9', ..] | [b'\\'] => Err(NameError::BadEscape),
        [b'\\', octet, ref tail @ ..] => Ok(Some(((octet, true), tail))),
        [octet, ref tail @ ..] => Ok(Some(((octet, false), tail))),
    }
}

/// Appends the wire form of the name that a token stands for; a name without a final dot is below
/// `origin`, and `@` is the origin itself.
pub(crate) fn name(token: &[u8], origin: &[u8], out: &mut Vec<u8>) -> Result<(), NameError> {
    match token {
        b"@" => {
            out.extend_from_slice(origin);
            return Ok(());
        }
        b"." => {
            out.push(0);
            return Ok(());
        }
        b"" => return Err(NameError::EmptyLabel),
        _ => {}
    }
    let begin = out.len();
    let mut length_at = out.len();
    out.push(0);
    let mut rest = token;
    let mut absolute = false;
    while let Some((octet, tail)) = next_octet(rest)? {
        rest = tail;
        absolute = octet == (b'.', false);
        if !absolute {
            out.push(octet.0);
            continue;
        }
        close(out, length_at)?;
        length_at = out.len();
        out.push(0);
    }
    if !absolute {
        close(out, length_at)?;
        out.extend_from_slice(origin);
    }
    if out.len() - begin > wire::name::MAX_NAME { Err(NameError::LongName) } else { Ok(()) }
}

fn close(out: &mut [u8], length_at: usize) -> Result<(), NameError> {
    out[length_at] = match out.len() - length_at - 1 {
        0 => return Err(NameError::EmptyLabel),
        length @ 1..=63 => length as u8,
        _ => return Err(NameError::LongLabel),
    };
    Ok(())
}

/// The longest TTL (RFC 2181 §8).
const MAX_SECONDS: u64 = 0x7FFF_FFFF;

/// Reads a time in seconds: a number, or numbers with the units `w d h m s` as in `1h30m`; at most
/// 2³¹ − 1 (RFC 2181 §8).
pub(crate) fn seconds(token: &[u8]) -> Option<u32> {
    let (mut sum, mut number) = (0u64, None);
    for &octet in token {
        if octet.is_ascii_digit() {
            let next = number.unwrap_or(0u64) * 10 + u64::from(octet - b'0');
            number = Some(next).filter(|&value| value <= MAX_SECONDS);
            number?;
            continue;
        }
        let unit = match octet.to_ascii_lowercase() {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        sum += number.take()? * unit;
        if sum > MAX_SECONDS {
            return None;
        }
    }
    if token.is_empty() {
        return None;
    }
    let total = sum + number.unwrap_or(0);
    (total <= MAX_SECONDS).then_some(total as u32)
}
