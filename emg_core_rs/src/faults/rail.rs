//! Where a signal lies at the rail: the extreme that the recorder cannot go beyond, at which its values pile up.
//!
//! Values near a free signal's extremes get fewer outwards; at a rail the outermost band holds many times what the bands
//! inside of it do. Real rails are not one value (GHOSTLY's jitter by some 20 steps of the converter), so the rail is a
//! band of 0.5 % of the range, or the extreme itself where most of the band's samples are equal to it.

use super::dropout::smallest_step;
use super::pile::{BANDS, Pile};
use crate::contraction::Span;
use crate::lanes::LANES;
use crate::statistics;
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use std::ops::Range;

const BAND_OF_RANGE: f64 = 0.005;
/// A band is wider than the smallest step between two samples.
const STEPS_IN_BAND: f64 = 1.5;
/// A signal of fewer bands is too coarse to tell.
const FEWEST_BANDS: f64 = 16.0;
/// An extreme less far from zero than this share of the other one is where the signal rests.
const LEAST_OF_OTHER: f64 = 0.5;
/// Extremes of magnitudes this much alike are the same rail.
const SAME_RAIL: f64 = 0.01;
/// Of a value that went through other units; two floats of 32 bits lie 6e-8 apart.
const ROUNDING: f64 = 1e-9;

/// The parts of a signal to look at. Samples `apart` from each other lie at different places.
pub struct Clean<'a> {
    pub level: Level,
    pub signal: &'a [f64],
    pub parts: &'a [Range<usize>],
    pub apart: usize,
}

impl Clean<'_> {
    fn extremes(&self) -> (f64, f64) {
        let each = self.parts.iter().map(|part| statistics::extremes(self.level, &self.signal[part.clone()]));
        each.fold((f64::INFINITY, f64::NEG_INFINITY), |all, (low, high)| {
            (if low < all.0 { low } else { all.0 }, if high > all.1 { high } else { all.1 })
        })
    }

    fn smallest_step(&self) -> f64 {
        smallest_step(self.parts.iter().flat_map(|part| &self.signal[part.clone()]).copied())
    }

    /// Runs of samples at the rails or beyond.
    fn beyond(&self, part: &Range<usize>, rails: Rails) -> Vec<Span> {
        let mut edges = Vec::new();
        dispatch!(self.level, simd => beyond_on(simd, &self.signal[part.clone()], rails, part.start, &mut edges));
        edges.as_chunks().0.iter().map(|[start, end]| (*start, *end)).collect()
    }
}

/// Samples up to `low` and from `high` on lie at a rail; where a side has none, its bound is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rails {
    pub low: f64,
    pub high: f64,
}

impl Rails {
    /// The rails of a signal whose extremes may be known; `None` if it has none.
    pub fn of(clean: &Clean, extremes: Option<(f64, f64)>) -> Option<Self> {
        let extremes = extremes.unwrap_or_else(|| clean.extremes());
        let range = extremes.1 - extremes.0;
        let found = Self::with_bands(clean, extremes, BAND_OF_RANGE * range)?;
        let coarse = STEPS_IN_BAND * clean.smallest_step();
        if coarse <= BAND_OF_RANGE * range {
            return Some(found);
        }
        let is_fine_enough = coarse * FEWEST_BANDS <= range;
        is_fine_enough.then(|| Self::with_bands(clean, extremes, coarse)).flatten()
    }

    fn with_bands(clean: &Clean, (low, high): (f64, f64), width: f64) -> Option<Self> {
        if !(width > 0.0 && width.is_finite()) {
            return None;
        }
        let [below, above] = piles(clean, (low, high), width);
        let (is_low, is_high) = (below.is_rail(), above.is_rail());
        let alike = (low.abs() - high.abs()).abs() <= SAME_RAIL * high.abs();
        (is_low || is_high).then(|| Rails {
            low: if is_low || alike { low + below.depth() } else { f64::NEG_INFINITY },
            high: if is_high || alike { high - above.depth() } else { f64::INFINITY },
        })
    }

