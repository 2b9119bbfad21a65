//! Fewer points for a screen, without losing a peak.

use crate::statistics;
use fearless_simd::Level;

/// Smallest and largest value of each of `min(width, n)` buckets of consecutive samples; bucket `b` of `w` holds the samples
/// from ⌊b·n/w⌋ to ⌊(b+1)·n/w⌋. A bucket without any number gives NaN.
pub fn min_max(level: Level, samples: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let (count, buckets) = (samples.len(), width.min(samples.len()));
    let edge = |bucket: usize| (bucket as u128 * count as u128 / buckets.max(1) as u128) as usize;
    let ends = |bucket: usize| statistics::extremes(level, &samples[edge(bucket)..edge(bucket + 1)]);
    (0..buckets).map(ends).map(|(low, high)| if low <= high { (low, high) } else { (f64::NAN, f64::NAN) }).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_keep_every_extreme(samples in prop::collection::vec(-1.0..1.0f64, 0..500), width in 0usize..300) {
            let (low, high) = min_max(Level::new(), &samples, width);
            prop_assert_eq!(low.len(), width.min(samples.len()));
            if !low.is_empty() {
                let ends = statistics::extremes(Level::new(), &samples);
                prop_assert_eq!(statistics::extremes(Level::new(), &low).0, ends.0);
                prop_assert_eq!(statistics::extremes(Level::new(), &high).1, ends.1);
            }
            prop_assert!(low.iter().zip(&high).all(|(low, high)| low <= high));
        }
    }
}
