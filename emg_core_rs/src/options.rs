//! Options of an analysis: integers with the unit in the name, each within stated bounds.

use crate::error::AnalysisError;
use crate::method::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Cut-offs above this share of the sample rate are clamped to it, where that leaves a filter.
pub const HIGHEST_CUTOFF: f64 = 0.45;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    pub expected_contractions: u32,
    pub contraction_duration_threshold_ms: u32,
    pub mvc_threshold_percent: u32,
    /// Reference per muscle; a muscle that is not named here takes the profile's own reference.
    pub mvc_nanovolts: BTreeMap<String, u64>,
    /// Detection threshold as a share of the `activated` channel's maximum: of the smoothed channel, or, for standard-1, of
    /// what the robust maximum lies above the baseline.
    pub threshold_activated_permille: u32,
    /// The same of the envelope, for muscles without such a channel.
    pub threshold_envelope_permille: u32,
    pub min_contraction_ms: u32,
    pub merge_gap_ms: u32,
    pub max_contraction_ms: u32,
    /// Options that only one of the two ways to analyse has.
    #[serde(flatten, skip_deserializing)]
    pub method: Method,
    pub envelope_window_ms: u32,
    pub high_pass_hz: u32,
    pub low_pass_hz: u32,
    /// Borg CR-10.
    pub perceived_exertion: Option<u32>,
    /// Of the arterial occlusion pressure.
    pub cuff_pressure_permille_aop: Option<u32>,
    pub game_score_max: Option<u32>,
    pub completion_weight_permille: u32,
    pub intensity_weight_permille: u32,
    pub duration_weight_permille: u32,
    pub compliance_weight_permille: u32,
    pub symmetry_weight_permille: u32,
    pub effort_weight_permille: u32,
    pub game_weight_permille: u32,
}

impl Options {
    /// These options with `overrides` laid over them, checked.
    pub fn with(&self, overrides: &Map<String, Value>) -> Result<Self, AnalysisError> {
        let mut options = self.clone();
        for (option, value) in overrides {
            options = options.with_one(option, value)?;
        }
        options.check()?;
        Ok(options)
    }

    fn with_one(&self, option: &str, value: &Value) -> Result<Self, AnalysisError> {
        let bad = |bound: String| bad_option(option, value, bound);
        let mut all = serde_json::to_value(self).map_err(|error| bad(error.to_string()))?;
        let fields = all.as_object_mut().ok_or_else(|| bad("options are no object".to_owned()))?;
        if fields.insert(option.to_owned(), value.clone()).is_none() {
            let known: Vec<_> = fields.keys().filter(|key| *key != option).map(String::as_str).collect();
            return Err(bad(format!("unknown field `{option}`: there are {}", known.join(", "))));
        }
        let method = self.method.read(&all).map_err(|error| bad(self.bound(option, &error)))?;
        let options: Self = serde_json::from_value(all).map_err(|error| bad(self.bound(option, &error)))?;
        Ok(Options { method, ..options })
    }

    /// What a value that is no such number should have been.
    fn bound(&self, option: &str, error: &serde_json::Error) -> String {
        match self.bounded().into_iter().find(|(name, ..)| *name == option) {
            Some((_, _, low, high)) => format!("it must be a whole number between {low} and {high}"),
            None => error.to_string(),
        }
    }

    fn check(&self) -> Result<(), AnalysisError> {
        let out_of_bounds = self.bounded().into_iter().find(|(_, value, low, high)| !(low..=high).contains(&value));
        if let Some((option, value, low, high)) = out_of_bounds {
            return Err(bad_option(option, &value, format!("it must lie between {low} and {high}")));
        }
        self.check_weights()
    }

