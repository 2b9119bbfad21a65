//! Eight lanes: one signal cut into up to eight equal chunks that lie side by side, so that recursions run eight at a time.
//!
//! A recursive filter computes each sample from the ones before it, so on one signal a processor mostly waits for its own
//! last addition. Cut into eight chunks the same signal is eight filters that don't wait for each other, and one instruction
//! does a step of all. Filters, averages and transforms of this crate all work that way, and read like their formulas with
//! `f64x8` for a number. What makes it right, and quick:
//!
//! * *Rows.* Sample `i` of a signal lies in row `i mod length`, lane `i / length`. Cutting and joining transpose squares of
//!   eight by eight in registers.
//! * *Warming up.* A chunk's filter starts on the end of its left neighbour's chunk, early enough that what it can't know
//!   has fallen below 1e-20: the result is that of one lane, to rounding (`filter`). Averages take what they need from both
//!   neighbours (`average`).
//! * *The same everywhere.* There are eight lanes on every processor, however wide its registers, and sums over lanes are
//!   trees of one shape. Nothing fuses a multiplication with an addition. So results have the same bits on every machine.
//! * *Memory is used again.* The first touch of a fresh page costs more than a filter does; see `workspace`.
//! * *Nothing is called in inner loops.* A kernel is compiled for the processor found at run time only where it is inlined
//!   into `dispatch!`: `#[inline(always)]` on functions and on closures in arguments, loops where `array::map` would do
//!   elsewhere (its closure is compiled for the oldest processor, and called), and no copy of a row that is then indexed by
//!   a variable (it goes through the stack).
//! * *Threads* take whole muscles, and whoever has time the hash (`analyze`).

use crate::average::rows_needed;
use fearless_simd::{Level, Simd, dispatch, f64x8, prelude::*};

pub const LANES: usize = 8;
pub type Row = [f64; LANES];

/// A signal in lanes: sample `i` is `rows[i % rows.len()][i / rows.len()]`; places past the last sample hold zero.
#[derive(Debug, Default)]
pub struct Rows {
    pub rows: Vec<Row>,
    samples: usize,
}

impl Rows {
    /// Cuts `signal` into chunks of at least `shortest` samples, or into one; there are at least `least_rows` rows.
    /// Memory is used again.
    pub fn cut(&mut self, level: Level, signal: &[f64], shortest: usize, least_rows: usize) {
        let lanes = (signal.len() / shortest.saturating_add(LANES)).clamp(1, LANES);
        let length = signal.len().div_ceil(lanes).max(least_rows).max(1);
        self.samples = signal.len();
        self.rows.resize(length, [0.0; LANES]);
        let tiled = dispatch!(level, simd => cut_tiles(simd, signal, &mut self.rows));
        self.rows[tiled..].fill([0.0; LANES]);
        for (lane, chunk) in signal.chunks(length).enumerate() {
            for (row, value) in self.rows[tiled..].iter_mut().zip(chunk.iter().skip(tiled)) {
                row[lane] = *value;
            }
        }
    }

    /// Zeros for signals of up to `samples` in each lane, and for an average over `window` after them.
    pub fn clear(&mut self, samples: usize, window: usize) {
        self.samples = samples;
        self.rows.clear();
        self.rows.resize(samples + rows_needed(window, samples), [0.0; LANES]);
    }

    /// Room for that many numbers, whatever they are now; a signal cut before is gone.
    pub fn room(&mut self, numbers: usize) -> &mut [f64] {
        let rows = numbers.div_ceil(LANES).max(self.rows.len());
        // With as many rows to spare as padding and lanes can ask for later: growing then would move everything.
        self.rows.reserve_exact((rows + 2 * LANES).saturating_sub(self.rows.len()));
        self.rows.resize(rows, [0.0; LANES]);
        self.rows.as_flattened_mut()
    }

    /// Writes all samples in their order to `signal`, which has their number.
    pub fn join(&self, level: Level, signal: &mut [f64]) {
        let length = self.rows.len();
        let tiled = dispatch!(level, simd => join_tiles(simd, &self.rows, signal));
        for (lane, chunk) in signal.chunks_mut(length).enumerate() {
            for (value, row) in chunk.iter_mut().zip(&self.rows).skip(tiled) {
                *value = row[lane % LANES];
            }
        }
    }

    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Row and lane of sample `index`.
    pub fn place(&self, index: usize) -> (usize, usize) {
        (index % self.rows.len(), index / self.rows.len())
    }

