//! Physical values: (stored − offset) × scale.

use super::bytes::ByteOrder;
use super::layout::{Layout, Storage};

/// `scale` is that of the channel times that of all channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    pub scale: f64,
    pub offset: f64,
}

impl Layout {
    /// Physical values of one channel from the bytes of whole frames, as many as `samples` has room for. No byte of another
    /// channel is read.
    pub fn decode(&self, frames: &[u8], channel: usize, calibration: Calibration, samples: &mut [f64]) {
        // Each order has a loop of its own: the compiler then knows it inside.
        match self.order {
            ByteOrder::Intel => self.decode_from(ByteOrder::Intel, frames, channel, calibration, samples),
            ByteOrder::Dec => self.decode_from(ByteOrder::Dec, frames, channel, calibration, samples),
            ByteOrder::Mips => self.decode_from(ByteOrder::Mips, frames, channel, calibration, samples),
        }
    }

    #[inline(always)]
    fn decode_from(
        &self,
        order: ByteOrder,
        frames: &[u8],
        channel: usize,
        calibration: Calibration,
        samples: &mut [f64],
    ) {
        match (self.storage, self.unsigned) {
            (Storage::Float32, _) => self.fill(frames, channel, calibration, samples, |b| order.float(b)),
            (Storage::Int16, true) => self.fill(frames, channel, calibration, samples, |b| f64::from(order.u16(b))),
            (Storage::Int16, false) => {
                self.fill(frames, channel, calibration, samples, |b| f64::from(order.u16(b).cast_signed()));
            }
        }
    }

    #[inline(always)]
    fn fill<const SIZE: usize>(
        &self,
        frames: &[u8],
        channel: usize,
        Calibration { scale, offset }: Calibration,
        samples: &mut [f64],
        number: impl Fn([u8; SIZE]) -> f64,
    ) {
        let (frame_bytes, row_bytes) = (self.frame_bytes(), self.channels * SIZE);
        if channel >= self.channels || self.samples_per_frame == 0 {
            return;
        }
        let first = self.point_bytes() + channel * SIZE;
        for (frame, samples) in frames.chunks_exact(frame_bytes).zip(samples.chunks_mut(self.samples_per_frame)) {
            for (row, sample) in frame[first..].chunks(row_bytes).zip(samples) {
                if let Some(stored) = row.first_chunk::<SIZE>() {
                    *sample = (number(*stored) - offset) * scale;
                }
            }
        }
    }
}
