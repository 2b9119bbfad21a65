//! What standard-1 tells of each contraction: times, amplitude and spectrum of its usable samples, criteria met.

use crate::contraction::{Contraction, ContractionSummary, Details, Span};
use crate::detection::{Found, faults_touched, parts};
use crate::detectors::Usable;
use crate::digits::{significant, tenths};
use crate::envelope::window_samples;
use crate::options::Options;
use crate::spectrum::{Moments, Spectral};
use crate::statistics::{Sums, block_sums};
use crate::welch::{self, BINS, Spectrum};
use fearless_simd::Level;
use std::ops::Range;

/// What the high-passed signal says about a contraction.
pub struct Strength {
    sums: Sums,
    spectral: Option<Spectral>,
}

/// What the envelope says about it.
struct Shape {
    mean: f64,
    peak: f64,
    peak_sample: usize,
}

/// Sums over parts of a signal.
pub fn sums_of(level: Level, signal: &[f64], parts: impl Iterator<Item = Range<usize>>) -> Sums {
    let each = parts.flat_map(|part| block_sums(level, &signal[part.clone()], part.len()));
    each.fold(Sums::default(), |sum, part| sum + part)
}

/// Spectrum of parts of a signal, each cut into its own segments; those shorter than a segment say nothing.
pub fn spectrum_of(level: Level, signal: &[f64], parts: impl Iterator<Item = Range<usize>>) -> Option<Spectrum> {
    let spectra = parts.filter_map(|part| welch::whole(level, &signal[part]));
    spectra.reduce(|sum, part| std::array::from_fn::<f64, BINS, _>(|bin| sum[bin] + part[bin]))
}

pub fn strengths(high_passed: &Usable, found: &[Found], moments: &Moments) -> Vec<Strength> {
    let Usable { level, signal, segments, .. } = *high_passed;
    let strength = |found: &Found| Strength {
        sums: sums_of(level, signal, parts(segments, found.span)),
        spectral: spectrum_of(level, signal, parts(segments, found.span)).and_then(|power| moments.spectral(&power)),
    };
    found.iter().map(strength).collect()
}

pub fn describe(
    envelope: &Usable,
    found: &[Found],
    strengths: &[Strength],
    threshold_volts: Option<f64>,
    options: &Options,
) -> Vec<Contraction> {
    let longest = window_samples(options.max_contraction_ms, envelope.sample_rate_hz);
    let describe = |(found, strength): (&Found, &Strength)| {
        let (start, end) = found.span;
        let shape = shape(envelope, found.span);
        let details = Details {
            long: end - start > longest,
            merged: found.merged,
            faults: faults_touched(envelope.segments, envelope.signal.len(), found.span),
            ..details(envelope, start, &shape, strength)
        };
        contraction(envelope, found.span, &shape, details, threshold_volts, options)
    };
    found.iter().zip(strengths).map(describe).collect()
}

fn shape(envelope: &Usable, span: Span) -> Shape {
    let (mut sum, mut count, mut peak, mut peak_sample) = (0.0, 0, 0.0, span.0);
    for part in parts(envelope.segments, span) {
        for (sample, value) in part.clone().zip(&envelope.signal[part]) {
            (sum, count) = (sum + value, count + 1);
            (peak, peak_sample) = if *value > peak { (*value, sample) } else { (peak, peak_sample) };
        }
    }
    Shape { mean: sum / f64::from(count.max(1)), peak, peak_sample }
}

fn details(envelope: &Usable, start: usize, shape: &Shape, strength: &Strength) -> Details {
    let rate = envelope.sample_rate_hz;
    Details {
        rms_volts: significant(strength.sums.root_mean_square()),
        iemg_volt_seconds: significant(strength.sums.magnitudes / rate),
        time_to_peak_ms: tenths((shape.peak_sample - start) as f64 / rate * 1000.0),
        mpf_hz: strength.spectral.map(|spectral| significant(spectral.mpf_hz)),
        mdf_hz: strength.spectral.map(|spectral| significant(spectral.mdf_hz)),
        faults: 0,
        merged: 0,
        long: false,
    }
}

fn contraction(
    envelope: &Usable,
    (start, end): Span,
    shape: &Shape,
    details: Details,
    threshold_volts: Option<f64>,
    options: &Options,
) -> Contraction {
    let ms = |samples: usize| samples as f64 / envelope.sample_rate_hz * 1000.0;
    let meets_mvc = threshold_volts.map(|threshold| shape.peak >= threshold);
    let meets_duration = ms(end - start) >= f64::from(options.contraction_duration_threshold_ms);
    Contraction {
        start_sample: start,
        end_sample: end,
        start_ms: tenths(ms(start)),
        end_ms: tenths(ms(end)),
        duration_ms: tenths(ms(end - start)),
        mean_amplitude_volts: significant(shape.mean),
        max_amplitude_volts: significant(shape.peak),
        meets_mvc,
        meets_duration,
        is_good: meets_mvc.unwrap_or(true) && meets_duration,
        details: Some(details),
    }
}

/// All contractions together, from what is told of each.
pub fn summarize(contractions: &[Contraction], has_reference: bool) -> ContractionSummary {
    let all = ContractionSummary::of(contractions, has_reference);
    ContractionSummary {
        mean_duration_ms: all.mean_duration_ms.map(tenths),
        total_duration_ms: tenths(all.total_duration_ms),
        mean_amplitude_volts: all.mean_amplitude_volts.map(significant),
        ..all
    }
}

/// Minutes and median frequency, not rounded, of the contractions that have one.
pub fn median_frequencies(found: &[Found], strengths: &[Strength], sample_rate_hz: f64) -> Vec<(f64, f64)> {
    let middle = |(start, end): Span| 0.5 * (start + end) as f64 / sample_rate_hz / 60.0;
    let each = found.iter().zip(strengths);
    each.filter_map(|(found, strength)| Some((middle(found.span), strength.spectral?.mdf_hz))).collect()
}
