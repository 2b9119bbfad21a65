//! Where a muscle is active, by three published rules. Each takes what is usable and gives raw runs with the threshold.

use crate::baseline::Quiet;
use crate::conditioning::moving_mean;
use crate::contraction::{Span, runs_above};
use crate::detection::runs_with_hysteresis;
use crate::envelope::{inner, window_samples};
use crate::filter::PADDING;
use crate::lanes::Rows;
use crate::method::StandardOptions;
use crate::quantile::quantile_at;
use crate::statistics::Sums;
use crate::workspace::with_workspace;
use fearless_simd::Level;
use std::ops::Range;

/// The largest value but for artefacts: this share of the samples lies below it.
const ROBUST_MAXIMUM: f64 = 0.995;
/// Hodges & Bui averaged over 10, 25 or 50 ms.
const ENERGY_WINDOW_MS: u32 = 25;
/// Of so many successive powers ...
const BONATO_WINDOW: usize = 5;
/// ... so many must exceed a level that noise exceeds ...
const BONATO_ENOUGH: u32 = 3;
/// ... with this probability: by chance about 1 in 100,000 windows passes.
const BONATO_CHANCE: f64 = 0.01;
const BONATO_SHORTEST_MS: u32 = 30;

/// A signal with its usable segments; it is zero elsewhere.
#[derive(Clone, Copy)]
pub struct Usable<'a> {
    pub level: Level,
    pub signal: &'a [f64],
    pub segments: &'a [Range<usize>],
    pub sample_rate_hz: f64,
}

/// Raw runs, and what the signal had to exceed: volts, for the energy volts squared.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    pub threshold: f64,
    pub runs: Vec<Span>,
}

impl Usable<'_> {
    fn samples(&self) -> usize {
        self.segments.iter().map(Range::len).sum()
    }

    /// The share of the usable samples, none negative, that lies below the result.
    pub fn quantile(&self, q: f64, spare: &mut [f64]) -> f64 {
        let usable = self.samples();
        let outside = self.signal.len() - usable;
        quantile_at(self.level, self.signal, outside as f64 + q * usable.saturating_sub(1) as f64, spare)
    }

    /// Hysteresis threshold on a smoothed amplitude: the baseline's median + the greater of a share of what the robust
    /// maximum lies above it and some robust standard deviations. The quietest quarter is the baseline.
    pub fn by_threshold(&self, share_permille: u32, options: &StandardOptions, spare: &mut Rows) -> Runs {
        let quiet = Quiet::find(self.level, self.signal, self.segments, self.sample_rate_hz, Sums::mean_magnitude);
        let room = spare.room(self.signal.len().max(2 * quiet.samples()));
        let rest = quiet.baseline(self.level, self.signal, room);
        let most = self.quantile(ROBUST_MAXIMUM, room);
        let share = f64::from(share_permille) / 1000.0 * (most - rest.median);
        let noise = f64::from(options.threshold_deviations) * rest.deviation;
        let height = if share > noise { share } else { noise };
        let (on, off) = (rest.median + height, rest.median + f64::from(options.hysteresis_percent) / 100.0 * height);
        Runs { threshold: on, runs: runs_with_hysteresis(self.level, self.signal, on, off) }
    }

    /// Hodges & Bui 1996 on the Teager–Kaiser energy x(i)² − x(i−1)·x(i+1) (Li, Zhou & Aruin 2007; Solnik et al. 2010, who
    /// take h from 6 to 8): its magnitude, averaged over 25 ms, above mean + h · SD of the baseline.
    pub fn by_energy(&self, options: &StandardOptions) -> Runs {
        let window = window_samples(ENERGY_WINDOW_MS, self.sample_rate_hz) | 1;
        with_workspace(|workspace| {
            workspace.signal.clear();
            workspace.signal.resize(self.signal.len() + 2 * PADDING, 0.0);
            let energy = &mut workspace.signal[inner(self.signal.len())];
            for segment in self.segments {
                let energies = self.signal[segment.clone()]
                    .windows(3)
                    .map(|three| (three[1] * three[1] - three[0] * three[2]).abs());
                for (place, value) in energy[segment.start + 1..].iter_mut().zip(energies) {
                    *place = value;
                }
            }
            moving_mean(self.level, workspace, self.segments, window);
            let energy = &workspace.signal[inner(self.signal.len())];
            let quiet = Quiet::find(self.level, energy, self.segments, self.sample_rate_hz, Sums::mean_magnitude);
            let threshold = quiet.mean() + f64::from(options.tkeo_deviations) * quiet.variance().sqrt();
            Runs { threshold, runs: runs_above(self.level, energy, threshold, energy.len()) }
        })
    }

    /// Bonato, D'Alessio & Knaflitz 1998: the power of two successive samples over that of the baseline is χ² distributed
    /// with two degrees of freedom at rest; 3 of 5 must exceed what noise exceeds once in a hundred. Runs under 30 ms are
    /// transitions by chance. The noise is not whitened first.
    pub fn by_double_threshold(&self) -> Runs {
        let quiet = Quiet::find(self.level, self.signal, self.segments, self.sample_rate_hz, |sums| sums.squares);
        let power = -2.0 * libm::log(BONATO_CHANCE) * (quiet.variance() + quiet.mean() * quiet.mean());
        let shortest = window_samples(BONATO_SHORTEST_MS, self.sample_rate_hz);
        let mut runs = Vec::new();
        for segment in self.segments {
            let pairs = self.signal[segment.clone()].as_chunks().0;
            let exceeds = |[a, b]: &[f64; 2]| u32::from(a * a + b * b > power);
            let found = enough_in_window(pairs.iter().map(exceeds));
            runs.extend(found.into_iter().map(|(start, end)| (segment.start + 2 * start, segment.start + 2 * end)));
        }
        runs.retain(|(start, end)| end - start >= shortest);
        Runs { threshold: (power / 2.0).sqrt(), runs }
    }
}

/// The runs of windows in which enough exceed; each from the first that exceeds to after the last.
fn enough_in_window(exceeds: impl Iterator<Item = u32>) -> Vec<Span> {
    let (mut runs, mut recent): (Vec<Span>, u32) = (Vec::new(), 0);
    for (index, one) in exceeds.enumerate() {
        recent = (recent << 1 | one) & ((1 << BONATO_WINDOW) - 1);
        if recent.count_ones() >= BONATO_ENOUGH && one == 1 {
            let first = index + 1 - (u32::BITS - recent.leading_zeros()) as usize;
            match runs.last_mut() {
                Some(last) if first <= last.1 => last.1 = index + 1,
                _ => runs.push((first, index + 1)),
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_five_successive_ones_make_a_run() {
        let ones = |text: &str| enough_in_window(text.bytes().map(|digit| u32::from(digit == b'1')));
        assert_eq!(ones("0101000101"), []);
        assert_eq!(ones("0010101100011"), [(2, 8)]);
        assert_eq!(ones("111000000000111"), [(0, 3), (12, 15)]);
    }
}
