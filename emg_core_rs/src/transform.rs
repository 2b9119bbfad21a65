//! Fourier transform of 256 complex numbers, eight transforms side by side: radix 4, decimation in frequency, in place.
//!
//! After the first stage the quarters have nothing to do with each other. Each goes through its other stages at once, while
//! it is in the nearest cache, the last two of them in registers.

use crate::lanes::{LANES, Row};
use fearless_simd::{Simd, f64x8, prelude::*};
use std::f64::consts::PI;
use std::sync::LazyLock;

pub const LENGTH: usize = 256;

type Complex<S> = (f64x8<S>, f64x8<S>);

/// Tables made once; the functions are libm's because the C library's differ between processors.
pub struct Tables {
    twiddle: [(f64, f64); LENGTH],
    hann: [f64; LENGTH],
    place: [u8; LENGTH],
}

impl Tables {
    pub fn shared() -> &'static Tables {
        static SHARED: LazyLock<Tables> = LazyLock::new(Tables::new);
        &SHARED
    }

    fn new() -> Self {
        let angle = |k: usize| 2.0 * PI * k as f64 / LENGTH as f64;
        Tables {
            twiddle: std::array::from_fn(|k| (libm::cos(angle(k)), -libm::sin(angle(k)))),
            hann: std::array::from_fn(|k| 0.5 - 0.5 * libm::cos(angle(k))),
            place: std::array::from_fn(|k| ((k & 3) << 6 | (k >> 2 & 3) << 4 | (k >> 4 & 3) << 2 | k >> 6) as u8),
        }
    }

    /// Where the transform leaves bin `k`: its four base-4 digits in reverse.
    pub fn place(&self, k: usize) -> usize {
        usize::from(self.place[k % LENGTH])
    }
}

/// Real and imaginary parts of eight signals, and the powers gathered so far in the order the transform leaves them.
pub struct Transforms {
    pub real: Box<[Row; LENGTH]>,
    pub imaginary: Box<[Row; LENGTH]>,
    pub power: Box<[Row; LENGTH]>,
}

impl Transforms {
    pub fn new() -> Self {
        let zeros = || Box::new([[0.0; LANES]; LENGTH]);
        Transforms { real: zeros(), imaginary: zeros(), power: zeros() }
    }

    /// Adds the powers of what lies in `real` and `imaginary`, whose sums are given: mean off, Hann window, transform.
    #[inline(always)]
    pub fn add_power<S: Simd>(&mut self, simd: S, tables: &Tables, sums: Complex<S>) {
        let share = f64x8::splat(simd, 1.0 / LENGTH as f64);
        let means = (sums.0 * share, sums.1 * share);
        let (real, imaginary) = (&mut self.real[..], &mut self.imaginary[..]);
        stage::<S, 256>(
            simd,
            tables,
            real,
            imaginary,
            #[inline(always)]
            |value, k| windowed(simd, tables.hann[k], value, means),
        );
        let quarters = self.real.as_chunks_mut::<64>().0.iter_mut().zip(self.imaginary.as_chunks_mut::<64>().0);
        for ((real, imaginary), power) in quarters.zip(self.power.as_chunks_mut::<64>().0) {
            stage::<S, 64>(
                simd,
                tables,
                real,
                imaginary,
                #[inline(always)]
                |value, _| value,
            );
            let parts = real.as_chunks::<16>().0.iter().zip(imaginary.as_chunks::<16>().0);
            for ((real, imaginary), power) in parts.zip(power.as_chunks_mut::<16>().0) {
                last_stages(simd, tables, real, imaginary, power);
            }
        }
    }
}

#[inline(always)]
fn load<S: Simd>(simd: S, real: &[Row], imaginary: &[Row], k: usize) -> Complex<S> {
    (f64x8::simd_from(simd, real[k]), f64x8::simd_from(simd, imaginary[k]))
}

