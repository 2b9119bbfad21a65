//! standard-1's signals: each usable segment is filtered by itself, so that no fault reaches a neighbouring sample.
//!
//! Mean off and high-pass; then the envelope (magnitude, low-pass, negative values off, centred moving average) or the
//! moving RMS. Averages at a segment's ends are over the samples present. Outside the segments every signal is zero.

use crate::average::{moving_average, rows_needed};
use crate::bundle::{Bundle, parted};
use crate::envelope::{EnvelopeDesign, inner, map_rows, too_slow};
use crate::error::AnalysisError;
use crate::filter::{self, Butterworth, PADDING};
use crate::lanes::{LANES, Rows};
use crate::options::{Options, bad_option};
use crate::statistics::{Sums, block_sums};
use crate::workspace::{Workspace, with_workspace};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use std::ops::Range;

/// The fewest samples that can be extended on both sides for the filters.
pub const SHORTEST_SEGMENT: usize = PADDING + 1;

/// Filters and windows at one sample rate.
pub struct Conditioning {
    pub design: EnvelopeDesign,
    high_pass: Butterworth,
    low_pass: Butterworth,
    level: Level,
}

impl Conditioning {
    /// `None` if the sample rate is too low for the high-pass. The window has an odd number of samples: it is centred.
    pub fn new(level: Level, sample_rate_hz: f64, options: &Options) -> Option<Self> {
        let mut design = EnvelopeDesign::new(sample_rate_hz, options)?;
        design.window_samples |= 1;
        let high_pass = Butterworth::high_pass(design.high_pass_hz, sample_rate_hz);
        let low_pass = Butterworth::low_pass(design.low_pass_hz, sample_rate_hz);
        Some(Conditioning { design, high_pass, low_pass, level })
    }

    /// The signal in the workspace, with room for padding on both sides, loses its mean and what lies below the high-pass.
    pub fn high_pass(&self, workspace: &mut Workspace, segments: &[Range<usize>]) {
        let Workspace { signal, rows } = workspace;
        for segment in segments {
            self.remove_mean(&mut signal[padded(segment)]);
        }
        let (short, long) = parted(segments, self.high_pass.settling_samples());
        for segments in short.chunks(LANES) {
            let mut bundle = bundled(rows, signal, segments, 0, |value| value);
            bundle.filter(self.level, &self.high_pass);
            unbundle(&bundle, segments, signal);
        }
        for segment in &long {
            beside(signal, segment, |padded| {
                filter::extend(padded);
                rows.cut(self.level, padded, self.high_pass.settling_samples(), 0);
                filter::zero_phase(self.level, &self.high_pass, rows);
                rows.join(self.level, padded);
            });
        }
        silence_outside(signal, segments, PADDING);
    }

    /// The high-passed signal in the workspace becomes its envelope.
    pub fn envelope(&self, workspace: &mut Workspace, segments: &[Range<usize>]) {
        let Workspace { signal, rows } = workspace;
        let window = self.design.window_samples;
        let (short, long) = parted(segments, self.low_pass.settling_samples());
        for segments in short.chunks(LANES) {
            let mut bundle = bundled(rows, signal, segments, window, f64::abs);
            bundle.filter(self.level, &self.low_pass);
            bundle.clear_extensions();
            dispatch!(self.level, simd => without_negatives(simd, bundle.rows));
            moving_average(self.level, bundle.rows, window);
            unbundle(&bundle, segments, signal);
        }
        for segment in &long {
            beside(signal, segment, |padded| {
                let averaged = rows_needed(window, padded.len());
                rows.cut(self.level, padded, self.low_pass.settling_samples().max(averaged), averaged);
                dispatch!(self.level, simd => map_rows(simd, &mut rows.rows, f64x8::abs));
                filter::extend_again(rows);
                filter::zero_phase(self.level, &self.low_pass, rows);
                filter::clear_extension(rows);
                dispatch!(self.level, simd => without_negatives(simd, rows));
                moving_average(self.level, rows, window);
                rows.join(self.level, padded);
            });
        }
        for segment in segments {
            over_those_present(&mut signal[padded(segment)], window);
        }
    }

