//! Fewer points for a screen, without losing a peak and without drawing where nothing was recorded.

use crate::faults::non_finite;
use crate::statistics;
use fearless_simd::Level;
use std::ops::Range;

/// Smallest and largest value of each of `min(width, n)` buckets of consecutive samples; bucket `b` of `w` holds the samples
/// from ⌊b·n/w⌋ to ⌊(b+1)·n/w⌋. NaN and infinity are passed over; a bucket of nothing else gives NaN.
pub fn min_max(level: Level, samples: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let ends = |bucket: Range<usize>| finite_extremes(level, &samples[bucket]).unwrap_or((f64::NAN, f64::NAN));
    buckets(samples.len(), width).map(ends).unzip()
}

/// Equal parts of `count` places: `parts`, or as many as there are places.
fn buckets(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.min(count);
    let edge = move |part: usize| (part as u128 * count as u128 / parts.max(1) as u128) as usize;
    (0..parts).map(move |part| edge(part)..edge(part + 1))
}

fn finite_extremes(level: Level, samples: &[f64]) -> Option<(f64, f64)> {
    let (mut low, mut high) = statistics::extremes(level, samples);
    if !(low.is_finite() && high.is_finite()) {
        let finite: Vec<f64> = samples.iter().copied().filter(|value| value.is_finite()).collect();
        (low, high) = statistics::extremes(level, &finite);
    }
    (low <= high).then_some((low, high))
}

/// Candidates for each point of the line.
const PRESELECTED: usize = 4;

/// Places, ascending, of up to `width` samples whose line looks like that of all samples: `MinMaxLTTB`, that is, largest
/// triangles (Steinarsson 2013) among the smallest and largest of 2·`width` buckets (Van Der Donckt et al. 2023,
/// arXiv:2305.00332). Between two places that have NaN or infinity between them the first such place is added, so that
/// the line breaks there; likewise at both ends.
pub fn min_max_lttb(level: Level, samples: &[f64], width: usize) -> Vec<usize> {
    let kept = if samples.len() <= width {
        (0..samples.len()).filter(|place| samples[*place].is_finite()).collect()
    } else {
        largest_triangles(samples, &preselect(level, samples, PRESELECTED / 2 * width.min(samples.len())), width)
    };
    with_breaks(&kept, &non_finite::spans(level, samples))
}

/// Places of the smallest and the largest value of each bucket, and of the first and the last sample that are numbers.
fn preselect(level: Level, samples: &[f64], parts: usize) -> Vec<usize> {
    let mut places: Vec<usize> = samples.iter().position(|value| value.is_finite()).into_iter().collect();
    for bucket in buckets(samples.len(), parts) {
        let Some((low, high)) = finite_extremes(level, &samples[bucket.clone()]) else { continue };
        let place = |wanted: f64| samples[bucket.clone()].iter().position(|value| *value == wanted);
        places.extend([place(low), place(high)].into_iter().flatten().map(|place| bucket.start + place));
    }
    places.extend(samples.iter().rposition(|value| value.is_finite()));
    places.sort_unstable();
    places.dedup();
    places
}

/// Of `candidates` the first, the last, and of each bucket between them the one that makes the largest triangle with the
/// one chosen before it and the mean of the next bucket.
fn largest_triangles(samples: &[f64], candidates: &[usize], width: usize) -> Vec<usize> {
    if candidates.len() <= width {
        return candidates.to_vec();
    }
    if width < 3 {
        return [candidates.first(), candidates.last()].into_iter().flatten().take(width).copied().collect();
    }
    let inner = 1..candidates.len() - 1;
    let points = |bucket: Range<usize>| &candidates[inner.start + bucket.start..inner.start + bucket.end];
    let parts: Vec<&[usize]> = buckets(inner.len(), width - 2).map(points).collect();
    let last = &candidates[inner.end..];
    let mut chosen = vec![candidates[0]];
    for (index, part) in parts.iter().enumerate() {
        let next = mean(samples, parts.get(index + 1).unwrap_or(&last));
        let before = chosen[index];
        let (_, best) = part.iter().fold((-1.0, before), |largest, place| {
            let area = triangle(point(samples, before), point(samples, *place), next);
            if area > largest.0 { (area, *place) } else { largest }
        });
        chosen.push(best);
    }
    chosen.extend(last);
    chosen
}

