//! standard-1 on whole recordings.

mod common;

use common::{SAMPLE_RATE_HZ, bursts, record, recording};
use emg_core::c3d::{Prefix, Recording};
use emg_core::quality::Reason;
use emg_core::summary::{Muscle, ReferenceMethod, Summary};
use emg_core::{AnalysisError, Machine, Profile, analyze};
use serde_json::{Value, json};

fn analyzed(data: &[u8], overrides: &Value) -> Result<Summary, AnalysisError> {
    let parsed = Recording::parse(Prefix::whole(data)).unwrap();
    let profile = Profile::named("standard-1")?.with(overrides.as_object().unwrap())?;
    analyze(data, &parsed, None, &profile, Machine::detected())
}

fn first_muscle(value: impl Fn(usize, usize) -> f32) -> Muscle {
    analyzed(&recording(700, value), &json!({})).unwrap().muscles.remove(0)
}

fn seconds(muscle: &Muscle) -> Vec<(f64, f64)> {
    let tenth = |sample: usize| (sample as f64 / SAMPLE_RATE_HZ * 10.0).round() / 10.0;
    muscle.contractions.iter().map(|c| (tenth(c.start_sample), tenth(c.end_sample))).collect()
}

fn without_activated(data: &[u8]) -> Vec<u8> {
    let (mut data, name) = (data.to_vec(), b"activated");
    for at in 0..1536 - name.len() {
        if data[at..].starts_with(name) {
            data[at..at + name.len()].copy_from_slice(b"something");
        }
    }
    data
}

/// The recording with a group THERAPY that gives both muscles a reference.
fn with_references(mut data: Vec<u8>, volts: [f32; 2]) -> Vec<u8> {
    let last = b"Someone\0";
    let at = data.windows(last.len()).position(|window| window == last).map_or(0, |at| at + last.len());
    let values = volts.map(f32::to_le_bytes).concat();
    let mvc = [&[4, 1, 2][..], &values, &[0]].concat();
    let added = [record(-4, "THERAPY", &[0]), record(4, "MVC", &mvc)].concat();
    data[at..at + added.len()].copy_from_slice(&added);
    data
}

const BURSTS: [(f64, f64); 6] = [(0.0, 1.5), (4.0, 5.5), (8.0, 9.5), (12.0, 13.5), (16.0, 17.5), (20.0, 21.2)];

#[test]
fn every_detector_finds_the_bursts_where_they_are() {
    let data = without_activated(&recording(700, bursts));
    for detector in 0..3 {
        let found = analyzed(&data, &json!({"detector": detector})).unwrap();
        for ((start, end), (known_start, known_end)) in seconds(&found.muscles[0]).into_iter().zip(BURSTS) {
            assert!((start - known_start).abs() < 0.15 && (end - known_end).abs() < 0.15, "{detector} {start} {end}");
        }
        assert_eq!(found.muscles[0].contractions.len(), BURSTS.len());
    }
}

#[test]
fn a_contraction_may_last_to_the_end() {
    let muscle = first_muscle(bursts);
    assert_eq!(muscle.contractions.last().unwrap().end_sample, 21_000);
}

#[test]
fn without_a_reference_nothing_is_told_about_intensity() {
    let muscle = first_muscle(bursts);
    assert_eq!(muscle.reference.unwrap().method, ReferenceMethod::None);
    assert!(muscle.contractions.iter().all(|c| c.meets_mvc.is_none()));
    assert_eq!(muscle.contraction_summary.unwrap().meets_mvc, None);
}

#[test]
fn a_reference_is_taken_by_its_rank() {
    let data = recording(700, bursts);
    let of = |overrides: Value| analyzed(&data, &overrides).unwrap().muscles[1].reference.unwrap();
    assert_eq!(of(json!({"reference": "default"})).volts, Some(150e-6));
    assert_eq!(of(json!({"reference": 1})).method, ReferenceMethod::InTaskP95);
    let file = analyzed(&with_references(data.clone(), [0.0, 0.25]), &json!({"reference": 1})).unwrap();
    let [none, given] = [0, 1].map(|muscle: usize| file.muscles[muscle].reference.unwrap());
    assert_eq!((none.method, given.method), (ReferenceMethod::InTaskP95, ReferenceMethod::File));
    assert_eq!((given.volts, given.threshold_volts), (Some(0.25), Some(0.1875)));
    let provided = of(json!({"reference": 1, "mvc_nanovolts": {"CH2": 200_000}}));
    assert_eq!((provided.method, provided.volts), (ReferenceMethod::Provided, Some(200e-6)));
}

