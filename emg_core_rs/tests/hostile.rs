//! No bytes may make the reader panic, hang, or allocate by a count they merely claim.

mod common;
#[path = "common/read.rs"]
mod read;

use common::{bursts, recording};
use emg_core::c3d::{C3dError, Prefix, Recording};
use proptest::prelude::*;
use read::read;
use std::sync::LazyLock;

static RECORDING: LazyLock<Vec<u8>> = LazyLock::new(|| recording(350, bursts));

/// Follows `NeedMoreBytes` from the first byte on.
fn read_in_steps(data: &[u8]) -> Result<Recording, C3dError> {
    let mut held = 1;
    loop {
        match Recording::parse(Prefix { data: &data[..held], size_bytes: Some(data.len()) }) {
            Err(C3dError::NeedMoreBytes { needed, .. }) => {
                assert!(needed > held && needed <= data.len());
                held = needed;
            }
            other => return other,
        }
    }
}

/// A header without a data start, and parameters that `change` may spoil.
fn unfinished(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut data = RECORDING[..4000].to_vec();
    data[16..18].fill(0);
    change(&mut data);
    data
}

#[test]
fn a_count_of_dimensions_beyond_all_memory_is_passed_over() {
    let data = unfinished(|data| {
        let body = data.windows(6).position(|window| window == b"LABELS").unwrap() + 8;
        data[body + 1..body + 9].copy_from_slice(&[7, 255, 255, 255, 255, 255, 255, 255]);
    });
    let whole = Recording::parse(Prefix::whole(&data));
    assert!(whole.is_err() || !whole.unwrap().metadata.flags.is_empty());
    let parsed = Recording::parse(Prefix { data: &data, size_bytes: None });
    assert!(!matches!(parsed, Err(C3dError::NeedMoreBytes { needed, .. }) if needed > 1 << 26));
}

#[test]
fn absurd_counts_as_floats_are_bounded() {
    for (name, kind_at) in [("FRAMES", 8), ("USED", 6)] {
        let mut data = RECORDING[..1536].to_vec();
        let at = data.windows(name.len()).position(|window| window == name.as_bytes()).unwrap() + kind_at;
        data[at] = 4;
        data[at + 2..at + 6].copy_from_slice(&f32::MAX.to_le_bytes());
        data[18] = 7; // samples per frame that do not divide the header's words
        read(&data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changed_bytes_of_header_and_parameters_never_panic(changes in prop::collection::vec((0usize..900, any::<u8>()), 1..12)) {
        let mut data = RECORDING.clone();
        for (at, byte) in changes {
            data[at] = byte;
        }
        read(&data);
    }

    #[test]
    fn cut_recordings_never_panic(length in 0usize..20_000) {
        read(&RECORDING[..length]);
    }

    #[test]
    fn random_bytes_with_a_good_key_never_panic(mut data in prop::collection::vec(any::<u8>(), 516..3000)) {
        data[..2].copy_from_slice(&[2, 80]);
        data[515] = 84;
        read(&data);
    }

    #[test]
    fn a_prefix_that_suffices_tells_what_the_whole_tells(changes in prop::collection::vec((0usize..900, any::<u8>()), 0..4)) {
        let mut data = RECORDING.clone();
        for (at, byte) in changes {
            data[at] = byte;
        }
        let whole = Recording::parse(Prefix::whole(&data));
        prop_assert_eq!(read_in_steps(&data), whole);
    }
}
