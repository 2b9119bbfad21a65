//! Moving average without subtraction (van Herk): suffix sums of one block plus prefix sums of the next, so no error is
//! carried along.

use crate::lanes::{LANES, Row, Rows, from_left, from_right};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};

/// `numpy.convolve(x, ones(window) / window, "same")`, in place: edges count as zero. The window covers `window / 2`
/// samples before its place. The signal is not empty and has at least `rows_needed` rows.
pub fn moving_average(level: Level, signal: &mut Rows, window: usize) {
    dispatch!(level, simd => run(simd, signal, window));
}

/// A window of twice the signal covers all of it from every place: no more rows are needed, however long the window.
pub fn rows_needed(window: usize, samples: usize) -> usize {
    window.min(2 * samples)
}

#[inline(always)]
fn run<S: Simd>(simd: S, signal: &mut Rows, window: usize) {
    let scale = f64x8::splat(simd, 1.0 / window as f64);
    let window = rows_needed(window, signal.samples());
    let rows = &mut signal.rows[..];
    let (length, before) = (rows.len(), window / 2);
    // What follows each chunk: the first rows of its right neighbour.
    let after: Vec<Row> = rows[..window].iter().map(|row| from_right(*row)).collect();
    let lead = rows[length - before..].iter().map(|row| from_left(*row));
    let mut block: Vec<Row> = lead.chain(rows[..window - before].iter().copied()).collect();

    for start in (0..length).step_by(window) {
        suffix_sums(simd, &mut block);
        let ahead = start + window - before;
        if ahead + window <= length {
            inner_block(simd, scale, &mut block, &mut rows[start..ahead + window], before);
        } else {
            last_block(simd, scale, &mut block, rows, &after, start, ahead);
        }
    }
}

/// `block[j]` becomes the sum of the block from `j` on.
#[inline(always)]
fn suffix_sums<S: Simd>(simd: S, block: &mut [Row]) {
    let mut sum = f64x8::splat(simd, 0.0);
    for row in block.iter_mut().rev() {
        sum += f64x8::simd_from(simd, *row);
        *row = sum.into();
    }
}

/// `rows` reaches from the place of the first average to the end of the next block, which is left in `block`.
#[inline(always)]
fn inner_block<S: Simd>(simd: S, scale: f64x8<S>, block: &mut [Row], rows: &mut [Row], before: usize) {
    let shift = block.len() - before;
    let mut prefix = f64x8::splat(simd, 0.0);
    for (j, suffix) in block.iter_mut().enumerate() {
        let new = f64x8::simd_from(simd, rows[shift + j]);
        rows[j] = ((f64x8::simd_from(simd, *suffix) + prefix) * scale).into();
        prefix += new;
        *suffix = new.into();
    }
}

/// The same near the end of the chunk, where the next block lies wholly or partly in the right neighbour.
#[inline(always)]
fn last_block<S: Simd>(
    simd: S,
    scale: f64x8<S>,
    block: &mut [Row],
    rows: &mut [Row],
    after: &[Row],
    start: usize,
    ahead: usize,
) {
    let length = rows.len();
    let mut prefix = f64x8::splat(simd, 0.0);
    for (j, suffix) in block.iter_mut().enumerate().take(length - start) {
        let next = ahead + j;
        let new = if next < length { rows[next] } else { after.get(next - length).copied().unwrap_or([0.0; LANES]) };
        rows[start + j] = ((f64x8::simd_from(simd, *suffix) + prefix) * scale).into();
        prefix += f64x8::simd_from(simd, new);
        *suffix = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directly(signal: &[f64], window: usize) -> Vec<f64> {
        let covered = |i: usize| (i + window - window / 2).min(signal.len());
        (0..signal.len())
            .map(|i| signal[i.saturating_sub(window / 2)..covered(i)].iter().sum::<f64>() / window as f64)
            .collect()
    }

    proptest! {
        #[test]
        fn lanes_agree_with_the_direct_sum(signal in prop::collection::vec(-1.0..1.0f64, 1..900), window in 1usize..2000) {
            let mut rows = Rows::default();
            rows.cut(Level::new(), &signal, window, rows_needed(window, signal.len()));
            moving_average(Level::new(), &mut rows, window);
            let mut averaged = vec![0.0; signal.len()];
            rows.join(Level::new(), &mut averaged);
            for (lanes, direct) in averaged.iter().zip(directly(&signal, window)) {
                prop_assert!((lanes - direct).abs() < 1e-14);
            }
        }
    }
}
