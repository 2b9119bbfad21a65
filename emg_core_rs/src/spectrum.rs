//! Numbers made from a power spectrum: mean and median frequency, spectral fatigue index.

use crate::lanes::LANES;
use crate::options::HIGHEST_CUTOFF;
use crate::statistics::total;
use crate::welch::{BINS, SEGMENT, Spectrum};
use serde::Serialize;

const INDEX_BAND_HZ: (f64, f64) = (8.0, 500.0);

/// `fi_nsm5` is the ratio of spectral moments of order −1 and 5 (Dimitrov et al. 2006); it has no simple unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spectral {
    pub mpf_hz: f64,
    pub mdf_hz: f64,
    pub fi_nsm5: f64,
}

/// Frequencies of the bins and their powers −1 and 5, zero outside the index's band; the zero frequency counts in neither.
pub struct Moments {
    frequency_hz: Spectrum,
    inverse: Spectrum,
    fifth: Spectrum,
    is_interpolated: bool,
}

impl Moments {
    pub fn new(sample_rate_hz: f64) -> Self {
        let frequency_hz: Spectrum = std::array::from_fn(|k| k as f64 * sample_rate_hz / SEGMENT as f64);
        let inverse = frequency_hz.map(|f| if f > 0.0 { 1.0 / f } else { 0.0 });
        let fifth = frequency_hz.map(|f| f * f * f * f * f);
        Moments { frequency_hz, inverse, fifth, is_interpolated: false }
    }

    /// The median is interpolated inside its bin; the index is that of a band (see `index_band_hz`).
    pub fn in_band(sample_rate_hz: f64) -> Self {
        let all = Self::new(sample_rate_hz);
        let band = index_band_hz(sample_rate_hz);
        let inside = |powers: Spectrum| -> Spectrum {
            std::array::from_fn(|k| if band.contains(&all.frequency_hz[k]) { powers[k] } else { 0.0 })
        };
        Moments { inverse: inside(all.inverse), fifth: inside(all.fifth), is_interpolated: true, ..all }
    }

    /// `None` if the spectrum holds no power above zero frequency.
    pub fn spectral(&self, power: &Spectrum) -> Option<Spectral> {
        let (total, first) = (dot(&[1.0; BINS], power), dot(&self.frequency_hz, power));
        let (low, high) = (dot(&self.inverse, power), dot(&self.fifth, power));
        let found = Spectral { mpf_hz: first / total, mdf_hz: self.median(power, 0.5 * total)?, fi_nsm5: low / high };
        (total > 0.0 && high > 0.0 && found.fi_nsm5.is_finite()).then_some(found)
    }

    /// Where the cumulative power reaches `half`: the first bin that does, or the place inside it.
    fn median(&self, power: &Spectrum, half: f64) -> Option<f64> {
        let mut before = 0.0;
        let bin = (0..BINS).find(|k| {
            let reached = before + power[*k] >= half;
            before += if reached { 0.0 } else { power[*k] };
            reached
        })?;
        let share = if power[bin] > 0.0 { (half - before) / power[bin] } else { 0.5 };
        Some(if self.is_interpolated { self.inside(bin, share) } else { self.frequency_hz[bin] })
    }

    /// A bin reaches half a step to both sides, the two outer ones only inwards.
    fn inside(&self, bin: usize, share: f64) -> f64 {
        let step = self.frequency_hz[1];
        let low = if bin == 0 { 0.0 } else { self.frequency_hz[bin] - 0.5 * step };
        let high = if bin == BINS - 1 { self.frequency_hz[bin] } else { self.frequency_hz[bin] + 0.5 * step };
        low + share * (high - low)
    }
}

/// In eight sums side by side, which need not wait for each other.
fn dot(weights: &Spectrum, power: &Spectrum) -> f64 {
    let (weights, last_weight) = weights.as_chunks::<LANES>();
    let (power, last) = power.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (weights, power) in weights.iter().zip(power) {
        for ((sum, weight), power) in sums.iter_mut().zip(weights).zip(power) {
            *sum += weight * power;
        }
    }
    total(sums) + last_weight[0] * last[0]
}

/// The band of the spectral fatigue index: 8 to 500 Hz, no higher than 0.45 of the sample rate.
pub fn index_band_hz(sample_rate_hz: f64) -> std::ops::RangeInclusive<f64> {
    let highest = HIGHEST_CUTOFF * sample_rate_hz;
    INDEX_BAND_HZ.0..=if INDEX_BAND_HZ.1 < highest { INDEX_BAND_HZ.1 } else { highest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_its_own_mean_and_median() {
        let mut power = [0.0; BINS];
        power[16] = 3.0;
        let found = Moments::new(1024.0).spectral(&power).unwrap();
        assert_eq!((found.mpf_hz, found.mdf_hz), (64.0, 64.0));
        assert!((found.fi_nsm5 / 64f64.powi(-6) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn even_power_has_its_median_in_the_middle_of_the_band() {
        // 129 bins of which the outer two are half as wide: with power 1 each the middle is that of bin 64.
        let found = Moments::in_band(1024.0).spectral(&[1.0; BINS]).unwrap();
        assert_eq!((found.mpf_hz, found.mdf_hz), (256.0, 256.0));
        let mut power = [0.0; BINS];
        (power[10], power[11]) = (1.0, 3.0);
        // Half of the power is reached after a third of bin 11, which begins at 42 Hz and is 4 Hz wide.
        assert_eq!(Moments::in_band(1024.0).spectral(&power).unwrap().mdf_hz, 42.0 + 4.0 / 3.0);
    }

    #[test]
    fn the_index_knows_only_its_band() {
        assert_eq!((index_band_hz(990.0), index_band_hz(2000.0)), (8.0..=445.5, 8.0..=500.0));
        let mut power = [0.0; BINS];
        (power[1], power[20]) = (1e6, 1.0);
        let found = Moments::in_band(1024.0).spectral(&power).unwrap();
        assert!((found.fi_nsm5 / 80f64.powi(-6) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn silence_has_no_frequency() {
        assert!(Moments::new(1000.0).spectral(&[0.0; BINS]).is_none());
    }
}
