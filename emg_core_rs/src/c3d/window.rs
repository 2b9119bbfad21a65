//! Which bytes of a recording hold a window of time.

use super::channels;
use super::metadata::Recording;
use std::ops::Range;

/// Of a sample: 0.1 s at 990 Hz is 99 samples, whatever the last bit says.
const ROUNDING: f64 = 1e-6;

/// Whole frames: samples of every channel, and bytes of the recording, the ends not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameWindow {
    pub first_sample: usize,
    pub end_sample: usize,
    pub start_byte: usize,
    pub end_byte: usize,
}

impl Recording {
    /// The whole frames that cover the time from `start_s` to `end_s`, as far as the recording goes. Without a sample rate
    /// time means nothing: the window is empty.
    pub fn frame_window(&self, start_s: f64, end_s: f64) -> FrameWindow {
        let layout = &self.layout;
        let frames_per_second = self.metadata.sample_rate_hz.unwrap_or(0.0) / layout.samples_per_frame.max(1) as f64;
        let first = ((start_s * frames_per_second).floor() as usize).min(layout.frames);
        let end = ((end_s * frames_per_second).ceil() as usize).clamp(first, layout.frames.max(first));
        let byte = |frame: usize| layout.data_start.saturating_add(frame.saturating_mul(layout.frame_bytes()));
        FrameWindow {
            first_sample: first * layout.samples_per_frame,
            end_sample: end * layout.samples_per_frame,
            start_byte: byte(first),
            end_byte: byte(end),
        }
    }

    /// The samples with `start_s` ≤ t < `end_s`, as far as the recording goes; none without a sample rate.
    pub fn sample_window(&self, start_s: f64, end_s: f64) -> Range<usize> {
        let rate = self.metadata.sample_rate_hz.unwrap_or(f64::NAN);
        let count = self.metadata.samples_per_channel;
        let sample = |seconds: f64| ((seconds * rate - ROUNDING).ceil() as usize).min(count);
        let first = sample(start_s);
        first..sample(end_s).max(first)
    }

    /// Physical values of some samples of one channel, from the bytes of all frames: only the frames that hold them are
    /// decoded.
    pub fn samples_within(&self, frames: &[u8], channel: usize, window: Range<usize>) -> Vec<f64> {
        let Some(first) = window.start.checked_div(self.layout.samples_per_frame) else { return Vec::new() };
        let end = window.end.div_ceil(self.layout.samples_per_frame);
        let byte = |frame: usize| frame.saturating_mul(self.layout.frame_bytes());
        let needed = frames.get(byte(first)..byte(end)).unwrap_or(&[]);
        let mut samples = self.samples(needed, channel);
        samples.truncate(window.end - first * self.layout.samples_per_frame);
        samples.drain(..(window.start - first * self.layout.samples_per_frame).min(samples.len()));
        samples
    }

    /// Number of the channel of that name, in any case; the name of a muscle finds its raw channel.
    pub fn channel_index(&self, name: &str) -> Option<usize> {
        channels::find(&self.metadata.channels, name)
    }
}
