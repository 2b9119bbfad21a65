//! Numbers as JSON: the shortest decimals that read back as the same number, by Żmij (Victor Zverovich, 2025).

use zmij::{Buffer, Float};

/// What a number takes at most: `-2.2250738585072014e-308` and a comma.
const LONGEST: usize = 25;

/// The values with commas between them, for an array's inside; what is no finite number is `null`, as JSON has no word
/// for it. Values of 32 bits get the shortest decimals that read back as these 32 bits. Those `continued` from others
/// have a comma before the first as well.
pub fn json_numbers<F: Float + Into<f64> + Copy>(values: &[F], continued: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(values.len() * LONGEST);
    let mut buffer = Buffer::new();
    for value in values {
        if continued || !text.is_empty() {
            text.push(b',');
        }
        let finite = (*value).into().is_finite();
        text.extend_from_slice(if finite { buffer.format_finite(*value).as_bytes() } else { b"null" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By the standard library, which reads exactly.
    fn read(text: &[u8]) -> Vec<Option<u64>> {
        let words = str::from_utf8(text).unwrap().split(',');
        words.map(|word| (word != "null").then(|| word.parse::<f64>().unwrap().to_bits())).collect()
    }

    proptest! {
        #[test]
        fn every_number_reads_back_as_itself(bits in prop::collection::vec(any::<u64>(), 1..50)) {
            let values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            let finite = |value: &f64| value.is_finite().then_some(value.to_bits());
            prop_assert_eq!(read(&json_numbers(&values, false)), values.iter().map(finite).collect::<Vec<_>>());
        }

        #[test]
        fn no_number_is_longer_than_there_is_room_for(bits: u64) {
            prop_assert!(json_numbers(&[f64::from_bits(bits)], true).len() <= LONGEST);
        }
    }

    #[test]
    fn the_shortest_decimals_of_each_kind_are_told() {
        assert_eq!(json_numbers(&[0.1f32, -5500.08, f32::INFINITY], true), b",0.1,-5500.08,null");
        assert_eq!(
            json_numbers(&[f64::from(0.1f32), -0.0, 1e21, f64::NAN], false),
            b"0.10000000149011612,-0.0,1e+21,null"
        );
        assert_eq!(json_numbers::<f64>(&[], true), b"");
    }
}
