//! Scores of a session: numbers between 0 and 100 made by the profile's weights. A part that is missing is null and named.

use crate::contraction::ContractionSummary;
use crate::method::Method;
use crate::options::Options;
use serde::Serialize;
use std::collections::BTreeMap;

/// Cuff pressure that counts as within the safe and effective range, in permille of arterial occlusion pressure.
const CUFF_PRESSURE_PERMILLE: std::ops::RangeInclusive<u32> = 450..=550;
const ALL_WEIGHTS: u32 = 1000;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renormalized: Option<Renormalized>,
}

/// Parts whose weight went to the others of their score, with the reason; only standard-1 does so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renormalized {
    pub overall: BTreeMap<&'static str, &'static str>,
    /// Of each muscle's compliance.
    pub muscles: BTreeMap<String, BTreeMap<&'static str, &'static str>>,
}

/// Blood-flow restriction. Without a stated pressure ghostly-2 counts it as compliant, standard-1 does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bfr {
    pub compliant: Option<bool>,
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
    pub compliance: Option<f64>,
    pub completion: f64,
    /// Missing where there is no reference.
    pub intensity: Option<f64>,
    pub duration: f64,
}

impl MuscleScore {
    /// Shares between 0 and 1 of: expected contractions made; contractions that met the reference; the duration.
    fn of(contractions: &ContractionSummary, options: &Options) -> Self {
        let share = |met: usize| if contractions.count > 0 { met as f64 / contractions.count as f64 } else { 0.0 };
        let completed = contractions.count as f64 / f64::from(options.expected_contractions);
        let completion = if completed < 1.0 { completed } else { 1.0 };
        let (intensity, duration) = (contractions.meets_mvc.map(share), share(contractions.meets_duration));
        let parts = [
            (options.completion_weight_permille, Some(completion)),
            (options.intensity_weight_permille, intensity),
            (options.duration_weight_permille, Some(duration)),
        ];
        MuscleScore { compliance: weighted(&parts).map(|share| share * 100.0), completion, intensity, duration }
    }
}

/// Weighted sum over the parts that are there, divided by their weights unless those are all; missing without any.
fn weighted(parts: &[(u32, Option<f64>)]) -> Option<f64> {
    let there =
        parts.iter().filter_map(|(permille, part)| Some((*permille, (*part)?))).filter(|(weight, _)| *weight > 0);
    let weights: u32 = there.clone().map(|(permille, _)| permille).sum();
    let sum = there.map(|(permille, part)| weight(permille) * part).reduce(|sum, part| sum + part)?;
    Some(if weights == ALL_WEIGHTS { sum } else { sum / weight(weights) })
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
    let is_standard = matches!(options.method, Method::Standard(_));
    let pressure = options.cuff_pressure_permille_aop;
    let within = pressure.map(|pressure| CUFF_PRESSURE_PERMILLE.contains(&pressure));
    let bfr = Bfr { compliant: within.or((!is_standard).then_some(true)), cuff_pressure_permille_aop: pressure };
    let gate = if bfr.compliant == Some(false) { 0.0 } else { 1.0 };
    let mut parts = Parts::of(&each, game_score, options);
    let overall = if is_standard {
        parts.overall_of_those_there(options).map(|overall| overall * gate)
    } else {
        // As the earlier system: the pressure gates compliance, not the whole.
        parts.compliance = parts.compliance.map(|compliance| compliance * gate);
        parts.overall(options)
    };
    let names = muscles.iter().map(|(name, _)| (*name).to_owned());
    Scores {
        overall,
        compliance: parts.compliance,
        symmetry: parts.symmetry,
        effort: parts.effort,
        game: parts.game,
        data_completeness: parts.completeness(bfr, is_standard),
        bfr,
        renormalized: is_standard.then(|| renormalized(muscles, &each, &parts, options)),
        muscles: names.zip(each).collect(),
    }
}

/// What standard-1 computed a score without, though its weight is not zero.
fn renormalized(
    muscles: &[(&str, Option<&ContractionSummary>)],
    each: &[Option<MuscleScore>],
    parts: &Parts,
    options: &Options,
) -> Renormalized {
    let without = |score: &MuscleScore| score.intensity.is_none() && options.intensity_weight_permille > 0;
    let muscles = muscles.iter().zip(each).filter(|(_, score)| score.as_ref().is_some_and(without));
    let is_at_rest = each.len() == 2 && parts.compliance.is_some();
    let without_symmetry = if is_at_rest { "NothingToCompare" } else { "NotTwoMuscles" };
    let overall = [
        (options.symmetry_weight_permille, parts.symmetry, "symmetry", without_symmetry),
        (options.effort_weight_permille, parts.effort, "effort", "NotStated"),
        (options.game_weight_permille, parts.game, "game", "NotStated"),
    ];
    let missing = overall.into_iter().filter(|(weight, part, ..)| *weight > 0 && part.is_none());
    Renormalized {
        overall: missing.map(|(_, _, part, because)| (part, because)).collect(),
        muscles: muscles
            .map(|((name, _), _)| ((*name).to_owned(), BTreeMap::from([("intensity", "NoReference")])))
            .collect(),
    }
}

impl Parts {
    fn of(muscles: &[Option<MuscleScore>], game_score: Option<f64>, options: &Options) -> Self {
        let each: Option<Vec<f64>> = muscles.iter().map(|muscle| muscle.and_then(|score| score.compliance)).collect();
        let each = each.unwrap_or_default();
        Parts {
            compliance: mean(&each),
            symmetry: symmetry(&each).or_else(|| at_rest(&each, options)),
            effort: options.perceived_exertion.map(effort),
            game: game_score.zip(options.game_score_max).map(|(score, most)| score / f64::from(most) * 100.0),
        }
    }

