//! Sums, extremes and spreads, in an order of additions that is the same on every processor.

use crate::lanes::{LANES, Row};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use serde::Serialize;

const SIDE_BY_SIDE: usize = 4;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    pub count: usize,
    pub values: f64,
    pub magnitudes: f64,
    pub squares: f64,
}

impl Sums {
    pub fn mean(&self) -> f64 {
        self.values / self.count as f64
    }

    pub fn mean_magnitude(&self) -> f64 {
        self.magnitudes / self.count as f64
    }

    pub fn root_mean_square(&self) -> f64 {
        (self.squares / self.count as f64).sqrt()
    }
}

impl std::ops::Add for Sums {
    type Output = Sums;

    fn add(self, other: Sums) -> Sums {
        Sums {
            count: self.count + other.count,
            values: self.values + other.values,
            magnitudes: self.magnitudes + other.magnitudes,
            squares: self.squares + other.squares,
        }
    }
}

/// Sums of blocks of `length` samples, the last one shorter.
pub fn block_sums(level: Level, signal: &[f64], length: usize) -> Vec<Sums> {
    dispatch!(level, simd => blocks_on(simd, signal, length))
}

#[inline(always)]
fn blocks_on<S: Simd>(simd: S, signal: &[f64], length: usize) -> Vec<Sums> {
    let mut blocks = Vec::with_capacity(signal.len().div_ceil(length));
    for block in signal.chunks(length) {
        blocks.push(sums(simd, block));
    }
    blocks
}

#[inline(always)]
fn sums<S: Simd>(simd: S, signal: &[f64]) -> Sums {
    let (body, rest) = signal.as_chunks::<LANES>();
    let mut tail = [0.0; LANES];
    tail[..rest.len()].copy_from_slice(rest);
    let mut lanes = [f64x8::splat(simd, 0.0); 3];
    for row in body {
        lanes = added(lanes, f64x8::simd_from(simd, *row));
    }
    let [values, magnitudes, squares] = added(lanes, f64x8::simd_from(simd, tail));
    Sums {
        count: signal.len(),
        values: total(values.into()),
        magnitudes: total(magnitudes.into()),
        squares: total(squares.into()),
    }
}

#[inline(always)]
fn added<S: Simd>([values, magnitudes, squares]: [f64x8<S>; 3], value: f64x8<S>) -> [f64x8<S>; 3] {
    [values + value, magnitudes + value.abs(), squares + value * value]
}

/// In a tree, which is the same everywhere.
pub fn total(row: Row) -> f64 {
    ((row[0] + row[1]) + (row[2] + row[3])) + ((row[4] + row[5]) + (row[6] + row[7]))
}

/// Smallest and largest value; infinite the wrong way round for no samples. A NaN is passed over (see `is_finite`).
pub fn extremes(level: Level, signal: &[f64]) -> (f64, f64) {
    dispatch!(level, simd => extremes_on(simd, signal))
}

/// Comparison and selection instead of `min` and `max`, which leave the sign of zero to the processor. Several rows side by
/// side, as each selection waits for the one before.
#[inline(always)]
fn extremes_on<S: Simd>(simd: S, signal: &[f64]) -> (f64, f64) {
    let mut low = [f64x8::splat(simd, f64::INFINITY); SIDE_BY_SIDE];
    let mut high = [f64x8::splat(simd, f64::NEG_INFINITY); SIDE_BY_SIDE];
    let (body, rest) = signal.as_chunks::<{ SIDE_BY_SIDE * LANES }>();
    for rows in body {
        for ((row, low), high) in rows.as_chunks().0.iter().zip(&mut low).zip(&mut high) {
            let value = f64x8::simd_from(simd, *row);
            *low = value.simd_lt(*low).select(value, *low);
            *high = value.simd_gt(*high).select(value, *high);
        }
    }
    let (low, high): ([Row; SIDE_BY_SIDE], [Row; SIDE_BY_SIDE]) = (low.map(Into::into), high.map(Into::into));
    (smallest(low.as_flattened().iter().chain(rest)), largest(high.as_flattened().iter().chain(rest)))
}

fn smallest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    0.0 + values.fold(f64::INFINITY, |least, value| if *value < least { *value } else { least })
}

fn largest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    0.0 + values.fold(f64::NEG_INFINITY, |most, value| if *value > most { *value } else { most })
}

/// Whether the standard deviation is at least `bound`. Two samples `range` apart make it at least range / √(2n), so the
/// deviations are summed only for signals that hardly change.
pub fn deviates(signal: &[f64], range: f64, bound: f64) -> bool {
    range / (2.0 * signal.len() as f64).sqrt() >= bound || standard_deviation(signal) >= bound
}

/// Population standard deviation, by two passes.
pub fn standard_deviation(signal: &[f64]) -> f64 {
    let count = signal.len() as f64;
    let mean = signal.iter().sum::<f64>() / count;
    (signal.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt()
}

/// How a metric varies over windows; `std` divides by n − 1, `cv` is std / mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    pub std: f64,
    pub min: f64,
    pub max: f64,
    pub n: usize,
    pub cv: Option<f64>,
}

/// `None` for fewer than three values.
pub fn spread(values: &[f64]) -> Option<Spread> {
    if values.len() < 3 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let std = (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    let cv = (mean != 0.0).then(|| std / mean);
    Some(Spread { mean, std, min: smallest(values.iter()), max: largest(values.iter()), n: values.len(), cv })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_are_those_of_a_plain_scan(signal in prop::collection::vec(-1e3..1e3f64, 1..200)) {
            let plain = (signal.iter().copied().fold(f64::MAX, f64::min), signal.iter().copied().fold(f64::MIN, f64::max));
            prop_assert_eq!(extremes(Level::new(), &signal), plain);
        }

        #[test]
        fn deviates_agrees_with_the_standard_deviation(signal in prop::collection::vec(-1.0..1.0f64, 1..60), bound in 0.0..1.0f64) {
            let (low, high) = extremes(Level::new(), &signal);
            prop_assert_eq!(deviates(&signal, high - low, bound), standard_deviation(&signal) >= bound);
        }

        #[test]
        fn block_sums_add_up(signal in prop::collection::vec(-1.0..1.0f64, 1..300), length in 1usize..50) {
            let all = block_sums(Level::new(), &signal, length).into_iter().fold(Sums::default(), |a, b| a + b);
            prop_assert_eq!(all.count, signal.len());
            prop_assert!((all.squares - signal.iter().map(|v| v * v).sum::<f64>()).abs() < 1e-12);
        }
    }

    #[test]
    fn a_negative_zero_is_never_an_extreme() {
        let (low, high) = extremes(Level::new(), &[-0.0; 9]);
        assert!(low.is_sign_positive() && high.is_sign_positive());
    }

    #[test]
    fn two_values_have_no_spread() {
        assert_eq!(spread(&[1.0, 2.0]), None);
    }
}
