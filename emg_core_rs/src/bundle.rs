//! Short segments side by side, one in each lane: alone, each would take one lane of eight, and as long as eight of them.

use crate::filter::{Butterworth, PADDING, zero_phase_apart};
use crate::lanes::{LANES, Rows};
use fearless_simd::Level;
use std::ops::Range;

/// Segments too short for two lanes, in bundles of about the same length; and those that are longer.
pub fn parted(segments: &[Range<usize>], settling: usize) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let is_short = |segment: &Range<usize>| (segment.len() + 2 * PADDING) / (settling + LANES) < 2;
    let (mut short, long): (Vec<_>, Vec<_>) = segments.iter().cloned().partition(is_short);
    short.sort_by_key(|segment| std::cmp::Reverse(segment.len()));
    (short, long)
}

/// Up to eight signals, the longest first, each with its odd extension on both sides.
pub struct Bundle<'a> {
    pub rows: &'a mut Rows,
    ends: [usize; LANES],
}

impl<'a> Bundle<'a> {
    /// `value` is taken of each sample. Zeros follow, enough for an average over `window` samples to reach no other lane.
    pub fn of(rows: &'a mut Rows, signals: &[&[f64]], window: usize, value: impl Fn(f64) -> f64) -> Self {
        let mut bundle = Bundle { rows, ends: [0; LANES] };
        let longest = signals.iter().map(|signal| signal.len()).max().unwrap_or(0);
        bundle.rows.clear(longest + 2 * PADDING, window);
        for (lane, signal) in signals.iter().enumerate() {
            bundle.ends[lane] = signal.len() + 2 * PADDING;
            for (row, sample) in bundle.rows.rows[PADDING..].iter_mut().zip(*signal) {
                row[lane] = value(*sample);
            }
            bundle.extend(lane);
        }
        bundle
    }

    /// Filters every signal by itself, forward and backward.
    pub fn filter(&mut self, level: Level, filter: &Butterworth) {
        zero_phase_apart(level, filter, &mut self.rows.rows, &self.ends);
    }

    fn extend(&mut self, lane: usize) {
        let (rows, first, last) = (&mut self.rows.rows, PADDING, self.ends[lane] - PADDING - 1);
        for i in 1..=PADDING {
            rows[first - i][lane] = 2.0 * rows[first][lane] - rows[first + i][lane];
            rows[last + i][lane] = 2.0 * rows[last][lane] - rows[last - i][lane];
        }
    }

    /// Sets everything but the signals to zero.
    pub fn clear_extensions(&mut self) {
        for (lane, end) in self.ends.into_iter().enumerate() {
            let (before, after) = self.rows.rows.split_at_mut(end.saturating_sub(PADDING));
            let outside = before.iter_mut().take(PADDING).chain(after);
            outside.for_each(|row| row[lane] = 0.0);
        }
    }

    /// Writes the signal of a lane to `samples`, which has its length.
    pub fn take(&self, lane: usize, samples: &mut [f64]) {
        for (sample, row) in samples.iter_mut().zip(&self.rows.rows[PADDING..]) {
            *sample = row[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{extend, zero_phase};
    use proptest::prelude::*;

    fn alone(filter: &Butterworth, signal: &[f64]) -> Vec<f64> {
        let mut padded = vec![0.0; signal.len() + 2 * PADDING];
        padded[PADDING..PADDING + signal.len()].copy_from_slice(signal);
        extend(&mut padded);
        let mut rows = Rows::default();
        rows.cut(Level::new(), &padded, filter.settling_samples(), 0);
        zero_phase(Level::new(), filter, &mut rows);
        rows.join(Level::new(), &mut padded);
        padded[PADDING..PADDING + signal.len()].to_vec()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_signal_in_a_bundle_is_filtered_as_if_alone(
            mut signals in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 16..900), 1..=LANES), high in any::<bool>()
        ) {
            let filter = if high { Butterworth::high_pass(20.0, 990.0) } else { Butterworth::low_pass(10.0, 990.0) };
            signals.sort_by_key(|signal| std::cmp::Reverse(signal.len()));
            let mut rows = Rows::default();
            rows.cut(Level::new(), &vec![9.0; 5000], 1, 0);
            let slices: Vec<&[f64]> = signals.iter().map(Vec::as_slice).collect();
            let mut bundle = Bundle::of(&mut rows, &slices, 49, |value| value);
            bundle.filter(Level::new(), &filter);
            for (lane, signal) in signals.iter().enumerate() {
                let mut filtered = vec![0.0; signal.len()];
                bundle.take(lane, &mut filtered);
                prop_assert_eq!(&filtered, &alone(&filter, signal));
            }
        }
    }
}