    pub fn sample(&self, index: usize) -> f64 {
        let (row, lane) = self.place(index);
        self.rows[row][lane]
    }

    pub fn set_sample(&mut self, index: usize, value: f64) {
        let (row, lane) = self.place(index);
        self.rows[row][lane] = value;
    }
}

/// Cuts squares of eight by eight, which stay in registers; returns the number of rows done.
#[inline(always)]
fn cut_tiles<S: Simd>(simd: S, signal: &[f64], rows: &mut [Row]) -> usize {
    let mut chunks = [&[][..]; LANES];
    for (slot, chunk) in chunks.iter_mut().zip(signal.chunks(rows.len())) {
        *slot = chunk.as_chunks::<LANES>().0;
    }
    let tiles = chunks.iter().map(|chunk| chunk.len()).min().unwrap_or(0);
    for (index, tile) in rows.as_chunks_mut::<LANES>().0[..tiles].iter_mut().enumerate() {
        let mut square = [f64x8::splat(simd, 0.0); LANES];
        for (lane, chunk) in square.iter_mut().zip(chunks) {
            *lane = f64x8::simd_from(simd, chunk[index]);
        }
        store(transposed(square), tile);
    }
    tiles * LANES
}

/// The reverse of `cut_tiles`.
#[inline(always)]
fn join_tiles<S: Simd>(simd: S, rows: &[Row], signal: &mut [f64]) -> usize {
    let mut chunks: [&mut [Row]; LANES] = Default::default();
    for (slot, chunk) in chunks.iter_mut().zip(signal.chunks_mut(rows.len())) {
        *slot = chunk.as_chunks_mut::<LANES>().0;
    }
    let tiles = chunks.iter().map(|chunk| chunk.len()).min().unwrap_or(0);
    for (index, tile) in rows.as_chunks::<LANES>().0[..tiles].iter().enumerate() {
        let square = transposed(loaded(simd, tile));
        for (chunk, lane) in chunks.iter_mut().zip(square) {
            chunk[index] = lane.into();
        }
    }
    tiles * LANES
}

#[inline(always)]
fn loaded<S: Simd>(simd: S, tile: &[Row; LANES]) -> [f64x8<S>; LANES] {
    let mut square = [f64x8::splat(simd, 0.0); LANES];
    for (vector, row) in square.iter_mut().zip(tile) {
        *vector = f64x8::simd_from(simd, *row);
    }
    square
}

#[inline(always)]
pub fn store<S: Simd>(square: [f64x8<S>; LANES], tile: &mut [Row; LANES]) {
    for (row, vector) in tile.iter_mut().zip(square) {
        *row = vector.into();
    }
}

/// A square of eight by eight with rows for columns: three perfect shuffles.
#[inline(always)]
pub fn transposed<S: Simd>(square: [f64x8<S>; LANES]) -> [f64x8<S>; LANES] {
    shuffled(shuffled(shuffled(square)))
}

#[inline(always)]
fn shuffled<S: Simd>([a, b, c, d, e, f, g, h]: [f64x8<S>; LANES]) -> [f64x8<S>; LANES] {
    [a.zip_low(e), a.zip_high(e), b.zip_low(f), b.zip_high(f), c.zip_low(g), c.zip_high(g), d.zip_low(h), d.zip_high(h)]
}

/// Each lane takes its left neighbour's value: what comes before its chunk.
#[inline(always)]
pub fn from_left(row: Row) -> Row {
    [0.0, row[0], row[1], row[2], row[3], row[4], row[5], row[6]]
}

/// Each lane takes its right neighbour's value: what comes after its chunk.
#[inline(always)]
pub fn from_right(row: Row) -> Row {
    [row[1], row[2], row[3], row[4], row[5], row[6], row[7], 0.0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn joining_gives_back_what_was_cut(signal in prop::collection::vec(-1.0..1.0f64, 1..700), shortest in 0usize..90) {
            let mut rows = Rows::default();
            rows.cut(Level::new(), &vec![9.0; 999], 3, 0);
            rows.cut(Level::new(), &signal, shortest, shortest);
            let mut joined = vec![0.0; signal.len()];
            rows.join(Level::new(), &mut joined);
            prop_assert_eq!(&joined, &signal);
            let total: f64 = rows.rows.as_flattened().iter().map(|v| v.abs()).sum();
            prop_assert!((total - signal.iter().map(|v| v.abs()).sum::<f64>()).abs() < 1e-9);
        }
    }
}
