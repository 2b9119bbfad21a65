//! What is written in any form is read back: samples to the bit, as the writer's numbers are exact in f64.

use crate::write::{Frames, Plan};
use emg_core::c3d::{ByteOrder, C3dError, Flag, Prefix, Recording, Storage};
use proptest::prelude::*;

fn order() -> impl Strategy<Value = ByteOrder> {
    prop::sample::select(vec![ByteOrder::Intel, ByteOrder::Dec, ByteOrder::Mips])
}

fn stated() -> impl Strategy<Value = Frames> {
    let ways = vec![Frames::Word, Frames::Float, Frames::Trial, Frames::Long, Frames::Header];
    prop::sample::select(ways)
}

prop_compose! {
    fn plan()(
        (order, unsigned, members_first, ends_with_zero) in (order(), any::<bool>(), any::<bool>(), any::<bool>()),
        storage in prop::sample::select(vec![Storage::Int16, Storage::Float32]),
        (points, channels, samples_per_frame) in (0u16..5, 1u16..40, 1u16..20),
        (frames, stated, gap, trailing) in (1u16..30, stated(), 0u8..3, 0usize..2000),
        general_scale in prop::sample::select(vec![1.0f32, -1.0, 0.5, 1e-6]),
        scales in prop::collection::vec(-10.0f32..10.0, 40),
        offsets in prop::collection::vec(any::<i16>(), 40),
    ) -> Plan {
        let count = usize::from(channels);
        Plan {
            order, storage, unsigned, points, channels, samples_per_frame, frames, stated, general_scale,
            scales: scales[..count].to_vec(), offsets: offsets[..count].to_vec(),
            members_first, ends_with_zero, gap, trailing,
        }
    }
}

/// A stored value of any sign that every storage holds exactly.
fn stored(plan: &Plan, channel: usize, sample: usize) -> f32 {
    let number = (channel * 7919 + sample * 104_729) % 65_536;
    match (plan.storage, plan.unsigned) {
        (Storage::Int16, true) => number as f32,
        (Storage::Int16, false) => number as f32 - 32_768.0,
        (Storage::Float32, _) => (number as f32 - 32_768.0) * 1.5e-9,
    }
}

fn physical(plan: &Plan, channel: usize, sample: usize) -> f64 {
    let raw = plan.offsets[channel];
    let offset = if plan.unsigned { f64::from(raw.cast_unsigned()) } else { f64::from(raw) };
    let scale = f64::from(plan.scales[channel]) * f64::from(plan.general_scale);
    (f64::from(stored(plan, channel, sample)) - offset) * scale
}

