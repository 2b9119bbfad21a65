//! A C3D writer for tests: every byte order, storage and way to state counts, which no other writer at hand has.

use emg_core::c3d::{ByteOrder, Storage};

pub const BLOCK: usize = 512;
const PIECE: usize = 255;

/// How a recording says how many frames it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frames {
    Word,
    Float,
    Trial,
    Long,
    Header,
}

/// Everything a recording is made of; samples are given as they are stored.
#[derive(Debug, Clone)]
pub struct Plan {
    pub order: ByteOrder,
    pub storage: Storage,
    pub unsigned: bool,
    pub points: u16,
    pub channels: u16,
    pub samples_per_frame: u16,
    pub frames: u16,
    pub stated: Frames,
    pub general_scale: f32,
    pub scales: Vec<f32>,
    pub offsets: Vec<i16>,
    /// Parameters come before the groups they belong to.
    pub members_first: bool,
    /// The last record has a next-offset of zero, and no terminator follows.
    pub ends_with_zero: bool,
    /// Blocks between header and parameters.
    pub gap: u8,
    /// Bytes after the last frame.
    pub trailing: usize,
}

impl Plan {
    /// A few frames of as many channels, in the rarest byte order.
    pub fn small(channels: u16) -> Self {
        Plan {
            order: ByteOrder::Mips,
            storage: Storage::Int16,
            unsigned: false,
            points: 1,
            channels,
            samples_per_frame: 2,
            frames: 3,
            stated: Frames::Word,
            general_scale: 1.0,
            scales: (0..channels).map(f32::from).collect(),
            offsets: (0..channels).map(u16::cast_signed).collect(),
            members_first: false,
            ends_with_zero: false,
            gap: 0,
            trailing: 0,
        }
    }

    /// The recording, with `stored(channel, sample)` as its samples.
    pub fn write(&self, stored: impl Fn(usize, usize) -> f32) -> Vec<u8> {
        let start = BLOCK * (1 + usize::from(self.gap));
        let data_start = (start + self.parameters(0).len()).next_multiple_of(BLOCK);
        let mut bytes = self.header(data_start);
        bytes.resize(start, 0);
        bytes.extend(self.parameters(data_start));
        bytes.resize(data_start, 0);
        for frame in 0..usize::from(self.frames) {
            bytes.extend(vec![0; usize::from(self.points) * 4 * self.storage.size()]);
            for row in 0..usize::from(self.samples_per_frame) {
                let sample = frame * usize::from(self.samples_per_frame) + row;
                bytes.extend((0..usize::from(self.channels)).flat_map(|c| self.number(stored(c, sample))));
            }
        }
        bytes.extend(vec![0xa5; self.trailing]);
        bytes
    }

    fn number(&self, stored: f32) -> Vec<u8> {
        match (self.storage, self.unsigned) {
            (Storage::Float32, _) => self.float(stored).to_vec(),
            (Storage::Int16, true) => self.word(stored as u16).to_vec(),
            (Storage::Int16, false) => self.word((stored as i16).cast_unsigned()).to_vec(),
        }
    }

    fn word(&self, word: u16) -> [u8; 2] {
        if self.order == ByteOrder::Mips { word.to_be_bytes() } else { word.to_le_bytes() }
    }

    /// VAX floats have the bits of IEEE ones four times as large, and their words the other way round.
    fn float(&self, value: f32) -> [u8; 4] {
        match self.order {
            ByteOrder::Intel => value.to_le_bytes(),
            ByteOrder::Mips => value.to_be_bytes(),
            ByteOrder::Dec => {
                let [a, b, c, d] = (value * 4.0).to_le_bytes();
                [c, d, a, b]
            }
        }
    }

