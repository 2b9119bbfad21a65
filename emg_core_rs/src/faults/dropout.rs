//! Fills: what a recorder writes where it received nothing.

use super::runs::Run;

/// A fill lies further outside the signal around it than this share of that signal's range …
const FAR_OF_RANGE: f64 = 0.25;
/// … and than this many of its smallest steps, or a resting signal of few digits would be full of fills.
const FAR_IN_STEPS: f64 = 8.0;

/// Whether the run lies far outside the `around` samples on both sides of it.
pub fn is_fill(signal: &[f64], run: &Run, around: usize) -> bool {
    let (start, end) = run.span;
    let before = &signal[start.saturating_sub(around)..start];
    let after = &signal[end..end.saturating_add(around).min(signal.len())];
    let around = || before.iter().chain(after).copied();
    let local = || around().filter(|value| value.is_finite() && *value != run.value);
    let low = local().fold(f64::INFINITY, |low, value| if value < low { value } else { low });
    let high = local().fold(f64::NEG_INFINITY, |high, value| if value > high { value } else { high });
    let outside = if run.value < low { low - run.value } else { run.value - high };
    low <= high && outside > FAR_OF_RANGE * (high - low) && outside > FAR_IN_STEPS * smallest_step(around())
}

/// Smallest difference between two neighbours that differ; zero if none do.
pub fn smallest_step(values: impl Iterator<Item = f64>) -> f64 {
    let mut before = f64::NAN;
    let mut least = f64::INFINITY;
    for value in values {
        let step = (value - before).abs();
        least = if step > 0.0 && step < least { step } else { least };
        before = value;
    }
    if least < f64::INFINITY { least } else { 0.0 }
}
