//! Reads C3D recordings of EMG and computes contractions, amplitude, spectra and scores.
//!
//! Slices in, owned values or errors out: nothing here knows files, networks or Python, and no input makes it panic.
//! [`c3d::Recording::parse`] reads the first bytes, [`analyze`] the whole recording.

#![forbid(unsafe_code)]

mod analyze; //        a whole recording: muscles on threads, the hash beside them, scores
mod average; //        moving average without subtraction (van Herk)
mod baseline; //       the quietest quarter of a signal
mod bundle; //         short segments side by side, one in each lane
pub mod c3d; //        header, parameters, layout, metadata, samples
mod conditioning; //   standard-1's signals, each usable segment by itself
pub mod contraction; // threshold, minimum duration, merging, splitting; amplitude and criteria of each
mod description; //    what standard-1 tells of each contraction
mod detection; //      hysteresis, merging, minimum duration, faults touched
mod detectors; //      threshold, Hodges-Bui with Teager-Kaiser energy, Bonato
mod digits; //         numbers no longer than they are exact
mod downsample; //     smallest and largest value per pixel
mod envelope; //       high-pass, magnitude, low-pass, moving average; moving RMS
mod error; //          why a recording cannot be analysed
pub mod fatigue; //    slope of the median frequency with its confidence interval
pub mod faults; //   dropouts, saturation, standstill, what is no number; the segments between
pub mod filter; //     Butterworth of order 4, forward and backward, in eight lanes
mod hashing; //        SHA-256 beside the analysis
mod lag; //            cross-correlation of the activated channel with the envelope
pub mod lanes; //      one signal as eight chunks side by side
mod mains; //          hum of 50 and 60 Hz and harmonics
mod method; //         the two ways to analyse, with the options only one has
mod methods; //        what a paper's methods section needs
mod muscle; //         one muscle from its bytes to its part of the summary
mod numbers; //         numbers as JSON
mod options; //        every option with its bounds
mod profile; //        named sets of options and their digest
pub mod quality; //    what a channel is worth, with reasons
mod quantile; //       exact quantiles by selection
mod reference; //      what counts as a muscle's maximum
pub mod scores; //     compliance, symmetry, effort, game, overall
mod segments; //       what of a channel can be filtered
pub mod spectrum; //   mean and median frequency, spectral fatigue index
mod standard; //       standard-1: one muscle from its bytes to its part of the summary
pub mod statistics; // sums, extremes, spreads
mod student; //        quantile of Student's t distribution
pub mod summary; //    the document `emg-summary/1`
mod transform; //      Fourier transform of 256, eight side by side
pub mod welch; //      power spectra by Welch's method
mod workspace; //      memory that is used again

pub use analyze::{Machine, analyze};
pub use conditioning::{Conditioned, condition};
pub use downsample::{min_max, min_max_lttb};
pub use envelope::{envelope, moving_rms, window_samples};
pub use error::AnalysisError;
pub use fearless_simd::Level;
pub use numbers::json_numbers;
pub use options::Options;
pub use profile::{NAMES as PROFILES, Profile};
