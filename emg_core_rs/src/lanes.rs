//! Eight lanes: one signal cut into up to eight equal chunks that lie side by side, so that recursions run eight at a time.
//!
//! The number of lanes is the same on every processor, so results do not depend on the width of its registers.

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
    pub fn cut(&mut self, signal: &[f64], shortest: usize, least_rows: usize) {
        let lanes = (signal.len() / shortest.saturating_add(LANES)).clamp(1, LANES);
        let length = signal.len().div_ceil(lanes).max(least_rows).max(1);
        self.samples = signal.len();
        self.rows.resize(length, [0.0; LANES]);
        let tiled = self.cut_tiles(signal);
        self.rows[tiled..].fill([0.0; LANES]);
        for (lane, chunk) in signal.chunks(length).enumerate() {
            for (row, value) in self.rows[tiled..].iter_mut().zip(chunk.iter().skip(tiled)) {
                row[lane] = *value;
            }
        }
    }

    /// Room for that many numbers, whatever they are now; a signal cut before is gone.
    pub fn room(&mut self, numbers: usize) -> &mut [f64] {
        let rows = numbers.div_ceil(LANES).max(self.rows.len());
        // With as many rows to spare as padding and lanes can ask for later: growing then would move everything.
        self.rows.reserve_exact((rows + 2 * LANES).saturating_sub(self.rows.len()));
        self.rows.resize(rows, [0.0; LANES]);
        self.rows.as_flattened_mut()
    }

    /// Transposes squares of eight by eight, which stay in cache; returns the number of rows done.
    fn cut_tiles(&mut self, signal: &[f64]) -> usize {
        let length = self.rows.len();
        let mut chunks = [&[][..]; LANES];
        for (slot, chunk) in chunks.iter_mut().zip(signal.chunks(length)) {
            *slot = chunk.as_chunks::<LANES>().0.as_flattened();
        }
        let tiles = chunks.map(|chunk| chunk.as_chunks::<LANES>().0);
        let count = tiles.map(<[Row]>::len).into_iter().min().unwrap_or(0);
        for (index, tile) in self.rows.as_chunks_mut::<LANES>().0[..count].iter_mut().enumerate() {
            let columns: [&Row; LANES] = std::array::from_fn(|lane| &tiles[lane][index]);
            for (place, row) in tile.iter_mut().enumerate() {
                *row = columns.map(|column| column[place]);
            }
        }
        count * LANES
    }

    /// Writes all samples in their order to `signal`, which has their number.
    pub fn join(&self, signal: &mut [f64]) {
        let length = self.rows.len();
        let tiled = self.join_tiles(signal);
        for (lane, chunk) in signal.chunks_mut(length).enumerate() {
            for (value, row) in chunk.iter_mut().zip(&self.rows).skip(tiled) {
                *value = row[lane % LANES];
            }
        }
    }

    fn join_tiles(&self, signal: &mut [f64]) -> usize {
        let mut chunks: Vec<&mut [f64]> = signal.chunks_mut(self.rows.len()).collect();
        let count = chunks.iter().map(|chunk| chunk.len() / LANES).min().unwrap_or(0);
        for (index, tile) in self.rows.as_chunks::<LANES>().0[..count].iter().enumerate() {
            for (lane, chunk) in chunks.iter_mut().enumerate() {
                for (value, row) in chunk[index * LANES..][..LANES].iter_mut().zip(tile) {
                    *value = row[lane % LANES];
                }
            }
        }
        count * LANES
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
            rows.cut(&vec![9.0; 999], 3, 0);
            rows.cut(&signal, shortest, shortest);
            let mut joined = vec![0.0; signal.len()];
            rows.join(&mut joined);
            prop_assert_eq!(&joined, &signal);
            let total: f64 = rows.rows.as_flattened().iter().map(|v| v.abs()).sum();
            prop_assert!((total - signal.iter().map(|v| v.abs()).sum::<f64>()).abs() < 1e-9);
        }
    }
}
