//! Whether values pile up at an extreme.

use std::ops::Range;

/// The outermost band and those it is compared with.
pub const BANDS: usize = 5;
/// The outermost band holds more than this many times what one of the others does on average (one sample more granted).
const PILE: usize = 6;
const LONGEST_BY_CHANCE: usize = 2;
/// As many equal extremes are a rail even if each stands alone, unless they come at regular distances, as those of a sine.
const FEWEST_ALONE: usize = 8;

/// How the samples near one extreme are spread over bands of a width, and over time.
pub struct Pile {
    extreme: f64,
    width: f64,
    /// Rows of samples this far apart lie at different places.
    apart: usize,
    bands: [usize; BANDS],
    equal: usize,
    /// Of the outermost band: the last row of samples, the longest, in how many places they lie, how far apart the last two
    /// began, and whether all began that far apart.
    row: Range<usize>,
    longest: usize,
    places: usize,
    distance: Option<usize>,
    is_regular: bool,
}

impl Pile {
    pub fn new(extreme: f64, width: f64, apart: usize) -> Self {
        Pile {
            extreme,
            width,
            apart,
            bands: [0; BANDS],
            equal: 0,
            row: 0..0,
            longest: 0,
            places: 0,
            distance: None,
            is_regular: true,
        }
    }

    /// Samples come in their order.
    pub fn add(&mut self, index: usize, value: f64) {
        let band = ((value - self.extreme).abs() / self.width) as usize;
        let Some(count) = self.bands.get_mut(band) else { return };
        *count += 1;
        self.equal += usize::from(value == self.extreme);
        if band == 0 {
            self.add_outermost(index);
        }
    }

    fn add_outermost(&mut self, index: usize) {
        let is_first = self.row.is_empty();
        if index == self.row.end && !is_first {
            self.row.end += 1;
        } else {
            let distance = (!is_first).then(|| index - self.row.start);
            self.places += usize::from(is_first || index - self.row.end >= self.apart);
            self.is_regular &= self.distance.is_none() || self.distance == distance;
            (self.row, self.distance) = (index..index + 1, distance);
        }
        self.longest = self.longest.max(self.row.len());
    }

    pub fn is_rail(&self) -> bool {
        let inside: usize = self.bands[1..].iter().sum();
        let is_piled = self.bands[0] * (BANDS - 1) > PILE * (inside + 1);
        // One smooth peak is no rail, however long: it comes once, its values differ, and it has flanks.
        let is_sharp = inside == 0 && self.bands[0] >= FEWEST_ALONE;
        let is_in_rows = self.longest > LONGEST_BY_CHANCE && (self.places > 1 || self.is_exact() || is_sharp);
        is_piled && (is_in_rows || self.equal >= FEWEST_ALONE && !self.is_regular)
    }

    fn is_exact(&self) -> bool {
        self.equal > 1 && 2 * self.equal >= self.bands[0]
    }

    /// How far inside its extreme the rail begins.
    pub fn depth(&self) -> f64 {
        if self.is_exact() { 0.0 } else { self.width }
    }
}
