//! Scores of a session: numbers between 0 and 100 made by the profile's weights. A part that is missing is null and named.

use crate::contraction::ContractionSummary;
use crate::options::Options;
use serde::Serialize;
use std::collections::BTreeMap;

/// Cuff pressure that counts as within the safe and effective range, in permille of arterial occlusion pressure.
const CUFF_PRESSURE_PERMILLE: std::ops::RangeInclusive<u32> = 450..=550;
/// What the earlier system assumed for an effort nobody stated.
const EFFORT_ASSUMED: f64 = 100.0;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    pub overall: Option<f64>,
    pub compliance: Option<f64>,
    pub symmetry: Option<f64>,
    pub effort: Option<f64>,
    pub game: Option<f64>,
    pub muscles: BTreeMap<String, Option<MuscleScore>>,
    pub bfr: Bfr,
    pub data_completeness: DataCompleteness,
}

/// Blood-flow restriction: without a stated pressure it counts as compliant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bfr {
    pub compliant: bool,
    pub cuff_pressure_permille_aop: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataCompleteness {
    pub has_emg_data: bool,
    pub has_rpe: bool,
    pub has_game_data: bool,
    pub has_bfr_data: bool,
    pub missing: Vec<&'static str>,
    /// The value that stands for a missing effort in `overall`.
    pub effort_assumed: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MuscleScore {
    pub compliance: f64,
    pub completion: f64,
    pub intensity: f64,
    pub duration: f64,
}

impl MuscleScore {
    /// Shares between 0 and 1 of: expected contractions made; contractions that met the reference; the duration.
    fn of(contractions: &ContractionSummary, options: &Options) -> Self {
        let share = |met: usize| if contractions.count > 0 { met as f64 / contractions.count as f64 } else { 0.0 };
        let completed = contractions.count as f64 / f64::from(options.expected_contractions);
        let completion = if completed < 1.0 { completed } else { 1.0 };
        let (intensity, duration) = (share(contractions.meets_mvc), share(contractions.meets_duration));
        let weighted = weight(options.completion_weight_permille) * completion
            + weight(options.intensity_weight_permille) * intensity
            + weight(options.duration_weight_permille) * duration;
        MuscleScore { compliance: weighted * 100.0, completion, intensity, duration }
    }
}

fn weight(permille: u32) -> f64 {
    f64::from(permille) / 1000.0
}

/// The parts of the overall score; `None` for what is missing.
struct Parts {
    compliance: Option<f64>,
    symmetry: Option<f64>,
    effort: Option<f64>,
    game: Option<f64>,
}

/// `muscles` in the order of the recording, left before right; `None` for one that was skipped.
pub fn score(muscles: &[(&str, Option<&ContractionSummary>)], game_score: Option<f64>, options: &Options) -> Scores {
    let each: Vec<_> = muscles.iter().map(|(_, summary)| summary.map(|s| MuscleScore::of(s, options))).collect();
    let bfr = Bfr {
        compliant: options.cuff_pressure_permille_aop.is_none_or(|p| CUFF_PRESSURE_PERMILLE.contains(&p)),
        cuff_pressure_permille_aop: options.cuff_pressure_permille_aop,
    };
    let parts = Parts::of(&each, game_score, bfr, options);
    let names = muscles.iter().map(|(name, _)| (*name).to_owned());
    Scores {
        overall: parts.overall(options),
        compliance: parts.compliance,
        symmetry: parts.symmetry,
        effort: parts.effort,
        game: parts.game,
        data_completeness: parts.completeness(bfr),
        bfr,
        muscles: names.zip(each).collect(),
    }
}

impl Parts {
    fn of(muscles: &[Option<MuscleScore>], game_score: Option<f64>, bfr: Bfr, options: &Options) -> Self {
        let each: Option<Vec<f64>> = muscles.iter().map(|muscle| muscle.map(|score| score.compliance)).collect();
        let each = each.unwrap_or_default();
        Parts {
            // As the earlier system: the pressure gates compliance, not the whole.
            compliance: mean(&each).map(|mean| if bfr.compliant { mean } else { 0.0 }),
            symmetry: symmetry(&each),
            effort: options.perceived_exertion.map(effort),
            game: game_score.zip(options.game_score_max).map(|(score, most)| score / f64::from(most) * 100.0),
        }
    }

    /// Weighted sum; missing if a part that counts is missing. A missing effort counts as `EFFORT_ASSUMED`.
    fn overall(&self, options: &Options) -> Option<f64> {
        let parts = [
            (options.compliance_weight_permille, self.compliance),
            (options.symmetry_weight_permille, self.symmetry),
            (options.effort_weight_permille, self.effort.or(Some(EFFORT_ASSUMED))),
            (options.game_weight_permille, self.game),
        ];
        let counting = parts.iter().filter(|(permille, _)| *permille > 0);
        counting.map(|(permille, part)| Some(weight(*permille) * (*part)?)).sum()
    }

    fn completeness(&self, bfr: Bfr) -> DataCompleteness {
        let has_bfr_data = bfr.cuff_pressure_permille_aop.is_some();
        let parts = [
            ("compliance", self.compliance.is_some()),
            ("symmetry", self.symmetry.is_some()),
            ("effort", self.effort.is_some()),
            ("game", self.game.is_some()),
            ("bfr", has_bfr_data),
        ];
        DataCompleteness {
            has_emg_data: self.compliance.is_some(),
            has_rpe: self.effort.is_some(),
            has_game_data: self.game.is_some(),
            has_bfr_data,
            missing: parts.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect(),
            effort_assumed: self.effort.is_none().then_some(EFFORT_ASSUMED),
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// (1 − |L − R| / (L + R)) · 100, of exactly two muscles; 0 if both are.
fn symmetry(compliances: &[f64]) -> Option<f64> {
    let &[left, right] = compliances else { return None };
    let sum = left + right;
    Some(if sum > 0.0 { (1.0 - (left - right).abs() / sum) * 100.0 } else { 0.0 })
}

/// From perceived exertion on Borg's CR-10 scale: best from 4 to 6, less to both sides.
fn effort(perceived_exertion: u32) -> f64 {
    match perceived_exertion {
        4..=6 => 100.0,
        3 | 7 => 80.0,
        2 | 8 => 60.0,
        _ => 20.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn contractions(count: usize, meets_duration: usize) -> ContractionSummary {
        ContractionSummary { count, meets_mvc: count, meets_duration, ..ContractionSummary::of(&[]) }
    }

    fn scored(muscles: &[(&str, Option<&ContractionSummary>)], change: impl Fn(&mut Options)) -> Scores {
        let mut options = Profile::named("ghostly-2").unwrap().options;
        change(&mut options);
        score(muscles, Some(30.0), &options)
    }

    #[test]
    fn two_perfect_muscles_score_a_hundred() {
        let perfect = contractions(12, 12);
        let found = scored(&[("CH1", Some(&perfect)), ("CH2", Some(&perfect))], |options| {
            options.perceived_exertion = Some(5);
        });
        assert_eq!((found.compliance, found.symmetry, found.overall), (Some(100.0), Some(100.0), Some(100.0)));
    }

    #[test]
    fn one_muscle_has_no_symmetry_and_so_no_overall_score() {
        let found = scored(&[("CH1", Some(&contractions(6, 0)))], |_| {});
        assert_eq!((found.symmetry, found.overall), (None, None));
        assert_eq!(found.data_completeness.missing, ["symmetry", "effort", "game", "bfr"]);
    }

    #[test]
    fn effort_is_best_in_the_middle_of_the_scale() {
        let each: Vec<f64> = (0..=10).map(effort).collect();
        assert_eq!(each, [20.0, 20.0, 60.0, 80.0, 100.0, 100.0, 100.0, 80.0, 60.0, 20.0, 20.0]);
    }

    #[test]
    fn the_cuff_pressure_gates_compliance_only() {
        let some = contractions(12, 6);
        for (permille, compliant) in [(449, false), (450, true), (550, true), (551, false)] {
            let found = scored(&[("L", Some(&some)), ("R", Some(&some))], |options| {
                options.cuff_pressure_permille_aop = Some(permille);
            });
            assert_eq!((found.bfr.compliant, found.compliance == Some(0.0)), (compliant, !compliant));
            assert_eq!(found.symmetry, Some(100.0));
        }
    }

    #[test]
    fn the_game_score_is_a_share_of_the_most_there_is() {
        assert_eq!(scored(&[], |options| options.game_score_max = Some(40)).game, Some(75.0));
    }
}
