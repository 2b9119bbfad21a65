//! The amplitude that counts as a muscle's maximum, by the first method that has one.

use crate::method::{Fallback, StandardOptions};
use crate::muscle::Context;
use crate::quantile::quantile;
use crate::summary::{Reference, ReferenceMethod};
use fearless_simd::Level;

pub const IN_TASK_QUANTILE: f64 = 0.95;
/// What the earlier system's documents call a typical maximum.
const DEFAULT_VOLTS: f64 = 150e-6;

/// As given with the session.
pub fn provided(context: &Context, muscle: &str) -> Option<(ReferenceMethod, f64)> {
    let nanovolts = context.options.mvc_nanovolts.get(muscle)?;
    Some((ReferenceMethod::Provided, *nanovolts as f64 / 1e9))
}

/// From the recording's own envelope: circular. `spare` has at least its length.
pub fn in_task(level: Level, envelope: &[f64], spare: &mut [f64]) -> (ReferenceMethod, f64) {
    (ReferenceMethod::InTaskP95, quantile(level, envelope, IN_TASK_QUANTILE, spare))
}

/// standard-1: given with the session, else by the recording, else what the options let stand in, which may be nothing.
pub fn standard(
    context: &Context,
    own: &StandardOptions,
    muscle: &str,
    in_task_p95: impl FnOnce() -> f64,
) -> Reference {
    let from_file = || context.recording.references.get(muscle).map(|volts| (ReferenceMethod::File, *volts));
    let (method, volts) = match (provided(context, muscle).or_else(from_file), own.reference) {
        (Some((method, volts)), _) => (method, Some(volts)),
        (None, Fallback::InTaskP95) => (ReferenceMethod::InTaskP95, Some(in_task_p95())),
        (None, Fallback::Default) => (ReferenceMethod::Default, Some(DEFAULT_VOLTS)),
        (None, Fallback::None) => (ReferenceMethod::None, None),
    };
    Reference::new(method, volts, context.options)
}
