//! What of a channel can be filtered: what lies between faults, but for pieces too short to be extended.

use crate::conditioning::SHORTEST_SEGMENT;
use crate::faults::{Fault, usable_samples, usable_segments};
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    pub ranges: Vec<Range<usize>>,
    /// Segments left out, and their samples.
    pub excluded: usize,
    pub excluded_samples: usize,
}

impl Segments {
    pub fn between(faults: &[Fault], samples: usize) -> Self {
        let ranges = usable_segments(faults, samples, SHORTEST_SEGMENT);
        let kept: usize = ranges.iter().map(Range::len).sum();
        Segments {
            excluded: usable_segments(faults, samples, 1).len() - ranges.len(),
            excluded_samples: usable_samples(faults, samples) - kept,
            ranges,
        }
    }

    /// Whether a window lies in one of them.
    pub fn hold(&self, window: &Range<usize>) -> bool {
        let from = self.ranges.partition_point(|segment| segment.end < window.end);
        self.ranges.get(from).is_some_and(|segment| segment.start <= window.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Kind;

    #[test]
    fn pieces_too_short_for_the_filters_are_left_out_and_counted() {
        let faults = [(10, 20), (35, 40)].map(|(start, end)| Fault { kind: Kind::NonFinite, start, end });
        let found = Segments::between(&faults, 100);
        assert_eq!(found, Segments { ranges: vec![40..100], excluded: 2, excluded_samples: 25 });
        assert!(found.hold(&(40..100)) && !found.hold(&(39..60)) && !found.hold(&(90..101)));
    }
}
