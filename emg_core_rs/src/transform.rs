//! Fourier transform of 256 complex numbers, eight transforms side by side: radix 4, decimation in frequency, in place.

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
        let (real, imaginary) = (&mut *self.real, &mut *self.imaginary);
        stage::<S, 64>(
            simd,
            tables,
            real,
            imaginary,
            #[inline(always)]
            |real, imaginary, k| windowed(simd, tables.hann[k], load(simd, real, imaginary, k), means),
        );
        stage::<S, 16>(
            simd,
            tables,
            real,
            imaginary,
            #[inline(always)]
            |real, imaginary, k| load(simd, real, imaginary, k),
        );
        stage::<S, 4>(
            simd,
            tables,
            real,
            imaginary,
            #[inline(always)]
            |real, imaginary, k| load(simd, real, imaginary, k),
        );
        last_stage(simd, real, imaginary, &mut self.power);
    }
}

#[inline(always)]
fn load<S: Simd>(simd: S, real: &[Row; LENGTH], imaginary: &[Row; LENGTH], k: usize) -> Complex<S> {
    (f64x8::simd_from(simd, real[k]), f64x8::simd_from(simd, imaginary[k]))
}

#[inline(always)]
fn windowed<S: Simd>(simd: S, hann: f64, value: Complex<S>, means: Complex<S>) -> Complex<S> {
    let hann = f64x8::splat(simd, hann);
    ((value.0 - means.0) * hann, (value.1 - means.1) * hann)
}

#[inline(always)]
fn butterfly<S: Simd>(a: Complex<S>, b: Complex<S>, c: Complex<S>, d: Complex<S>) -> [Complex<S>; 4] {
    let (s, t) = ((a.0 + c.0, a.1 + c.1), (a.0 - c.0, a.1 - c.1));
    let (u, v) = ((b.0 + d.0, b.1 + d.1), (b.0 - d.0, b.1 - d.1));
    [(s.0 + u.0, s.1 + u.1), (t.0 + v.1, t.1 - v.0), (s.0 - u.0, s.1 - u.1), (t.0 - v.1, t.1 + v.0)]
}

#[inline(always)]
fn turn<S: Simd>(simd: S, value: Complex<S>, twiddle: (f64, f64)) -> Complex<S> {
    let (c, s) = (f64x8::splat(simd, twiddle.0), f64x8::splat(simd, twiddle.1));
    (value.0 * c - value.1 * s, value.1 * c + value.0 * s)
}

/// One stage; `QUARTER` is the distance between the four legs of a butterfly.
#[inline(always)]
fn stage<S: Simd, const QUARTER: usize>(
    simd: S,
    tables: &Tables,
    real: &mut [Row; LENGTH],
    imaginary: &mut [Row; LENGTH],
    leg: impl Fn(&[Row; LENGTH], &[Row; LENGTH], usize) -> Complex<S>,
) {
    let step = LENGTH / 4 / QUARTER;
    for j in 0..QUARTER {
        for i in (j..LENGTH).step_by(4 * QUARTER) {
            let at = [i, i + QUARTER, i + 2 * QUARTER, i + 3 * QUARTER];
            let mut legs = butterfly(
                leg(real, imaginary, at[0]),
                leg(real, imaginary, at[1]),
                leg(real, imaginary, at[2]),
                leg(real, imaginary, at[3]),
            );
            if j > 0 {
                legs[1] = turn(simd, legs[1], tables.twiddle[j * step]);
                legs[2] = turn(simd, legs[2], tables.twiddle[2 * j * step]);
                legs[3] = turn(simd, legs[3], tables.twiddle[3 * j * step]);
            }
            for m in 0..4 {
                (real[at[m]], imaginary[at[m]]) = (legs[m].0.into(), legs[m].1.into());
            }
        }
    }
}

/// The last stage has no twiddles; only powers are wanted of it.
#[inline(always)]
fn last_stage<S: Simd>(simd: S, real: &[Row; LENGTH], imaginary: &[Row; LENGTH], power: &mut [Row; LENGTH]) {
    for i in (0..LENGTH).step_by(4) {
        let legs = butterfly(
            load(simd, real, imaginary, i),
            load(simd, real, imaginary, i + 1),
            load(simd, real, imaginary, i + 2),
            load(simd, real, imaginary, i + 3),
        );
        for m in 0..4 {
            let (x, y) = legs[m];
            power[i + m] = (f64x8::simd_from(simd, power[i + m]) + (x * x + y * y)).into();
        }
    }
}
