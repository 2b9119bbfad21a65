//! Butterworth filters of order 4 as second-order sections, run forward and backward in eight lanes.
//!
//! The result is that of `scipy.signal.sosfiltfilt` with its default odd padding. Forward and backward doubles the
//! attenuation: −6 dB at the cut-off. Lanes other than the first warm up on the end of their neighbour's chunk.

use crate::lanes::{LANES, Row, Rows, from_left, from_right};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};
use std::f64::consts::PI;

/// Samples of odd extension on each side: 3 · (2 · sections + 1).
pub const PADDING: usize = 15;

/// Rows after which states too small to matter become zero: denormal numbers make some processors very slow.
const ROWS_BETWEEN_CLEARING: usize = 256;
const NEGLIGIBLE_STATE: f64 = 1e-290;

#[derive(Debug, Clone, Copy)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
}

#[derive(Debug, Clone)]
pub struct Butterworth {
    sections: [Section; 2],
    at_rest: [[f64; 2]; 2],
    settling_samples: usize,
}

impl Butterworth {
    /// `cutoff_hz` lies between 0 and half of `sample_rate_hz`.
    pub fn high_pass(cutoff_hz: f64, sample_rate_hz: f64) -> Self {
        Self::design(cutoff_hz, sample_rate_hz, -1.0)
    }

    /// `cutoff_hz` lies between 0 and half of `sample_rate_hz`.
    pub fn low_pass(cutoff_hz: f64, sample_rate_hz: f64) -> Self {
        Self::design(cutoff_hz, sample_rate_hz, 1.0)
    }

    /// Bilinear transform of the analog prototype, pole pairs at π/8 and 3π/8; zeros at `-sign`.
    fn design(cutoff_hz: f64, sample_rate_hz: f64, sign: f64) -> Self {
        let k = libm::tan(PI * cutoff_hz / sample_rate_hz);
        let a = [3.0, 1.0].map(|pair| denominator(k, 2.0 * libm::cos(pair * PI / 8.0)));
        let gain = a.iter().fold(1.0, |gain, a| gain * (1.0 + sign * a[0] + a[1]) / 4.0);
        let sections =
            [Section { b: [gain, 2.0 * sign * gain, gain], a: a[0] }, Section { b: [1.0, 2.0 * sign, 1.0], a: a[1] }];
        let slowest_radius = a[0][1].max(a[1][1]).sqrt();
        Butterworth { sections, at_rest: at_rest(sections), settling_samples: settling_samples(slowest_radius) }
    }

    /// Samples until a transient has fallen below 1e-20.
    pub fn settling_samples(&self) -> usize {
        self.settling_samples
    }
}

fn denominator(k: f64, inverse_q: f64) -> [f64; 2] {
    let norm = 1.0 / (1.0 + k * inverse_q + k * k);
    [2.0 * (k * k - 1.0) * norm, (1.0 - k * inverse_q + k * k) * norm]
}

fn settling_samples(radius: f64) -> usize {
    libm::ceil(libm::log(1e-20) / libm::log(radius)) as usize
}

/// State of each section at rest under a constant input of 1, as `scipy.signal.sosfilt_zi`.
fn at_rest(sections: [Section; 2]) -> [[f64; 2]; 2] {
    let mut level = 1.0;
    sections.map(|Section { b, a }| {
        let output = (b[0] + b[1] + b[2]) / (1.0 + a[0] + a[1]);
        let z1 = b[2] - a[1] * output;
        let state = [(b[1] - a[0] * output + z1) * level, z1 * level];
        level *= output;
        state
    })
}

/// State of the two sections, each of two numbers, in every lane.
type State = [[Row; 2]; 2];

struct Kernel<S: Simd> {
    simd: S,
    b: [[f64x8<S>; 3]; 2],
    a: [[f64x8<S>; 2]; 2],
}

impl<S: Simd> Kernel<S> {
    #[inline(always)]
    fn new(simd: S, filter: &Butterworth) -> Self {
        let splat = |value| f64x8::splat(simd, value);
        Kernel { simd, b: filter.sections.map(|s| s.b.map(splat)), a: filter.sections.map(|s| s.a.map(splat)) }
    }

    /// One sample in each lane through both sections, transposed direct form II. The order of operations is kept as it
    /// is: (b1·x + z1) − a1·y keeps the recursion's longest path short.
    #[inline(always)]
    fn step(&self, state: &mut [[f64x8<S>; 2]; 2], row: Row) -> f64x8<S> {
        let mut x = f64x8::simd_from(self.simd, row);
        for ((b, a), z) in self.b.iter().zip(&self.a).zip(state) {
            let y = b[0] * x + z[0];
            z[0] = (b[1] * x + z[1]) - a[0] * y;
            z[1] = b[2] * x - a[1] * y;
            x = y;
        }
        x
    }

