//! Parameter sections as real writers have left them: odd, locked, wrong in one place, and still readable.

use crate::write::Plan;
use emg_core::c3d::{Flag, Metadata, Prefix, Recording};

fn written() -> Vec<u8> {
    Plan::small(5).write(|channel, sample| (channel * sample) as f32)
}

fn metadata(data: &[u8]) -> Metadata {
    Recording::parse(Prefix::whole(data)).unwrap().metadata
}

/// Start of the record of that name: its length byte.
fn record(data: &[u8], name: &str) -> usize {
    let start =
        |window: &[u8]| window[0].cast_signed().unsigned_abs() == name.len() as u8 && &window[2..] == name.as_bytes();
    data.windows(name.len() + 2).position(start).unwrap()
}

fn next_offset_of(data: &[u8], name: &str) -> usize {
    record(data, name) + 2 + name.len()
}

#[test]
fn a_next_offset_past_the_section_is_replaced_by_the_end_of_the_record() {
    let mut data = written();
    let at = next_offset_of(&data, "USED");
    data[at..at + 2].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(metadata(&data), metadata(&written()));
}

#[test]
fn the_count_of_blocks_in_the_section_does_not_matter() {
    for blocks in [0, 1, 255] {
        let mut data = written();
        data[514] = blocks;
        assert_eq!(metadata(&data), metadata(&written()));
    }
}

#[test]
fn a_locked_record_has_a_negative_length_and_is_read_all_the_same() {
    let mut data = written();
    for name in ["ANALOG", "LABELS", "SCALE"] {
        let at = record(&data, name);
        data[at] = (-(name.len() as i8)).cast_unsigned();
    }
    assert_eq!(metadata(&data), metadata(&written()));
}

#[test]
fn names_are_the_same_in_any_case() {
    let mut data = written();
    for name in ["ANALOG", "LABELS", "RATE"] {
        let at = record(&data, name) + 2;
        data[at..at + name.len()].make_ascii_lowercase();
    }
    assert_eq!(metadata(&data), metadata(&written()));
}

#[test]
fn a_wrong_length_of_a_description_is_passed_over_by_the_next_offset() {
    let mut data = written();
    let description = next_offset_of(&data, "ANALOG") + 2;
    data[description] = 200;
    assert_eq!(metadata(&data), metadata(&written()));
}

#[test]
fn a_group_that_comes_twice_is_one_group() {
    let mut data = written();
    let data_start = Recording::parse(Prefix::whole(&data)).unwrap().layout.data_start;
    let trial = record(&data, "TRIAL");
    data.splice(trial..trial + 10, [&[6, (-3i8).cast_unsigned()][..], b"ANALOG", &[0, 3, 0]].concat());
    data.remove(data_start); // a byte of padding, as the new name is a letter longer
    let rate = record(&data, "RATE");
    data[rate + 1] = 3;
    assert_eq!(metadata(&data), metadata(&written()));
}

#[test]
fn a_parameter_of_an_unknown_type_is_passed_over_and_told() {
    let mut data = written();
    let at = record(&data, "GEN_SCALE");
    data[at + 2 + "GEN_SCALE".len() + 2] = 9;
    let expected = Flag::ParametersUnreadable { count: 1, first_offset: at };
    assert!(metadata(&data).flags.contains(&expected));
    assert_eq!(metadata(&data).channels, metadata(&written()).channels);
}
