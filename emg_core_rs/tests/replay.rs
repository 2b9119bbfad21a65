//! The same few thousand spoilt recordings at every run, of every byte order and storage, with memory capped: an
//! allocation by a count that is merely claimed fails, which ends this process. `make fuzz` looks for new ones.

#[path = "common/read.rs"]
mod read;
#[path = "forms/write.rs"]
mod write;

use cap::Cap;
use emg_core::c3d::{ByteOrder, Prefix, Recording, Storage};
use std::alloc::System;
use write::{Frames, Plan};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Workspaces and tables, and as many channels as sixteen bits count where the size is unknown.
const BASE_BYTES: usize = 8 << 20;
/// Two bytes of input can claim a channel, whose description and calibration take 110.
const PER_BYTE: usize = 64;
const ROUNDS: u32 = 150;
const TELLING_BYTES: [u8; 8] = [0, 1, 2, 4, 0x7f, 0x80, 0xfe, 0xff];

/// A sequence of numbers that is the same everywhere (xorshift; Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn form(order: ByteOrder, storage: Storage, stated: Frames) -> Vec<u8> {
    let plan = Plan {
        order,
        storage,
        unsigned: stated == Frames::Float,
        samples_per_frame: 10,
        frames: 1010, // at 100 a second: long enough to be analysed
        stated,
        members_first: stated == Frames::Trial,
        ends_with_zero: stated == Frames::Long,
        ..Plan::small(3)
    };
    plan.write(|channel, sample| ((sample * 7919 + channel * 104_729) % 1009) as f32)
}

fn forms() -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for order in [ByteOrder::Intel, ByteOrder::Dec, ByteOrder::Mips] {
        for (storage, stated) in [(Storage::Int16, Frames::Word), (Storage::Float32, Frames::Float)] {
            forms.push(form(order, storage, stated));
        }
        forms.push(form(order, Storage::Float32, Frames::Trial));
        forms.push(form(order, Storage::Int16, Frames::Long));
    }
    forms
}

/// A few bytes of header and parameters changed, and every fourth recording cut.
fn spoil(recording: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut data = recording.to_vec();
    let metadata = Recording::parse(Prefix::whole(recording)).map_or(512, |parsed| parsed.layout.data_start);
    for _ in 0..=numbers.below(6) {
        data[numbers.below(metadata)] = TELLING_BYTES[numbers.below(TELLING_BYTES.len())];
    }
    if numbers.below(4) == 0 {
        data.truncate(numbers.below(recording.len()));
    }
    data
}

fn read_capped(data: &[u8]) {
    let limit = ALLOCATOR.allocated() + BASE_BYTES + PER_BYTE * data.len();
    ALLOCATOR.set_limit(limit).unwrap();
    read::read(data);
    ALLOCATOR.set_limit(usize::MAX).unwrap();
}

#[test]
fn spoilt_recordings_of_every_form_do_no_harm() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for recording in forms() {
        read_capped(&recording);
        for _ in 0..ROUNDS {
            read_capped(&spoil(&recording, &mut numbers));
        }
    }
}
