//! What every target does around its input: memory is capped at a small multiple of it.

use cap::Cap;
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Fixed tables, workspaces, and as many channels as sixteen bits count where the size is unknown.
const BASE_BYTES: usize = 8 << 20;
/// A byte of input may take this many. The most is needed by a header that counts as many channels as there are samples:
/// two bytes of input become a channel's description and calibration, of 110 bytes.
const PER_BYTE: usize = 64;

/// Runs a target; an allocation beyond the cap fails, which ends the process and is a finding.
pub fn capped(data: &[u8], target: impl FnOnce(&[u8])) {
    let limit = ALLOCATOR.allocated() + BASE_BYTES + PER_BYTE * data.len();
    ALLOCATOR.set_limit(limit).expect("the limit is above what is in use");
    target(data);
    ALLOCATOR.set_limit(usize::MAX).expect("there is no higher limit");
}
