//! Where the samples of every channel lie and how they become physical values.

use super::bytes::{ByteOrder, Prefix};
use super::error::C3dError;
use super::header::{Header, block_start};
use super::parameters::{Kind, Parameter, Parameters};
use serde::Serialize;

/// A count of frames that stands for "more than sixteen bits hold".
const SATURATED_FRAMES: usize = 65535;
const MOST_FRAMES: usize = u32::MAX as usize;
const MOST_CHANNELS: f64 = 65535.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    Int16,
    Float32,
}

impl Storage {
    pub fn size(self) -> usize {
        match self {
            Storage::Int16 => 2,
            Storage::Float32 => 4,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    pub order: ByteOrder,
    pub storage: Storage,
    /// ANALOG:FORMAT is UNSIGNED.
    pub unsigned: bool,
    pub points: usize,
    pub channels: usize,
    pub samples_per_frame: usize,
    /// Byte at which the first frame starts.
    pub data_start: usize,
    /// The header named no usable data start: the recording was not finished when it was written.
    pub unfinished: bool,
    /// What the recording says.
    pub declared_frames: usize,
    /// What the recording says, but no more than it holds where its size is known.
    pub frames: usize,
}

impl Layout {
    pub fn derive(prefix: Prefix, header: &Header, parameters: &Parameters) -> Result<Self, C3dError> {
        let (data_start, recovered) = data_start(prefix, header, parameters)?;
        let storage = storage(header, parameters);
        let unsigned = parameters.find("ANALOG", "FORMAT").and_then(Parameter::text).is_some_and(|t| is_unsigned(&t));
        let declared_frames = declared_frames(header, parameters);
        let mut layout = Layout {
            order: header.order,
            storage,
            unsigned,
            points: header.points,
            channels: 0,
            samples_per_frame: header.samples_per_frame,
            data_start,
            unfinished: recovered,
            declared_frames,
            frames: 0,
        };
        let room = prefix.size_bytes.map(|size| size.saturating_sub(data_start));
        layout.channels = layout.count_channels(header, parameters, room)?;
        layout.check_channels(prefix)?;
        let held = room.map(|bytes| bytes.checked_div(layout.frame_bytes()).unwrap_or(0));
        layout.unfinished |= declared_frames == 0 && held.is_some_and(|held| held > 0);
        layout.frames = match held {
            Some(held) if declared_frames == 0 => held,
            Some(held) => declared_frames.min(held),
            None => declared_frames,
        };
        Ok(layout)
    }

    /// From the header's words; from ANALOG:USED only if those are no multiple of the samples per frame and it fits.
    fn count_channels(&self, header: &Header, parameters: &Parameters, room: Option<usize>) -> Result<usize, C3dError> {
        let (words, samples_per_frame) = (header.analog_words, self.samples_per_frame);
        if words == 0 {
            return Ok(0);
        }
        if words.checked_rem(samples_per_frame) == Some(0) {
            return Ok(words / samples_per_frame);
        }
        let used = first_unsigned(parameters, "ANALOG", "USED").filter(|used| *used <= MOST_CHANNELS);
        let used = used.map_or(0, |used| used as usize);
        let needed = Layout { channels: used, ..*self }.frame_bytes().saturating_mul(self.declared_frames);
        let fits = samples_per_frame > 0 && used > 0 && room.is_none_or(|bytes| needed <= bytes);
        if fits { Ok(used) } else { Err(C3dError::BadLayout { words, samples_per_frame }) }
    }

    /// A count of channels is believed as far as the recording could hold a sample of each.
    fn check_channels(&self, prefix: Prefix) -> Result<(), C3dError> {
        let (channels, row_bytes) = (self.channels, self.channels * self.storage.size());
        match prefix.size_bytes {
            Some(size_bytes) if row_bytes > size_bytes => Err(C3dError::TooManyChannels { channels, size_bytes }),
            _ => Ok(()),
        }
    }

    pub fn point_bytes(&self) -> usize {
        self.points * 4 * self.storage.size()
    }

    pub fn frame_bytes(&self) -> usize {
        self.point_bytes() + self.channels * self.samples_per_frame * self.storage.size()
    }

    pub fn samples_per_channel(&self) -> usize {
        if self.channels == 0 { 0 } else { self.frames * self.samples_per_frame }
    }

    /// The bytes of all frames of a whole recording.
    pub fn frames_of<'a>(&self, recording: &'a [u8]) -> &'a [u8] {
        let end = self.data_start.saturating_add(self.frames.saturating_mul(self.frame_bytes()));
        recording.get(self.data_start..end).unwrap_or(&[])
    }
}

