//! The parameter section: a chain of records, each a group or a parameter of a group.
//!
//! Records are walked by their next-offset; where that leaves the section, by the computed end of the record. The section
//! ends at a terminator or at the data start, not at its block count, which is often wrong. Every step goes forward and
//! stays inside the bytes held, so a walk ends and allocates in proportion to them.

use super::bytes::{ByteOrder, Prefix};
use super::error::C3dError;
use super::header::{BLOCK, Header};

/// The data start is a block number of 16 bits: no section reaches further.
const LARGEST_END: usize = u16::MAX as usize * BLOCK;
/// Pieces of a list: 257 of 255 values hold one for each of 65,535 channels.
const MOST_PIECES: u32 = 257;
/// Every look-up goes through all records; files hold some hundreds of them.
const MOST_RECORDS: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Byte,
    Int16,
    Float32,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte.cast_signed() {
            -1 => Some(Kind::Text),
            1 => Some(Kind::Byte),
            2 => Some(Kind::Int16),
            4 => Some(Kind::Float32),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Kind::Text | Kind::Byte => 1,
            Kind::Int16 => 2,
            Kind::Float32 => 4,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Parameter<'a> {
    group: u8,
    name: &'a [u8],
    pub kind: Kind,
    dimensions: &'a [u8],
    data: &'a [u8],
    order: ByteOrder,
}

#[derive(Debug, Default)]
pub struct Parameters<'a> {
    groups: Vec<(u8, &'a [u8])>,
    members: Vec<Parameter<'a>>,
    /// Bytes the section can have at most: no list is longer than that.
    held: usize,
    /// Parameters whose type or dimensions make no sense; they are passed over.
    pub unreadable: usize,
    pub first_unreadable_offset: usize,
}

/// The walk's bounds.
#[derive(Clone, Copy)]
struct Section<'a> {
    prefix: Prefix<'a>,
    order: ByteOrder,
    /// The data start, or the size, or as far as a section can reach if neither is known.
    end: usize,
    /// The prefix to ask for if this one is too short.
    enough: usize,
}

impl<'a> Section<'a> {
    fn new(prefix: Prefix<'a>, header: &Header) -> Self {
        let known = header.data_start > header.parameters_start;
        let furthest = if known { header.data_start } else { LARGEST_END };
        let end = furthest.min(prefix.size_bytes.unwrap_or(furthest));
        let enough = if known { end } else { 2 * prefix.data.len().max(4 * BLOCK) };
        Section { prefix, order: header.order, end, enough }
    }

    /// The bytes of a record, or `None` where they would leave the section.
    fn take(&self, start: usize, length: usize) -> Result<Option<&'a [u8]>, C3dError> {
        match start.checked_add(length).filter(|end| *end <= self.end) {
            Some(end) => self.prefix.slice(start, end, self.enough).map(Some),
            None => Ok(None),
        }
    }
}

struct Record<'a> {
    id: i8,
    name: &'a [u8],
    body: usize,
    /// Start of the next record by the offset stored; `None` in the last record.
    next: Option<usize>,
}

impl<'a> Parameters<'a> {
    pub fn walk(prefix: Prefix<'a>, header: &Header) -> Result<Self, C3dError> {
        let section = Section::new(prefix, header);
        let mut found = Parameters { held: prefix.data.len(), ..Parameters::default() };
        let mut at = Some(header.parameters_start + 4);
        for _ in 0..MOST_RECORDS {
            let Some(here) = at else { break };
            at = match read_record(section, here)? {
                Some(record) => found.add(section, here, &record)?,
                None => None,
            };
        }
        if found.groups.is_empty() {
            return Err(C3dError::NoParameters { offset: header.parameters_start });
        }
        Ok(found)
    }

    /// Keeps the record and returns the start of the next one.
    fn add(&mut self, section: Section<'a>, at: usize, record: &Record<'a>) -> Result<Option<usize>, C3dError> {
        let computed_end = if record.id < 0 {
            self.groups.push((record.id.unsigned_abs(), record.name));
            description_end(section, record.body)?
        } else {
            self.add_parameter(section, at, record)?
        };
        Ok(match record.next {
            Some(next) if next <= section.end => Some(next),
            Some(_) => computed_end.filter(|end| *end > at),
            None => None,
        })
    }

    fn add_parameter(
        &mut self,
        section: Section<'a>,
        at: usize,
        record: &Record<'a>,
    ) -> Result<Option<usize>, C3dError> {
        let Some((parameter, end)) = read_parameter(section, record)? else {
            self.first_unreadable_offset = if self.unreadable == 0 { at } else { self.first_unreadable_offset };
            self.unreadable += 1;
            return Ok(None);
        };
        self.members.push(parameter);
        description_end(section, end)
    }

