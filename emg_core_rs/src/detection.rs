//! standard-1's contractions: raw runs from one of three detectors, merged first, then the short dropped; long ones are
//! named, never cut.

use crate::contraction::{Span, runs_above};
use crate::envelope::window_samples;
use crate::options::Options;
use fearless_simd::Level;
use std::ops::Range;

/// A contraction, and how many gaps were merged away in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub span: Span,
    pub merged: usize,
}

/// Runs that rise above `on` and last until they fall to `off`, which is no higher. A run may last to the end.
pub fn runs_with_hysteresis(level: Level, signal: &[f64], on: f64, off: f64) -> Vec<Span> {
    let risen = runs_above(level, signal, on, signal.len());
    let mut lasting = runs_above(level, signal, off, signal.len()).into_iter().peekable();
    let mut runs: Vec<Span> = Vec::new();
    for (start, _) in risen {
        if runs.last().is_some_and(|(_, end)| start < *end) {
            continue;
        }
        while lasting.next_if(|(_, end)| *end <= start).is_some() {}
        runs.extend(lasting.peek().map(|(_, end)| (start, *end)));
    }
    runs
}

/// Merges across small gaps, then drops what is too short or holds no usable sample.
pub fn tidied(runs: &[Span], usable: &[Range<usize>], sample_rate_hz: f64, options: &Options) -> Vec<Found> {
    let samples = |ms: u32| window_samples(ms, sample_rate_hz);
    let (gap, shortest) = (samples(options.merge_gap_ms), samples(options.min_contraction_ms));
    let mut found: Vec<Found> = Vec::new();
    for &(start, end) in runs {
        match found.last_mut() {
            Some(last) if start - last.span.1 <= gap => {
                last.span.1 = end;
                last.merged += 1;
            }
            _ => found.push(Found { span: (start, end), merged: 0 }),
        }
    }
    found.retain(|Found { span: (start, end), .. }| {
        end - start >= shortest && parts(usable, (*start, *end)).next().is_some()
    });
    found
}

/// The usable parts of a span.
pub fn parts(usable: &[Range<usize>], (start, end): Span) -> impl Iterator<Item = Range<usize>> {
    let from = usable.partition_point(|segment| segment.end <= start);
    let touching = usable[from..].iter().take_while(move |segment| segment.start < end);
    touching.map(move |segment| segment.start.max(start)..segment.end.min(end))
}

/// How many stretches between usable segments a span holds or borders on.
pub fn faults_touched(usable: &[Range<usize>], samples: usize, (start, end): Span) -> usize {
    let gap = |next: usize| {
        let from = next.checked_sub(1).map_or(0, |before| usable[before].end);
        (from, usable.get(next).map_or(samples, |segment| segment.start))
    };
    let first = usable.partition_point(|segment| segment.end < start);
    let gaps = (first..=usable.len()).map(gap).take_while(|(from, _)| *from <= end);
    gaps.filter(|(from, to)| from < to && *to >= start).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use proptest::prelude::*;

    fn tidy(runs: &[Span], usable: &[Range<usize>]) -> Vec<(Span, usize)> {
        let options = Profile::named("standard-1").unwrap().options;
        tidied(runs, usable, 1000.0, &options).iter().map(|found| (found.span, found.merged)).collect()
    }

    #[test]
    fn short_runs_close_together_are_merged_before_any_is_dropped() {
        let runs = [(0, 40), (100, 140), (1000, 1099), (2000, 2100)];
        assert_eq!(tidy(&runs, &[0..3000]), [((0, 140), 1), ((2000, 2100), 0)]);
    }

    #[test]
    fn what_lies_in_a_fault_alone_is_no_contraction() {
        assert_eq!(tidy(&[(1000, 1500), (2000, 2500)], &[0..1000, 2400..3000]), [((2000, 2500), 0)]);
    }

    #[test]
    fn a_run_lasts_until_the_signal_falls_to_the_lower_threshold() {
        let signal = [0.0, 0.7, 1.1, 0.7, 1.1, 0.6, 0.9, 0.7, 1.2, 1.2];
        assert_eq!(runs_with_hysteresis(Level::new(), &signal, 1.0, 0.6), [(2, 5), (8, 10)]);
    }

    #[test]
    fn faults_inside_and_at_the_border_are_touched() {
        let usable = [10..100, 110..200, 250..300];
        let touched = |span| faults_touched(&usable, 300, span);
        assert_eq!([touched((20, 90)), touched((20, 100)), touched((50, 120)), touched((110, 250))], [0, 1, 1, 2]);
        assert_eq!([touched((0, 300)), touched((260, 300)), touched((10, 20))], [3, 0, 1]);
    }

    proptest! {
        #[test]
        fn runs_agree_with_a_plain_scan(signal in prop::collection::vec(0.0..1.0f64, 0..200)) {
            let (mut expected, mut start) = (Vec::new(), None);
            for (i, value) in signal.iter().enumerate() {
                match start {
                    None if *value > 0.8 => start = Some(i),
                    Some(from) if *value <= 0.5 => {
                        expected.push((from, i));
                        start = None;
                    }
                    _ => {}
                }
            }
            expected.extend(start.map(|from| (from, signal.len())));
            prop_assert_eq!(runs_with_hysteresis(Level::new(), &signal, 0.8, 0.5), expected);
        }
    }
}
