//! Power spectra by Welch's method: segments of 256 samples, Hann window, half overlap, mean of each segment removed.
//!
//! Two real segments go through one complex transform; their powers are summed anyway, so they need not be told apart:
//! |A(k)|² + |B(k)|² = (|Z(k)|² + |Z(N−k)|²) / 2. Spectra are sums over segments: the scale of a density cancels in
//! every number made from them.

use crate::lanes::{LANES, Row, store, transposed};
use crate::transform::{LENGTH, Tables, Transforms};
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};

pub const SEGMENT: usize = LENGTH;
pub const BINS: usize = SEGMENT / 2 + 1;
const STEP: usize = SEGMENT / 2;

/// Power per bin, one-sided, arbitrary scale. Bin `k` stands for the frequency k · sample rate / 256.
pub type Spectrum = [f64; BINS];

type Segment = [f64; SEGMENT];
static NOTHING: Segment = [0.0; SEGMENT];

/// Spectrum of the whole signal; `None` if it is shorter than a segment.
pub fn whole(level: Level, signal: &[f64]) -> Option<Spectrum> {
    (signal.len() >= SEGMENT).then(|| dispatch!(level, simd => whole_on(simd, signal)))
}

/// Tells the number and the spectrum of every whole window of `length` samples, one each `step` samples; of none if windows
/// are shorter than a segment. Told one by one, as all together would be more memory than the signal's.
pub fn windows(level: Level, signal: &[f64], length: usize, step: usize, mut tell: impl FnMut(usize, &Spectrum)) {
    if length >= SEGMENT && signal.len() >= length {
        dispatch!(level, simd => windows_on(simd, signal, length, step, &mut tell));
    }
}

fn segment_count(samples: usize) -> usize {
    (samples - SEGMENT) / STEP + 1
}

/// Segment `index` of the signal from `start`, or silence if it is not one of `count`.
#[inline(always)]
fn segment(signal: &[f64], start: usize, index: usize, count: usize) -> &Segment {
    let from = start + index * STEP;
    let held = signal.get(from..from + SEGMENT).filter(|_| index < count);
    held.and_then(|samples| samples.try_into().ok()).unwrap_or(&NOTHING)
}

#[inline(always)]
fn whole_on<S: Simd>(simd: S, signal: &[f64]) -> Spectrum {
    let count = segment_count(signal.len());
    let mut transforms = Transforms::new();
    for first in (0..count).step_by(2 * LANES) {
        let at = |lane: usize, half: usize| segment(signal, 0, first + 2 * lane + half, count);
        add_pair(simd, &mut transforms, std::array::from_fn(|l| at(l, 0)), std::array::from_fn(|l| at(l, 1)));
    }
    std::array::from_fn(|k| bin(&transforms, k).iter().sum())
}

#[inline(always)]
fn windows_on<S: Simd>(simd: S, signal: &[f64], length: usize, step: usize, tell: &mut impl FnMut(usize, &Spectrum)) {
    let (count, windows) = (segment_count(length), (signal.len() - length) / step + 1);
    let mut transforms = Transforms::new();
    let mut spectra = [[0.0; BINS]; LANES];
    for group in (0..windows).step_by(LANES) {
        transforms.power.fill([0.0; LANES]);
        for first in (0..count).step_by(2) {
            let at = |lane: usize, half: usize| segment(signal, (group + lane) * step, first + half, count);
            add_pair(simd, &mut transforms, std::array::from_fn(|l| at(l, 0)), std::array::from_fn(|l| at(l, 1)));
        }
        for k in 0..BINS {
            for (spectrum, power) in spectra.iter_mut().zip(bin(&transforms, k)) {
                spectrum[k] = power;
            }
        }
        for (index, spectrum) in (group..windows).zip(&spectra) {
            tell(index, spectrum);
        }
    }
}

/// Adds the powers of one segment of `first` and one of `second` in each lane.
#[inline(always)]
fn add_pair<S: Simd>(simd: S, transforms: &mut Transforms, first: [&Segment; LANES], second: [&Segment; LANES]) {
    let sums = (side_by_side(simd, first, &mut transforms.real), side_by_side(simd, second, &mut transforms.imaginary));
    transforms.add_power(simd, Tables::shared(), sums);
}

/// Lays eight segments into lanes; returns their sums.
#[inline(always)]
fn side_by_side<S: Simd>(simd: S, segments: [&Segment; LANES], rows: &mut [Row; SEGMENT]) -> f64x8<S> {
    let mut sum = f64x8::splat(simd, 0.0);
    for (index, tile) in rows.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut square = [sum; LANES];
        for (lane, segment) in square.iter_mut().zip(segments) {
            *lane = f64x8::from_slice(simd, &segment[index * LANES..][..LANES]);
        }
        let square = transposed(square);
        for row in square {
            sum += row;
        }
        store(square, tile);
    }
    sum
}

/// One-sided power of bin `k` in each lane: what `k` and its mirror image hold; the two outer bins have no mirror image.
fn bin(transforms: &Transforms, k: usize) -> [f64; LANES] {
    let tables = Tables::shared();
    let (here, mirrored) = (&transforms.power[tables.place(k)], &transforms.power[tables.place(LENGTH - k)]);
    let share = if k == 0 || k == BINS - 1 { 0.5 } else { 1.0 };
    std::array::from_fn(|lane| share * (here[lane] + mirrored[lane]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use realfft::RealFftPlanner;
    use std::f64::consts::PI;

    /// Another library's transform, one segment at a time.
    fn witness(signal: &[f64]) -> Vec<f64> {
        let transform = RealFftPlanner::new().plan_fft_forward(SEGMENT);
        let mut power = vec![0.0; BINS];
        for start in (0..=signal.len() - SEGMENT).step_by(STEP) {
            let part = &signal[start..start + SEGMENT];
            let mean = part.iter().sum::<f64>() / SEGMENT as f64;
            let hann = |i: usize| 0.5 - 0.5 * (2.0 * PI * i as f64 / SEGMENT as f64).cos();
            let mut input: Vec<f64> = part.iter().enumerate().map(|(i, v)| (v - mean) * hann(i)).collect();
            let mut output = transform.make_output_vec();
            transform.process(&mut input, &mut output).unwrap();
            for (k, value) in output.iter().enumerate() {
                power[k] += value.norm_sqr() * if k == 0 || k == BINS - 1 { 1.0 } else { 2.0 };
            }
        }
        power
    }

    fn assert_close(ours: &Spectrum, theirs: &[f64]) {
        let top = theirs.iter().copied().fold(0.0, f64::max);
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() <= 1e-13 * top, "{a} {b}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn spectra_agree_with_another_library(signal in prop::collection::vec(-1.0..1.0f64, 256..5000), length in 256usize..1200) {
            assert_close(&whole(Level::new(), &signal).unwrap(), &witness(&signal));
            let step = length / 2;
            windows(Level::new(), &signal, length, step, |index, spectrum| {
                assert_close(spectrum, &witness(&signal[index * step..index * step + length]));
            });
        }
    }

    #[test]
    fn signals_shorter_than_a_segment_have_no_spectrum() {
        assert!(whole(Level::new(), &[1.0; SEGMENT - 1]).is_none());
        for (samples, length) in [(1000, SEGMENT - 1), (299, 300)] {
            windows(Level::new(), &vec![1.0; samples], length, 100, |index, _| panic!("there is no window {index}"));
        }
    }
}