    /// The last parameter of that name in the groups of that name, in any case.
    pub fn find(&self, group: &str, name: &str) -> Option<&Parameter<'a>> {
        let same = |bytes: &[u8], name: &str| bytes.eq_ignore_ascii_case(name.as_bytes());
        let is_group = |id: u8| self.groups.iter().any(|(group_id, found)| *group_id == id && same(found, group));
        self.members.iter().rev().find(|parameter| same(parameter.name, name) && is_group(parameter.group))
    }

    /// The parameters `NAME`, `NAME2`, `NAME3`, …: one list in pieces, as dimensions cannot exceed 255. Pieces that say
    /// they lie on top of each other end where they would be longer than the section.
    pub fn continued(&self, group: &str, name: &str) -> impl Iterator<Item = &Parameter<'a>> {
        let rest = (2..=MOST_PIECES).map_while(move |piece| self.find(group, &format!("{name}{piece}")));
        let first = self.find(group, name);
        let pieces = first.into_iter().chain(rest.take_while(move |_| first.is_some()));
        pieces.scan(self.held, |room, piece| {
            *room = room.checked_sub(piece.data.len())?;
            Some(piece)
        })
    }
}

/// `None` at the end of the section: a name of no length, an id of zero, or no room left.
fn read_record(section: Section<'_>, at: usize) -> Result<Option<Record<'_>>, C3dError> {
    let Some(&[length, id]) = section.take(at, 2)?.and_then(<[u8]>::first_chunk::<2>) else { return Ok(None) };
    // A negative length only means that the record is locked.
    let length = usize::from(length.cast_signed().unsigned_abs());
    if length == 0 || id == 0 {
        return Ok(None);
    }
    let Some(rest) = section.take(at + 2, length + 2)? else { return Ok(None) };
    let (name, offset) = rest.split_at(length);
    let offset = usize::from(section.order.u16([offset[0], offset[1]]));
    let next = (offset > 0).then_some(at + 2 + length + offset);
    Ok(Some(Record { id: id.cast_signed(), name: name.trim_ascii(), body: at + 4 + length, next }))
}

/// The parameter and the end of its data; `None` if its type or dimensions make no sense.
fn read_parameter<'a>(section: Section<'a>, record: &Record<'a>) -> Result<Option<(Parameter<'a>, usize)>, C3dError> {
    let Some(&[kind, rank]) = section.take(record.body, 2)?.and_then(<[u8]>::first_chunk::<2>) else { return Ok(None) };
    let start = record.body + 2 + usize::from(rank);
    let Some(kind) = Kind::from_byte(kind) else { return Ok(None) };
    let Some(dimensions) = section.take(record.body + 2, usize::from(rank))? else { return Ok(None) };
    let Some(size) = dimensions.iter().try_fold(kind.size(), |size, d| size.checked_mul(usize::from(*d))) else {
        return Ok(None);
    };
    let Some(data) = section.take(start, size)? else { return Ok(None) };
    let group = record.id.unsigned_abs();
    Ok(Some((Parameter { group, name: record.name, kind, dimensions, data, order: section.order }, start + size)))
}

/// End of the description that starts at `at` with its length.
fn description_end(section: Section, at: usize) -> Result<Option<usize>, C3dError> {
    Ok(section.take(at, 1)?.map(|length| at + 1 + usize::from(length[0])))
}

impl Parameter<'_> {
    /// Text values, without the blanks and NULs that pad them. UTF-8 if it is that, else Latin-1. Made one by one: a list
    /// can claim to be far longer than anybody asks for.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let width = self.dimensions.first().map_or(1, |width| usize::from(*width));
        let data = if self.kind == Kind::Text && width > 0 { self.data } else { &[] };
        data.chunks(width.max(1)).map(decode_text)
    }

    /// One text: the first of them.
    pub fn text(&self) -> Option<String> {
        self.texts().next()
    }

    /// Numbers as they are: integers signed, bytes unsigned.
    pub fn numbers(&self) -> impl Iterator<Item = f64> {
        self.numbers_as(false)
    }

    /// The same with unsigned integers.
    pub fn unsigned_numbers(&self) -> impl Iterator<Item = f64> {
        self.numbers_as(true)
    }

    pub fn numbers_as(&self, unsigned: bool) -> impl Iterator<Item = f64> {
        let order = self.order;
        let integer = move |word: u16| if unsigned { f64::from(word) } else { f64::from(word.cast_signed()) };
        let data = if self.kind == Kind::Text { &[] } else { self.data };
        data.chunks_exact(self.kind.size()).map(move |bytes| match *bytes {
            [byte] => f64::from(byte),
            [first, second] => integer(order.u16([first, second])),
            [a, b, c, d] => order.float([a, b, c, d]),
            _ => f64::NAN,
        })
    }
}

/// UTF-8, else Latin-1; without control characters, which databases and terminals refuse or obey.
pub fn decode_text(bytes: &[u8]) -> String {
    let text: String = match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().filter(|character| !character.is_control()).collect(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).filter(|character| !character.is_control()).collect(),
    };
    text.trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_utf8_else_latin1_without_padding_and_control_characters() {
        assert_eq!(decode_text("\u{b5}V  ".as_bytes()), "\u{b5}V");
        assert_eq!(decode_text(b"\xb5V\0\0"), "\u{b5}V");
        assert_eq!(decode_text(b"Gh\0st\x1b[2Jly"), "Ghst[2Jly");
    }
}