    /// The high-passed signal in the workspace becomes its centred moving RMS.
    pub fn moving_rms(&self, workspace: &mut Workspace, segments: &[Range<usize>]) {
        dispatch!(self.level, simd => for_each(simd, &mut workspace.signal, #[inline(always)] |value| value * value));
        moving_mean(self.level, workspace, segments, self.design.window_samples);
        dispatch!(self.level, simd => for_each(simd, &mut workspace.signal, f64x8::sqrt));
    }

    fn remove_mean(&self, segment: &mut [f64]) {
        let mean = block_sums(self.level, segment, segment.len()).iter().map(Sums::mean).sum::<f64>();
        for value in segment {
            *value -= mean;
        }
    }
}

/// standard-1's signals of samples, as many as there are, in the unit of the samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditioned {
    pub high_passed: Vec<f64>,
    pub envelope: Vec<f64>,
    pub rms: Vec<f64>,
}

/// Conditions the segments, in order and apart, of at least 16 samples each; all other samples become zero.
pub fn condition(
    level: Level,
    samples: &[f64],
    segments: &[Range<usize>],
    sample_rate_hz: f64,
    options: &Options,
) -> Result<Conditioned, AnalysisError> {
    check_segments(samples.len(), segments)?;
    let conditioning =
        Conditioning::new(level, sample_rate_hz, options).ok_or_else(|| too_slow(sample_rate_hz, options))?;
    Ok(with_workspace(|workspace| {
        let place = inner(samples.len());
        workspace.signal.resize(samples.len() + 2 * PADDING, 0.0);
        workspace.signal[place.clone()].copy_from_slice(samples);
        conditioning.high_pass(workspace, segments);
        let high_passed = workspace.signal[place.clone()].to_vec();
        conditioning.envelope(workspace, segments);
        let envelope = workspace.signal[place.clone()].to_vec();
        workspace.signal[place.clone()].copy_from_slice(&high_passed);
        conditioning.moving_rms(workspace, segments);
        Conditioned { high_passed, envelope, rms: workspace.signal[place].to_vec() }
    }))
}

fn check_segments(samples: usize, segments: &[Range<usize>]) -> Result<(), AnalysisError> {
    let mut from = 0;
    for segment in segments {
        if segment.start < from || segment.end > samples || segment.len() < SHORTEST_SEGMENT {
            let bound = format!("segments lie in order within {samples} samples and hold at least {SHORTEST_SEGMENT}");
            return Err(bad_option("segments", &format!("{segment:?}"), bound));
        }
        from = segment.end;
    }
    Ok(())
}

/// Centred moving average of each segment, over the samples present; `window` is odd.
pub fn moving_mean(level: Level, workspace: &mut Workspace, segments: &[Range<usize>], window: usize) {
    let Workspace { signal, rows } = workspace;
    for segment in segments {
        let samples = &mut signal[padded(segment)];
        rows.cut(level, samples, window, rows_needed(window, samples.len()));
        moving_average(level, rows, window);
        rows.join(level, samples);
        over_those_present(samples, window);
    }
}

/// Where a segment's samples lie in a signal padded for the filters.
fn padded(segment: &Range<usize>) -> Range<usize> {
    PADDING + segment.start..PADDING + segment.end
}

fn bundled<'a>(
    rows: &'a mut Rows,
    signal: &[f64],
    segments: &[Range<usize>],
    window: usize,
    value: impl Fn(f64) -> f64,
) -> Bundle<'a> {
    let samples: Vec<&[f64]> = segments.iter().map(|segment| &signal[padded(segment)]).collect();
    Bundle::of(rows, &samples, window, value)
}

fn unbundle(bundle: &Bundle, segments: &[Range<usize>], signal: &mut [f64]) {
    for (lane, segment) in segments.iter().enumerate() {
        bundle.take(lane, &mut signal[padded(segment)]);
    }
}

/// Calls `task` with a segment and the places beside it, which get their values back.
fn beside(signal: &mut [f64], segment: &Range<usize>, task: impl FnOnce(&mut [f64])) {
    let (start, end) = (segment.start, segment.end + 2 * PADDING);
    let mut kept = [0.0; 2 * PADDING];
    kept[..PADDING].copy_from_slice(&signal[start..start + PADDING]);
    kept[PADDING..].copy_from_slice(&signal[end - PADDING..end]);
    task(&mut signal[start..end]);
    signal[start..start + PADDING].copy_from_slice(&kept[..PADDING]);
    signal[end - PADDING..end].copy_from_slice(&kept[PADDING..]);
}

