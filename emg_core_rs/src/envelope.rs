//! Smoothed amplitude of a signal: high-pass, magnitude, low-pass, moving average; and the moving RMS.

use crate::average::{moving_average, rows_needed};
use crate::error::AnalysisError;
use crate::filter::{self, Butterworth, PADDING};
use crate::lanes::LANES;
use crate::options::{HIGHEST_CUTOFF, Options, bad_option};
use crate::workspace::{Workspace, with_workspace};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use std::ops::Range;

/// How an envelope is made at one sample rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnvelopeDesign {
    pub sample_rate_hz: f64,
    pub high_pass_hz: f64,
    pub low_pass_hz: f64,
    pub low_pass_clamped: bool,
    pub window_samples: usize,
}

impl EnvelopeDesign {
    /// `None` if the sample rate is too low for the high-pass.
    pub fn new(sample_rate_hz: f64, options: &Options) -> Option<Self> {
        let highest = HIGHEST_CUTOFF * sample_rate_hz;
        let (high_pass_hz, low_pass_hz) = (f64::from(options.high_pass_hz), f64::from(options.low_pass_hz));
        (high_pass_hz < highest).then(|| EnvelopeDesign {
            sample_rate_hz,
            high_pass_hz,
            low_pass_hz: if low_pass_hz < highest { low_pass_hz } else { highest },
            low_pass_clamped: low_pass_hz >= highest,
            window_samples: window_samples(options.envelope_window_ms, sample_rate_hz).max(1),
        })
    }
}

/// ⌊(ms / 1000) · rate⌋, in this order of operations, which decides at uneven rates.
pub fn window_samples(window_ms: u32, sample_rate_hz: f64) -> usize {
    (f64::from(window_ms) / 1000.0 * sample_rate_hz) as usize
}

/// Where the samples lie in a signal padded for the filters.
pub fn inner(samples: usize) -> Range<usize> {
    PADDING..PADDING + samples
}

/// The signal in the workspace, padded on both sides (see `inner`), becomes its envelope. It has more than 15 samples.
pub fn envelope_in(level: Level, workspace: &mut Workspace, design: &EnvelopeDesign) {
    let high_pass = Butterworth::high_pass(design.high_pass_hz, design.sample_rate_hz);
    let low_pass = Butterworth::low_pass(design.low_pass_hz, design.sample_rate_hz);
    let Workspace { signal, rows } = workspace;
    filter::extend(signal);
    let settling = high_pass.settling_samples().max(low_pass.settling_samples());
    let averaged = rows_needed(design.window_samples, signal.len());
    rows.cut(level, signal, settling.max(averaged), averaged);
    filter::zero_phase_magnitude(level, &high_pass, rows);
    filter::extend_again(rows);
    filter::zero_phase(level, &low_pass, rows);
    filter::clear_extension(rows);
    moving_average(level, rows, design.window_samples);
    rows.join(level, signal);
}

/// The signal in the workspace becomes the moving average of its magnitude.
pub fn smooth_magnitude(level: Level, workspace: &mut Workspace, window: usize) {
    let Workspace { signal, rows } = workspace;
    rows.cut(level, signal, window, rows_needed(window, signal.len()));
    dispatch!(level, simd => map_rows(simd, &mut rows.rows, f64x8::abs));
    moving_average(level, rows, window);
    rows.join(level, signal);
}

/// Envelope of samples, as many as there are; 16 at least.
pub fn envelope(
    level: Level,
    samples: &[f64],
    sample_rate_hz: f64,
    options: &Options,
) -> Result<Vec<f64>, AnalysisError> {
    let design = EnvelopeDesign::new(sample_rate_hz, options).ok_or_else(|| too_slow(sample_rate_hz, options))?;
    if samples.len() <= PADDING {
        let duration_s = Some(samples.len() as f64 / sample_rate_hz);
        let (minimum_samples, minimum_s) = (PADDING + 1, 0.0);
        return Err(AnalysisError::TooShort { samples: samples.len(), duration_s, minimum_samples, minimum_s });
    }
    Ok(with_workspace(|workspace| {
        workspace.signal.resize(samples.len() + 2 * PADDING, 0.0);
        workspace.signal[inner(samples.len())].copy_from_slice(samples);
        envelope_in(level, workspace, &design);
        workspace.signal[inner(samples.len())].to_vec()
    }))
}

pub fn too_slow(sample_rate_hz: f64, options: &Options) -> AnalysisError {
    let bound = format!("it must be above {:.1} for the high-pass", f64::from(options.high_pass_hz) / HIGHEST_CUTOFF);
    bad_option("sample_rate_hz", &sample_rate_hz, bound)
}

/// Root of the moving average of squares; edges count as zero.
pub fn moving_rms(level: Level, samples: &[f64], window: usize) -> Vec<f64> {
    let (mut result, window) = (vec![0.0; samples.len()], window.max(1));
    if !samples.is_empty() {
        with_workspace(|Workspace { rows, .. }| {
            rows.cut(level, samples, window, rows_needed(window, samples.len()));
            dispatch!(level, simd => map_rows(simd, &mut rows.rows, #[inline(always)] |value| value * value));
            moving_average(level, rows, window);
            dispatch!(level, simd => map_rows(simd, &mut rows.rows, f64x8::sqrt));
            rows.join(level, &mut result);
        });
    }
    result
}

#[inline(always)]
pub fn map_rows<S: Simd>(simd: S, rows: &mut [[f64; LANES]], map: impl Fn(f64x8<S>) -> f64x8<S>) {
    for row in rows {
        *row = map(f64x8::simd_from(simd, *row)).into();
    }
}
