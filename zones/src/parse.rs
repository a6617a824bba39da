//! Master files (RFC 1035 §5, RFC 2308 §4, RFC 3597 §5) to a [`Zone`].

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use wire::{Class, Name, Rtype};

use crate::problem::{Flaw, LoadError, Problem};
use crate::rdata::{self, Presentation};
use crate::scan::{self, Scanner, Token};
use crate::zone::{Entry, Zone};

/// How deep files may include one another.
const MAX_DEPTH: usize = 16;
/// After so many errors a file is not read on.
const MAX_ERRORS: usize = 20;

/// What opens included files.
pub type ReadFile<'a> = dyn Fn(&Path) -> io::Result<Vec<u8>> + 'a;

/// Reads the zone `apex` from a master file and what it includes.
///
/// # Errors
/// [`LoadError::Unreadable`], or [`LoadError::Bad`] with the first errors, in order.
pub fn parse_file(file: &Path, apex: &Name) -> Result<Zone, LoadError> {
    let text = std::fs::read(file).map_err(|source| LoadError::Unreadable {
        apex: apex.clone(),
        file: file.into(),
        source,
    })?;
    parse(&text, file, apex, &|path| std::fs::read(path)).map_err(LoadError::Bad)
}

/// Reads the zone `apex` from the text of a master file. `file` is what errors call it, and what
/// included files are relative to; `read` opens those.
///
/// `apex` is the origin until `$ORIGIN` says otherwise. A record without a TTL has the one of `$TTL`, or
/// else the last that a record stated. An included file begins with the origin that `$INCLUDE` states,
/// or else with ours; what it sets ends with it (RFC 1035 §5.1).
///
/// # Errors
/// The first problems, in order; all of them are errors.
pub fn parse(text: &[u8], file: &Path, apex: &Name, read: &ReadFile<'_>) -> Result<Zone, Vec<Problem>> {
    let zone = Zone {
        apex: apex.clone(),
        files: Vec::new(),
        // A short line of a large zone has about 24 octets.
        entries: Vec::with_capacity(text.len() / 24),
        octets: Vec::with_capacity(text.len()),
    };
    let mut reader = Reader { zone, read, types: HashMap::new(), open: Vec::new(), errors: Vec::new() };
    let state = State { origin: apex.as_wire().into(), ttl: None, last_ttl: None, owner: None };
    reader.file(text, file, state);
    let Reader { mut zone, errors, .. } = reader;
    if !errors.is_empty() {
        return Err(errors);
    }
    zone.entries.shrink_to_fit();
    zone.octets.shrink_to_fit();
    Ok(zone)
}

/// What one line leaves behind for the next.
#[derive(Clone)]
struct State {
    origin: Box<[u8]>,
    /// `$TTL`.
    ttl: Option<u32>,
    /// The last TTL that a record stated.
    last_ttl: Option<u32>,
    /// Offset and length of the last owner.
    owner: Option<(u32, u8)>,
}

struct Reader<'r> {
    zone: Zone,
    read: &'r ReadFile<'r>,
    /// Type tokens seen so far.
    types: HashMap<Box<[u8]>, Rtype>,
    /// The files that are being read, the innermost last.
    open: Vec<PathBuf>,
    errors: Vec<Problem>,
}

/// One entry's tokens, with the text that they stand in.
#[derive(Clone, Copy)]
struct Line<'t> {
    text: &'t [u8],
    tokens: &'t [Token],
    indented: bool,
    number: u32,
    file: u16,
}

impl<'t> Line<'t> {
    fn get(&self, index: usize) -> Option<&'t [u8]> {
        self.tokens.get(index).map(|token| &self.text[token.start..token.end])
    }

    /// The token, if it is not quoted.
    fn word(&self, index: usize) -> Option<&'t [u8]> {
        self.get(index).filter(|_| !self.tokens[index].quoted)
    }
}

