//! Everything a caller can do with bytes from outside.

use emg_core::c3d::{Prefix, Recording, events, personal};
use emg_core::{Machine, PROFILES, Profile, analyze};

/// Reads and analyses the bytes, whatever they are; panics if the core does, or if it says what cannot be.
pub fn read(data: &[u8]) {
    if let Ok(parsed) = Recording::parse(Prefix { data, size_bytes: None }) {
        parsed.frame_window(0.0, f64::INFINITY);
    }
    let Ok(parsed) = Recording::parse(Prefix::whole(data)) else { return };
    let (marked, people) = (events(Prefix::whole(data)), personal(Prefix::whole(data)));
    assert!(marked.is_ok() && people.is_ok(), "what can be read has events and people, or none");
    let window = parsed.frame_window(1.0, 2.0);
    assert!(window.start_byte <= window.end_byte && window.end_byte <= data.len().max(window.start_byte));
    for channel in 0..parsed.layout.channels.min(5) {
        let samples = parsed.samples(parsed.layout.frames_of(data), channel);
        assert_eq!(samples.len(), parsed.metadata.samples_per_channel);
    }
    for name in PROFILES {
        let profile = Profile::named(name).unwrap();
        if let Ok(summary) = analyze(data, &parsed, Some(""), &profile, Machine::detected()) {
            let text = String::from_utf8(summary.to_json()).unwrap();
            assert!(!text.contains("-0.0,") && !text.contains("NaN"));
        }
    }
}
