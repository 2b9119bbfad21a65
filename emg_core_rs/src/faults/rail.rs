//! Where a signal lies at the rail: the extreme that the recorder cannot go beyond, at which its values pile up.
//!
//! Values near a free signal's extremes get fewer outwards; at a rail the outermost band holds many times what the bands
//! inside of it do. Real rails are not one value (GHOSTLY's jitter by some 20 steps of the converter), so the rail is a
//! band of 0.5 % of the range, or the extreme itself where most of the band's samples are equal to it.

use super::dropout::smallest_step;
use crate::contraction::Span;
use crate::lanes::LANES;
use crate::statistics;
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use std::ops::Range;

const BAND_OF_RANGE: f64 = 0.005;
/// The outermost band and those it is compared with.
const BANDS: usize = 5;
/// The outermost band holds more than this many times what one of the others does on average (one sample more granted).
const PILE: usize = 6;
/// A band is wider than the smallest step between two samples.
const STEPS_IN_BAND: f64 = 1.5;
/// A signal of fewer bands is too coarse to tell.
const FEWEST_BANDS: f64 = 16.0;
const LONGEST_BY_CHANCE: usize = 2;
/// As many equal extremes are a rail even if each stands alone, unless they come at regular distances, as those of a sine.
const FEWEST_SINGLE: usize = 8;
/// An extreme less far from zero than this share of the other one is where the signal rests.
const LEAST_OF_OTHER: f64 = 0.5;
/// Extremes of magnitudes this much alike are the same rail.
const SAME_RAIL: f64 = 0.01;

/// Samples up to `low` and from `high` on lie at a rail; where a side has none, its bound is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rails {
    low: f64,
    high: f64,
}

impl Rails {
    /// The rails of a signal, judged by its `clean` parts, whose extremes may be known; `None` if it has none.
    pub fn of(level: Level, signal: &[f64], clean: &[Range<usize>], known: Option<(f64, f64)>) -> Option<Self> {
        let (low, high) = known.unwrap_or_else(|| extremes(level, signal, clean));
        let range = high - low;
        let found = Self::with_bands(level, signal, clean, (low, high), BAND_OF_RANGE * range)?;
        let coarse = STEPS_IN_BAND * smallest_step(clean.iter().flat_map(|part| &signal[part.clone()]).copied());
        if coarse <= BAND_OF_RANGE * range {
            return Some(found);
        }
        let bands = coarse * FEWEST_BANDS <= range;
        bands.then(|| Self::with_bands(level, signal, clean, (low, high), coarse)).flatten()
    }

    fn with_bands(
        level: Level,
        signal: &[f64],
        clean: &[Range<usize>],
        (low, high): (f64, f64),
        width: f64,
    ) -> Option<Self> {
        if !(width > 0.0 && width.is_finite()) {
            return None;
        }
        let is_far = |this: f64, other: f64| this.abs() >= LEAST_OF_OTHER * other.abs();
        let depth = BANDS as f64 * width;
        let outer = Rails {
            low: if is_far(low, high) { low + depth } else { f64::NEG_INFINITY },
            high: if is_far(high, low) { high - depth } else { f64::INFINITY },
        };
        let (mut below, mut above) = (Pile::new(low, width), Pile::new(high, width));
        for index in outer.beyond(level, signal, clean).into_iter().flat_map(|(start, end)| start..end) {
            let pile = if signal[index] <= outer.low { &mut below } else { &mut above };
            pile.add(index, signal[index]);
        }
        let (is_low, is_high) = (below.is_rail(), above.is_rail());
        let alike = (low.abs() - high.abs()).abs() <= SAME_RAIL * high.abs();
        (is_low || is_high).then(|| Rails {
            low: if is_low || alike { low + below.depth() } else { f64::NEG_INFINITY },
            high: if is_high || alike { high - above.depth() } else { f64::INFINITY },
        })
    }

    pub fn hold(self, value: f64) -> bool {
        value <= self.low || value >= self.high
    }

    /// Where the clean parts lie at a rail; runs at most `gap` samples apart in one part are one.
    pub fn spans(self, level: Level, signal: &[f64], clean: &[Range<usize>], gap: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for part in clean {
            let first = spans.len();
            for (start, end) in self.beyond(level, signal, std::slice::from_ref(part)) {
                match spans[first..].last_mut() {
                    Some(last) if start - last.1 <= gap => last.1 = end,
                    _ => spans.push((start, end)),
                }
            }
        }
        spans
    }

    fn beyond(self, level: Level, signal: &[f64], clean: &[Range<usize>]) -> Vec<Span> {
        let mut edges = Vec::new();
        for part in clean {
            dispatch!(level, simd => beyond_on(simd, &signal[part.clone()], self, part.start, &mut edges));
        }
        edges.as_chunks().0.iter().map(|[start, end]| (*start, *end)).collect()
    }
}

fn extremes(level: Level, signal: &[f64], clean: &[Range<usize>]) -> (f64, f64) {
    let each = clean.iter().map(|part| statistics::extremes(level, &signal[part.clone()]));
    each.fold((f64::INFINITY, f64::NEG_INFINITY), |all, (low, high)| {
        (if low < all.0 { low } else { all.0 }, if high > all.1 { high } else { all.1 })
    })
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

/// How the samples near one extreme are spread over bands.
struct Pile {
    extreme: f64,
    width: f64,
    bands: [usize; BANDS],
    equal: usize,
    /// Of the outermost band: the last row of samples, the longest, how far apart the last two rows began, and whether all
    /// began that far apart.
    row: Range<usize>,
    rows: usize,
    longest: usize,
    distance: Option<usize>,
    is_regular: bool,
}

impl Pile {
    fn new(extreme: f64, width: f64) -> Self {
        Pile {
            extreme,
            width,
            bands: [0; BANDS],
            equal: 0,
            row: 0..0,
            rows: 0,
            longest: 0,
            distance: None,
            is_regular: true,
        }
    }

    fn add(&mut self, index: usize, value: f64) {
        let band = ((value - self.extreme).abs() / self.width) as usize;
        let Some(count) = self.bands.get_mut(band) else { return };
        *count += 1;
        self.equal += usize::from(value == self.extreme);
        if band == 0 {
            self.add_outermost(index);
        }
    }

    fn add_outermost(&mut self, index: usize) {
        if index == self.row.end && !self.row.is_empty() {
            self.row.end += 1;
        } else {
            let distance = (!self.row.is_empty()).then(|| index - self.row.start);
            self.is_regular &= self.distance.is_none() || self.distance == distance;
            (self.row, self.distance) = (index..index + 1, distance);
            self.rows += 1;
        }
        self.longest = self.longest.max(self.row.len());
    }

    fn is_rail(&self) -> bool {
        let inside: usize = self.bands[1..].iter().sum();
        let is_piled = self.bands[0] * (BANDS - 1) > PILE * (inside + 1);
        // One smooth peak is no rail, however long: it comes once, and its values differ.
        let is_in_rows = self.longest > LONGEST_BY_CHANCE && (self.rows > 1 || self.is_exact());
        is_piled && (is_in_rows || self.equal >= FEWEST_SINGLE && !self.is_regular)
    }

    fn is_exact(&self) -> bool {
        self.equal > 1 && 2 * self.equal >= self.bands[0]
    }

    /// How far inside its extreme the rail begins.
    fn depth(&self) -> f64 {
        if self.is_exact() { 0.0 } else { self.width }
    }
}
