//! The first bytes of a recording, checked at every step, and numbers in the byte order of the machine that wrote them.

use super::error::C3dError;
use serde::Serialize;

/// In which form numbers were written. Another order is another variant here: the two readers below must then know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    Intel,
}

impl ByteOrder {
    /// From the processor byte at `offset`.
    pub fn from_processor(found: u8, offset: usize) -> Result<Self, C3dError> {
        match found {
            84 => Ok(ByteOrder::Intel),
            85 => Err(C3dError::UnsupportedByteOrder { offset, order: "DEC" }),
            86 => Err(C3dError::UnsupportedByteOrder { offset, order: "MIPS" }),
            _ => Err(C3dError::UnknownProcessor { offset, found }),
        }
    }

    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Intel => u16::from_le_bytes(bytes),
        }
    }

    pub fn f32(self, bytes: [u8; 4]) -> f32 {
        match self {
            ByteOrder::Intel => f32::from_le_bytes(bytes),
        }
    }
}

/// The first bytes of a recording of `size_bytes`, where that is known. A whole recording is a prefix of itself.
#[derive(Debug, Clone, Copy)]
pub struct Prefix<'a> {
    pub data: &'a [u8],
    pub size_bytes: Option<usize>,
}

impl<'a> Prefix<'a> {
    pub fn whole(data: &'a [u8]) -> Self {
        Prefix { data, size_bytes: Some(data.len()) }
    }

    /// The bytes from `start` to `end`. If they are missing, says whether more of the recording would help, and that a
    /// prefix of `enough` bytes suffices.
    pub fn slice(&self, start: usize, end: usize, enough: usize) -> Result<&'a [u8], C3dError> {
        self.data.get(start..end).ok_or_else(|| self.missing(end, enough))
    }

    fn missing(&self, end: usize, enough: usize) -> C3dError {
        match self.size_bytes {
            Some(size_bytes) if end > size_bytes => C3dError::TooFewBytes { needed: end, size_bytes },
            size => {
                let needed = enough.max(end).min(size.unwrap_or(usize::MAX));
                C3dError::NeedMoreBytes { needed, held: self.data.len() }
            }
        }
    }
}
