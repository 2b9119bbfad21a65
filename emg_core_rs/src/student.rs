//! Quantile of Student's t distribution, which bounds a slope's confidence interval.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// Above this many degrees of freedom the expansion around the normal quantile is exact to 1e-12.
const FEW: usize = 400;
/// The normal distribution's quantile at 0.975.
const NORMAL: f64 = 1.959_963_984_540_054;

/// Enough for every bit of an angle.
const HALVINGS: usize = 60;

/// The t that 97.5 % of the distribution lie below: ±t bounds 95 %. At least one degree of freedom.
pub fn t_975(degrees: usize) -> f64 {
    if degrees > FEW { expanded(degrees as f64) } else { bisected(degrees) }
}

/// Cornish–Fisher expansion (Abramowitz & Stegun 26.7.5).
fn expanded(v: f64) -> f64 {
    let z = NORMAL;
    let z2 = z * z;
    let terms = [
        z * (z2 + 1.0) / 4.0,
        z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
        z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
        z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92_160.0,
    ];
    z + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / v)
}

/// Bisects over θ = atan(t / √v), where the probability grows evenly.
fn bisected(degrees: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if two_sided(middle, degrees) < 0.95 { low = middle } else { high = middle }
    }
    libm::tan(low) * (degrees as f64).sqrt()
}

/// Share of the distribution between −t and t (Abramowitz & Stegun 26.7.3 and 26.7.4).
fn two_sided(angle: f64, degrees: usize) -> f64 {
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    let odd = degrees % 2;
    let (mut term, mut sum) = (if odd == 1 { cosine } else { 1.0 }, 0.0);
    for k in (2 + odd..=degrees).step_by(2) {
        sum += term;
        term *= cosine * cosine * (k - 1) as f64 / k as f64;
    }
    if odd == 1 { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_scipy() {
        // scipy.stats.t.ppf(0.975, degrees)
        let known = [
            (1, 12.706_204_736_174_694),
            (2, 4.302_652_729_749_462),
            (3, 3.182_446_305_283_707_8),
            (4, 2.776_445_105_197_793_4),
            (5, 2.570_581_835_636_314_6),
            (10, 2.228_138_851_986_274),
            (31, 2.039_513_446_396_408),
            (100, 1.983_971_518_523_551_8),
            (399, 1.965_927_295_920_882),
            (401, 1.965_897_465_336_516),
            (5_000, 1.960_438_551_706_507_3),
        ];
        for (degrees, expected) in known {
            let found = t_975(degrees);
            assert!((found / expected - 1.0).abs() < 1e-11, "{degrees}: {found} for {expected}");
        }
    }

    #[test]
    fn both_forms_meet() {
        assert!((expanded(FEW as f64) / bisected(FEW) - 1.0).abs() < 1e-11);
    }
}
