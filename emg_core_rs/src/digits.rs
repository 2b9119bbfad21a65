//! Numbers no longer than they are exact: standard-1 rounds what it tells of single contractions and windows.

/// Four significant digits, as the nearest number with a short decimal form.
pub fn significant(value: f64) -> f64 {
    to_digits::<4>(value)
}

/// Seven significant digits: what a sample of 32 bits holds.
pub fn single(value: f64) -> f64 {
    to_digits::<7>(value)
}

fn to_digits<const DIGITS: usize>(value: f64) -> f64 {
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value) + 0.0 // a zero has no sign
}

/// To a tenth: samples are told exactly beside.
pub fn tenths(ms: f64) -> f64 {
    libm::round(ms * 10.0) / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_left() {
        let found = [123_456.789, -1.234_449_9e-7, 0.0, 99_999.6].map(significant);
        assert_eq!(found, [123_500.0, -1.234e-7, 0.0, 100_000.0]);
        assert_eq!(single(f64::from(0.1f32)), 0.1);
        assert_eq!((tenths(1234.567), tenths(0.04)), (1234.6, 0.0));
        assert!([significant(-0.0), single(-0.0), tenths(-0.04)].iter().all(|zero| zero.is_sign_positive()));
    }
}
