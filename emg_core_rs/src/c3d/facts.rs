//! What the recording says about itself: facts about the game, which may go anywhere, and facts about people, which may not.

use super::layout::first_number;
use super::parameters::{Parameter, Parameters};
use serde::Serialize;
use std::collections::BTreeMap;

/// Facts about the game; nothing in here tells who played.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Game {
    pub system: Option<String>,
    pub event: Option<String>,
    pub game_name: Option<String>,
    pub game_level: Option<f64>,
    pub game_level_name: Option<String>,
    pub version: Option<String>,
    /// As the game counted, in whole seconds.
    pub duration_s: Option<f64>,
    /// Local time of the recording system, to the minute.
    pub recorded_at: Option<String>,
    pub score: Option<f64>,
}

impl Game {
    pub fn read(parameters: &Parameters) -> Self {
        let text = |name: &str| text(parameters, "INFO", name);
        let number = |group: &str, name: &str| first_number(parameters, group, name).filter(|value| value.is_finite());
        Game {
            system: text("SYSTEM"),
            event: text("EVENT"),
            game_name: text("GAME_NAME"),
            game_level: number("INFO", "GAME_LEVEL"),
            game_level_name: text("GAME_LEVEL_NAME"),
            version: text("VERSION"),
            duration_s: number("INFO", "DURATION"),
            recorded_at: parameters.find("INFO", "TIME").and_then(recorded_at),
            score: number("SUBJECTS", "GAME_SCORE").map(|score| score + 0.0),
        }
    }
}

fn text(parameters: &Parameters, group: &str, name: &str) -> Option<String> {
    let found = parameters.find(group, name)?.text()?;
    Some(found.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Five texts: year, month, day, hour, minute. `None` unless they make a date.
fn recorded_at(time: &Parameter) -> Option<String> {
    let fields: Vec<u32> = time.texts().take(6).map_while(|text| text.trim().parse().ok()).collect();
    let &[year, month, day, hour, minute] = fields.as_slice() else { return None };
    let real = year <= 9999 && (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    real.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"))
}

/// Names of people and groups, and free text: only for a store with its own grants.
pub fn personal(parameters: &Parameters) -> BTreeMap<&'static str, String> {
    let places = [
        ("player_name", "SUBJECTS", "PLAYER_NAME"),
        ("therapist_id", "INFO", "THERAPIST_ID"),
        ("group_id", "INFO", "GROUP_ID"),
        ("marker_set", "SUBJECTS", "MARKER_SET"),
    ];
    places.iter().map(|(key, group, name)| (*key, text(parameters, group, name).unwrap_or_default())).collect()
}
