//! The first bytes of a recording, checked at every step, and numbers in the byte order of the machine that wrote them.

use super::error::C3dError;
use serde::Serialize;

/// In which form numbers were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    /// Low byte first.
    Intel,
    /// Low byte first, in floats the high word first: VAX `F_floating`.
    Dec,
    /// High byte first.
    Mips,
}

impl ByteOrder {
    /// From the processor byte at `offset`.
    pub fn from_processor(found: u8, offset: usize) -> Result<Self, C3dError> {
        match found {
            84 => Ok(ByteOrder::Intel),
            85 => Ok(ByteOrder::Dec),
            86 => Ok(ByteOrder::Mips),
            _ => Err(C3dError::UnknownProcessor { offset, found }),
        }
    }

    #[inline(always)]
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Intel | ByteOrder::Dec => u16::from_le_bytes(bytes),
            ByteOrder::Mips => u16::from_be_bytes(bytes),
        }
    }

    /// A float of four bytes; as f64, because VAX floats reach beyond both ends of f32.
    #[inline(always)]
    pub fn float(self, bytes: [u8; 4]) -> f64 {
        match self {
            ByteOrder::Intel => f64::from(f32::from_le_bytes(bytes)),
            ByteOrder::Dec => vax_float([bytes[2], bytes[3], bytes[0], bytes[1]]),
            ByteOrder::Mips => f64::from(f32::from_be_bytes(bytes)),
        }
    }
}

/// `F_floating`: sign, eight bits of exponent in excess of 128, and 0.1f, where IEEE has 1.f in excess of 127. An exponent
/// of zero is zero whatever its fraction. With a sign it would be the reserved operand, on which a VAX faults: no VAX
/// wrote it, but programs that convert −0.0 do.
/// Source: VAX Architecture Reference Manual, chapter on data types.
fn vax_float(bytes: [u8; 4]) -> f64 {
    const EXCESS: u64 = 1023 - 129;
    let bits = u32::from_le_bytes(bytes);
    let (negative, exponent) = (bits >> 31, u64::from(bits >> 23 & 0xff));
    match exponent {
        0 => 0.0,
        _ => f64::from_bits(u64::from(negative) << 63 | (exponent + EXCESS) << 52 | u64::from(bits & 0x7f_ffff) << 29),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: VAX Architecture Reference Manual; 1.0 is 0x4080 in the first word.
    #[test]
    fn vax_floats_are_those_of_the_manual() {
        let of = |words: [u16; 2]| {
            let [low, high] = words.map(u16::to_le_bytes);
            ByteOrder::Dec.float([low[0], low[1], high[0], high[1]])
        };
        assert_eq!(of([0x4080, 0]), 1.0);
        assert_eq!(of([0xc080, 0]), -1.0);
        assert_eq!(of([0x3ecc, 0xcccd]), f64::from(0.1f32));
        assert_eq!(of([0, 0xffff]), 0.0);
        assert_eq!(of([0x8000, 0]).to_bits(), 0);
    }

    #[test]
    fn vax_floats_reach_beyond_both_ends_of_ieee() {
        assert_eq!(ByteOrder::Dec.float([0xff, 0x7f, 0xff, 0xff]), (2.0 - 2f64.powi(-23)) * 2f64.powi(126));
        assert_eq!(ByteOrder::Dec.float([0x80, 0, 0, 0]), 2f64.powi(-128));
    }

    #[test]
    fn three_orders_write_the_same_numbers() {
        let (intel, dec, mips) = (ByteOrder::Intel, ByteOrder::Dec, ByteOrder::Mips);
        assert_eq!([intel.u16([1, 2]), dec.u16([1, 2]), mips.u16([2, 1])], [0x0201; 3]);
        let two = [intel.float([0, 0, 0, 0x40]), dec.float([0, 0x41, 0, 0]), mips.float([0x40, 0, 0, 0])];
        assert_eq!(two, [2.0; 3]);
    }
}
