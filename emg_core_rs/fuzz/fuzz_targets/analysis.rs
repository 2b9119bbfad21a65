//! A whole analysis by every profile.
#![no_main]

use emg_core::c3d::{Prefix, Recording};
use emg_core::{Machine, PROFILES, Profile, analyze};
use emg_core_fuzz::capped;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capped(data, |data| {
    let Ok(parsed) = Recording::parse(Prefix::whole(data)) else { return };
    let machine = Machine { threads: 1, ..Machine::detected() };
    for name in PROFILES {
        let profile = Profile::named(name).expect("a profile of this name exists");
        if let Ok(summary) = analyze(data, &parsed, Some(""), &profile, machine) {
            assert!(serde_json::from_slice::<serde_json::Value>(&summary.to_json()).is_ok());
        }
    }
}));
