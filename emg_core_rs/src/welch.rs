//! Power spectra by Welch's method: segments of 256 samples, Hann window, half overlap, mean of each segment removed.
//!
//! Two real segments go through one complex transform; their powers are summed anyway, so they need not be told apart:
//! |A(k)|² + |B(k)|² = (|Z(k)|² + |Z(N−k)|²) / 2. Spectra are sums over segments: the scale of a density cancels in
//! every number made from them.

use crate::lanes::LANES;
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

/// Spectrum of every whole window of `length` samples, one each `step` samples; none if windows are shorter than a segment.
pub fn windows(level: Level, signal: &[f64], length: usize, step: usize) -> Vec<Spectrum> {
    if length < SEGMENT || signal.len() < length {
        return Vec::new();
    }
    dispatch!(level, simd => windows_on(simd, signal, length, step))
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
fn windows_on<S: Simd>(simd: S, signal: &[f64], length: usize, step: usize) -> Vec<Spectrum> {
    let (count, windows) = (segment_count(length), (signal.len() - length) / step + 1);
    let mut transforms = Transforms::new();
    let mut spectra = vec![[0.0; BINS]; windows];
    for (group, spectra) in spectra.chunks_mut(LANES).enumerate() {
        transforms.power.fill([0.0; LANES]);
        for first in (0..count).step_by(2) {
            let at = |lane: usize, half: usize| segment(signal, (group * LANES + lane) * step, first + half, count);
            add_pair(simd, &mut transforms, std::array::from_fn(|l| at(l, 0)), std::array::from_fn(|l| at(l, 1)));
        }
        for k in 0..BINS {
            for (spectrum, power) in spectra.iter_mut().zip(bin(&transforms, k)) {
                spectrum[k] = power;
            }
        }
    }
    spectra
}

/// Adds the powers of one segment of `first` and one of `second` in each lane.
#[inline(always)]
fn add_pair<S: Simd>(simd: S, transforms: &mut Transforms, first: [&Segment; LANES], second: [&Segment; LANES]) {
    let mut sums = (f64x8::splat(simd, 0.0), f64x8::splat(simd, 0.0));
    for n in 0..SEGMENT {
        let real = f64x8::from_fn(
            simd,
            #[inline(always)]
            |lane| first[lane][n],
        );
        let imaginary = f64x8::from_fn(
            simd,
            #[inline(always)]
            |lane| second[lane][n],
        );
        sums = (sums.0 + real, sums.1 + imaginary);
        (transforms.real[n], transforms.imaginary[n]) = (real.into(), imaginary.into());
    }
    transforms.add_power(simd, Tables::shared(), sums);
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
            for (index, spectrum) in windows(Level::new(), &signal, length, step).iter().enumerate() {
                assert_close(spectrum, &witness(&signal[index * step..index * step + length]));
            }
        }
    }

    #[test]
    fn signals_shorter_than_a_segment_have_no_spectrum() {
        assert!(whole(Level::new(), &[1.0; SEGMENT - 1]).is_none());
        assert!(windows(Level::new(), &[1.0; 1000], SEGMENT - 1, 100).is_empty());
        assert!(windows(Level::new(), &[1.0; 299], 300, 100).is_empty());
    }
}
