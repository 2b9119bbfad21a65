//! One main path once, for counting its instructions: `paths NAME`, where `nothing` only makes the recording up.
//!
//! One thread, and AVX2 where there is any: valgrind knows no wider registers.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{bursts, recording};
use emg_core::c3d::{Prefix, Recording};
use emg_core::{Level, Machine, Profile, analyze, min_max};
use std::env;
use std::hint::black_box;
use std::process::ExitCode;

/// Two minutes at 990 samples a second.
const FRAMES: u16 = 3960;
const HEADER_BYTES: usize = 1536;
const WINDOW_S: f64 = 10.0;
const WIDTH: usize = 2000;

fn main() -> ExitCode {
    let path = env::args().nth(1).unwrap_or_default();
    let data = recording(FRAMES, bursts);
    match path.as_str() {
        "nothing" => {}
        "header" => drop(black_box(header(&data))),
        "window" => drop(black_box(window(&data))),
        "ghostly-2" | "standard-1" => drop(black_box(analysis(&data, &path))),
        _ => {
            eprintln!("usage: paths nothing | header | window | ghostly-2 | standard-1");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn header(data: &[u8]) -> Recording {
    let prefix = Prefix { data: &data[..HEADER_BYTES], size_bytes: Some(data.len()) };
    Recording::parse(prefix).expect("a recording made up here")
}

/// The band of ten seconds of one channel, from the bytes of its frames alone.
fn window(data: &[u8]) -> (Vec<f64>, Vec<f64>) {
    let parsed = header(data);
    let frames = parsed.frame_window(0.0, WINDOW_S);
    let samples = parsed.samples(&data[frames.start_byte..frames.end_byte], 0);
    min_max(level(), &samples, WIDTH)
}

/// From bytes to canonical JSON, the hash left out: the processor's own instructions for it vary.
fn analysis(data: &[u8], profile: &str) -> Vec<u8> {
    let profile = Profile::named(profile).expect("a profile of this crate");
    let machine = Machine { level: level(), threads: 1 };
    let summary = analyze(data, &header(data), Some(""), &profile, machine);
    summary.expect("a recording made up here").to_json()
}

#[cfg(target_arch = "x86_64")]
fn level() -> Level {
    let best = Level::new();
    best.as_avx2().map(Level::Avx2).or(best.as_sse2().map(Level::Sse2)).unwrap_or(best)
}

#[cfg(not(target_arch = "x86_64"))]
fn level() -> Level {
    Level::new()
}