/// Zero wherever no segment is; the signal begins after `padding` places.
pub fn silence_outside(signal: &mut [f64], segments: &[Range<usize>], padding: usize) {
    let mut from = 0;
    for segment in segments {
        signal[from..padding + segment.start].fill(0.0);
        from = padding + segment.end;
    }
    signal[from..].fill(0.0);
}

/// An average over a whole window, zeros among it, becomes one over the samples there are.
fn over_those_present(samples: &mut [f64], window: usize) {
    let (count, half) = (samples.len(), window / 2);
    for i in (0..half.min(count)).chain(half.max(count.saturating_sub(half))..count) {
        let present = (i + half + 1).min(count) - i.saturating_sub(half);
        samples[i] *= window as f64 / present as f64;
    }
}

#[inline(always)]
fn without_negatives<S: Simd>(simd: S, rows: &mut Rows) {
    let zero = f64x8::splat(simd, 0.0);
    map_rows(
        simd,
        &mut rows.rows,
        #[inline(always)]
        |value| value.simd_gt(zero).select(value, zero),
    );
}

#[inline(always)]
fn for_each<S: Simd>(simd: S, signal: &mut [f64], map: impl Fn(f64x8<S>) -> f64x8<S>) {
    let (body, rest) = signal.as_chunks_mut();
    map_rows(simd, body, &map);
    let mut last = [[0.0; crate::lanes::LANES]];
    last[0][..rest.len()].copy_from_slice(rest);
    map_rows(simd, &mut last, map);
    rest.copy_from_slice(&last[0][..rest.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use proptest::prelude::*;

    fn conditioning() -> Conditioning {
        Conditioning::new(Level::new(), 1000.0, &Profile::named("standard-1").unwrap().options).unwrap()
    }

    fn padded(samples: &[f64]) -> Workspace {
        let mut workspace = Workspace::default();
        workspace.signal.resize(samples.len() + 2 * PADDING, 0.0);
        workspace.signal[inner(samples.len())].copy_from_slice(samples);
        workspace
    }

    fn envelope(samples: &[f64], segments: &[Range<usize>]) -> Vec<f64> {
        let mut workspace = padded(samples);
        conditioning().high_pass(&mut workspace, segments);
        conditioning().envelope(&mut workspace, segments);
        workspace.signal[inner(samples.len())].to_vec()
    }

    proptest! {
        #[test]
        fn a_segment_does_not_know_its_neighbours(signal in prop::collection::vec(-1.0..1.0f64, 60..900), cut in 16usize..40) {
            let both = envelope(&signal, &[0..cut, cut + 1..signal.len()]);
            prop_assert_eq!(&both[..cut], &envelope(&signal[..cut], &[0..cut])[..]);
            let after = &signal[cut + 1..];
            prop_assert_eq!(&both[cut + 1..], &envelope(after, &[0..after.len()])[..]);
            prop_assert_eq!(both[cut], 0.0);
            prop_assert!(both.iter().all(|value| *value >= 0.0));
        }

        #[test]
        fn a_constant_is_its_own_average(count in 1usize..200, half in 0usize..150) {
            let mut workspace = padded(&vec![3.0; count]);
            moving_mean(Level::new(), &mut workspace, &[0..count], 2 * half + 1);
            prop_assert!(workspace.signal[inner(count)].iter().all(|value| (value - 3.0).abs() < 1e-12));
        }
    }

    #[test]
    fn a_sine_far_above_the_cut_off_has_its_closed_form_rms_everywhere() {
        let sine: Vec<f64> = (0..5000).map(|i| libm::sin(f64::from(i) * 2.0 * std::f64::consts::PI / 5.0)).collect();
        let mut workspace = padded(&sine);
        conditioning().high_pass(&mut workspace, &[0..5000]);
        conditioning().moving_rms(&mut workspace, &[0..5000]);
        // 51 samples hold ten periods of five and one sample more; the filter's edges swing for about 60 ms.
        assert!(workspace.signal[inner(5000)][200..4800].iter().all(|rms| (rms - 0.5f64.sqrt()).abs() < 0.01));
    }
}
