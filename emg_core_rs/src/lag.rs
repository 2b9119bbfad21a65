//! How long one signal lags behind another: the place of the largest cross-correlation.

use crate::lanes::{LANES, Row};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};

const BLOCK_S: f64 = 0.02;
const EARLIEST_S: f64 = -0.1;
const LATEST_S: f64 = 0.3;

/// Means of blocks of about 20 ms: smoothed signals lose next to nothing, and the correlation costs a 400th.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks {
    means: Vec<f64>,
    seconds: f64,
}

impl Blocks {
    pub fn of(signal: &[f64], sample_rate_hz: f64) -> Self {
        let length = ((BLOCK_S * sample_rate_hz) as usize).max(1);
        let mean = |block: &[f64]| block.iter().map(|value| value.abs()).sum::<f64>() / length as f64;
        let mut means: Vec<f64> = signal.chunks_exact(length).map(mean).collect();
        let all = means.iter().sum::<f64>() / means.len().max(1) as f64;
        for mean in &mut means {
            *mean -= all;
        }
        Blocks { means, seconds: length as f64 / sample_rate_hz }
    }
}

/// Seconds by which `late` lags behind `early`, between −0.1 and 0.3; `None` if the correlation has no peak there. A
/// parabola through the largest correlation and its neighbours tells more than the blocks' 20 ms.
pub fn lag_s(level: Level, early: &Blocks, late: &Blocks) -> Option<f64> {
    let (before, after) = ((-EARLIEST_S / early.seconds) as usize, (LATEST_S / early.seconds) as usize);
    let core = early.means.get(before..early.means.len().checked_sub(after)?)?;
    let correlations: Vec<f64> = (0..=before + after)
        .map(|shift| dispatch!(level, simd => correlation(simd, core, &late.means[shift.min(late.means.len())..])))
        .collect();
    let top = (0..correlations.len()).max_by(|a, b| correlations[*a].total_cmp(&correlations[*b]))?;
    let (left, peak) = (*correlations.get(top.checked_sub(1)?)?, correlations[top]);
    let right = *correlations.get(top + 1)?;
    let bend = left - 2.0 * peak + right;
    let shift = if bend < 0.0 { 0.5 * (left - right) / bend } else { 0.0 };
    (peak > 0.0).then_some((top as f64 - before as f64 + shift) * early.seconds)
}

/// Of the same part of `early` for every lag, so that no lag has more terms than another.
#[inline(always)]
fn correlation<S: Simd>(simd: S, early: &[f64], late: &[f64]) -> f64 {
    let mut lanes = f64x8::splat(simd, 0.0);
    for (a, b) in early.as_chunks::<LANES>().0.iter().zip(late.as_chunks::<LANES>().0) {
        lanes += f64x8::simd_from(simd, *a) * f64x8::simd_from(simd, *b);
    }
    let row: Row = lanes.into();
    row.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bumps(lag_samples: f64) -> Vec<f64> {
        let bump = |i: usize| libm::exp(-libm::pow((i as f64 - lag_samples) % 2000.0 / 200.0 - 5.0, 2.0));
        (0..20_000).map(bump).collect()
    }

    fn lag_ms(early: &[f64], late: &[f64]) -> Option<f64> {
        lag_s(Level::new(), &Blocks::of(early, 1000.0), &Blocks::of(late, 1000.0)).map(|seconds| seconds * 1000.0)
    }

    #[test]
    fn a_known_lag_is_found_to_half_a_millisecond() {
        for lag in [-30.0, 0.0, 3.0, 49.0, 58.0, 67.0, 203.0] {
            let found = lag_ms(&bumps(0.0), &bumps(lag)).unwrap();
            assert!((found - lag).abs() < 0.5, "{found} for {lag}");
        }
    }

    #[test]
    fn silence_has_no_lag() {
        assert_eq!(lag_ms(&bumps(0.0), &vec![0.0; 20_000]), None);
        assert_eq!(lag_ms(&[], &[]), None);
    }
}