    /// The same rails, told by the innermost samples at them: these can be stored, and rounded by less than a step.
    pub(super) fn innermost(self, clean: &Clean) -> Self {
        let places = clean.parts.iter().flat_map(|part| clean.beyond(part, self));
        let values = places.flat_map(|(start, end)| &clean.signal[start..end]);
        let none = Rails { low: f64::NEG_INFINITY, high: f64::INFINITY };
        values.fold(none, |rails, value| Rails {
            low: if *value <= self.low && *value > rails.low { *value } else { rails.low },
            high: if *value >= self.high && *value < rails.high { *value } else { rails.high },
        })
    }

    /// Rails from what was told of a recording's, `None` where a side has none. They may have gone through another unit,
    /// so they are wider by what that rounds.
    pub fn known((low, high): (Option<f64>, Option<f64>)) -> Self {
        Rails {
            low: low.map_or(f64::NEG_INFINITY, |low| low + ROUNDING * low.abs()),
            high: high.map_or(f64::INFINITY, |high| high - ROUNDING * high.abs()),
        }
    }

    pub fn hold(self, value: f64) -> bool {
        value <= self.low || value >= self.high
    }

    /// Where the clean parts lie at a rail; runs at most `gap` samples apart in one part are one.
    pub fn spans(self, clean: &Clean, gap: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for part in clean.parts {
            let first = spans.len();
            for (start, end) in clean.beyond(part, self) {
                match spans[first..].last_mut() {
                    Some(last) if start - last.1 <= gap => last.1 = end,
                    _ => spans.push((start, end)),
                }
            }
        }
        spans
    }
}

/// What lies near the lowest and near the highest value.
fn piles(clean: &Clean, (low, high): (f64, f64), width: f64) -> [Pile; 2] {
    let is_far = |this: f64, other: f64| this.abs() >= LEAST_OF_OTHER * other.abs();
    let depth = BANDS as f64 * width;
    let outer = Rails {
        low: if is_far(low, high) { low + depth } else { f64::NEG_INFINITY },
        high: if is_far(high, low) { high - depth } else { f64::INFINITY },
    };
    let [mut below, mut above] = [low, high].map(|extreme| Pile::new(extreme, width, clean.apart));
    for (start, end) in clean.parts.iter().flat_map(|part| clean.beyond(part, outer)) {
        for (index, value) in (start..end).zip(&clean.signal[start..end]) {
            let pile = if *value <= outer.low { &mut below } else { &mut above };
            pile.add(index, *value);
        }
    }
    [below, above]
}

/// Adds where the signal goes beyond the rails and where it comes back, in turn; places are told from `offset` on.
#[inline(always)]
fn beyond_on<S: Simd>(simd: S, signal: &[f64], rails: Rails, offset: usize, edges: &mut Vec<usize>) {
    let (low, high) = (f64x8::splat(simd, rails.low), f64x8::splat(simd, rails.high));
    let (rows, rest) = signal.as_chunks::<LANES>();
    let mut before = 0;
    for (index, row) in rows.iter().enumerate() {
        let value = f64x8::simd_from(simd, *row);
        let beyond = (value.simd_le(low).to_bitmask() | value.simd_ge(high).to_bitmask()) & 0xff;
        let mut changes = (beyond ^ (beyond << 1 | before)) & 0xff;
        while changes != 0 {
            edges.push(offset + index * LANES + changes.trailing_zeros() as usize);
            changes &= changes - 1;
        }
        before = beyond >> 7;
    }
    let mut beyond = before == 1;
    for (index, value) in rest.iter().enumerate() {
        if rails.hold(*value) != beyond {
            beyond = !beyond;
            edges.push(offset + rows.len() * LANES + index);
        }
    }
    if beyond {
        edges.push(offset + signal.len());
    }
}
