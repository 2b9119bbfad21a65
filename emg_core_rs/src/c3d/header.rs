//! The first block of 512 bytes: where things are and how many.

use super::bytes::{ByteOrder, Prefix};
use super::error::C3dError;

pub const BLOCK: usize = 512;
const KEY: u8 = 0x50;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    pub order: ByteOrder,
    /// Byte at which the parameter section starts.
    pub parameters_start: usize,
    pub points: usize,
    /// Analog samples of all channels in one frame.
    pub analog_words: usize,
    pub first_frame: u16,
    pub last_frame: u16,
    /// Negative: samples are stored as float32.
    pub point_scale: f64,
    /// Byte at which the data start; zero if the header does not say.
    pub data_start: usize,
    pub samples_per_frame: usize,
    pub frame_rate_hz: f64,
}

impl Header {
    pub fn parse(prefix: Prefix) -> Result<Self, C3dError> {
        check_key(prefix)?;
        let bytes = prefix.slice(0, BLOCK, 8 * BLOCK)?;
        let parameters_start = match bytes[0] {
            0 => return Err(C3dError::BadParameterBlock { block: 0 }),
            block => (usize::from(block) - 1) * BLOCK,
        };
        let processor = prefix.slice(parameters_start, parameters_start + 4, parameters_start + BLOCK)?[3];
        let order = ByteOrder::from_processor(processor, parameters_start + 3)?;
        Ok(Self::fields(bytes, order, parameters_start))
    }

    fn fields(bytes: &[u8], order: ByteOrder, parameters_start: usize) -> Self {
        let u16_at = |at: usize| order.u16([bytes[at], bytes[at + 1]]);
        let float_at = |at: usize| order.float([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Header {
            order,
            parameters_start,
            points: usize::from(u16_at(2)),
            analog_words: usize::from(u16_at(4)),
            first_frame: u16_at(6),
            last_frame: u16_at(8),
            point_scale: float_at(12),
            data_start: block_start(usize::from(u16_at(16))),
            samples_per_frame: usize::from(u16_at(18)),
            frame_rate_hz: float_at(20),
        }
    }
}

/// First byte of a block counted from one; zero for block zero.
pub fn block_start(block: usize) -> usize {
    block.saturating_sub(1).saturating_mul(BLOCK)
}

/// Says that bytes are something else before asking for more of them.
fn check_key(prefix: Prefix) -> Result<(), C3dError> {
    match prefix.data.get(1) {
        Some(key) if *key != KEY => Err(C3dError::NotC3d { offset: 1, found: *key }),
        _ => Ok(()),
    }
}
