//! A profile is a named set of options; its digest is stored with every result.

use crate::error::AnalysisError;
use crate::hashing::sha256_hex;
use crate::method::{Detector, Fallback, GhostlyOptions, Method, StandardOptions};
use crate::options::Options;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// All profiles there are.
pub const NAMES: [&str; 2] = ["ghostly-2", "standard-1"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    pub name: String,
    pub digest: String,
    pub options: Options,
}

impl Profile {
    pub fn named(name: &str) -> Result<Self, AnalysisError> {
        match name {
            "ghostly-2" => Ok(Self::new(name, ghostly_2())),
            "standard-1" => Ok(Self::new(name, standard_1())),
            _ => Err(AnalysisError::UnknownProfile { name: name.to_owned(), known: NAMES.join(", ") }),
        }
    }

    /// The profile with `overrides` laid over its options; it keeps its name and gets another digest.
    pub fn with(&self, overrides: &Map<String, Value>) -> Result<Self, AnalysisError> {
        Ok(Self::new(&self.name, self.options.with(overrides)?))
    }

    fn new(name: &str, options: Options) -> Self {
        let canonical = serde_json::to_vec(&(name, &options)).unwrap_or_default();
        Profile { name: name.to_owned(), digest: sha256_hex(&canonical), options }
    }
}

/// The numbers of the earlier system for GHOSTLY recordings.
fn ghostly_2() -> Options {
    Options {
        expected_contractions: 12,
        contraction_duration_threshold_ms: 2_000,
        mvc_threshold_percent: 75,
        mvc_nanovolts: BTreeMap::new(),
        threshold_activated_permille: 50,
        threshold_envelope_permille: 100,
        min_contraction_ms: 100,
        merge_gap_ms: 200,
        max_contraction_ms: 10_000,
        method: Method::Ghostly(GhostlyOptions { refractory_ms: 0, smoothing_samples: 100 }),
        envelope_window_ms: 50,
        high_pass_hz: 20,
        low_pass_hz: 10,
        perceived_exertion: None,
        cuff_pressure_permille_aop: None,
        game_score_max: None,
        completion_weight_permille: 333,
        intensity_weight_permille: 333,
        duration_weight_permille: 334,
        compliance_weight_permille: 500,
        symmetry_weight_permille: 250,
        effort_weight_permille: 250,
        game_weight_permille: 0,
    }
}

/// What a careful biomechanist would do; criteria and weights are those of the trial, as in ghostly-2.
fn standard_1() -> Options {
    let method = StandardOptions {
        detector: Detector::Threshold,
        threshold_deviations: 3,
        hysteresis_percent: 60,
        tkeo_deviations: 8,
        reference: Fallback::None,
    };
    Options { threshold_envelope_permille: 50, method: Method::Standard(method), ..ghostly_2() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(overrides: &Value) -> Result<Profile, AnalysisError> {
        Profile::named("ghostly-2").unwrap().with(overrides.as_object().unwrap())
    }

    #[test]
    fn profiles_keep_their_own_bounds() {
        for name in NAMES {
            let profile = Profile::named(name).unwrap();
            assert_eq!(profile.with(&Map::new()).unwrap(), profile);
        }
    }

    #[test]
    fn an_override_changes_the_digest() {
        let plain = Profile::named("ghostly-2").unwrap();
        assert_ne!(with(&json!({"perceived_exertion": 4})).unwrap().digest, plain.digest);
        assert_eq!(with(&json!({"perceived_exertion": null})).unwrap().digest, plain.digest);
    }

    #[test]
    fn impossible_options_are_named_with_value_and_bound() {
        let message = |overrides: Value| with(&overrides).unwrap_err().to_string();
        assert_eq!(
            message(json!({"perceived_exertion": 11})),
            "option perceived_exertion is 11, but it must lie between 0 and 10"
        );
        assert!(message(json!({"game_weight_permille": 1})).contains("1001"));
        assert!(message(json!({"high_pass": 20})).contains("unknown field `high_pass`"));
        assert!(message(json!({"high_pass_hz": "20"})).contains("option high_pass_hz is \"20\""));
        assert!(message(json!({"high_pass_hz": 2.5})).contains("option high_pass_hz is 2.5"));
        assert_eq!(
            message(json!({"envelope_window_ms": -5})),
            "option envelope_window_ms is -5, but it must be a whole number between 1 and 1000"
        );
        assert!(message(json!({"detector": 1})).contains("unknown field `detector`"));
    }

    #[test]
    fn words_of_a_closed_set_have_numbers_too() {
        let detector = |value: Value| {
            let overrides = json!({"detector": value});
            Ok(Profile::named("standard-1")?.with(overrides.as_object().unwrap())?.options.method)
        };
        assert_eq!(detector(json!(1)), detector(json!("hodges-bui-tkeo")));
        let error: AnalysisError = detector(json!(3)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "option detector is 3, but it must be one of threshold (0), hodges-bui-tkeo (1), bonato (2)"
        );
    }

    #[test]
    fn an_unknown_profile_is_named() {
        let error = Profile::named("standard-9").unwrap_err();
        assert_eq!(error.to_string(), "there is no profile \"standard-9\"; there is ghostly-2, standard-1");
    }
}