    /// Every number with its bounds, both allowed. Missing options are within theirs.
    fn bounded(&self) -> Vec<(&'static str, u64, u64, u64)> {
        let optional = |value: Option<u32>, low: u64| value.map_or(low, u64::from);
        let mut rows: Vec<(&'static str, u64, u64, u64)> = vec![
            ("perceived_exertion", optional(self.perceived_exertion, 0), 0, 10),
            ("cuff_pressure_permille_aop", optional(self.cuff_pressure_permille_aop, 0), 0, 3_000),
            ("game_score_max", optional(self.game_score_max, 1), 1, 1_000_000_000),
        ];
        rows.extend(self.mvc_nanovolts.values().map(|volts| ("mvc_nanovolts", *volts, 1, 10_000_000_000)));
        let plain = [
            ("expected_contractions", self.expected_contractions, 1, 10_000),
            ("contraction_duration_threshold_ms", self.contraction_duration_threshold_ms, 0, 600_000),
            ("mvc_threshold_percent", self.mvc_threshold_percent, 1, 1_000),
            ("threshold_activated_permille", self.threshold_activated_permille, 1, 999),
            ("threshold_envelope_permille", self.threshold_envelope_permille, 1, 999),
            ("min_contraction_ms", self.min_contraction_ms, 0, 60_000),
            ("merge_gap_ms", self.merge_gap_ms, 0, 60_000),
            ("max_contraction_ms", self.max_contraction_ms, 100, 600_000),
            ("envelope_window_ms", self.envelope_window_ms, 1, 1_000),
            ("high_pass_hz", self.high_pass_hz, 1, 1_000),
            ("low_pass_hz", self.low_pass_hz, 1, 1_000),
            ("completion_weight_permille", self.completion_weight_permille, 0, 1_000),
            ("intensity_weight_permille", self.intensity_weight_permille, 0, 1_000),
            ("duration_weight_permille", self.duration_weight_permille, 0, 1_000),
            ("compliance_weight_permille", self.compliance_weight_permille, 0, 1_000),
            ("symmetry_weight_permille", self.symmetry_weight_permille, 0, 1_000),
            ("effort_weight_permille", self.effort_weight_permille, 0, 1_000),
            ("game_weight_permille", self.game_weight_permille, 0, 1_000),
        ];
        let all = plain.into_iter().chain(self.method.bounded());
        rows.extend(all.map(|(option, value, low, high)| (option, value.into(), u64::from(low), u64::from(high))));
        rows
    }

    fn check_weights(&self) -> Result<(), AnalysisError> {
        let muscle = self.completion_weight_permille + self.intensity_weight_permille + self.duration_weight_permille;
        let session = self.compliance_weight_permille
            + self.symmetry_weight_permille
            + self.effort_weight_permille
            + self.game_weight_permille;
        let groups = [
            ("completion_weight_permille + intensity_weight_permille + duration_weight_permille", muscle),
            ("compliance_, symmetry_, effort_ and game_weight_permille", session),
        ];
        match groups.into_iter().find(|(_, sum)| *sum != 1_000) {
            Some((weights, sum)) => Err(bad_option(weights, &sum, "weights must add up to 1000".to_owned())),
            None => Ok(()),
        }
    }
}

/// An option no recording of this rate allows; `own` are the profile's, whose limits are the recording's to miss.
pub fn check_rate(options: &Options, own: &Options, sample_rate_hz: f64) -> Result<(), AnalysisError> {
    let cutoffs = [
        ("high_pass_hz", options.high_pass_hz, own.high_pass_hz, HIGHEST_CUTOFF),
        ("low_pass_hz", options.low_pass_hz, own.low_pass_hz, 0.5),
    ];
    let over = |(_, hz, own, share): &(_, u32, u32, f64)| hz != own && f64::from(*hz) >= share * sample_rate_hz;
    match cutoffs.into_iter().find(over) {
        Some((option, hz, _, share)) => {
            let bound = share * sample_rate_hz;
            Err(bad_option(option, &hz, format!("at {sample_rate_hz} Hz it must lie below {bound}")))
        }
        None => Ok(()),
    }
}

pub fn bad_option(option: &str, value: &impl ToString, bound: String) -> AnalysisError {
    AnalysisError::BadOption { option: option.to_owned(), value: value.to_string(), bound }
}
