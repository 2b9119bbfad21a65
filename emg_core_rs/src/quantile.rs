//! Exact quantiles by selection, without sorting.

use crate::lanes::LANES;
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};

const SAMPLED: usize = 2048;
const MARGIN: f64 = 0.02;

/// `numpy.quantile(values, q)` with linear interpolation; `values` are finite and not empty. `spare` has at least their
/// length.
pub fn quantile(level: Level, values: &[f64], q: f64, spare: &mut [f64]) -> f64 {
    quantile_at(level, values, q * (values.len() - 1) as f64, spare)
}

/// The value at a place, between 0 and the last, of the sorted values. A strided sample brackets it, then selection inside
/// the bracket finds it; where the bracket misses, all values are selected from.
pub fn quantile_at(level: Level, values: &[f64], position: f64, spare: &mut [f64]) -> f64 {
    let rank = libm::floor(position) as usize;
    let q = position / (values.len() - 1).max(1) as f64;
    let (mut below, mut inside) = dispatch!(level, simd => gather(simd, values, bracket(values, q), spare));
    if below > rank || below + inside <= rank + 1 {
        spare[..values.len()].copy_from_slice(values);
        (below, inside) = (0, values.len());
    }
    let (_, lower, above) = spare[..inside].select_nth_unstable_by(rank - below, f64::total_cmp);
    let upper = above.iter().copied().min_by(f64::total_cmp).unwrap_or(*lower);
    interpolate(*lower, upper, position - rank as f64)
}

fn bracket(values: &[f64], q: f64) -> (f64, f64) {
    let mut sample: Vec<f64> = values.iter().step_by((values.len() / SAMPLED).max(1)).copied().collect();
    let mut at = |q: f64| {
        let place = ((q.clamp(0.0, 1.0) * sample.len() as f64) as usize).min(sample.len() - 1);
        *sample.select_nth_unstable_by(place, f64::total_cmp).1
    };
    (at(q - MARGIN), at(q + MARGIN))
}

/// Copies the values inside the bracket to `spare`; returns how many lie below it and how many inside. Most rows hold none.
#[inline(always)]
fn gather<S: Simd>(simd: S, values: &[f64], bracket: (f64, f64), spare: &mut [f64]) -> (usize, usize) {
    let (low, high) = (f64x8::splat(simd, bracket.0), f64x8::splat(simd, bracket.1));
    let (body, rest) = values.as_chunks::<LANES>();
    let (mut below, mut inside) = (0, 0);
    for row in body {
        let value = f64x8::from_slice(simd, row);
        let under = value.simd_lt(low).to_bitmask() & 0xff;
        let mut within = value.simd_le(high).to_bitmask() & 0xff & !under;
        below += under.count_ones() as usize;
        while within != 0 {
            spare[inside] = row[within.trailing_zeros() as usize];
            inside += 1;
            within &= within - 1;
        }
    }
    for value in rest {
        below += usize::from(*value < bracket.0);
        if *value >= bracket.0 && *value <= bracket.1 {
            spare[inside] = *value;
            inside += 1;
        }
    }
    (below, inside)
}

/// In numpy's order of operations.
fn interpolate(lower: f64, upper: f64, share: f64) -> f64 {
    let difference = upper - lower;
    if share >= 0.5 { upper - difference * (1.0 - share) } else { lower + difference * share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn selection_agrees_with_sorting(values in prop::collection::vec(-1.0..1.0f64, 1..6000), q in 0.0..=1.0f64) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let position = q * (values.len() - 1) as f64;
            let rank = position.floor() as usize;
            let upper = sorted[(rank + 1).min(values.len() - 1)];
            let expected = interpolate(sorted[rank], upper, position - rank as f64);
            prop_assert_eq!(quantile(Level::new(), &values, q, &mut vec![0.0; values.len()]), expected);
        }
    }

    #[test]
    fn equal_values_are_their_own_quantile() {
        assert_eq!(quantile(Level::new(), &[2.5; 900], 0.95, &mut [0.0; 900]), 2.5);
    }
}
