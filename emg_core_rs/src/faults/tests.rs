use super::*;
use proptest::prelude::*;

const RATE_HZ: f64 = 990.0;

/// Noise of a fixed seed, about ±1 mV, in steps of a converter of 16 bits.
fn noise(seed: u64, samples: usize) -> Vec<f64> {
    const STEP: f64 = 1.678_492_367_318_540_3e-7;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..samples).map(|_| (0..12).map(|_| next()).sum::<f64>() * 1500.0).map(|value| libm::round(value) * STEP).collect()
}

fn found(signal: &[f64]) -> Vec<Fault> {
    detect(Level::new(), signal, RATE_HZ, false).faults
}

fn fault(kind: Kind, start: usize, end: usize) -> Fault {
    Fault { kind, start, end }
}

/// Holds the signal at ±5.48 mV for `samples` from `start`, with a jitter of a few microvolts as real rails have.
fn saturate(signal: &mut [f64], start: usize, samples: usize) {
    for (index, value) in signal[start..start + samples].iter_mut().enumerate() {
        *value = 5.48e-3 + (index * 7 % 5) as f64 * 1e-6;
    }
}

#[test]
fn a_clean_signal_has_no_fault() {
    for seed in 0..50 {
        assert_eq!(found(&noise(seed, 20_000)), []);
    }
}

#[test]
fn a_sine_has_no_fault_whatever_its_period() {
    for period in [2.0, 3.0, 4.0, 6.0, 7.7, 8.0, 20.0, 33.3, 100.0, 990.0] {
        let sine: Vec<_> =
            (0..30_000).map(|i| f64::from((f64::from(i) / period * std::f64::consts::TAU).sin() as f32)).collect();
        assert_eq!(found(&sine), [], "period {period}");
    }
}

#[test]
fn one_smooth_peak_is_no_rail() {
    let mut signal = noise(1, 20_000);
    for (index, value) in signal[7_000..8_000].iter_mut().enumerate() {
        *value += 0.1 * libm::sin(std::f64::consts::PI * index as f64 / 1_000.0);
    }
    assert_eq!(found(&signal), []);
}

#[test]
fn a_ragged_peak_is_no_rail() {
    let mut signal = noise(1, 20_000);
    let ragged = [0.97, 0.979, 0.998, 0.999, 0.994, 1.0, 0.998, 0.999, 0.999, 0.997, 0.998, 0.998, 0.999, 0.96];
    signal[4_000..4_014].copy_from_slice(&ragged.map(|value| value * 0.1));
    assert_eq!(found(&signal), []);
}

#[test]
fn signals_of_few_digits_have_no_fault() {
    for digits in 1..60u32 {
        let coarse: Vec<_> = noise(3, 20_000).iter().map(|v| libm::round(v * 500.0 * f64::from(digits))).collect();
        let faults: Vec<_> = found(&coarse).into_iter().filter(|fault| fault.kind != Kind::Flat).collect();
        assert_eq!(faults, [], "{digits}");
    }
}

#[test]
fn fills_are_dropouts_and_no_rail() {
    let mut signal = noise(1, 20_000);
    signal[3_000..3_270].fill(-5.5e-3);
    signal[9_015..9_555].fill(-5.5e-3);
    assert_eq!(found(&signal), [fault(Kind::Dropout, 3_000, 3_270), fault(Kind::Dropout, 9_015, 9_555)]);
}

#[test]
fn nine_milliseconds_of_one_value_are_no_dropout() {
    let mut signal = noise(1, 20_000);
    signal[3_000..3_009].fill(2e-4);
    assert_eq!(found(&signal), []);
}

#[test]
fn runs_at_the_rail_are_merged_within_five_milliseconds() {
    let mut signal = noise(1, 20_000);
    for (start, samples) in [(4_000, 20), (4_024, 3), (8_000, 1), (8_006, 7)] {
        saturate(&mut signal, start, samples);
    }
    let expected = [(4_000, 4_027), (8_000, 8_001), (8_006, 8_013)];
    assert_eq!(found(&signal), expected.map(|(start, end)| fault(Kind::Saturated, start, end)));
}

