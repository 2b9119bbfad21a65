//! What the analog channels are called, what they measure, and how they are calibrated.

use super::decode::Calibration;
use super::parameters::{Parameter, Parameters};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A signal as recorded.
    Raw,
    /// A signal processed by the recording system, which times contractions.
    Activated,
    /// Not EMG: listed, not analysed.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    pub name: String,
    pub unit: Option<String>,
    pub muscle: Option<String>,
    pub role: Role,
}

impl Channel {
    /// Volts per unit. Without a unit the values are taken as volts.
    pub fn volts_per_unit(&self) -> f64 {
        self.unit.as_deref().and_then(volts_per).unwrap_or(1.0)
    }
}

/// The channel of that name in any case, or the raw channel of the muscle of that name.
pub fn find(channels: &[Channel], name: &str) -> Option<usize> {
    let same = |found: &str| found.trim().to_lowercase() == name.trim().to_lowercase();
    let of_muscle = |channel: &Channel| channel.role == Role::Raw && channel.muscle.as_deref().is_some_and(same);
    let exact = channels.iter().position(|channel| same(&channel.name));
    exact.or_else(|| channels.iter().position(of_muscle))
}

fn volts_per(unit: &str) -> Option<f64> {
    match unit.trim() {
        "V" | "v" | "Volt" | "Volts" | "volt" | "volts" => Some(1.0),
        "mV" | "mv" => Some(1e-3),
        "uV" | "uv" | "µV" | "μV" => Some(1e-6),
        _ => None,
    }
}

/// The first `count` channels; those without a label are called by their number.
pub fn describe(parameters: &Parameters, count: usize) -> Vec<Channel> {
    let mut labels = texts(parameters, "LABELS");
    let mut units = texts(parameters, "UNITS");
    let mut channels = Vec::with_capacity(count);
    for number in 1..=count {
        let name = labels.next().filter(|label| !label.trim().is_empty());
        let unit = units.next().filter(|unit| !unit.trim().is_empty());
        channels.push(classify(name.unwrap_or_else(|| format!("Channel {number}")), unit));
    }
    channels
}

fn texts(parameters: &Parameters, name: &str) -> impl Iterator<Item = String> {
    parameters.continued("ANALOG", name).flat_map(Parameter::texts)
}

/// `X Raw` and `X activated` belong to muscle X; any other channel in volts, or called EMG, is a muscle of its own.
fn classify(name: String, unit: Option<String>) -> Channel {
    let (muscle, role) = match (strip_suffix(&name, " raw"), strip_suffix(&name, " activated")) {
        (Some(muscle), _) => (Some(muscle), Role::Raw),
        (_, Some(muscle)) => (Some(muscle), Role::Activated),
        _ if unit.as_deref().and_then(volts_per).is_some() || is_called_emg(&name) => (Some(name.clone()), Role::Raw),
        _ => (None, Role::Other),
    };
    Channel { name, unit, muscle, role }
}

fn strip_suffix(name: &str, suffix: &str) -> Option<String> {
    let start = name.len().checked_sub(suffix.len()).filter(|start| *start > 0)?;
    let matches = name.get(start..)?.eq_ignore_ascii_case(suffix);
    matches.then(|| name[..start].trim().to_owned()).filter(|muscle| !muscle.is_empty())
}

fn is_called_emg(name: &str) -> bool {
    name.to_ascii_uppercase().contains("EMG")
}

/// One calibration for each channel, and whether any scale had to be assumed.
pub fn calibrate(parameters: &Parameters, count: usize, unsigned: bool) -> (Vec<Calibration>, bool) {
    let general = numbers(parameters, "GEN_SCALE", false).next().unwrap_or(1.0);
    let mut scales = numbers(parameters, "SCALE", false);
    let mut offsets = numbers(parameters, "OFFSET", unsigned);
    let (mut calibrations, mut assumed) = (Vec::with_capacity(count), false);
    for _ in 0..count {
        let scale = scales.next();
        assumed |= scale.is_none();
        let offset = offsets.next().unwrap_or(0.0);
        calibrations.push(Calibration { scale: scale.unwrap_or(1.0) * general, offset });
    }
    (calibrations, assumed)
}

fn numbers(parameters: &Parameters, name: &str, unsigned: bool) -> impl Iterator<Item = f64> {
    parameters.continued("ANALOG", name).flat_map(move |parameter| parameter.numbers_as(unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, unit: Option<&str>) -> (Option<String>, Role) {
        let channel = classify(name.to_owned(), unit.map(str::to_owned));
        (channel.muscle, channel.role)
    }

    #[test]
    fn suffixes_make_a_pair_in_any_case() {
        assert_eq!(role("CH1 Raw", None), (Some("CH1".to_owned()), Role::Raw));
        assert_eq!(role("CH1 ACTIVATED", None), (Some("CH1".to_owned()), Role::Activated));
        assert_eq!(role("Raw", None), (None, Role::Other));
        assert_eq!(role("CH1 Rawhide", None), (None, Role::Other));
    }

    #[test]
    fn a_unit_of_volts_or_the_word_emg_makes_a_muscle() {
        assert_eq!(role("Biceps", Some("mV")), (Some("Biceps".to_owned()), Role::Raw));
        assert_eq!(role("emg7", None), (Some("emg7".to_owned()), Role::Raw));
        assert_eq!(role("Fz1", Some("N")), (None, Role::Other));
    }
}