#[test]
fn a_dropout_in_a_burst_is_touched_and_not_measured() {
    let dropout = |channel, sample| match (channel, sample) {
        (0, 4200..4470) => -5.5e-3,
        _ => bursts(channel, sample),
    };
    let (clean, faulty) = (first_muscle(bursts), first_muscle(dropout));
    let details = |muscle: &Muscle| muscle.contractions.iter().map(|c| c.details.unwrap()).collect::<Vec<_>>();
    assert_eq!(details(&faulty).iter().map(|d| d.faults).collect::<Vec<_>>(), [0, 1, 0, 0, 0, 0]);
    let [rms, known] = [&faulty, &clean].map(|muscle| details(muscle)[1].rms_volts);
    assert!((rms / known - 1.0).abs() < 0.05, "{rms} for {known}");
    assert_eq!(details(&faulty)[2], details(&clean)[2]);
}

#[test]
fn samples_that_are_no_numbers_cost_no_muscle() {
    let nan = |channel, sample| if sample == 5000 { f32::NAN } else { bursts(channel, sample) };
    let muscle = first_muscle(nan);
    assert_eq!((muscle.skipped, muscle.contractions.len()), (None, 6));
}

#[test]
fn pieces_too_short_to_be_filtered_are_reported() {
    let muscle = first_muscle(
        |channel, sample| if sample == 3000 || sample == 3010 { f32::NAN } else { bursts(channel, sample) },
    );
    let told = muscle.standard.unwrap();
    assert_eq!((told.excluded_segments, told.excluded_samples), (1, 9));
}

#[test]
fn a_muscle_of_which_hardly_anything_is_usable_is_skipped() {
    let found = analyzed(
        &recording(700, |channel, sample| if channel == 0 { 0.25 } else { bursts(channel, sample) }),
        &json!({}),
    );
    let found = found.unwrap();
    assert_eq!(found.muscles[0].skipped, Some("TooLittleUsable"));
    assert_eq!((found.muscles[1].skipped, found.scores.overall), (None, None));
}

#[test]
fn two_seconds_are_enough() {
    assert_eq!(analyzed(&recording(66, bursts), &json!({})).unwrap().muscles.len(), 2);
    assert_eq!(analyzed(&recording(20, bursts), &json!({})).unwrap_err().cause(), "TooShort");
}

#[test]
fn a_cut_off_no_recording_of_this_rate_allows_is_an_error() {
    let error = analyzed(&recording(700, bursts), &json!({"low_pass_hz": 500})).unwrap_err();
    assert_eq!(error.to_string(), "option low_pass_hz is 500, but at 990 Hz it must lie below 495");
    let error = analyzed(&recording(700, bursts), &json!({"high_pass_hz": 446})).unwrap_err();
    assert_eq!(error.to_string(), "option high_pass_hz is 446, but at 990 Hz it must lie below 445.5");
}

#[test]
fn a_low_pass_just_under_half_the_rate_is_clamped_and_said_so() {
    let found = analyzed(&recording(700, bursts), &json!({"low_pass_hz": 480})).unwrap();
    assert_eq!(found.methods["filters"]["low_pass_hz"], json!(445.5));
    assert_eq!(found.methods["filters"]["low_pass_clamped"], json!(true));
}

#[test]
fn long_contractions_are_named_and_not_cut() {
    let long =
        |channel, sample: usize| bursts(channel, if sample < 14_000 { sample % 1400 } else { 2000 + sample % 900 });
    let muscle = first_muscle(long);
    assert_eq!(muscle.contractions.len(), 1);
    assert!(muscle.contractions[0].details.unwrap().long);
}

