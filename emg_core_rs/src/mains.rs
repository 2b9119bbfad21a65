//! Hum from the mains: power at 50 or 60 Hz and their harmonics, against that of the frequencies beside them.
//!
//! Muscle noise has a smooth spectrum, so a line that stands out of its neighbourhood is no muscle's. The spectrum is
//! Welch's, which is computed anyway: a line spreads over two bins to both sides of its own, neighbours lie further off.

use crate::welch::{self, BINS, SEGMENT, Spectrum};
use fearless_simd::Level;
use std::ops::Range;

const LINES_HZ: [f64; 6] = [50.0, 60.0, 100.0, 120.0, 150.0, 180.0];
/// Neighbours of a line, in bins.
const NEAREST: usize = 4;
const FARTHEST: usize = 6;
/// Above this rate 50 Hz lies too close to zero frequency for neighbours, so samples are averaged first.
const HIGHEST_RATE_HZ: f64 = 1_100.0;

/// The line that stands out most: its power divided by the mean power of its neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hum {
    pub line_hz: f64,
    pub ratio: f64,
}

/// Hum of a finite signal whose spectrum is known; `None` if it is too short or too slowly sampled to tell.
pub fn hum(level: Level, signal: &[f64], power: &Spectrum, sample_rate_hz: f64) -> Option<Hum> {
    let together = libm::ceil(sample_rate_hz / HIGHEST_RATE_HZ) as usize;
    if together <= 1 {
        return strongest(power, sample_rate_hz);
    }
    let averaged: Vec<f64> = signal.chunks_exact(together).map(|some| some.iter().sum::<f64>()).collect();
    strongest(&welch::whole(level, &averaged)?, sample_rate_hz / together as f64)
}

/// The same of the parts of a signal that can be used, together.
pub fn hum_between(level: Level, signal: &[f64], segments: &[Range<usize>], sample_rate_hz: f64) -> Option<Hum> {
    let together = (libm::ceil(sample_rate_hz / HIGHEST_RATE_HZ) as usize).max(1);
    let averaged = |segment: &Range<usize>| -> Vec<f64> {
        signal[segment.clone()].chunks_exact(together).map(|some| some.iter().sum::<f64>()).collect()
    };
    let spectra = segments.iter().filter_map(|segment| welch::whole(level, &averaged(segment)));
    let power = spectra.reduce(|sum, part| std::array::from_fn::<f64, BINS, _>(|bin| sum[bin] + part[bin]))?;
    strongest(&power, sample_rate_hz / together as f64)
}

fn strongest(power: &Spectrum, sample_rate_hz: f64) -> Option<Hum> {
    let lines = LINES_HZ.iter().filter_map(|line_hz| line(power, *line_hz, sample_rate_hz));
    lines.max_by(|a, b| a.ratio.total_cmp(&b.ratio))
}

fn line(power: &Spectrum, line_hz: f64, sample_rate_hz: f64) -> Option<Hum> {
    let place = line_hz * SEGMENT as f64 / sample_rate_hz;
    let bin = libm::round(place) as usize;
    if bin <= FARTHEST || bin >= BINS - FARTHEST {
        return None;
    }
    let [below, above] = [libm::floor(place), libm::ceil(place)].map(|at| power[at as usize]);
    let neighbours = (NEAREST..=FARTHEST).map(|far| power[bin - far] + power[bin + far]).sum::<f64>();
    let mean = neighbours / (2 * (FARTHEST - NEAREST + 1)) as f64;
    let ratio = if below > above { below } else { above } / mean;
    ratio.is_finite().then_some(Hum { line_hz, ratio })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise of standard deviation 1 / √12 with a sine in it.
    fn recorded(sample_rate_hz: f64, line_hz: f64, amplitude: f64) -> Vec<f64> {
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let sine = |index: f64| amplitude * libm::sin(2.0 * std::f64::consts::PI * line_hz / sample_rate_hz * index);
        (0..100_000).map(|index| noise() + sine(f64::from(index))).collect()
    }

    fn heard(sample_rate_hz: f64, line_hz: f64, amplitude: f64) -> Option<Hum> {
        let signal = recorded(sample_rate_hz, line_hz, amplitude);
        hum(Level::new(), &signal, &welch::whole(Level::new(), &signal)?, sample_rate_hz)
    }

    #[test]
    fn a_line_is_heard_at_its_frequency() {
        for rate in [500.0, 990.0, 1_000.0, 2_148.0, 10_000.0] {
            for line in [50.0, 60.0, 150.0] {
                let hum = heard(rate, line, 1.0).unwrap();
                assert!(hum.line_hz == line && hum.ratio > 10.0, "{hum:?} at {rate} Hz");
            }
        }
    }

    #[test]
    fn noise_alone_does_not_hum() {
        for rate in [500.0, 990.0, 2_148.0, 10_000.0] {
            // The mean of 390 segments or more varies by 7 % at most.
            assert!(heard(rate, 0.0, 0.0).unwrap().ratio < 1.5);
        }
    }

    #[test]
    fn the_ratio_of_a_line_is_its_power_against_the_noises() {
        // In one bin, with Hann's window: of the line a²·N²/16, of noise of variance v v·3N/8. 50 Hz is bin 16 at 800 Hz.
        let expected = 1.0 + (0.5 * 0.5 * 256.0 * 256.0 / 16.0) / (1.0 / 12.0 * 3.0 * 256.0 / 8.0);
        let found = heard(800.0, 50.0, 0.5).unwrap().ratio;
        assert!((found / expected - 1.0).abs() < 0.1, "{found} {expected}");
    }

    #[test]
    fn too_slow_or_silent_a_signal_tells_nothing() {
        assert_eq!(heard(100.0, 50.0, 1.0), None);
        assert_eq!(strongest(&[0.0; BINS], 990.0), None);
        for rate in [f64::NAN, 0.0, -1.0, 1e-300, 1e300] {
            assert_eq!(strongest(&[1.0; BINS], rate), None);
        }
    }
}