#[inline(always)]
fn windowed<S: Simd>(simd: S, hann: f64, value: Complex<S>, means: Complex<S>) -> Complex<S> {
    let hann = f64x8::splat(simd, hann);
    ((value.0 - means.0) * hann, (value.1 - means.1) * hann)
}

#[inline(always)]
fn butterfly<S: Simd>([a, b, c, d]: [Complex<S>; 4]) -> [Complex<S>; 4] {
    let (s, t) = ((a.0 + c.0, a.1 + c.1), (a.0 - c.0, a.1 - c.1));
    let (u, v) = ((b.0 + d.0, b.1 + d.1), (b.0 - d.0, b.1 - d.1));
    [(s.0 + u.0, s.1 + u.1), (t.0 + v.1, t.1 - v.0), (s.0 - u.0, s.1 - u.1), (t.0 - v.1, t.1 + v.0)]
}

#[inline(always)]
fn turn<S: Simd>(simd: S, value: Complex<S>, twiddle: (f64, f64)) -> Complex<S> {
    let (c, s) = (f64x8::splat(simd, twiddle.0), f64x8::splat(simd, twiddle.1));
    (value.0 * c - value.1 * s, value.1 * c + value.0 * s)
}

/// One stage on a part of the signal, whose quarters are the four legs of its butterflies.
#[inline(always)]
fn stage<S: Simd, const PART: usize>(
    simd: S,
    tables: &Tables,
    real: &mut [Row],
    imaginary: &mut [Row],
    prepared: impl Fn(Complex<S>, usize) -> Complex<S>,
) {
    let (quarter, real, imaginary) = (PART / 4, &mut real[..PART], &mut imaginary[..PART]);
    for j in 0..quarter {
        let at = [j, j + quarter, j + 2 * quarter, j + 3 * quarter];
        let legs = [
            prepared(load(simd, real, imaginary, at[0]), at[0]),
            prepared(load(simd, real, imaginary, at[1]), at[1]),
            prepared(load(simd, real, imaginary, at[2]), at[2]),
            prepared(load(simd, real, imaginary, at[3]), at[3]),
        ];
        let legs = turned(simd, tables, j * (LENGTH / PART), butterfly(legs));
        for m in 0..4 {
            (real[at[m]], imaginary[at[m]]) = (legs[m].0.into(), legs[m].1.into());
        }
    }
}

#[inline(always)]
fn turned<S: Simd>(simd: S, tables: &Tables, by: usize, mut legs: [Complex<S>; 4]) -> [Complex<S>; 4] {
    if by > 0 {
        legs[1] = turn(simd, legs[1], tables.twiddle[by]);
        legs[2] = turn(simd, legs[2], tables.twiddle[2 * by]);
        legs[3] = turn(simd, legs[3], tables.twiddle[3 * by]);
    }
    legs
}

/// The last two stages, on 16 numbers in registers; only powers are wanted.
#[inline(always)]
fn last_stages<S: Simd>(simd: S, tables: &Tables, real: &[Row; 16], imaginary: &[Row; 16], power: &mut [Row; 16]) {
    let columns = [
        column(simd, tables, real, imaginary, 0),
        column(simd, tables, real, imaginary, 1),
        column(simd, tables, real, imaginary, 2),
        column(simd, tables, real, imaginary, 3),
    ];
    for (i, power) in power.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let legs = butterfly([columns[0][i], columns[1][i], columns[2][i], columns[3][i]]);
        for (power, (x, y)) in power.iter_mut().zip(legs) {
            *power = (f64x8::simd_from(simd, *power) + (x * x + y * y)).into();
        }
    }
}

#[inline(always)]
fn column<S: Simd>(simd: S, tables: &Tables, real: &[Row; 16], imaginary: &[Row; 16], j: usize) -> [Complex<S>; 4] {
    let legs = [
        load(simd, real, imaginary, j),
        load(simd, real, imaginary, j + 4),
        load(simd, real, imaginary, j + 8),
        load(simd, real, imaginary, j + 12),
    ];
    turned(simd, tables, 16 * j, butterfly(legs))
}