#[test]
fn the_other_side_of_a_rail_jitters_too() {
    let mut signal = noise(1, 20_000);
    saturate(&mut signal, 4_000, 20);
    saturate(&mut signal, 6_000, 20);
    (signal[4_020], signal[4_021]) = (-5.482e-3, -5.481e-3);
    assert_eq!(found(&signal), [fault(Kind::Saturated, 4_000, 4_022), fault(Kind::Saturated, 6_000, 6_020)]);
}

#[test]
fn a_long_run_at_the_rail_is_saturated_not_flat() {
    let mut signal: Vec<_> = noise(1, 20_000).iter().map(|value| (value * 10.0).clamp(-5e-3, 5e-3)).collect();
    signal[6_000..6_200].fill(5e-3);
    assert!(found(&signal).iter().all(|fault| fault.kind == Kind::Saturated));
    assert!(found(&signal).iter().any(|fault| fault.start <= 6_000 && fault.end >= 6_200));
}

#[test]
fn a_held_value_is_flat_from_a_tenth_of_a_second_on() {
    let mut signal = noise(1, 20_000);
    (signal[5_000], signal[7_000]) = (1e-5, 1e-5);
    for (start, end) in [(5_000, 5_099), (7_000, 7_098)] {
        signal[start..end].fill(1e-5);
    }
    assert_eq!(found(&signal), [fault(Kind::Flat, 5_000, 5_099)]);
}

#[test]
fn resting_at_zero_is_flat_unless_the_channel_may() {
    let mut signal: Vec<_> = noise(1, 20_000).iter().map(|value| value.abs() + 1e-3).collect();
    signal[5_000..15_000].fill(0.0);
    assert_eq!(detect(Level::new(), &signal, RATE_HZ, true).faults, []);
    assert_eq!(found(&signal), [fault(Kind::Dropout, 5_000, 15_000)]);
    assert_eq!(found(&[0.0; 500]), [fault(Kind::Flat, 0, 500)]);
}

#[test]
fn what_is_no_number_is_found_beside_other_faults() {
    let mut signal = noise(1, 3_000);
    signal[0] = f64::NAN;
    signal[1_000..1_020].fill(f64::INFINITY);
    signal[1_020..1_120].fill(-5.5e-3);
    signal[2_999] = f64::NEG_INFINITY;
    let kinds = [(Kind::NonFinite, 0, 1), (Kind::NonFinite, 1_000, 1_020), (Kind::Dropout, 1_020, 1_120)];
    let expected = kinds.into_iter().chain([(Kind::NonFinite, 2_999, 3_000)]).map(|(kind, s, e)| fault(kind, s, e));
    assert_eq!(found(&signal), expected.collect::<Vec<_>>());
}

#[test]
fn segments_shorter_than_asked_are_left_out() {
    let faults = [fault(Kind::Flat, 10, 20), fault(Kind::NonFinite, 24, 30)];
    assert_eq!(usable_segments(&faults, 40, 5), [0..10, 30..40]);
    assert_eq!(usable_segments(&faults, 30, 0), [0..10, 20..24]);
    assert_eq!(usable_segments(&[], 0, 0), []);
    assert_eq!((usable_samples(&faults, 40), usable_fraction(&faults, 40)), (24, 0.6));
    assert_eq!(usable_fraction(&[], 0), 0.0);
}

#[test]
fn a_fault_touches_what_shares_a_sample_with_it() {
    let faults = [fault(Kind::Flat, 10, 20)];
    assert_eq!(
        [(0, 10), (0, 11), (12, 13), (19, 30), (20, 30)].map(|(s, e)| touch(&faults, s, e)),
        [false, true, true, true, false]
    );
}