    fn weighted(&self, options: &Options, effort: Option<f64>) -> [(u32, Option<f64>); 4] {
        [
            (options.compliance_weight_permille, self.compliance),
            (options.symmetry_weight_permille, self.symmetry),
            (options.effort_weight_permille, effort),
            (options.game_weight_permille, self.game),
        ]
    }

    /// Weighted sum; missing if a part that counts is missing. A missing effort counts as `EFFORT_ASSUMED`.
    fn overall(&self, options: &Options) -> Option<f64> {
        let parts = self.weighted(options, self.effort.or(Some(EFFORT_ASSUMED)));
        let counting = parts.iter().filter(|(permille, _)| *permille > 0);
        counting.map(|(permille, part)| Some(weight(*permille) * (*part)?)).sum()
    }

    /// The weights of missing parts go to the others; missing without compliance, for effort alone tells nothing.
    fn overall_of_those_there(&self, options: &Options) -> Option<f64> {
        self.compliance.and_then(|_| weighted(&self.weighted(options, self.effort)))
    }

    fn completeness(&self, bfr: Bfr, is_standard: bool) -> DataCompleteness {
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
            effort_assumed: (self.effort.is_none() && !is_standard).then_some(EFFORT_ASSUMED),
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// (1 − |L − R| / (L + R)) · 100, of exactly two muscles of which one made something.
fn symmetry(compliances: &[f64]) -> Option<f64> {
    let &[left, right] = compliances else { return None };
    let sum = left + right;
    (sum > 0.0).then(|| (1.0 - (left - right).abs() / sum) * 100.0)
}

/// The earlier system's symmetry of two muscles that made nothing; standard-1 has none.
fn at_rest(compliances: &[f64], options: &Options) -> Option<f64> {
    (compliances.len() == 2 && matches!(options.method, Method::Ghostly(_))).then_some(0.0)
}

/// Sessions a programme expects in seven days, and the day from which their share tells something.
const EXPECTED_PER_WEEK: f64 = 15.0;
const FIRST_DAY: u32 = 3;

/// Completed sessions of those expected by the end of day `day` of a programme, between 0 and 100; `None` before day 3.
pub fn adherence(completed: u32, day: u32) -> Option<f64> {
    let share = f64::from(completed) / (EXPECTED_PER_WEEK / 7.0 * f64::from(day)) * 100.0;
    (day >= FIRST_DAY).then_some(if share < 100.0 { share } else { 100.0 })
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
        ContractionSummary { count, meets_mvc: Some(count), meets_duration, ..ContractionSummary::of(&[], true) }
    }

    fn standard(muscles: &[(&str, Option<&ContractionSummary>)], change: impl Fn(&mut Options)) -> Scores {
        let mut options = Profile::named("standard-1").unwrap().options;
        change(&mut options);
        score(muscles, None, &options)
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
    fn two_muscles_that_made_nothing_have_a_symmetry_only_in_ghostly_2() {
        let none = contractions(0, 0);
        let two = [("L", Some(&none)), ("R", Some(&none))];
        assert_eq!(scored(&two, |_| {}).symmetry, Some(0.0));
        let found = standard(&two, |_| {});
        assert_eq!((found.symmetry, found.overall), (None, Some(0.0)));
        assert_eq!(found.renormalized.unwrap().overall["symmetry"], "NothingToCompare");
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
            assert_eq!((found.bfr.compliant, found.compliance == Some(0.0)), (Some(compliant), !compliant));
            assert_eq!(found.symmetry, Some(100.0));
        }
    }

    #[test]
    fn without_a_reference_standard_1_shares_the_weight_of_intensity_and_says_so() {
        let some = ContractionSummary { meets_mvc: None, ..contractions(6, 3) };
        let found = standard(&[("L", Some(&some)), ("R", Some(&some))], |_| {});
        let compliance = (0.333 * 0.5 + 0.334 * 0.5) / 0.667 * 100.0;
        assert_eq!((found.compliance, found.muscles["L"].unwrap().intensity), (Some(compliance), None));
        let told = found.renormalized.unwrap();
        assert_eq!(told.overall, BTreeMap::from([("effort", "NotStated")]));
        assert_eq!(told.muscles.keys().collect::<Vec<_>>(), ["L", "R"]);
        assert_eq!(found.overall, Some((0.5 * compliance + 0.25 * 100.0) / 0.75));
        assert_eq!((found.data_completeness.effort_assumed, found.bfr.compliant), (None, None));
    }

    #[test]
    fn under_standard_1_the_cuff_pressure_gates_the_whole() {
        let some = contractions(12, 12);
        let found = standard(&[("L", Some(&some)), ("R", Some(&some))], |options| {
            options.cuff_pressure_permille_aop = Some(600);
        });
        assert_eq!((found.overall, found.compliance, found.bfr.compliant), (Some(0.0), Some(100.0), Some(false)));
    }

    #[test]
    fn effort_alone_is_no_overall_score() {
        let found = standard(&[("L", None)], |options| options.perceived_exertion = Some(5));
        assert_eq!((found.effort, found.overall), (Some(100.0), None));
    }

    #[test]
    fn adherence_counts_fifteen_sessions_a_week_from_the_third_day() {
        assert_eq!(
            [adherence(5, 2), adherence(3, 7), adherence(15, 7), adherence(99, 7)],
            [None, Some(20.0), Some(100.0), Some(100.0)]
        );
    }

    #[test]
    fn the_game_score_is_a_share_of_the_most_there_is() {
        assert_eq!(scored(&[], |options| options.game_score_max = Some(40)).game, Some(75.0));
    }
}
