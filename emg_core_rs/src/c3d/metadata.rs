//! The `recording` part of a summary: what the first bytes tell.

use super::bytes::{ByteOrder, Prefix};
use super::channels::{self, Channel, Role};
use super::decode::Calibration;
use super::error::C3dError;
use super::facts::{self, Game};
use super::header::Header;
use super::layout::{Layout, Storage, first_number};
use super::parameters::Parameters;
use super::therapy::references;
use serde::Serialize;
use std::collections::BTreeMap;

/// Share of the duration by which the game's clock may differ before it is reported.
const TIMEBASE_TOLERANCE: f64 = 0.01;

/// Something a reader of the numbers should know, with its own numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "flag")]
pub enum Flag {
    /// EMG channels state no unit; their values are taken as volts.
    UnitsAssumed { unit: &'static str, channels: usize },
    /// Analog channels state no scale; it is taken as 1.
    ScaleAssumed { channels: usize },
    /// The recording states no usable sample rate.
    RateUnknown,
    /// The game's clock and the number of samples disagree; nothing is corrected.
    TimebaseMismatch { stated_s: f64, measured_s: f64 },
    /// The recording holds fewer frames than it declares.
    Truncated { declared_frames: usize, held_frames: usize },
    /// The header was never completed; what lies after `data_start_byte` is taken as data.
    Unfinished { data_start_byte: usize },
    /// Parameters could not be read and were passed over.
    ParametersUnreadable { count: usize, first_offset: usize },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metadata {
    pub sha256: Option<String>,
    pub size_bytes: Option<usize>,
    pub byte_order: ByteOrder,
    pub storage: Storage,
    pub frames: usize,
    pub sample_rate_hz: Option<f64>,
    pub point_rate_hz: Option<f64>,
    pub samples_per_channel: usize,
    pub duration_s: Option<f64>,
    pub channels: Vec<Channel>,
    pub flags: Vec<Flag>,
    pub game: Game,
}

/// All that the first bytes of a recording tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    pub metadata: Metadata,
    pub layout: Layout,
    pub calibrations: Vec<Calibration>,
    /// Maximum voluntary contractions in volts, by muscle: see `references`.
    pub references: BTreeMap<String, f64>,
}

impl Recording {
    /// Reads header and parameters. Of a whole recording no other error than a fault in it comes back; of a prefix also
    /// `NeedMoreBytes` with the length that suffices.
    pub fn parse(prefix: Prefix) -> Result<Self, C3dError> {
        let header = Header::parse(prefix)?;
        let parameters = Parameters::walk(prefix, &header)?;
        let layout = Layout::derive(prefix, &header, &parameters)?;
        let (calibrations, scale_assumed) = channels::calibrate(&parameters, layout.channels, layout.unsigned);
        let mut metadata = metadata(prefix, &header, &parameters, &layout);
        metadata.flags = flags(&metadata, &parameters, &layout, scale_assumed);
        let references = references(&parameters, &metadata.channels);
        Ok(Recording { metadata, layout, calibrations, references })
    }

    /// Physical values of one channel, `scale` times, from the bytes of whole frames.
    pub fn decode_scaled(&self, frames: &[u8], channel: usize, scale: f64, samples: &mut [f64]) {
        let calibration = self.calibrations[channel];
        self.layout.decode(frames, channel, Calibration { scale: calibration.scale * scale, ..calibration }, samples);
    }

    /// Physical values of one channel of whole frames; none if there is no such channel.
    pub fn samples(&self, frames: &[u8], channel: usize) -> Vec<f64> {
        if channel >= self.layout.channels {
            return Vec::new();
        }
        let whole = frames.len().checked_div(self.layout.frame_bytes()).unwrap_or(0);
        let mut samples = vec![0.0; whole * self.layout.samples_per_frame];
        self.decode_scaled(frames, channel, 1.0, &mut samples);
        samples
    }
}

/// Names of people and free text, which the metadata leave out.
pub fn personal(prefix: Prefix) -> Result<BTreeMap<&'static str, String>, C3dError> {
    let header = Header::parse(prefix)?;
    Ok(facts::personal(&Parameters::walk(prefix, &header)?))
}

fn metadata(prefix: Prefix, header: &Header, parameters: &Parameters, layout: &Layout) -> Metadata {
    let point_rate_hz = rate(parameters, "POINT").or(believable(header.frame_rate_hz));
    let from_points = point_rate_hz.map(|rate| rate * layout.samples_per_frame as f64);
    let sample_rate_hz = rate(parameters, "ANALOG").or(from_points.and_then(believable));
    let samples = layout.samples_per_channel();
    Metadata {
        sha256: None,
        size_bytes: prefix.size_bytes,
        byte_order: layout.order,
        storage: layout.storage,
        frames: layout.frames,
        sample_rate_hz,
        point_rate_hz,
        samples_per_channel: samples,
        duration_s: sample_rate_hz.map(|rate| samples as f64 / rate),
        channels: channels::describe(parameters, layout.channels),
        flags: Vec::new(),
        game: Game::read(parameters),
    }
}

fn rate(parameters: &Parameters, group: &str) -> Option<f64> {
    first_number(parameters, group, "RATE").and_then(believable)
}

/// A rate that something could have been recorded with; any other is as good as none.
fn believable(rate: f64) -> Option<f64> {
    (0.01..=1e7).contains(&rate).then_some(rate)
}

fn flags(metadata: &Metadata, parameters: &Parameters, layout: &Layout, scale_assumed: bool) -> Vec<Flag> {
    let unitless = metadata.channels.iter().filter(|c| c.role != Role::Other && c.unit.is_none()).count();
    let rows = [
        (unitless > 0).then_some(Flag::UnitsAssumed { unit: "V", channels: unitless }),
        scale_assumed.then_some(Flag::ScaleAssumed { channels: layout.channels }),
        (metadata.sample_rate_hz.is_none() && layout.channels > 0).then_some(Flag::RateUnknown),
        timebase_mismatch(metadata),
        truncated(layout),
        layout.unfinished.then_some(Flag::Unfinished { data_start_byte: layout.data_start }),
        (parameters.unreadable > 0).then_some(Flag::ParametersUnreadable {
            count: parameters.unreadable,
            first_offset: parameters.first_unreadable_offset,
        }),
    ];
    rows.into_iter().flatten().collect()
}

fn timebase_mismatch(metadata: &Metadata) -> Option<Flag> {
    let (stated_s, measured_s) = (metadata.game.duration_s?, metadata.duration_s?);
    let differs = (stated_s - measured_s).abs() > TIMEBASE_TOLERANCE * measured_s;
    differs.then_some(Flag::TimebaseMismatch { stated_s, measured_s })
}

fn truncated(layout: &Layout) -> Option<Flag> {
    let (declared_frames, held_frames) = (layout.declared_frames, layout.frames);
    (held_frames < declared_frames && layout.frame_bytes() > 0)
        .then_some(Flag::Truncated { declared_frames, held_frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_nothing_is_recorded_with_is_no_rate() {
        for rate in [0.0, -990.0, 1e-30, 1e30, f64::NAN, f64::INFINITY] {
            assert_eq!(believable(rate), None, "{rate}");
        }
        assert_eq!(believable(990.0), Some(990.0));
    }
}