impl Reader<'_> {
    fn file(&mut self, text: &[u8], path: &Path, mut state: State) {
        let index = self.zone.files.iter().position(|known| known == path).unwrap_or(self.zone.files.len());
        if index == self.zone.files.len() {
            self.zone.files.push(path.into());
        }
        let Ok(file) = u16::try_from(index) else {
            return self.errors.push(Flaw::new("more than 65,536 files", "join some of them").at(path, 1));
        };
        self.open.push(path.into());
        let mut scanner = Scanner::new(text);
        let mut tokens = Vec::new();
        while self.errors.len() < MAX_ERRORS {
            let (number, outcome) = match scanner.next(&mut tokens) {
                Ok(None) => break,
                Err((number, flaw)) => (number, Err(flaw)),
                Ok(Some(entry)) => {
                    let line =
                        Line { text, tokens: &tokens, indented: entry.indented, number: entry.line, file };
                    let control = !line.indented && line.word(0).is_some_and(|word| word.starts_with(b"$"));
                    let outcome = match control {
                        true => self.control(line, &mut state),
                        false => self.record(line, &mut state),
                    };
                    (entry.line, outcome)
                }
            };
            if let Err(flaw) = outcome {
                self.errors.push(flaw.at(path, number));
            }
        }
        self.open.pop();
    }

    fn control(&mut self, line: Line<'_>, state: &mut State) -> Result<(), Flaw> {
        let word = line.word(0).unwrap_or_default();
        match (word.to_ascii_uppercase().as_slice(), line.tokens.len()) {
            (b"$ORIGIN", 2) => state.origin = name(line, 1, &state.origin)?,
            (b"$TTL", 2) => {
                let ttl = line.word(1).and_then(scan::seconds);
                let mend = "write seconds as `$TTL 3600` or `$TTL 1h`, up to 2147483647";
                state.ttl = Some(ttl.ok_or_else(|| Flaw::new("`$TTL` without a time", mend))?);
            }
            (b"$INCLUDE", 2 | 3) => {
                let origin =
                    if line.tokens.len() == 3 { name(line, 2, &state.origin)? } else { state.origin.clone() };
                return self.include(line, State { origin, ..state.clone() });
            }
            (known @ (b"$ORIGIN" | b"$TTL" | b"$INCLUDE"), _) => {
                let known = String::from_utf8_lossy(known);
                let mend = "write `$ORIGIN name`, `$TTL time` or `$INCLUDE file [origin]`";
                return Err(Flaw::new(format!("`{known}` with too few or too many words"), mend));
            }
            (unknown, _) => {
                let unknown = String::from_utf8_lossy(unknown);
                let mend = "use $ORIGIN, $TTL and $INCLUDE; write other entries out";
                return Err(Flaw::new(format!("unknown directive `{unknown}`"), mend));
            }
        }
        Ok(())
    }

    fn include(&mut self, line: Line<'_>, state: State) -> Result<(), Flaw> {
        let mut path = Vec::new();
        let named = scan::unescape(line.get(1).unwrap_or_default(), &mut path).is_ok();
        let path = String::from_utf8(path).ok().filter(|path| named && !path.is_empty());
        let path =
            path.ok_or_else(|| Flaw::new("`$INCLUDE` without a file name", "write `$INCLUDE file`"))?;
        let here = self.open.last().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let path = here.join(path);
        if self.open.contains(&path) || self.open.len() >= MAX_DEPTH {
            let what =
                format!("`{}` includes itself, or includes go deeper than {MAX_DEPTH}", path.display());
            return Err(Flaw::new(what, "break the circle of $INCLUDE"));
        }
        let text = (self.read)(&path).map_err(|error| {
            let mend = "correct the name (it is relative to this file), or let this user read the file";
            Flaw::new(format!("cannot read `{}`: {error}", path.display()), mend)
        })?;
        self.file(&text, &path, state);
        Ok(())
    }

    /// `[owner] [ttl] [class] type data`, TTL and class in either order.
    fn record(&mut self, line: Line<'_>, state: &mut State) -> Result<(), Flaw> {
        if !line.indented {
            state.owner = Some(self.owner(line, state)?);
        }
        let (owner_at, owner_len) = state.owner.ok_or_else(|| {
            Flaw::new("a record without an owner, and none before it", "begin the line with a name")
        })?;
        let mut at = usize::from(!line.indented);
        let (mut ttl, mut class) = (None, None);
        loop {
            let word = line.word(at).unwrap_or_default();
            if ttl.is_none() && word.first().is_some_and(u8::is_ascii_digit) {
                let mend = "write seconds as 3600 or 1h, up to 2147483647";
                let bad = || Flaw::new(format!("bad TTL `{}`", String::from_utf8_lossy(word)), mend);
                ttl = Some(scan::seconds(word).ok_or_else(bad)?);
            } else if class.is_none()
                && let Some(stated) = read_class(word)
            {
                class = Some(stated);
            } else {
                break;
            }
            at += 1;
        }
        if let Some(class) = class.filter(|&class| class != Class::IN) {
            return Err(Flaw::new(
                format!("class {class}"),
                "only class IN is served: write IN or leave it out",
            ));
        }
        let rtype = self.rtype(line, at)?;
        state.last_ttl = ttl.or(state.last_ttl);
        let ttl = ttl.or(state.ttl).or(state.last_ttl).ok_or_else(|| {
            Flaw::new("a record without a TTL, and none before it", "add `$TTL 3600` at the top of the file")
        })?;
        let rdata_at = self.zone.octets.len();
        let tokens = line.tokens.get(at + 1..).unwrap_or_default();
        let presentation = Presentation { text: line.text, tokens, origin: &state.origin };
        rdata::read(rtype, presentation, &mut self.zone.octets)
            .inspect_err(|_| self.zone.octets.truncate(rdata_at))?;
        let rdata_len = u16::try_from(self.zone.octets.len() - rdata_at).unwrap_or(u16::MAX);
        let rdata_at = self.offset(rdata_at)?;
        let (line, file) = (line.number, line.file);
        self.zone.entries.push(Entry { owner_at, rdata_at, ttl, line, rdata_len, rtype, file, owner_len });
        Ok(())
    }

    /// Offset and length of the owner that begins a line; the last one's again, if it is the same.
    fn owner(&mut self, line: Line<'_>, state: &State) -> Result<(u32, u8), Flaw> {
        let begin = self.zone.octets.len();
        let token = line.get(0).unwrap_or_default();
        let read = scan::name(token, &state.origin, &mut self.zone.octets);
        let length = self.zone.octets.len() - begin;
        if let Err(error) = read {
            self.zone.octets.truncate(begin);
            let owner = String::from_utf8_lossy(token);
            return Err(Flaw::new(format!("bad owner `{owner}`: {error}"), "write a good name"));
        }
        if let Some((last_at, last_len)) = state.owner {
            let last = last_at as usize..last_at as usize + usize::from(last_len);
            if self.zone.octets[last] == self.zone.octets[begin..] {
                self.zone.octets.truncate(begin);
                return Ok((last_at, last_len));
            }
        }
        Ok((self.offset(begin)?, length as u8))
    }

    fn rtype(&mut self, line: Line<'_>, at: usize) -> Result<Rtype, Flaw> {
        let Some(word) = line.word(at).filter(|word| !word.is_empty()) else {
            return Err(Flaw::new("a record without a type", "write `owner [ttl] [class] type data`"));
        };
        if let Some(&rtype) = self.types.get(word) {
            return Ok(rtype);
        }
        let text = String::from_utf8_lossy(word);
        let rtype = rdata::rtype(word).ok_or_else(|| {
            Flaw::new(format!("unknown type `{text}`"), "correct it, or write TYPEnnn (RFC 3597)")
        })?;
        if rtype.is_meta() || rtype.0 == 0 {
            return Err(Flaw::new(
                format!("no record has type {rtype}"),
                "remove it: it is for questions only",
            ));
        }
        self.types.insert(word.into(), rtype);
        Ok(rtype)
    }

    fn offset(&self, at: usize) -> Result<u32, Flaw> {
        u32::try_from(at).map_err(|_| Flaw::new("a zone of more than 4 GiB", "split it"))
    }
}

fn read_class(word: &[u8]) -> Option<Class> {
    // Types are tried often and classes are few: look before parsing.
    let first = word.first()?.to_ascii_uppercase();
    if !matches!(first, b'I' | b'C' | b'H') {
        return None;
    }
    let class = std::str::from_utf8(word).ok()?.parse().ok()?;
    // ANY and NONE are no classes of records, and ANY is a type's name too.
    (class != Class::ANY && class != Class::NONE).then_some(class)
}

fn name(line: Line<'_>, index: usize, origin: &[u8]) -> Result<Box<[u8]>, Flaw> {
    let mut out = Vec::new();
    let token = line.get(index).unwrap_or_default();
    scan::name(token, origin, &mut out).map_err(|error| {
        Flaw::new(format!("bad name `{}`: {error}", String::from_utf8_lossy(token)), "write a good name")
    })?;
    Ok(out.into())
}
