//! Time of each step and of whole analyses, on a made-up recording of three minutes; `make bench` runs them.
//!
//! Measured for about a second each: enough to see what a change does, quick enough to be run often.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{SAMPLE_RATE_HZ, bursts, recording};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use emg_core::c3d::{Prefix, Recording};
use emg_core::filter::{Butterworth, zero_phase};
use emg_core::lanes::Rows;
use emg_core::{Level, Machine, PROFILES, Profile, analyze, welch};
use std::hint::black_box;
use std::time::Duration;

/// 173,400 samples of each channel, as many as the longest recording of the trial has.
const FRAMES: u16 = 5780;
const WINDOW: usize = 990;
const HEADER_BYTES: usize = 1536;

fn steps(criterion: &mut Criterion) {
    let data = recording(FRAMES, bursts);
    let parsed = Recording::parse(Prefix::whole(&data)).expect("a recording made up here");
    let samples = parsed.samples(parsed.layout.frames_of(&data), 0);
    header(criterion, &data);
    criterion.bench_function("decode one channel", |b| {
        b.iter(|| parsed.samples(black_box(parsed.layout.frames_of(&data)), 0));
    });
    zero_phase_filter(criterion, &samples);
    criterion.bench_function("welch, windows of one second", |b| {
        let tell = |_, power: &_| {
            black_box(power);
        };
        b.iter(|| welch::windows(Level::new(), black_box(&samples), WINDOW, WINDOW / 2, tell));
    });
}

fn header(criterion: &mut Criterion, data: &[u8]) {
    let prefix = Prefix { data: &data[..HEADER_BYTES], size_bytes: Some(data.len()) };
    criterion.bench_function("header", |b| b.iter(|| Recording::parse(black_box(prefix))));
}

fn zero_phase_filter(criterion: &mut Criterion, samples: &[f64]) {
    let filter = Butterworth::high_pass(20.0, SAMPLE_RATE_HZ);
    let cut = || {
        let mut rows = Rows::default();
        rows.cut(Level::new(), samples, filter.settling_samples(), 0);
        rows
    };
    criterion.bench_function("zero-phase filter", |b| {
        b.iter_batched_ref(cut, |rows| zero_phase(Level::new(), &filter, rows), BatchSize::LargeInput);
    });
}

fn analyses(criterion: &mut Criterion) {
    let data = recording(FRAMES, bursts);
    for name in PROFILES {
        let profile = Profile::named(name).expect("a profile of this crate");
        criterion.bench_function(name, |b| b.iter(|| analysis(black_box(&data), &profile)));
    }
}

/// From bytes to canonical JSON, the hash included.
fn analysis(data: &[u8], profile: &Profile) -> Vec<u8> {
    let parsed = Recording::parse(Prefix::whole(data)).expect("a recording made up here");
    let summary = analyze(data, &parsed, None, profile, Machine::detected());
    summary.expect("a recording made up here").to_json()
}

fn short() -> Criterion {
    let criterion = Criterion::default().without_plots();
    criterion.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(30)
}

criterion_group! { name = core; config = short(); targets = steps, analyses }
criterion_main!(core);