#[test]
fn the_energys_threshold_is_told_in_volts_squared() {
    let data = recording(700, bursts);
    let of = |overrides: Value| analyzed(&data, &overrides).unwrap().muscles.remove(0);
    let (by_energy, plain) = (of(json!({"detector": "hodges-bui-tkeo"})), of(json!({})));
    assert_eq!((by_energy.detection_threshold_volts, plain.detection_threshold_volts.is_some()), (None, true));
    assert!(by_energy.standard.unwrap().detection_threshold_volts_squared.unwrap() < 1e-8);
    assert_eq!(plain.standard.unwrap().detection_threshold_volts_squared, None);
}

#[test]
fn hum_is_heard_beside_a_sample_that_is_no_number() {
    let humming = |channel: usize, sample: usize| {
        let turn = 2.0 * std::f64::consts::PI * 50.0 / SAMPLE_RATE_HZ * sample as f64;
        if sample == 5000 { f32::NAN } else { bursts(channel, sample) + (turn.sin() * 1e-4) as f32 }
    };
    let found = analyzed(&recording(700, humming), &json!({})).unwrap();
    assert!(found.channels[0].mains_ratio.unwrap() > 3.0);
    assert!(found.channels[0].reasons.iter().any(|reason| matches!(reason, Reason::MainsHum { .. })));
}

#[test]
fn hum_that_cannot_be_looked_for_is_said() {
    let torn = |channel, sample| if sample % 200 == 0 { f32::NAN } else { bursts(channel, sample) };
    let found = analyzed(&recording(700, torn), &json!({})).unwrap();
    assert!(found.channels[0].reasons.contains(&Reason::HumNotChecked));
}

#[test]
fn extremes_are_those_of_usable_samples() {
    let fill = |channel, sample| if (3000..3270).contains(&sample) { -5.5e-3 } else { bursts(channel, sample) };
    let report = &analyzed(&recording(700, fill), &json!({})).unwrap().channels[0];
    assert!(report.minimum_volts.unwrap() > -5e-4 && report.maximum_volts.unwrap() < 5e-4);
    let nan = |channel, sample| if sample == 5000 { f32::NAN } else { bursts(channel, sample) };
    assert!(analyzed(&recording(700, nan), &json!({})).unwrap().channels[0].minimum_volts.is_some());
}

#[test]
fn short_segments_are_a_reason_with_their_share() {
    let torn = |channel, sample| if sample % 200 == 0 { f32::NAN } else { bursts(channel, sample) };
    let found = analyzed(&recording(700, torn), &json!({})).unwrap();
    let expected = Reason::ShortSegments { fraction: 1.0, most_fraction: 0.05, settling_s: 0.29 };
    assert!(found.channels[0].reasons.contains(&expected), "{:?}", found.channels[0].reasons);
    assert_eq!(found.muscles[0].standard.unwrap().unsettled_fraction, 1.0);
    assert_eq!(first_muscle(bursts).standard.unwrap().unsettled_fraction, 0.0);
}

#[test]
fn windows_that_touch_a_fault_are_counted() {
    let nan = |channel, sample| if sample == 5000 { f32::NAN } else { bursts(channel, sample) };
    let left_out = |muscle: Muscle| muscle.standard.unwrap().windows_left_out;
    assert_eq!((left_out(first_muscle(nan)), left_out(first_muscle(bursts))), (2, 0));
}

#[test]
fn the_methods_hold_the_numbers_of_the_detection_and_the_reference() {
    let data = recording(700, bursts);
    let of = |overrides: Value| analyzed(&data, &overrides).unwrap().methods;
    let plain = of(json!({"hysteresis_percent": 55}));
    let detection = plain["detection"].as_str().unwrap();
    for told in ["50 (activated)", "3 x 1.4826 MAD", "55 % of that height", "250 ms", "200 ms merged", "100 ms dropped"]
    {
        assert!(detection.contains(told), "{told}: {detection}");
    }
    assert_eq!(plain["reference"], "None");
    assert_eq!(plain["meets_mvc"], "envelope's peak");
    let provided = of(json!({"mvc_nanovolts": {"CH1": 200_000}}));
    assert_eq!(provided["reference"], "None; Provided: given with the session");
}
