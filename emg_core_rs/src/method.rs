//! What distinguishes the two ways to analyse: how contractions are detected, and what stands in for a reference.

use serde::{Deserialize, Serialize};
use serde_json::{Error, Value};

/// An option with its value and bounds, both allowed.
pub type Bounded = (&'static str, u32, u32, u32);

/// Which chain computes the numbers, with the options that only it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Method {
    /// That of the earlier system.
    Ghostly(GhostlyOptions),
    /// Faults first, then filters per usable segment.
    Standard(StandardOptions),
}

impl Default for Method {
    fn default() -> Self {
        Method::Ghostly(GhostlyOptions { refractory_ms: 0, smoothing_samples: 1 })
    }
}

impl Method {
    /// The same method with its options out of `all`.
    pub fn read(&self, all: &Value) -> Result<Self, Error> {
        match self {
            Method::Ghostly(_) => GhostlyOptions::deserialize(all).map(Method::Ghostly),
            Method::Standard(_) => StandardOptions::deserialize(all).map(Method::Standard),
        }
    }

    pub fn bounded(&self) -> Vec<Bounded> {
        match self {
            Method::Ghostly(own) => vec![
                ("refractory_ms", own.refractory_ms, 0, 60_000),
                ("smoothing_samples", own.smoothing_samples, 1, 1_000),
            ],
            Method::Standard(own) => vec![
                ("threshold_deviations", own.threshold_deviations, 1, 100),
                ("hysteresis_percent", own.hysteresis_percent, 1, 100),
                ("tkeo_deviations", own.tkeo_deviations, 1, 100),
            ],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GhostlyOptions {
    pub refractory_ms: u32,
    pub smoothing_samples: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandardOptions {
    pub detector: Detector,
    /// Robust standard deviations above the baseline's median that the threshold keeps at least.
    pub threshold_deviations: u32,
    /// A contraction ends where the signal falls to this share of the threshold's height above the baseline.
    pub hysteresis_percent: u32,
    /// Standard deviations of the baseline's energy above its mean, for the detector by energy.
    pub tkeo_deviations: u32,
    /// What stands in where neither the session nor the recording gives a reference.
    pub reference: Fallback,
}

/// How contractions are found; as an option a word or its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "Value")]
pub enum Detector {
    /// Threshold with hysteresis on the `activated` channel, or on the envelope where there is none.
    Threshold,
    /// Moving average of the Teager–Kaiser energy above mean + h · SD of the baseline.
    HodgesBuiTkeo,
    /// Double threshold: enough of a few successive powers above a level that noise rarely exceeds.
    Bonato,
}

/// A reference nobody measured; as an option a word or its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "Value")]
pub enum Fallback {
    None,
    InTaskP95,
    Default,
}

impl TryFrom<Value> for Detector {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let words = [
            ("threshold", Detector::Threshold),
            ("hodges-bui-tkeo", Detector::HodgesBuiTkeo),
            ("bonato", Detector::Bonato),
        ];
        one_of(&value, &words)
    }
}

impl TryFrom<Value> for Fallback {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let words = [("none", Fallback::None), ("in-task-p95", Fallback::InTaskP95), ("default", Fallback::Default)];
        one_of(&value, &words)
    }
}

/// The member a word or its number stands for: a session's options are integers.
fn one_of<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, String> {
    let by_number = value.as_u64().and_then(|number| words.get(usize::try_from(number).ok()?));
    let by_word = value.as_str().and_then(|word| words.iter().find(|(known, _)| *known == word));
    by_number.or(by_word).map(|(_, member)| *member).ok_or_else(|| {
        let known = words.iter().enumerate().map(|(number, (word, _))| format!("{word} ({number})"));
        format!("it must be one of {}", known.collect::<Vec<_>>().join(", "))
    })
}
