//! The summary of a recording, `emg-summary/1`: what is stored and served. Its JSON text is canonical: the same input
//! gives the same bytes on every processor and with any number of threads.

use crate::c3d::Metadata;
use crate::contraction::{Contraction, ContractionSummary, is_zero};
use crate::fatigue::Fatigue;
use crate::faults::{Kind, Rails};
use crate::options::Options;
use crate::profile::Profile;
use crate::quality::{Reason, Verdict, verdict};
use crate::scores::Scores;
use crate::spectrum::Spectral;
use crate::statistics::Spread;
use serde::Serialize;
use serde_json::Value;

pub const SCHEMA: &str = "emg-summary/1";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    pub schema: &'static str,
    pub recording: Metadata,
    pub profile: Profile,
    pub channels: Vec<ChannelReport>,
    /// The longest faults, in order of channel and time.
    pub faults: Vec<FaultRow>,
    /// How many more there are; the channels' reasons count them all.
    pub faults_not_listed: usize,
    pub muscles: Vec<Muscle>,
    pub scores: Scores,
    pub methods: Value,
    pub provenance: Provenance,
}

/// A saturated channel holds hundreds of faults: as many of the longest are listed as a summary of this size has room for.
const ROOM_BYTES: usize = 20_000;
const ROW_BYTES: usize = 128;
const FEWEST_LISTED: usize = 8;
const MOST_LISTED: usize = 32;

impl ChannelReport {
    /// Adds a reason, if there is one, to the verdict.
    pub(crate) fn tell(&mut self, reason: Option<Reason>) {
        self.reasons.extend(reason);
        self.verdict = verdict(&self.reasons);
    }
}

impl Summary {
    /// With the longest of `faults`, which stay in their order; of equally long ones the first.
    pub(crate) fn with_faults(mut self, mut faults: Vec<FaultRow>) -> Self {
        let room = ROOM_BYTES.saturating_sub(self.to_json().len()) / ROW_BYTES;
        let listed = room.clamp(FEWEST_LISTED, MOST_LISTED);
        self.faults_not_listed = faults.len().saturating_sub(listed);
        if self.faults_not_listed > 0 {
            let mut places: Vec<usize> = (0..faults.len()).collect();
            places.sort_by_key(|place| std::cmp::Reverse(faults[*place].samples()));
            places.truncate(listed);
            places.sort_unstable();
            faults = places.into_iter().map(|place| faults[place].clone()).collect();
        }
        self.faults = faults;
        self
    }

    /// The canonical JSON text: fixed order of keys, shortest form of numbers, null for what is missing.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelReport {
    pub name: String,
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    /// Time without faults; 0 where the profile uses nothing of the channel.
    pub usable_s: f64,
    pub usable_fraction: f64,
    /// Mean of the samples without faults.
    pub dc_offset_volts: Option<f64>,
    /// Power of the strongest mains line against its neighbours'; only of raw channels.
    pub mains_ratio: Option<f64>,
    pub minimum_volts: Option<f64>,
    pub maximum_volts: Option<f64>,
    /// Left out if nothing is saturated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rails: Option<RailsReport>,
}

/// Samples up to `low_volts` and from `high_volts` on are saturated: with these, faults that are not listed can be found
/// again in any part of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RailsReport {
    pub low_volts: Option<f64>,
    pub high_volts: Option<f64>,
}

impl RailsReport {
    pub fn of(Rails { low, high }: Rails) -> Self {
        let [low_volts, high_volts] = [low, high].map(|volts| volts.is_finite().then_some(volts));
        RailsReport { low_volts, high_volts }
    }
}

/// A part of a channel that must not be trusted. Seconds are rounded to microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultRow {
    pub channel: String,
    pub kind: Kind,
    pub start_sample: usize,
    pub end_sample: usize,
    pub start_s: f64,
    pub end_s: f64,
}

impl FaultRow {
    fn samples(&self) -> usize {
        self.end_sample - self.start_sample
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Muscle {
    pub name: String,
    pub raw_channel: String,
    /// The `activated` channel, or the raw one where its envelope does the timing.
    pub timing_channel: String,
    pub timing_lag_ms: Option<f64>,
    pub skipped: Option<&'static str>,
    pub amplitude: Option<Amplitude>,
    pub spectrum: Option<Spectral>,
    pub windows: Option<Windows>,
    pub reference: Option<Reference>,
    pub detection_threshold_volts: Option<f64>,
    pub contractions: Vec<Contraction>,
    pub contraction_summary: Option<ContractionSummary>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub standard: Option<StandardMuscle>,
}

/// What only standard-1 tells of a muscle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StandardMuscle {
    pub fatigue: Option<Fatigue>,
    /// Where the detector by energy begins a contraction, instead of `detection_threshold_volts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_threshold_volts_squared: Option<f64>,
    /// The share of the usable samples in segments too short for the high-pass to settle in; left out if none.
    #[serde(skip_serializing_if = "is_no_share")]
    pub unsettled_fraction: f64,
    /// Usable segments too short for the filters, and their samples; left out if none.
    #[serde(skip_serializing_if = "is_zero")]
    pub excluded_segments: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub excluded_samples: usize,
    /// Windows that touch a fault and so do not count; left out if none.
    #[serde(skip_serializing_if = "is_zero")]
    pub windows_left_out: usize,
}

/// The reference serde wants.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_no_share(share: &f64) -> bool {
    *share == 0.0
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Amplitude {
    pub rms_volts: f64,
    pub mav_volts: f64,
    pub iemg_volt_seconds: f64,
}

/// How the metrics vary over windows of one second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Windows {
    pub rms_volts: Option<Spread>,
    pub mav_volts: Option<Spread>,
    pub mpf_hz: Option<Spread>,
    pub mdf_hz: Option<Spread>,
    pub fi_nsm5: Option<Spread>,
    /// Told beside them, as `windows_left_out`.
    #[serde(skip)]
    pub left_out: usize,
}

/// Where the amplitude that counts as maximum came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ReferenceMethod {
    /// Given for the muscle.
    Provided,
    /// Given by the recording: see `c3d::references`.
    File,
    /// 95th percentile of this recording's own envelope. Circular: almost every contraction meets it.
    InTaskP95,
    /// 150 µV, whoever the muscle is of.
    Default,
    /// There is none: nothing is told about intensity.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reference {
    pub method: ReferenceMethod,
    pub volts: Option<f64>,
    pub threshold_volts: Option<f64>,
}

impl Reference {
    pub fn new(method: ReferenceMethod, volts: Option<f64>, options: &Options) -> Self {
        let share = f64::from(options.mvc_threshold_percent) / 100.0;
        Reference { method, volts, threshold_volts: volts.map(|volts| volts * share) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    pub sha256: String,
    pub profile: String,
    pub profile_digest: String,
    pub core_version: &'static str,
}
