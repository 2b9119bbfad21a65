//! Moments somebody marked: up to 18 in the header, any number in the group EVENT. Their labels are free text, so they
//! stay out of metadata and summaries.

use super::bytes::{ByteOrder, Prefix};
use super::error::C3dError;
use super::header::{BLOCK, Header};
use super::parameters::{Parameter, Parameters, decode_text};
use serde::Serialize;

/// Marks a header whose labels have four characters; older ones have two.
const KEY: u16 = 12345;
const KEY_AT: usize = 298;
const COUNT_AT: usize = 300;
const TIMES_AT: usize = 304;
const LABELS_AT: usize = 396;
const MOST_IN_HEADER: usize = 18;
/// No two lists are longer than this: 257 pieces of 255.
const MOST_IN_GROUP: usize = 65_535;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    pub label: String,
    /// The side or subject, where the recording says.
    pub context: Option<String>,
    /// As stored: from frame 1 of the trial, which a recording cut from a longer one does not hold.
    pub time_s: f64,
    /// From the recording's own first frame; `None` without a frame rate.
    pub in_recording_s: Option<f64>,
}

/// Events of the header, then those of the group, each in their order.
pub fn events(prefix: Prefix) -> Result<Vec<Event>, C3dError> {
    let header = Header::parse(prefix)?;
    let parameters = Parameters::walk(prefix, &header)?;
    let mut found = in_header(prefix.slice(0, BLOCK, BLOCK)?, header.order);
    found.extend(in_group(&parameters));
    let start_s = start_s(&header, &parameters);
    for event in &mut found {
        event.in_recording_s = start_s.map(|start_s| event.time_s - start_s);
    }
    Ok(found)
}

fn event(label: String, context: Option<String>, time_s: f64) -> Event {
    Event { label, context, time_s, in_recording_s: None }
}

fn in_header(bytes: &[u8], order: ByteOrder) -> Vec<Event> {
    let word = |at: usize| order.u16([bytes[at], bytes[at + 1]]);
    let width = if word(KEY_AT) == KEY { 4 } else { 2 };
    let count = usize::from(word(COUNT_AT));
    if count > MOST_IN_HEADER {
        return Vec::new();
    }
    let times = bytes[TIMES_AT..].as_chunks::<4>().0.iter().map(|time| order.float(*time));
    let labels = bytes[LABELS_AT..].chunks(width).map(decode_text);
    times.zip(labels).take(count).map(|(time_s, label)| event(label, None, time_s)).collect()
}

/// As many as the group says it uses and gives a time for: minutes and seconds each.
fn in_group(parameters: &Parameters) -> Vec<Event> {
    let used = parameters.find("EVENT", "USED").and_then(|used| used.unsigned_numbers().next());
    let used = used.map_or(MOST_IN_GROUP, |used| (used as usize).min(MOST_IN_GROUP));
    let mut labels = texts(parameters, "LABELS");
    let mut contexts = texts(parameters, "CONTEXTS");
    let mut parts = parameters.continued("EVENT", "TIMES").flat_map(Parameter::numbers);
    let mut found = Vec::new();
    while let (true, Some(minutes), Some(seconds)) = (found.len() < used, parts.next(), parts.next()) {
        let context = contexts.next().filter(|context| !context.is_empty());
        found.push(event(labels.next().unwrap_or_default(), context, minutes * 60.0 + seconds));
    }
    found
}

fn texts(parameters: &Parameters, name: &str) -> impl Iterator<Item = String> {
    parameters.continued("EVENT", name).flat_map(Parameter::texts)
}

/// Time of the recording's first frame in its trial.
fn start_s(header: &Header, parameters: &Parameters) -> Option<f64> {
    let stated = parameters.find("POINT", "RATE").and_then(|rate| rate.numbers().next());
    let rate = stated.filter(|rate| *rate > 0.0).unwrap_or(header.frame_rate_hz);
    let first = f64::from(header.first_frame.max(1) - 1);
    (rate.is_finite() && rate > 0.0).then(|| first / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key: u16, count: u16) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        bytes[KEY_AT..KEY_AT + 2].copy_from_slice(&key.to_le_bytes());
        bytes[COUNT_AT..COUNT_AT + 2].copy_from_slice(&count.to_le_bytes());
        bytes[TIMES_AT + 4..TIMES_AT + 8].copy_from_slice(&1.5f32.to_le_bytes());
        bytes[LABELS_AT..LABELS_AT + 8].copy_from_slice(b"RHS RTO ");
        bytes
    }

    fn labels(key: u16, count: u16) -> Vec<(String, f64)> {
        let found = in_header(&header(key, count), ByteOrder::Intel);
        found.into_iter().map(|event| (event.label, event.time_s)).collect()
    }

    #[test]
    fn the_key_tells_how_long_labels_are() {
        assert_eq!(labels(KEY, 2), [("RHS".to_owned(), 0.0), ("RTO".to_owned(), 1.5)]);
        assert_eq!(labels(0, 2), [("RH".to_owned(), 0.0), ("S".to_owned(), 1.5)]);
    }

    #[test]
    fn more_events_than_a_header_has_room_for_are_none() {
        assert_eq!((labels(KEY, 18).len(), labels(KEY, 19).len()), (18, 0));
    }
}