    #[inline(always)]
    fn warm_up(&self, rows: impl Iterator<Item = Row>) -> State {
        let mut state = [[f64x8::splat(self.simd, 0.0); 2]; 2];
        for row in rows {
            self.step(&mut state, row);
        }
        state.map(|section| section.map(Into::into))
    }

    /// Filters rows in place, block by block; `MAGNITUDE` leaves absolute values.
    #[inline(always)]
    fn pass<'a, const MAGNITUDE: bool, R>(&self, state: &State, blocks: impl Iterator<Item = R>) -> State
    where
        R: Iterator<Item = &'a mut Row>,
    {
        let mut state = state.map(|section| section.map(|z| f64x8::simd_from(self.simd, z)));
        for rows in blocks {
            for row in rows {
                let y = self.step(&mut state, *row);
                *row = if MAGNITUDE { y.abs() } else { y }.into();
            }
            state = self.cleared(state);
        }
        state.map(|section| section.map(Into::into))
    }

    /// In loops: closures handed to `map` are compiled without the processor's own instructions, and called.
    #[inline(always)]
    fn cleared(&self, mut state: [[f64x8<S>; 2]; 2]) -> [[f64x8<S>; 2]; 2] {
        let (zero, least) = (f64x8::splat(self.simd, 0.0), f64x8::splat(self.simd, NEGLIGIBLE_STATE));
        for z in state.as_flattened_mut() {
            *z = z.abs().simd_lt(least).select(zero, *z);
        }
        state
    }
}

/// Filters a padded signal forward and backward, in place.
pub fn zero_phase(level: Level, filter: &Butterworth, signal: &mut Rows) {
    dispatch!(level, simd => run::<_, false>(simd, filter, signal));
}

/// As `zero_phase`, and leaves absolute values.
pub fn zero_phase_magnitude(level: Level, filter: &Butterworth, signal: &mut Rows) {
    dispatch!(level, simd => run::<_, true>(simd, filter, signal));
}

/// Filters signals that have nothing to do with each other, one in each lane, forward and backward, in place. All begin in
/// the first row; `ends` has their numbers of samples in falling order, zero for lanes without one.
pub fn zero_phase_apart(level: Level, filter: &Butterworth, rows: &mut [Row], ends: &[usize; LANES]) {
    dispatch!(level, simd => apart(simd, filter, rows, ends));
}

#[inline(always)]
fn apart<S: Simd>(simd: S, filter: &Butterworth, rows: &mut [Row], ends: &[usize; LANES]) {
    let kernel = Kernel::new(simd, filter);
    let mut state = kernel.warm_up(std::iter::empty());
    for (lane, value) in rows[0].iter().enumerate() {
        rest_at(&mut state, filter, lane, *value);
    }
    kernel.pass::<false, _>(&state, rows.chunks_mut(ROWS_BETWEEN_CLEARING).map(<[Row]>::iter_mut));
    let mut state = kernel.warm_up(std::iter::empty());
    for (lane, end) in ends.iter().enumerate().take_while(|(_, end)| **end > 0) {
        rest_at(&mut state, filter, lane, rows[end - 1][lane]);
        let next_end = ends.get(lane + 1).copied().unwrap_or(0);
        state = kernel.pass::<false, _>(&state, backward(&mut rows[next_end..*end]));
    }
}

#[inline(always)]
fn run<S: Simd, const MAGNITUDE: bool>(simd: S, filter: &Butterworth, signal: &mut Rows) {
    let (last_row, last_lane) = signal.place(signal.samples() - 1);
    let kernel = Kernel::new(simd, filter);
    let rows = &mut signal.rows[..];
    // The only lane of a short signal has no neighbour to warm up on.
    let warming = if last_lane == 0 { 0 } else { filter.settling_samples.min(rows.len()) };

    let ends = &rows[rows.len() - warming..];
    let mut state = kernel.warm_up(ends.iter().map(|row| from_left(*row)));
    rest_at(&mut state, filter, 0, rows[0][0]);
    kernel.pass::<false, _>(&state, rows.chunks_mut(ROWS_BETWEEN_CLEARING).map(<[Row]>::iter_mut));

    let state = kernel.warm_up(rows[..warming].iter().rev().map(|row| from_right(*row)));
    let (before, after) = rows.split_at_mut(last_row + 1);
    let mut state = kernel.pass::<MAGNITUDE, _>(&state, backward(after));
    rest_at(&mut state, filter, last_lane, before[last_row][last_lane]);
    kernel.pass::<MAGNITUDE, _>(&state, backward(before));
}