fn is_unsigned(format: &str) -> bool {
    format.trim().eq_ignore_ascii_case("UNSIGNED")
}

pub fn first_number(parameters: &Parameters, group: &str, name: &str) -> Option<f64> {
    parameters.find(group, name)?.numbers().next()
}

fn first_unsigned(parameters: &Parameters, group: &str, name: &str) -> Option<f64> {
    parameters.find(group, name)?.unsigned_numbers().next()
}

/// The header's word, or `POINT:DATA_START` if that points past the end or nowhere; and whether it had to be recovered.
fn data_start(prefix: Prefix, header: &Header, parameters: &Parameters) -> Result<(usize, bool), C3dError> {
    let size = prefix.size_bytes.unwrap_or(usize::MAX);
    let usable = |start: usize| start > header.parameters_start && start <= size;
    if usable(header.data_start) {
        return Ok((header.data_start, false));
    }
    let start = first_unsigned(parameters, "POINT", "DATA_START").map(|block| block_start(block as usize));
    match (start.filter(|start| usable(*start)), prefix.size_bytes) {
        (Some(start), _) => Ok((start, true)),
        (None, Some(size_bytes)) if header.data_start > size_bytes => {
            Err(C3dError::TooFewBytes { needed: header.data_start, size_bytes })
        }
        _ => Err(C3dError::NoDataStart { offset: header.parameters_start }),
    }
}

/// By the sign of `POINT:SCALE`; of the header's, if that is missing or says nothing.
fn storage(header: &Header, parameters: &Parameters) -> Storage {
    let scale = first_number(parameters, "POINT", "SCALE").filter(|scale| scale.is_finite() && *scale != 0.0);
    if scale.unwrap_or(header.point_scale) < 0.0 { Storage::Float32 } else { Storage::Int16 }
}

/// `POINT:FRAMES` as unsigned or float; where that is missing or saturated `TRIAL` or `POINT:LONG_FRAMES`; else the header.
fn declared_frames(header: &Header, parameters: &Parameters) -> usize {
    let stated = first_unsigned(parameters, "POINT", "FRAMES").and_then(count);
    let in_header = (usize::from(header.last_frame) + 1).saturating_sub(usize::from(header.first_frame));
    match stated {
        Some(frames) if frames != SATURATED_FRAMES => frames,
        saturated => long_frames(header, parameters).or(saturated).unwrap_or(in_header),
    }
}

fn long_frames(header: &Header, parameters: &Parameters) -> Option<usize> {
    let field = |name: &str| parameters.find("TRIAL", name).map(long_integer);
    let start = field("ACTUAL_START_FIELD").unwrap_or(f64::from(header.first_frame));
    let of_trial = field("ACTUAL_END_FIELD").and_then(|end| count(end - start + 1.0)).filter(|frames| *frames > 0);
    of_trial.or_else(|| first_number(parameters, "POINT", "LONG_FRAMES").and_then(count))
}

/// A stated count as far as it makes sense.
fn count(stated: f64) -> Option<usize> {
    (stated >= 0.0).then(|| (stated as usize).min(MOST_FRAMES))
}

/// Two 16-bit words, the low one first, or one float.
fn long_integer(parameter: &Parameter) -> f64 {
    let weights = if parameter.kind == Kind::Int16 { [1.0, 65536.0] } else { [1.0, 0.0] };
    parameter.unsigned_numbers().zip(weights).map(|(word, weight)| word * weight).sum()
}