#[test]
fn the_rails_told_are_the_innermost_values_there() {
    let mut signal = noise(1, 20_000);
    assert_eq!(detect(Level::new(), &signal, RATE_HZ, false).rails, None);
    saturate(&mut signal, 4_000, 20);
    saturate(&mut signal, 6_000, 20);
    let rails = detect(Level::new(), &signal, RATE_HZ, false).rails;
    assert_eq!(rails, Some(Rails { low: f64::NEG_INFINITY, high: 5.48e-3 }));
}

/// For each sample the kind of the fault it lies in.
fn kinds(faults: &[Fault], samples: usize) -> Vec<Option<Kind>> {
    let mut kinds = vec![None; samples];
    for fault in faults {
        kinds[fault.start..fault.end].fill(Some(fault.kind));
    }
    kinds
}

/// Runs by looking at every sample.
fn plain_runs(signal: &[f64], shortest: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for end in 1..=signal.len() {
        if end == signal.len() || signal[end] != signal[start] {
            if end - start >= shortest {
                spans.push((start, end));
            }
            start = end;
        }
    }
    spans
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![8 => (-3..3i32).prop_map(f64::from), 1 => any::<f64>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_part_with_known_rails_shows_the_faults_of_the_whole(
        seed in 0u64..1_000,
        rails in prop::collection::vec((0usize..29_000, 1usize..40), 20..300),
        fills in prop::collection::vec((0usize..29_000, 1usize..90), 0..20),
        flat in 0usize..29_000,
        nan in 0usize..29_000,
        (first, count) in (0usize..25_000, 700usize..5_000),
    ) {
        let mut signal = noise(seed, 30_000);
        signal[flat..flat + 150].fill(2e-5);
        for (start, samples) in rails {
            saturate(&mut signal, start, samples);
        }
        for (start, samples) in fills {
            signal[start..start + samples].fill(-5.5e-3);
        }
        signal[nan] = f64::NAN;
        let whole = detect(Level::new(), &signal, RATE_HZ, false);
        let told = whole.rails.map_or((None, None), |Rails { low, high }| (Some(low), Some(high)));
        let part = &signal[first..first + count];
        let found = detect_in_part(Level::new(), part, RATE_HZ, false, Rails::known(told));
        let inside = if first == 0 { 0 } else { 300 }..count - 300;
        let of_whole = &kinds(&whole.faults, signal.len())[first..first + count];
        prop_assert_eq!(&kinds(&found, count)[inside.clone()], &of_whole[inside]);
    }

    #[test]
    fn probing_finds_the_runs_a_plain_scan_finds(signal in prop::collection::vec(0..2i32, 0..400), shortest in 2usize..9) {
        let signal: Vec<_> = signal.into_iter().map(f64::from).collect();
        let probed: Vec<_> = runs::equal(&signal, shortest).iter().map(|run| run.span).collect();
        prop_assert_eq!(probed, plain_runs(&signal, shortest));
    }

    #[test]
    fn faults_of_any_signal_lie_apart_and_within(
        runs in prop::collection::vec((any_value(), 1usize..40), 0..60), rate_hz in any::<f64>(), rests in any::<bool>(),
    ) {
        let signal: Vec<f64> = runs.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count)).collect();
        let faults = detect(Level::new(), &signal, rate_hz, rests).faults;
        prop_assert!(faults.iter().all(|fault| fault.start < fault.end && fault.end <= signal.len()));
        prop_assert!(faults.windows(2).all(|pair| pair[0].end <= pair[1].start));
        let held: usize = usable_segments(&faults, signal.len(), 0).into_iter().map(|segment| segment.len()).sum();
        prop_assert_eq!(held, usable_samples(&faults, signal.len()));
        let bad = signal.iter().filter(|value| !value.is_finite()).count();
        let told = faults.iter().filter(|f| f.kind == Kind::NonFinite).map(|f| f.end - f.start).sum::<usize>();
        prop_assert_eq!(told, bad);
    }
}