fn parse(data: &[u8]) -> Recording {
    Recording::parse(Prefix::whole(data)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_form_is_read_back(plan in plan()) {
        let data = plan.write(|channel, sample| stored(&plan, channel, sample));
        let read = parse(&data);
        let metadata = &read.metadata;
        prop_assert_eq!((metadata.byte_order, metadata.storage), (plan.order, plan.storage));
        prop_assert_eq!((metadata.frames, metadata.channels.len()), (plan.frames.into(), plan.channels.into()));
        prop_assert_eq!(metadata.sample_rate_hz, Some(100.0 * f64::from(plan.samples_per_frame)));
        prop_assert_eq!(&metadata.flags, &[Flag::UnitsAssumed { unit: "V", channels: plan.channels.into() }]);
        for channel in 0..usize::from(plan.channels) {
            let samples = read.samples(read.layout.frames_of(&data), channel);
            let expected = (0..samples.len()).map(|sample| physical(&plan, channel, sample));
            prop_assert!(samples.iter().copied().eq(expected), "channel {}", channel);
        }
    }

    #[test]
    fn a_window_holds_what_the_whole_has_there(plan in plan(), from in 0.0f64..0.3, length in 0.0f64..0.3) {
        let data = plan.write(|channel, sample| stored(&plan, channel, sample));
        let read = parse(&data);
        let window = read.frame_window(from, from + length);
        let whole = read.samples(read.layout.frames_of(&data), 0);
        let part = read.samples(&data[window.start_byte..window.end_byte], 0);
        prop_assert_eq!(&whole[window.first_sample..window.end_sample], part);
    }

    #[test]
    fn only_the_bytes_of_a_channel_decide_its_samples(plan in plan()) {
        let data = plan.write(|channel, sample| stored(&plan, channel, sample));
        let others = plan.write(|channel, sample| if channel == 0 { stored(&plan, 0, sample) } else { 1.0 });
        let read = parse(&data);
        let of = |data: &[u8]| read.samples(read.layout.frames_of(data), 0);
        prop_assert_eq!(of(&data), of(&others));
    }

    #[test]
    fn a_cut_keeps_whole_frames_and_says_so(plan in plan(), share in 0.0f64..1.0) {
        let data = plan.write(|channel, sample| stored(&plan, channel, sample));
        let layout = parse(&data).layout;
        let kept = (share * f64::from(plan.frames)) as usize;
        let read = parse(&data[..layout.data_start + kept * layout.frame_bytes() + layout.frame_bytes() / 2]);
        let flag = Flag::Truncated { declared_frames: plan.frames.into(), held_frames: kept };
        prop_assert_eq!(read.metadata.frames, kept);
        prop_assert!(read.metadata.flags.contains(&flag));
    }
}

#[test]
fn lists_of_more_than_255_go_on_in_the_next_piece() {
    let plan = Plan::small(300);
    let data = plan.write(|channel, _| channel as f32 + 1.0);
    let read = parse(&data);
    assert_eq!(read.metadata.channels[299].name, "EMG  299");
    assert_eq!(read.samples(read.layout.frames_of(&data), 299), [299.0; 6]);
}

#[test]
fn a_header_without_a_data_start_is_recovered_without_inventing_frames() {
    let plan = Plan { trailing: 10_000, ..Plan::small(2) };
    let mut data = plan.write(|_, _| 1.0);
    let start = parse(&data).layout.data_start;
    data[16..18].fill(0);
    let read = parse(&data);
    assert_eq!((read.layout.data_start, read.metadata.frames), (start, 3));
    assert!(read.metadata.flags.contains(&Flag::Unfinished { data_start_byte: start }));
}

#[test]
fn words_that_are_no_multiple_fall_back_to_the_channels_used_if_they_fit() {
    let mut data = Plan::small(4).write(|_, _| 1.0);
    data[4..6].copy_from_slice(&9u16.to_be_bytes());
    assert_eq!(parse(&data).layout.channels, 4);
    let words_alone = Recording::parse(Prefix::whole(&data[..data.len() - 1]));
    assert_eq!(words_alone, Err(C3dError::BadLayout { words: 9, samples_per_frame: 2 }));
}

#[test]
fn more_channels_than_there_are_bytes_are_an_error() {
    let mut data = Plan { samples_per_frame: 1, ..Plan::small(2) }.write(|_, _| 1.0);
    data[4..6].copy_from_slice(&60_000u16.to_be_bytes());
    let expected = C3dError::TooManyChannels { channels: 60_000, size_bytes: data.len() };
    assert_eq!(Recording::parse(Prefix::whole(&data)), Err(expected));
}

#[test]
fn a_count_that_is_no_number_is_taken_from_the_header() {
    let plan = Plan { stated: Frames::Float, ..Plan::small(2) };
    let mut data = plan.write(|_, _| 1.0);
    data[8..10].copy_from_slice(&2u16.to_be_bytes());
    let at = data.windows(6).position(|window| window == b"FRAMES").unwrap() + 11;
    data[at..at + 4].copy_from_slice(&f32::NAN.to_be_bytes());
    assert_eq!(parse(&data).metadata.frames, 2);
}
