//! A parameter section after a good header: the first byte of input chooses the processor.
#![no_main]

use emg_core::c3d::{Prefix, Recording, events, personal};
use emg_core_fuzz::capped;
use libfuzzer_sys::fuzz_target;

const FRAMES: [u8; 512] = [0; 512];

fuzz_target!(|data: &[u8]| capped(data, |data| {
    let Some((processor, section)) = data.split_first() else { return };
    let recording = recording(84 + processor % 3, section);
    let whole = Prefix::whole(&recording);
    if let Ok(parsed) = Recording::parse(whole) {
        assert!(!parsed.metadata.channels.iter().any(|channel| channel.name.contains(char::is_control)));
        assert!(serde_json::to_vec(&parsed.metadata).is_ok());
    }
    let _ = (events(whole), personal(whole));
}));

/// Ten frames of four channels at most, wherever the section ends.
fn recording(processor: u8, section: &[u8]) -> Vec<u8> {
    let blocks = (section.len() + 4).div_ceil(512);
    let word = |value: u16| if processor == 86 { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut bytes = vec![0; 512];
    bytes[..2].copy_from_slice(&[2, 80]);
    for (at, value) in [(4, 8), (6, 1), (8, 10), (16, blocks.min(65_000) as u16 + 2), (18, 2)] {
        bytes[at..at + 2].copy_from_slice(&word(value));
    }
    bytes.extend([1, 80, 1, processor]);
    bytes.extend(section);
    bytes.resize(512 * (1 + blocks), 0);
    bytes.extend(FRAMES);
    bytes
}
