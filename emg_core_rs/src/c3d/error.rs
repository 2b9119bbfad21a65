//! Why bytes cannot be read as a C3D recording. Every error carries the numbers; `cause` is a stable word.

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum C3dError {
    #[error("{held} bytes are too few: the first {needed} are needed")]
    NeedMoreBytes { needed: usize, held: usize },
    #[error("the recording ends at byte {size_bytes}, before byte {needed} which its header or parameters need")]
    TooFewBytes { needed: usize, size_bytes: usize },
    #[error("not a C3D recording: byte {offset} is {found:#04x} instead of 0x50")]
    NotC3d { offset: usize, found: u8 },
    #[error("the header names parameter block {block} at byte 0, which cannot be")]
    BadParameterBlock { block: u8 },
    #[error("byte {offset} names an unknown processor type {found} (84 Intel, 85 DEC, 86 MIPS)")]
    UnknownProcessor { offset: usize, found: u8 },
    #[error("the parameter section at byte {offset} holds no group")]
    NoParameters { offset: usize },
    #[error("the header counts {words} analog words per frame at byte 4 but {samples_per_frame} samples per frame")]
    BadLayout { words: usize, samples_per_frame: usize },
    #[error(
        "the header counts {channels} analog channels at byte 4, more than {size_bytes} bytes can hold a sample of"
    )]
    TooManyChannels { channels: usize, size_bytes: usize },
    #[error("neither the header nor POINT:DATA_START names a data start after the parameters at byte {offset}")]
    NoDataStart { offset: usize },
}

impl C3dError {
    /// A stable word for the cause.
    pub fn cause(&self) -> &'static str {
        match self {
            C3dError::NeedMoreBytes { .. } => "NeedMoreBytes",
            C3dError::TooFewBytes { .. } => "TooFewBytes",
            C3dError::NotC3d { .. } => "NotC3d",
            C3dError::BadParameterBlock { .. } => "BadParameterBlock",
            C3dError::UnknownProcessor { .. } => "UnknownProcessor",
            C3dError::NoParameters { .. } => "NoParameters",
            C3dError::BadLayout { .. } => "BadLayout",
            C3dError::TooManyChannels { .. } => "TooManyChannels",
            C3dError::NoDataStart { .. } => "NoDataStart",
        }
    }

    /// Byte at which the fault shows, where it has a place.
    pub fn offset(&self) -> Option<usize> {
        match self {
            C3dError::NeedMoreBytes { .. } => None,
            C3dError::TooFewBytes { size_bytes, .. } => Some(*size_bytes),
            C3dError::BadParameterBlock { .. } => Some(0),
            C3dError::BadLayout { .. } | C3dError::TooManyChannels { .. } => Some(4),
            C3dError::NotC3d { offset, .. }
            | C3dError::UnknownProcessor { offset, .. }
            | C3dError::NoParameters { offset }
            | C3dError::NoDataStart { offset } => Some(*offset),
        }
    }
}
