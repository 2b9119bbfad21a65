//! What a signal looks like at rest: its quietest quarter, in blocks long enough to hold the noise's whole range.

use crate::quantile::quantile;
use crate::statistics::{Sums, block_sums};
use fearless_simd::Level;
use std::ops::Range;

const BLOCK_S: f64 = 0.25;
/// One part in this many of the blocks is taken for rest.
const PART: usize = 4;
/// Standard deviations per median absolute deviation of a normal distribution.
const DEVIATIONS_PER_MAD: f64 = 1.482_602_218_505_602;

/// The quietest quarter of the whole blocks of 250 ms inside the segments; all of the longest segment if no block fits.
pub struct Quiet {
    blocks: Vec<Range<usize>>,
    sums: Sums,
}

/// Median and robust standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    pub median: f64,
    pub deviation: f64,
}

impl Quiet {
    /// `loudness` orders the blocks; of equally loud ones the earlier counts as quieter.
    pub fn find(
        level: Level,
        signal: &[f64],
        segments: &[Range<usize>],
        sample_rate_hz: f64,
        loudness: fn(&Sums) -> f64,
    ) -> Self {
        let length = ((BLOCK_S * sample_rate_hz) as usize).max(1);
        let mut blocks = Vec::new();
        for segment in segments {
            let sums = block_sums(level, &signal[segment.clone()], length).into_iter().enumerate();
            let whole = sums.filter(|(_, sums)| sums.count == length);
            blocks.extend(whole.map(|(index, sums)| (segment.start + index * length, sums)));
        }
        if let (true, Some(longest)) = (blocks.is_empty(), segments.iter().max_by_key(|segment| segment.len())) {
            let sums = block_sums(level, &signal[longest.clone()], longest.len());
            blocks.extend(sums.into_iter().map(|sums| (longest.start, sums)));
        }
        blocks.sort_by(|(_, a), (_, b)| loudness(a).total_cmp(&loudness(b)));
        blocks.truncate(blocks.len().div_ceil(PART));
        let sums = blocks.iter().fold(Sums::default(), |sum, (_, block)| sum + *block);
        Quiet { blocks: blocks.into_iter().map(|(start, sums)| start..start + sums.count).collect(), sums }
    }

    pub fn mean(&self) -> f64 {
        self.sums.mean()
    }

    pub fn variance(&self) -> f64 {
        let variance = self.sums.squares / self.sums.count as f64 - self.mean() * self.mean();
        if variance > 0.0 { variance } else { 0.0 }
    }

    /// `spare` has room for twice the samples of the quiet blocks.
    pub fn baseline(&self, level: Level, signal: &[f64], spare: &mut [f64]) -> Baseline {
        let (values, spare) = spare.split_at_mut(self.sums.count);
        let mut free = &mut *values;
        for block in &self.blocks {
            let (place, rest) = free.split_at_mut(block.len());
            place.copy_from_slice(&signal[block.clone()]);
            free = rest;
        }
        if values.is_empty() {
            return Baseline { median: 0.0, deviation: 0.0 };
        }
        let median = quantile(level, values, 0.5, spare);
        for value in values.iter_mut() {
            *value = (*value - median).abs();
        }
        Baseline { median, deviation: DEVIATIONS_PER_MAD * quantile(level, values, 0.5, spare) }
    }

    pub fn samples(&self) -> usize {
        self.sums.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quietest_quarter_is_found_wherever_it_lies() {
        let signal: Vec<f64> =
            (0..4000).map(|i| if (1000..2000).contains(&i) { f64::from(i % 5) } else { 9.0 }).collect();
        let quiet = Quiet::find(Level::new(), &signal, &[0..4000], 1000.0, Sums::mean_magnitude);
        let found = quiet.baseline(Level::new(), &signal, &mut vec![0.0; 2 * quiet.samples()]);
        assert_eq!(quiet.blocks, [1000..1250, 1250..1500, 1500..1750, 1750..2000]);
        assert_eq!(found, Baseline { median: 2.0, deviation: DEVIATIONS_PER_MAD });
        assert_eq!((quiet.mean(), quiet.variance()), (2.0, 2.0));
    }

    #[test]
    fn a_signal_shorter_than_a_block_is_its_own_rest() {
        let quiet = Quiet::find(Level::new(), &[1.0; 40], &[0..10, 20..40], 1000.0, Sums::mean_magnitude);
        assert_eq!(quiet.samples(), 20);
    }
}
