//! Numbers made from a power spectrum: mean and median frequency, spectral fatigue index.

use crate::welch::{BINS, SEGMENT, Spectrum};
use serde::Serialize;

/// `fi_nsm5` is the ratio of spectral moments of order −1 and 5 (Dimitrov et al. 2006); it has no simple unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spectral {
    pub mpf_hz: f64,
    pub mdf_hz: f64,
    pub fi_nsm5: f64,
}

/// Frequencies of the bins and their powers −1 and 5; the zero frequency counts in neither.
pub struct Moments {
    frequency_hz: Spectrum,
    inverse: Spectrum,
    fifth: Spectrum,
}

impl Moments {
    pub fn new(sample_rate_hz: f64) -> Self {
        let frequency_hz: Spectrum = std::array::from_fn(|k| k as f64 * sample_rate_hz / SEGMENT as f64);
        let inverse = frequency_hz.map(|f| if f > 0.0 { 1.0 / f } else { 0.0 });
        Moments { frequency_hz, inverse, fifth: frequency_hz.map(|f| f * f * f * f * f) }
    }

    /// `None` if the spectrum holds no power above zero frequency. The median is the first bin that reaches half.
    pub fn spectral(&self, power: &Spectrum) -> Option<Spectral> {
        let (mut total, mut first, mut low, mut high) = (0.0, 0.0, 0.0, 0.0);
        for (k, p) in power.iter().enumerate() {
            total += p;
            first += self.frequency_hz[k] * p;
            low += self.inverse[k] * p;
            high += self.fifth[k] * p;
        }
        let median = first_reaching(power, 0.5 * total)?;
        let found = Spectral { mpf_hz: first / total, mdf_hz: self.frequency_hz[median], fi_nsm5: low / high };
        (total > 0.0 && high > 0.0 && found.fi_nsm5.is_finite()).then_some(found)
    }
}

fn first_reaching(power: &Spectrum, share: f64) -> Option<usize> {
    let mut cumulative = 0.0;
    (0..BINS).find(|k| {
        cumulative += power[*k];
        cumulative >= share
    })
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
    fn silence_has_no_frequency() {
        assert!(Moments::new(1000.0).spectral(&[0.0; BINS]).is_none());
    }
}
