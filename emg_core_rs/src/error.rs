//! Why a recording that could be read cannot be analysed.

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Error)]
pub enum AnalysisError {
    #[error("the recording has no EMG channel: none of its {channels} channels is called so or measured in volts")]
    NoEmgChannel { channels: usize },
    #[error(
        "the recording is too short: {samples} samples, {}; at least {minimum_samples} samples and {minimum_s} s are needed",
        duration(*.duration_s)
    )]
    TooShort { samples: usize, duration_s: Option<f64>, minimum_samples: usize, minimum_s: f64 },
    #[error("there is no profile {name:?}; there is {known}")]
    UnknownProfile { name: String, known: String },
    #[error("option {option} is {value}, but {bound}")]
    BadOption { option: String, value: String, bound: String },
}

impl AnalysisError {
    /// A stable word for the cause.
    pub fn cause(&self) -> &'static str {
        match self {
            AnalysisError::NoEmgChannel { .. } => "NoEmgChannel",
            AnalysisError::TooShort { .. } => "TooShort",
            AnalysisError::UnknownProfile { .. } => "UnknownProfile",
            AnalysisError::BadOption { .. } => "BadOption",
        }
    }
}

fn duration(seconds: Option<f64>) -> String {
    seconds.map_or("no sample rate".to_owned(), |seconds| format!("{seconds:.3} s"))
}
