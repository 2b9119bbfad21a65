//! SHA-256, a piece at a time by whichever thread has nothing else to do: one hash can't be shared, only handed on.

use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};

/// SHA-256 in small hexadecimal digits.
pub fn sha256_hex(data: &[u8]) -> String {
    hex(Sha256::digest(data).as_slice())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(2 * digest.len()), |hex, byte| hex + &format!("{byte:02x}"))
}

/// A hash under way: what has been hashed, and what is left.
pub struct Hashing<'a>(Mutex<(Sha256, &'a [u8])>);

impl<'a> Hashing<'a> {
    pub fn of(data: &'a [u8]) -> Self {
        Hashing(Mutex::new((Sha256::new(), data)))
    }

    /// Hashes `most` more bytes, or all that are left; waits for a thread that is at it.
    pub fn go_on(&self, most: usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, later) = state.1.split_at(most.min(state.1.len()));
        state.0.update(now);
        state.1 = later;
    }

    /// In small hexadecimal digits.
    pub fn finish(self) -> String {
        self.go_on(usize::MAX);
        hex(self.0.into_inner().unwrap_or_else(PoisonError::into_inner).0.finalize().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_pieces_it_is_the_hash_of_the_whole() {
        let hashing = Hashing::of(b"abc");
        hashing.go_on(1);
        hashing.go_on(0);
        // The standard's own example (FIPS 180-2, appendix B.1).
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((hashing.finish().as_str(), sha256_hex(b"abc").as_str()), (expected, expected));
    }
}
