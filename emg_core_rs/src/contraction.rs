//! Contractions: where the timing signal stays above a threshold, cleaned up, and how strong the muscle was there.

use crate::envelope::window_samples;
use crate::lanes::LANES;
use crate::method::GhostlyOptions;
use crate::options::Options;
use crate::statistics::{self, Sums};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use serde::Serialize;

/// Samples from the first to the second, which is not included.
pub type Span = (usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contraction {
    pub start_sample: usize,
    pub end_sample: usize,
    pub start_ms: f64,
    pub end_ms: f64,
    pub duration_ms: f64,
    pub mean_amplitude_volts: f64,
    pub max_amplitude_volts: f64,
    /// Missing where there is no reference.
    pub meets_mvc: Option<bool>,
    pub meets_duration: bool,
    /// Meets all criteria there are.
    pub is_good: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// What only standard-1 tells of a contraction, from its usable samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Details {
    pub rms_volts: f64,
    pub iemg_volt_seconds: f64,
    pub time_to_peak_ms: f64,
    /// Left out, as the next, if fewer than 256 samples in a row are usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mpf_hz: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mdf_hz: Option<f64>,
    /// Unusable parts it touches; left out if none.
    #[serde(skip_serializing_if = "is_zero")]
    pub faults: usize,
    /// Gaps merged away; left out if none.
    #[serde(skip_serializing_if = "is_zero")]
    pub merged: usize,
    /// Left out unless true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub long: bool,
}

pub fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Drops what is too short, then merges across small gaps, then splits what is too long.
pub fn detect(
    level: Level,
    timing: &[f64],
    threshold: f64,
    sample_rate_hz: f64,
    options: &Options,
    own: &GhostlyOptions,
) -> Vec<Span> {
    let samples = |ms: u32| window_samples(ms, sample_rate_hz);
    let shortest = samples(options.min_contraction_ms);
    let spans = runs_above(level, timing, threshold, timing.len().saturating_sub(1))
        .into_iter()
        .filter(|(start, end)| end - start >= shortest);
    let merged = merge(spans, samples(options.merge_gap_ms));
    split(&merged, samples(options.max_contraction_ms), samples(own.refractory_ms).max(1))
}

/// Runs strictly above the threshold. One that lasts to the end of the signal gets `end`: of such a run the earlier system
/// left the last sample out.
pub fn runs_above(level: Level, signal: &[f64], threshold: f64, end: usize) -> Vec<Span> {
    let mut edges = dispatch!(level, simd => edges_on(simd, signal, threshold));
    if edges.len() % 2 == 1 {
        edges.push(end);
    }
    edges.as_chunks().0.iter().map(|[start, end]| (*start, *end)).collect()
}

/// Where the signal rises above the threshold or falls back, in turn.
#[inline(always)]
fn edges_on<S: Simd>(simd: S, signal: &[f64], threshold: f64) -> Vec<usize> {
    let limit = f64x8::splat(simd, threshold);
    let (body, rest) = signal.as_chunks::<LANES>();
    let mut edges = Vec::new();
    let mut before = 0;
    for (index, row) in body.iter().enumerate() {
        let above = f64x8::simd_from(simd, *row).simd_gt(limit).to_bitmask() & 0xff;
        let mut changes = (above ^ (above << 1 | before)) & 0xff;
        while changes != 0 {
            edges.push(index * LANES + changes.trailing_zeros() as usize);
            changes &= changes - 1;
        }
        before = above >> 7;
    }
    let mut above = before == 1;
    for (index, value) in rest.iter().enumerate() {
        if (*value > threshold) != above {
            above = !above;
            edges.push(body.len() * LANES + index);
        }
    }
    edges
}

fn merge(spans: impl Iterator<Item = Span>, gap: usize) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for (start, end) in spans {
        match merged.last_mut() {
            Some(last) if start - last.1 <= gap => last.1 = end,
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// Pieces of `longest` samples with `gap` samples between them.
fn split(spans: &[Span], longest: usize, gap: usize) -> Vec<Span> {
    let pieces = |&(start, end): &Span| {
        (start..end).step_by(longest + gap).map(move |piece| (piece, (piece + longest).min(end)))
    };
    spans.iter().flat_map(pieces).collect()
}

/// Amplitude over the envelope from start to end, the end included, and the criteria met.
pub fn describe(
    level: Level,
    spans: &[Span],
    envelope: &[f64],
    sample_rate_hz: f64,
    mvc_threshold_volts: f64,
    options: &Options,
) -> Vec<Contraction> {
    let ms = |samples: usize| samples as f64 / sample_rate_hz * 1000.0;
    let describe = |&(start, end): &Span| {
        let (mean, max) = amplitude(level, &envelope[start..(end + 1).min(envelope.len())]);
        let meets_mvc = max >= mvc_threshold_volts;
        let meets_duration = ms(end - start) >= f64::from(options.contraction_duration_threshold_ms);
        Contraction {
            start_sample: start,
            end_sample: end,
            start_ms: ms(start),
            end_ms: ms(end),
            duration_ms: ms(end - start),
            mean_amplitude_volts: mean,
            max_amplitude_volts: max,
            meets_mvc: Some(meets_mvc),
            meets_duration,
            is_good: meets_mvc && meets_duration,
            details: None,
        }
    };
    spans.iter().map(describe).collect()
}

fn amplitude(level: Level, envelope: &[f64]) -> (f64, f64) {
    let mean = statistics::block_sums(level, envelope, envelope.len()).iter().map(Sums::mean_magnitude).sum();
    let (low, high) = statistics::extremes(level, envelope);
    (mean, if -low > high { -low } else { high })
}

/// All contractions of a muscle together; times and amplitudes are missing where there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContractionSummary {
    pub count: usize,
    pub good: usize,
    /// Missing where there is no reference.
    pub meets_mvc: Option<usize>,
    pub meets_duration: usize,
    pub mean_duration_ms: Option<f64>,
    pub min_duration_ms: Option<f64>,
    pub max_duration_ms: Option<f64>,
    pub total_duration_ms: f64,
    pub mean_amplitude_volts: Option<f64>,
    pub max_amplitude_volts: Option<f64>,
}

impl ContractionSummary {
    pub fn of(contractions: &[Contraction], has_reference: bool) -> Self {
        let count = |met: fn(&Contraction) -> bool| contractions.iter().filter(|c| met(c)).count();
        let column = |value: fn(&Contraction) -> f64| contractions.iter().map(value);
        let mean = |sum: f64| (!contractions.is_empty()).then(|| sum / contractions.len() as f64);
        let total_duration_ms = column(|c| c.duration_ms).fold(0.0, |sum, value| sum + value);
        ContractionSummary {
            count: contractions.len(),
            good: count(|c| c.is_good),
            meets_mvc: has_reference.then(|| count(|c| c.meets_mvc == Some(true))),
            meets_duration: count(|c| c.meets_duration),
            mean_duration_ms: mean(total_duration_ms),
            min_duration_ms: column(|c| c.duration_ms).min_by(f64::total_cmp),
            max_duration_ms: column(|c| c.duration_ms).max_by(f64::total_cmp),
            total_duration_ms,
            mean_amplitude_volts: mean(column(|c| c.mean_amplitude_volts).fold(0.0, |sum, value| sum + value)),
            max_amplitude_volts: column(|c| c.max_amplitude_volts).max_by(f64::total_cmp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn runs(signal: &[f64]) -> Vec<Span> {
        runs_above(Level::new(), signal, 0.5, signal.len().saturating_sub(1))
    }

    #[test]
    fn a_run_to_the_end_leaves_the_last_sample_out() {
        assert_eq!(runs(&[0.0, 1.0, 1.0, 0.5, 1.0, 1.0]), [(1, 3), (4, 5)]);
    }

    #[test]
    fn the_threshold_itself_is_not_above() {
        assert_eq!(runs(&[0.5; 20]), []);
    }

    #[test]
    fn gaps_up_to_the_limit_are_merged() {
        assert_eq!(merge([(0, 5), (8, 9), (13, 20)].into_iter(), 3), [(0, 9), (13, 20)]);
    }

    #[test]
    fn long_runs_are_split_with_a_gap() {
        assert_eq!(split(&[(0, 25)], 10, 1), [(0, 10), (11, 21), (22, 25)]);
    }

    proptest! {
        #[test]
        fn runs_agree_with_a_plain_scan(signal in prop::collection::vec(0.0..1.0f64, 1..100)) {
            let covered: usize = runs(&signal).iter().map(|(start, end)| end - start).sum();
            let above = signal.iter().filter(|value| **value > 0.5).count();
            let open_end = usize::from(signal.last().is_some_and(|value| *value > 0.5));
            prop_assert_eq!(covered, above - open_end);
        }
    }
}
