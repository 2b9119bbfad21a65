//! Maximum voluntary contractions a recording brings along.

use super::channels::{Channel, Role};
use super::parameters::{Parameter, Parameters};
use std::collections::BTreeMap;

/// Volts per muscle from THERAPY:MVC: one number for each raw channel, in their order and their unit. Only positive ones.
pub fn references(parameters: &Parameters, channels: &[Channel]) -> BTreeMap<String, f64> {
    let volts = parameters.find("THERAPY", "MVC").into_iter().flat_map(Parameter::numbers);
    let raw = channels.iter().filter(|channel| channel.role == Role::Raw);
    let muscles = raw.filter_map(|channel| Some((channel.muscle.clone()?, channel.volts_per_unit())));
    let given = muscles.zip(volts).map(|((muscle, scale), value)| (muscle, value * scale));
    given.filter(|(_, volts)| volts.is_finite() && *volts > 0.0).collect()
}
