//! Samples of a whole recording and of windows of it.
#![no_main]

use emg_core::c3d::{Prefix, Recording};
use emg_core_fuzz::capped;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capped(data, |data| {
    let Ok(parsed) = Recording::parse(Prefix::whole(data)) else { return };
    let frames = parsed.layout.frames_of(data);
    let last = parsed.layout.channels.saturating_sub(1);
    for channel in [0, last / 2, last] {
        let whole = parsed.samples(frames, channel);
        assert_eq!(whole.len(), parsed.metadata.samples_per_channel);
        for (start_s, end_s) in [(0.0, 0.5), (0.25, 1e9), (f64::NAN, f64::INFINITY)] {
            let window = parsed.frame_window(start_s, end_s);
            let part = parsed.samples(data.get(window.start_byte..window.end_byte).unwrap_or(&[]), channel);
            let there = whole.get(window.first_sample..window.end_sample).unwrap_or(&[]);
            assert!(part.iter().map(|v| v.to_bits()).eq(there.iter().map(|v| v.to_bits())));
        }
    }
}));
