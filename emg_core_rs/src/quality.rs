//! What a channel is worth: its faults in numbers, and a verdict with the reasons for it.

use crate::faults::{self, Fault, Kind};
use crate::mains::Hum;
use serde::Serialize;

/// A mains line of more than this times its neighbours' power degrades a channel. Without hum the noise of a muscle's
/// spectrum reaches 2.4 in real recordings.
pub const MOST_HUM: f64 = 3.0;
/// A channel with less time without faults is unusable.
pub const LEAST_USABLE_S: f64 = 1.0;
/// A channel with a smaller share of samples without faults is unusable.
pub const LEAST_USABLE_FRACTION: f64 = 0.5;

/// With a larger share of its usable samples in segments too short for the high-pass to settle in, a channel's amplitudes
/// are too large.
pub const MOST_UNSETTLED: f64 = 0.05;
/// Periods of a filter's cut-off after which a zero-phase Butterworth of order 4 has settled to a millionth.
const PERIODS_TO_SETTLE: f64 = 5.8;

pub fn settling_s(high_pass_hz: u32) -> f64 {
    PERIODS_TO_SETTLE / f64::from(high_pass_hz)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Verdict {
    /// Nothing was found.
    Usable,
    /// Parts must not be trusted, or it hums.
    Degraded,
    /// Too little is left, or the profile refuses it.
    Unusable,
}

/// Why a channel is not simply usable, with what was found and the bound it missed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "reason")]
pub enum Reason {
    NonFinite {
        count: usize,
        seconds: f64,
    },
    Dropout {
        count: usize,
        seconds: f64,
    },
    Saturated {
        count: usize,
        seconds: f64,
    },
    Flat {
        count: usize,
        seconds: f64,
    },
    MainsHum {
        line_hz: f64,
        ratio: f64,
        most_ratio: f64,
    },
    /// Between what is no number no stretch is long enough for a spectrum.
    HumNotChecked,
    /// Usable samples in segments too short for the high-pass to settle in.
    ShortSegments {
        fraction: f64,
        most_fraction: f64,
        settling_s: f64,
    },
    TooLittleUsable {
        usable_s: f64,
        least_s: f64,
        usable_fraction: f64,
        least_fraction: f64,
    },
    /// The profile takes a channel whole or not at all, and this one holds what is no number.
    NotWhole,
    HardlyVaries {
        std_below_volts: f64,
    },
    TooLong {
        duration_s: f64,
        maximum_s: f64,
    },
    SampleRateTooLow {
        sample_rate_hz: f64,
        high_pass_hz: u32,
    },
}

impl Reason {
    /// What the reason alone makes of a channel.
    pub fn verdict(&self) -> Verdict {
        match self {
            Reason::NonFinite { .. }
            | Reason::Dropout { .. }
            | Reason::Saturated { .. }
            | Reason::Flat { .. }
            | Reason::MainsHum { .. }
            | Reason::HumNotChecked
            | Reason::ShortSegments { .. } => Verdict::Degraded,
            Reason::TooLittleUsable { .. }
            | Reason::NotWhole
            | Reason::HardlyVaries { .. }
            | Reason::TooLong { .. }
            | Reason::SampleRateTooLow { .. } => Verdict::Unusable,
        }
    }
}

/// The verdict that reasons make together: the worst.
pub fn verdict(reasons: &[Reason]) -> Verdict {
    reasons.iter().map(Reason::verdict).max().unwrap_or(Verdict::Usable)
}

/// What speaks against a channel of `samples` samples with these faults and this hum, whatever the profile.
pub fn reasons(faults: &[Fault], samples: usize, sample_rate_hz: f64, hum: Option<Hum>) -> Vec<Reason> {
    let kinds = [Kind::NonFinite, Kind::Dropout, Kind::Saturated, Kind::Flat];
    let extents = kinds.into_iter().filter_map(|kind| extent(faults, kind, sample_rate_hz));
    let hum = hum.filter(|hum| hum.ratio > MOST_HUM);
    let hum = hum.map(|Hum { line_hz, ratio }| Reason::MainsHum { line_hz, ratio, most_ratio: MOST_HUM });
    extents.chain(hum).chain(too_little(faults, samples, sample_rate_hz)).collect()
}

fn extent(faults: &[Fault], kind: Kind, sample_rate_hz: f64) -> Option<Reason> {
    let lengths = || faults.iter().filter(|fault| fault.kind == kind).map(|fault| fault.end - fault.start);
    let (count, seconds) = (lengths().count(), lengths().sum::<usize>() as f64 / sample_rate_hz);
    (count > 0).then_some(match kind {
        Kind::NonFinite => Reason::NonFinite { count, seconds },
        Kind::Dropout => Reason::Dropout { count, seconds },
        Kind::Saturated => Reason::Saturated { count, seconds },
        Kind::Flat => Reason::Flat { count, seconds },
    })
}

fn too_little(faults: &[Fault], samples: usize, sample_rate_hz: f64) -> Option<Reason> {
    let usable_s = faults::usable_samples(faults, samples) as f64 / sample_rate_hz;
    let usable_fraction = faults::usable_fraction(faults, samples);
    let (least_s, least_fraction) = (LEAST_USABLE_S, LEAST_USABLE_FRACTION);
    let is_enough = usable_s >= least_s && usable_fraction >= least_fraction;
    (!is_enough).then_some(Reason::TooLittleUsable { usable_s, least_s, usable_fraction, least_fraction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: Kind, start: usize, end: usize) -> Fault {
        Fault { kind, start, end }
    }

    #[test]
    fn a_clean_channel_is_usable() {
        assert_eq!(reasons(&[], 9_900, 990.0, Some(Hum { line_hz: 50.0, ratio: 1.2 })), []);
        assert_eq!(verdict(&[]), Verdict::Usable);
    }

    #[test]
    fn faults_are_told_by_kind_with_their_time() {
        let faults = [fault(Kind::Dropout, 0, 99), fault(Kind::Flat, 100, 1_090), fault(Kind::Dropout, 2_000, 2_099)];
        let found = reasons(&faults, 9_900, 990.0, None);
        assert_eq!(found, [Reason::Dropout { count: 2, seconds: 0.2 }, Reason::Flat { count: 1, seconds: 1.0 }]);
        assert_eq!(verdict(&found), Verdict::Degraded);
    }

    #[test]
    fn hum_degrades() {
        let found = reasons(&[], 9_900, 990.0, Some(Hum { line_hz: 60.0, ratio: 7.5 }));
        assert_eq!(found, [Reason::MainsHum { line_hz: 60.0, ratio: 7.5, most_ratio: MOST_HUM }]);
        assert_eq!(verdict(&found), Verdict::Degraded);
    }

    #[test]
    fn less_than_a_second_or_half_is_unusable() {
        assert_eq!(verdict(&reasons(&[fault(Kind::Flat, 0, 5_000)], 9_900, 990.0, None)), Verdict::Unusable);
        assert_eq!(verdict(&reasons(&[], 900, 990.0, None)), Verdict::Unusable);
        assert_eq!(verdict(&reasons(&[fault(Kind::Flat, 0, 4_000)], 9_900, 990.0, None)), Verdict::Degraded);
    }
}