fn point(samples: &[f64], place: usize) -> (f64, f64) {
    (place as f64, samples[place])
}

fn mean(samples: &[f64], places: &[usize]) -> (f64, f64) {
    let sum =
        places.iter().map(|place| point(samples, *place)).fold((0.0, 0.0), |sum, at| (sum.0 + at.0, sum.1 + at.1));
    (sum.0 / places.len() as f64, sum.1 / places.len() as f64)
}

/// Twice the area.
fn triangle(a: (f64, f64), b: (f64, f64), c: (f64, f64)) -> f64 {
    ((a.0 - c.0) * (b.1 - a.1) - (a.0 - b.0) * (c.1 - a.1)).abs()
}

/// Adds the first place of a gap between two kept ones, before the first and behind the last.
fn with_breaks(kept: &[usize], gaps: &[(usize, usize)]) -> Vec<usize> {
    let mut places = Vec::with_capacity(kept.len() + gaps.len().min(kept.len() + 1));
    let mut gaps = gaps.iter().map(|(start, _)| *start).peekable();
    for before in kept.iter().copied().chain([usize::MAX]) {
        let first = gaps.next_if(|gap| *gap < before);
        while gaps.next_if(|gap| *gap < before).is_some() {}
        places.extend(first);
        places.extend(Some(before).filter(|place| *place != usize::MAX));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some_not_finite() -> impl Strategy<Value = f64> {
        prop_oneof![6 => -1.0..1.0f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
    }

    /// The extremes of what is a number, by a plain scan.
    fn plain(samples: &[f64]) -> Option<(f64, f64)> {
        let finite = || samples.iter().copied().filter(|value| value.is_finite());
        finite().min_by(f64::total_cmp).zip(finite().max_by(f64::total_cmp))
    }

    proptest! {
        #[test]
        fn drawn_extremes_of_every_pixel_are_the_samples_extremes(samples in prop::collection::vec(some_not_finite(), 0..500), width in 0usize..300) {
            let (low, high) = min_max(Level::new(), &samples, width);
            prop_assert_eq!(low.len(), width.min(samples.len()));
            for (pixel, drawn) in low.into_iter().zip(high).enumerate() {
                let edge = |pixel: usize| pixel * samples.len() / width.min(samples.len());
                let expected = plain(&samples[edge(pixel)..edge(pixel + 1)]);
                prop_assert_eq!(Some(drawn).filter(|drawn| !drawn.0.is_nan()), expected);
            }
        }

        #[test]
        fn a_line_never_goes_over_a_gap(samples in prop::collection::vec(some_not_finite(), 0..500), width in 0usize..200) {
            let kept = min_max_lttb(Level::new(), &samples, width);
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(kept.iter().filter(|place| samples[**place].is_finite()).count() <= width);
            for pair in kept.windows(2).filter(|pair| samples[pair[0]].is_finite() && samples[pair[1]].is_finite()) {
                prop_assert!(samples[pair[0]..pair[1]].iter().all(|value| value.is_finite()));
            }
        }

        #[test]
        fn of_a_signal_without_gaps_the_line_has_width_points(samples in prop::collection::vec(-1.0..1.0f64, 3..900), width in 3usize..200) {
            let kept = min_max_lttb(Level::new(), &samples, width);
            prop_assert_eq!(kept.len(), width.min(samples.len()));
            prop_assert_eq!((kept[0], kept[kept.len() - 1]), (0, samples.len() - 1));
        }
    }
}