    fn header(&self, data_start: usize) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        bytes[..2].copy_from_slice(&[2 + self.gap, 80]);
        let last = if self.stated == Frames::Header { self.frames } else { u16::MAX };
        let words = [self.points, self.channels * self.samples_per_frame, 1, last, 10];
        let rest = [(data_start / BLOCK + 1) as u16, self.samples_per_frame];
        for (at, word) in (2..).step_by(2).zip(words).chain([16, 18].into_iter().zip(rest)) {
            bytes[at..at + 2].copy_from_slice(&self.word(word));
        }
        bytes[12..16].copy_from_slice(&self.float(self.point_scale()));
        bytes[20..24].copy_from_slice(&self.float(100.0));
        bytes
    }

    fn point_scale(&self) -> f32 {
        if self.storage == Storage::Float32 { -1.0 } else { 1.0 }
    }

    fn parameters(&self, data_start: usize) -> Vec<u8> {
        let groups = [("POINT", 1), ("ANALOG", 2), ("TRIAL", 3)].map(|(name, id)| (-id, name.to_owned(), vec![0]));
        let mut records = [self.point(data_start), self.analog(), self.trial()].concat();
        let at = if self.members_first { records.len() } else { 0 };
        records.splice(at..at, groups);
        let last = records.len() - 1;
        let processor = match self.order {
            ByteOrder::Intel => 84,
            ByteOrder::Dec => 85,
            ByteOrder::Mips => 86,
        };
        let mut bytes = vec![1, 80, 0, processor];
        for (number, (id, name, body)) in records.iter().enumerate() {
            let offset = if self.ends_with_zero && number == last { 0 } else { (2 + body.len()) as u16 };
            bytes.extend([name.len() as u8, i8::cast_unsigned(*id)]);
            bytes.extend(name.as_bytes());
            bytes.extend(self.word(offset));
            bytes.extend(body);
        }
        bytes.extend([0, 0]);
        bytes
    }

    fn point(&self, data_start: usize) -> Vec<Record> {
        let start = self.words(1, "DATA_START", &[(data_start / BLOCK + 1) as u16]);
        let mut records = vec![start, self.floats(1, "SCALE", &[self.point_scale()])];
        match self.stated {
            Frames::Word => records.push(self.words(1, "FRAMES", &[self.frames])),
            Frames::Float => records.push(self.floats(1, "FRAMES", &[f32::from(self.frames)])),
            Frames::Trial => records.push(self.words(1, "FRAMES", &[u16::MAX])),
            Frames::Long => {
                records.push(self.words(1, "FRAMES", &[u16::MAX]));
                records.push(self.floats(1, "LONG_FRAMES", &[f32::from(self.frames)]));
            }
            Frames::Header => {}
        }
        records
    }

    /// A trial that starts past 16 bits.
    fn trial(&self) -> Vec<Record> {
        if self.stated != Frames::Trial {
            return Vec::new();
        }
        let end = 70_000 + u32::from(self.frames) - 1;
        let fields = [("ACTUAL_START_FIELD", 70_000u32), ("ACTUAL_END_FIELD", end)];
        fields.map(|(name, field)| self.words(3, name, &[field as u16, (field >> 16) as u16])).to_vec()
    }

    fn analog(&self) -> Vec<Record> {
        let labels: Vec<String> = (0..self.channels).map(|channel| format!("EMG{channel:5}")).collect();
        let offsets: Vec<u16> = self.offsets.iter().map(|offset| offset.cast_unsigned()).collect();
        let format = if self.unsigned { "UNSIGNED" } else { "SIGNED" };
        let mut records = vec![
            self.words(2, "USED", &[self.channels]),
            self.floats(2, "GEN_SCALE", &[self.general_scale]),
            self.floats(2, "RATE", &[100.0 * f32::from(self.samples_per_frame)]),
            text(2, "FORMAT", &[format.to_owned()]),
        ];
        records.extend(pieces("LABELS", &labels).map(|(name, piece)| text(2, &name, piece)));
        records.extend(pieces("SCALE", &self.scales).map(|(name, piece)| self.floats(2, &name, piece)));
        records.extend(pieces("OFFSET", &offsets).map(|(name, piece)| self.words(2, &name, piece)));
        records
    }

    fn words(&self, group: i8, name: &str, words: &[u16]) -> Record {
        let data: Vec<u8> = words.iter().flat_map(|word| self.word(*word)).collect();
        (group, name.to_owned(), [&[2, 1, words.len() as u8][..], &data, &[0]].concat())
    }

    fn floats(&self, group: i8, name: &str, floats: &[f32]) -> Record {
        let data: Vec<u8> = floats.iter().flat_map(|value| self.float(*value)).collect();
        (group, name.to_owned(), [&[4, 1, floats.len() as u8][..], &data, &[0]].concat())
    }
}

/// Group (negative: the group itself), name, and what follows the next-offset.
type Record = (i8, String, Vec<u8>);

fn text(group: i8, name: &str, texts: &[String]) -> Record {
    let width = texts.iter().map(String::len).max().unwrap_or(0);
    let padded = texts.iter().map(|text| format!("{text:width$}")).collect::<Vec<_>>().concat();
    (group, name.to_owned(), [&[255, 2, width as u8, texts.len() as u8][..], padded.as_bytes(), &[0]].concat())
}

/// A list in pieces NAME, NAME2, NAME3, … of as many as a dimension can count.
fn pieces<'a, T>(name: &'a str, list: &'a [T]) -> impl Iterator<Item = (String, &'a [T])> {
    list.chunks(PIECE).enumerate().map(move |(number, piece)| match number {
        0 => (name.to_owned(), piece),
        _ => (format!("{name}{}", number + 1), piece),
    })
}
