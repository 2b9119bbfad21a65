//! Whole recordings, from bytes to the summary.

mod common;

use common::{bursts, recording};
use emg_core::c3d::{Prefix, Recording};
use emg_core::faults::Kind;
use emg_core::quality::{Reason, Verdict};
use emg_core::summary::{FaultRow, Summary};
use emg_core::{AnalysisError, Level, Machine, Profile, analyze};
use serde_json::{Map, Value, json};

fn analyzed(data: &[u8], overrides: &Value, machine: Machine) -> Result<Summary, AnalysisError> {
    analyzed_as("ghostly-2", data, overrides, machine)
}

fn analyzed_as(profile: &str, data: &[u8], overrides: &Value, machine: Machine) -> Result<Summary, AnalysisError> {
    let parsed = Recording::parse(Prefix::whole(data)).unwrap();
    let profile = Profile::named(profile)?.with(overrides.as_object().unwrap_or(&Map::new()))?;
    analyze(data, &parsed, None, &profile, machine)
}

fn summary(data: &[u8]) -> Summary {
    analyzed(data, &json!({}), Machine::detected()).unwrap()
}

/// Every level this processor can run.
fn levels() -> Vec<Level> {
    let best = Level::new();
    #[cfg(target_arch = "x86_64")]
    let others =
        [best.as_sse2().map(Level::Sse2), best.as_sse4_2().map(Level::Sse4_2), best.as_avx2().map(Level::Avx2)];
    #[cfg(not(target_arch = "x86_64"))]
    let others: [Option<Level>; 0] = [];
    others.into_iter().flatten().chain([best]).collect()
}

/// Faults of two kinds among bursts: segments of many lengths, and one excluded.
fn faulty(channel: usize, sample: usize) -> f32 {
    match (channel, sample % 9000) {
        (0, 4000..4270) => -5.5e-3,
        (1, 500 | 510 | 2200) => f32::NAN,
        _ => bursts(channel, sample),
    }
}

fn assert_same_everywhere(profile: &str, overrides: &Value) {
    let data = recording(700, faulty);
    let on = |machine| analyzed_as(profile, &data, overrides, machine).unwrap().to_json();
    let expected = on(Machine::detected());
    for level in levels() {
        for threads in [1, 2, 5] {
            assert!(on(Machine { level, threads }) == expected, "{profile} {overrides} {level:?} {threads} differs");
        }
    }
}

#[test]
fn every_level_and_thread_count_gives_the_same_bytes() {
    assert_same_everywhere("ghostly-2", &json!({}));
    for detector in 0..3 {
        assert_same_everywhere("standard-1", &json!({"detector": detector, "reference": 1}));
    }
}

#[test]
fn bursts_are_found_where_they_are() {
    let found = summary(&recording(700, bursts));
    let starts: Vec<_> = found.muscles[0].contractions.iter().map(|c| (c.start_ms / 1000.0).round()).collect();
    assert_eq!(starts, [0.0, 4.0, 8.0, 12.0, 16.0, 20.0]);
}

#[test]
fn without_an_activated_channel_the_envelope_does_the_timing() {
    let mut data = recording(700, bursts);
    let name = b"CH1 activated";
    let at = data.windows(name.len()).position(|window| window == name).unwrap();
    data[at..at + name.len()].copy_from_slice(b"Something    ");
    let muscle = &summary(&data).muscles[0];
    assert_eq!(muscle.timing_channel, "CH1 Raw");
    assert_eq!(muscle.contractions.len(), 6);
}

#[test]
fn a_flat_channel_is_skipped_with_its_reason() {
    let found = summary(&recording(700, |channel, sample| if channel == 0 { 0.25 } else { bursts(channel, sample) }));
    assert_eq!(found.muscles[0].skipped, Some("Flat"));
    assert!(matches!(found.channels[0].reasons[0], Reason::Flat { count: 1, .. }));
    assert_eq!((found.muscles[1].skipped, found.scores.overall), (None, None));
    assert_eq!(found.scores.data_completeness.missing, ["compliance", "symmetry", "effort", "game", "bfr"]);
}

