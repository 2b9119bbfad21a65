//! How the median frequency changes over the contractions of a muscle: it falls as the muscle tires (De Luca 1984).

use crate::digits::significant;
use crate::student::t_975;
use serde::Serialize;

const FEWEST_CONTRACTIONS: usize = 3;
const USUAL_FALL_PERCENT: f64 = 10.0;

/// A line through the median frequencies at the middles of the contractions, by least squares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fatigue {
    pub contractions: usize,
    pub mdf_slope_hz_per_minute: f64,
    /// 95 % confidence interval of the slope, by Student's t.
    pub ci_low_hz_per_minute: f64,
    pub ci_high_hz_per_minute: f64,
    /// Along the line, from the first contraction to the last.
    pub mdf_change_percent: Option<f64>,
    /// A fall of more than 10 %, the usual sign of fatigue, of a slope whose interval lies below zero.
    pub falls_over_10_percent: bool,
}

/// `points` are minutes and Hz in the order of time; `None` for fewer than three, or if all are at one time.
pub fn fatigue(points: &[(f64, f64)]) -> Option<Fatigue> {
    let count = points.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |term: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y)| term(x - mean_x, y - mean_y)).sum::<f64>();
    let spread = sum(&|x, _| x * x);
    if points.len() < FEWEST_CONTRACTIONS || spread <= 0.0 {
        return None;
    }
    let slope = sum(&|x, y| x * y) / spread;
    let residual = sum(&|x, y| (y - slope * x) * (y - slope * x));
    let error = (residual / (count - 2.0) / spread).sqrt();
    let reach = t_975(points.len() - 2) * error;
    let at = |minutes: f64| mean_y + slope * (minutes - mean_x);
    let (first, last) = (at(points[0].0), at(points[points.len() - 1].0));
    let ci_high = slope + reach;
    let change = (first > 0.0).then(|| (last - first) / first * 100.0);
    Some(Fatigue {
        contractions: points.len(),
        mdf_slope_hz_per_minute: significant(slope),
        ci_low_hz_per_minute: significant(slope - reach),
        ci_high_hz_per_minute: significant(ci_high),
        mdf_change_percent: change.map(significant),
        falls_over_10_percent: ci_high < 0.0 && change.is_some_and(|percent| percent < -USUAL_FALL_PERCENT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_own_slope_and_no_doubt() {
        let found = fatigue(&[(0.0, 100.0), (1.0, 90.0), (2.0, 80.0), (3.0, 70.0)]).unwrap();
        assert_eq!((found.ci_low_hz_per_minute, found.ci_high_hz_per_minute), (-10.0, -10.0));
        assert_eq!((found.mdf_change_percent, found.falls_over_10_percent), (Some(-30.0), true));
    }

    #[test]
    fn a_fall_that_may_be_none_is_no_fall() {
        let found = fatigue(&[(0.0, 100.0), (1.0, 60.0), (2.0, 80.0)]).unwrap();
        assert!(found.mdf_change_percent.unwrap() < -10.0 && found.ci_high_hz_per_minute > 0.0);
        assert!(!found.falls_over_10_percent);
    }

    #[test]
    fn two_contractions_have_no_slope() {
        assert_eq!(fatigue(&[(0.0, 100.0), (1.0, 90.0)]), None);
        assert_eq!(fatigue(&[(1.0, 100.0), (1.0, 90.0), (1.0, 80.0)]), None);
    }
}
