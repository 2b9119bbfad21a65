//! Samples that are no number.

use crate::contraction::Span;
use crate::lanes::LANES;
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};

/// Samples looked at together.
const BLOCK: usize = 64 * LANES;

/// Runs of NaN and infinity.
pub fn spans(level: Level, signal: &[f64]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (index, block) in signal.chunks(BLOCK).enumerate() {
        if dispatch!(level, simd => all_finite(simd, block)) {
            continue;
        }
        let bad = block.iter().enumerate().filter(|(_, value)| !value.is_finite());
        for at in bad.map(|(place, _)| index * BLOCK + place) {
            match spans.last_mut() {
                Some(last) if last.1 == at => last.1 += 1,
                _ => spans.push((at, at + 1)),
            }
        }
    }
    spans
}

/// Zero times a number is zero; zero times NaN or infinity is NaN, and NaN stays in a sum.
#[inline(always)]
fn all_finite<S: Simd>(simd: S, block: &[f64]) -> bool {
    let (rows, rest) = block.as_chunks::<LANES>();
    let zero = f64x8::splat(simd, 0.0);
    let mut sum = zero;
    for row in rows {
        sum += f64x8::simd_from(simd, *row) * zero;
    }
    let lanes: [f64; LANES] = sum.into();
    lanes.iter().all(|lane| *lane == 0.0) && rest.iter().all(|value| value.is_finite())
}
