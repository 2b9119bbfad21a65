//! Parts of a signal that must not be trusted, to the sample, found before any filter.
//!
//! Looked for in this order, each outside of what was found before: what is no number, fills, what lies at the rail, what
//! stands still. Faults never overlap. A clean signal costs four passes that stop at nothing.

mod dropout;
pub(crate) mod non_finite;
mod pile;
mod rail;
mod runs;

use crate::contraction::Span;
use crate::envelope::window_samples;
use crate::statistics;
use fearless_simd::Level;
use rail::Clean;
pub use rail::Rails;
use runs::Run;
use serde::Serialize;
use std::ops::Range;

const SHORTEST_DROPOUT_MS: u32 = 10;
const SHORTEST_FLAT_MS: u32 = 100;
const SATURATED_GAP_MS: u32 = 5;
/// At low sample rates 10 ms are so few samples that equal ones say nothing.
const FEWEST_EQUAL: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// One identical value for 10 ms or longer, far outside the signal around it.
    Dropout,
    /// At the rail: at an extreme where the channel's values pile up. Runs up to 5 ms apart are one.
    Saturated,
    /// No change for 100 ms or longer, elsewhere.
    Flat,
    /// NaN or infinity.
    NonFinite,
}

/// The samples from `start` to `end`, which is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// All faults of a signal in their order, and where its rails are.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub faults: Vec<Fault>,
    /// The innermost values at a rail; none if nothing is saturated.
    pub rails: Option<Rails>,
}

/// All faults of a whole signal. One that `rests_at_zero` (GHOSTLY's `activated`) may stay there.
pub fn detect(level: Level, signal: &[f64], sample_rate_hz: f64, rests_at_zero: bool) -> Found {
    let bad = non_finite::spans(level, signal);
    let extremes = bad.is_empty().then(|| statistics::extremes(level, signal));
    detect_by(level, signal, sample_rate_hz, rests_at_zero, bad, |clean, is_whole| {
        Rails::of(clean, extremes.filter(|_| is_whole)).map(|rails| rails.innermost(clean))
    })
}

/// The same of a signal that is known to be finite, and to lie between `extremes`.
pub fn detect_finite(
    level: Level,
    signal: &[f64],
    sample_rate_hz: f64,
    rests_at_zero: bool,
    extremes: (f64, f64),
) -> Found {
    detect_by(level, signal, sample_rate_hz, rests_at_zero, Vec::new(), |clean, is_whole| {
        Rails::of(clean, Some(extremes).filter(|_| is_whole)).map(|rails| rails.innermost(clean))
    })
}

/// The faults of a part of a signal whose rails are known. From 110 ms inside the part's ends on they are those of the
/// whole signal; only what stands still across an end and that far in may be told `Flat` where it is a `Dropout`.
pub fn detect_in_part(
    level: Level,
    part: &[f64],
    sample_rate_hz: f64,
    rests_at_zero: bool,
    rails: Rails,
) -> Vec<Fault> {
    let bad = non_finite::spans(level, part);
    detect_by(level, part, sample_rate_hz, rests_at_zero, bad, |_, _| Some(rails)).faults
}

/// `rails_of` is told the parts without fills, and whether that is all of the signal.
fn detect_by(
    level: Level,
    signal: &[f64],
    sample_rate_hz: f64,
    rests_at_zero: bool,
    bad: Vec<Span>,
    rails_of: impl FnOnce(&Clean, bool) -> Option<Rails>,
) -> Found {
    let samples = |ms: u32| window_samples_up(ms, sample_rate_hz).max(FEWEST_EQUAL);
    let mut faults = Vec::new();
    add(&mut faults, Kind::NonFinite, bad);
    let still = runs::equal(signal, samples(SHORTEST_DROPOUT_MS));
    let still = still.into_iter().filter(|run| run.value.is_finite() && !(rests_at_zero && run.value == 0.0));
    let around = samples(SHORTEST_FLAT_MS);
    let (fills, still): (Vec<Run>, Vec<Run>) = still.partition(|run| dropout::is_fill(signal, run, around));
    add(&mut faults, Kind::Dropout, fills.iter().map(|run| run.span).collect());
    let clean = Clean { level, signal, parts: &usable_segments(&faults, signal.len(), 1), apart: around };
    let rails = rails_of(&clean, faults.is_empty());
    let gap = window_samples(SATURATED_GAP_MS, sample_rate_hz);
    let saturated = rails.map_or_else(Vec::new, |rails| rails.spans(&clean, gap));
    let flat = still.into_iter().filter(|run| run.len() >= around && !rails.is_some_and(|rails| rails.hold(run.value)));
    add(&mut faults, Kind::Saturated, saturated);
    add(&mut faults, Kind::Flat, flat.map(|run| run.span).collect());
    Found { faults, rails }
}

fn add(faults: &mut Vec<Fault>, kind: Kind, spans: Vec<Span>) {
    faults.extend(spans.into_iter().map(|(start, end)| Fault { kind, start, end }));
    faults.sort_by_key(|fault| fault.start);
}

/// The fewest samples that last as long.
fn window_samples_up(ms: u32, sample_rate_hz: f64) -> usize {
    libm::ceil(f64::from(ms) / 1000.0 * sample_rate_hz) as usize
}

/// What lies between the faults of `samples` samples: segments of at least `shortest` samples.
pub fn usable_segments(faults: &[Fault], samples: usize, shortest: usize) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let mut from = 0;
    for (start, end) in faults.iter().map(|fault| (fault.start, fault.end)).chain([(samples, samples)]) {
        if start > from && start - from >= shortest {
            segments.push(from..start);
        }
        from = from.max(end);
    }
    segments
}

/// Whether any fault lies between two samples, the second not included.
pub fn touch(faults: &[Fault], start: usize, end: usize) -> bool {
    faults.iter().any(|fault| fault.start < end && start < fault.end)
}

/// Samples without a fault.
pub fn usable_samples(faults: &[Fault], samples: usize) -> usize {
    samples - faults.iter().map(|fault| fault.end - fault.start).sum::<usize>().min(samples)
}

/// The share of samples without a fault; 0 of none.
pub fn usable_fraction(faults: &[Fault], samples: usize) -> f64 {
    usable_samples(faults, samples) as f64 / samples.max(1) as f64
}

#[cfg(test)]
mod tests;
