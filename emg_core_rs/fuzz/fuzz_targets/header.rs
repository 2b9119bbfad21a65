//! The first bytes of a recording that comes in pieces, its size known or not.
#![no_main]

use emg_core::c3d::{C3dError, Prefix, Recording};
use emg_core_fuzz::capped;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capped(data, |data| {
    for size_bytes in [None, Some(data.len()), Some(data.len() * 1000)] {
        let mut held = 1;
        while held <= data.len() {
            match Recording::parse(Prefix { data: &data[..held], size_bytes }) {
                Err(C3dError::NeedMoreBytes { needed, .. }) => {
                    assert!(needed > held, "asks for {needed} bytes, holds {held}");
                    held = needed;
                }
                _ => break,
            }
        }
    }
}));