#[inline(always)]
fn backward(rows: &mut [Row]) -> impl Iterator<Item = std::iter::Rev<std::slice::IterMut<'_, Row>>> {
    rows.rchunks_mut(ROWS_BETWEEN_CLEARING).map(|block| block.iter_mut().rev())
}

/// Lets one lane start at rest at level `value`.
fn rest_at(state: &mut State, filter: &Butterworth, lane: usize, value: f64) {
    for (z, rest) in state.as_flattened_mut().iter_mut().zip(filter.at_rest.as_flattened()) {
        z[lane] = rest * value;
    }
}

/// Fills the first and last `PADDING` places with the odd extension of what lies between; that is more than `PADDING`.
pub fn extend(signal: &mut [f64]) {
    let (first, last) = (PADDING, signal.len() - PADDING - 1);
    for i in 1..=PADDING {
        signal[first - i] = 2.0 * signal[first] - signal[first + i];
        signal[last + i] = 2.0 * signal[last] - signal[last - i];
    }
}

/// The same on a signal in lanes whose extension is outdated.
pub fn extend_again(signal: &mut Rows) {
    let (first, last) = (PADDING, signal.samples() - PADDING - 1);
    for i in 1..=PADDING {
        let left = 2.0 * signal.sample(first) - signal.sample(first + i);
        let right = 2.0 * signal.sample(last) - signal.sample(last - i);
        signal.set_sample(first - i, left);
        signal.set_sample(last + i, right);
    }
}

/// Sets the extension, and all places past the last sample, to zero.
pub fn clear_extension(signal: &mut Rows) {
    let samples = signal.samples();
    for i in 0..PADDING {
        signal.set_sample(i, 0.0);
        signal.set_sample(samples - 1 - i, 0.0);
    }
    let (first_row, lane) = signal.place(samples);
    if lane < LANES {
        signal.rows[first_row..].iter_mut().for_each(|row| row[lane] = 0.0);
        signal.rows.iter_mut().for_each(|row| row[lane + 1..].fill(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same filter on one sample after another.
    fn one_lane(filter: &Butterworth, signal: &mut [f64]) {
        for _ in 0..2 {
            let mut state = filter.at_rest.map(|section| section.map(|z| z * signal[0]));
            for value in signal.iter_mut() {
                for (Section { b, a }, z) in filter.sections.iter().zip(&mut state) {
                    let output = b[0] * *value + z[0];
                    *z = [b[1] * *value + z[1] - a[0] * output, b[2] * *value - a[1] * output];
                    *value = output;
                }
            }
            signal.reverse();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn lanes_agree_with_one_lane(signal in prop::collection::vec(-1.0..1.0f64, 16..20_000), high in any::<bool>()) {
            let filter = if high { Butterworth::high_pass(20.0, 990.0) } else { Butterworth::low_pass(10.0, 990.0) };
            let mut rows = Rows::default();
            rows.cut(Level::new(), &signal, filter.settling_samples(), 0);
            zero_phase(Level::new(), &filter, &mut rows);
            let (mut lanes, mut witness) = (signal.clone(), signal);
            rows.join(Level::new(), &mut lanes);
            one_lane(&filter, &mut witness);
            // Rounding differs where a lane starts; the bound is relative to the input's maximum.
            prop_assert!(lanes.iter().zip(&witness).all(|(lane, one)| (lane - one).abs() < 1e-12));
        }
    }

    #[test]
    fn a_constant_passes_the_low_pass_and_not_the_high_pass() {
        for (filter, level) in [(Butterworth::low_pass(10.0, 990.0), 1.0), (Butterworth::high_pass(20.0, 990.0), 0.0)] {
            let mut rows = Rows::default();
            rows.cut(Level::new(), &[1.0; 500], filter.settling_samples(), 0);
            zero_phase(Level::new(), &filter, &mut rows);
            assert!((0..500).all(|i| (rows.sample(i) - level).abs() < 1e-9));
        }
    }

    #[test]
    fn silence_after_signal_leaves_no_denormal_numbers() {
        let filter = Butterworth::low_pass(10.0, 990.0);
        let mut signal = vec![0.0; 200_000];
        signal[..1000].fill(1.0);
        let mut rows = Rows::default();
        rows.cut(Level::new(), &signal, filter.settling_samples(), 0);
        zero_phase(Level::new(), &filter, &mut rows);
        assert!(rows.rows.as_flattened().iter().all(|value| !value.is_subnormal()));
    }

    #[test]
    fn the_extension_is_odd_around_the_ends() {
        let mut signal: Vec<f64> = (0..60).map(f64::from).collect();
        extend(&mut signal);
        assert!(signal.iter().enumerate().all(|(i, value)| *value == i as f64));
    }
}