#[test]
fn a_channel_with_a_nan_is_skipped_with_its_reason() {
    let nan_once = |channel, sample| if (channel, sample) == (1, 5000) { f32::NAN } else { bursts(channel, sample) };
    let found = summary(&recording(700, nan_once));
    assert_eq!(found.muscles[1].skipped, Some("NonFinite"));
    assert!(!String::from_utf8(found.to_json()).unwrap().contains("NaN"));
}

#[test]
fn a_fill_is_listed_and_degrades_its_channel() {
    let fill = |channel, sample| {
        if channel == 1 && (3000..3270).contains(&sample) { -5.5e-3 } else { bursts(channel, sample) }
    };
    let found = summary(&recording(700, fill));
    assert_eq!((found.channels[1].verdict, found.channels[3].verdict), (Verdict::Degraded, Verdict::Usable));
    assert!(matches!(found.channels[1].reasons[0], Reason::Dropout { count: 1, .. }));
    let row = FaultRow {
        channel: "CH2 Raw".to_owned(),
        kind: Kind::Dropout,
        start_sample: 3000,
        end_sample: 3270,
        start_s: 3.030_303,
        end_s: 3.303_03,
    };
    assert_eq!((found.faults, found.faults_not_listed, found.muscles[1].skipped), (vec![row], 0, None));
}

#[test]
fn of_many_faults_the_longest_are_listed_in_order() {
    let fills = |channel, sample: usize| {
        let is_fill = channel == 0 && sample % 400 < 20 + sample / 400;
        if is_fill { -5.5e-3 } else { bursts(channel, sample) }
    };
    let found = summary(&recording(700, fills));
    let starts: Vec<_> = found.faults.iter().map(|row| row.start_sample).collect();
    assert_eq!(starts, (21..=52).map(|fill| fill * 400).collect::<Vec<_>>());
    assert_eq!(found.faults_not_listed, 21);
    assert!(matches!(found.channels[0].reasons[0], Reason::Dropout { count: 53, .. }));
}

#[test]
fn silence_on_the_activated_channel_means_no_contraction() {
    let found = summary(&recording(700, |channel, sample| if channel > 1 { -0.0 } else { bursts(channel, sample) }));
    let all = found.muscles[0].contraction_summary.as_ref().unwrap();
    assert_eq!((all.count, all.mean_duration_ms, all.total_duration_ms), (0, None, 0.0));
    assert!(!String::from_utf8(found.to_json()).unwrap().contains("-0.0,"));
}

#[test]
fn recordings_under_ten_seconds_are_too_short() {
    let error = analyzed(&recording(300, bursts), &json!({}), Machine::detected()).unwrap_err();
    assert_eq!(error.cause(), "TooShort");
    assert!(error.to_string().contains("9000 samples, 9.091 s"));
}

#[test]
fn a_provided_reference_replaces_the_percentile() {
    let overrides = json!({"mvc_nanovolts": {"CH2": 150_000}});
    let found = analyzed(&recording(700, bursts), &overrides, Machine::detected()).unwrap();
    let reference = found.muscles[1].reference.unwrap();
    assert_eq!((reference.volts, reference.threshold_volts), (Some(150e-6), Some(112.5e-6)));
    let told = found.methods["reference"].as_str().unwrap();
    assert_eq!(
        told,
        "InTaskP95: 95th percentile of this recording's own envelope (circular); Provided: given with the session"
    );
}

#[test]
fn a_reference_for_an_unknown_muscle_is_an_error() {
    let overrides = json!({"mvc_nanovolts": {"CH3": 150_000}});
    let error = analyzed(&recording(700, bursts), &overrides, Machine::detected()).unwrap_err();
    assert_eq!(error.to_string(), "option mvc_nanovolts is CH3, but the muscles are CH1, CH2");
}

#[test]
fn a_summary_names_nobody() {
    let data = recording(700, bursts);
    assert!(!String::from_utf8(summary(&data).to_json()).unwrap().contains("Someone"));
    assert_eq!(emg_core::c3d::personal(Prefix::whole(&data)).unwrap()["player_name"], "Someone");
}
