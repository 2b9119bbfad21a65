//! Errors of the core as the exceptions of `emg_core.errors`, which tell `cause`, `offset` and `needed`.

use emg_core::AnalysisError;
use emg_core::c3d::C3dError;
use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyKeyError, PyOSError};
use pyo3::prelude::*;

pub fn c3d_error(py: Python<'_>, error: &C3dError) -> PyErr {
    match error {
        C3dError::NeedMoreBytes { needed, .. } => raised(py, "NeedMoreBytes", (error.to_string(), *needed)),
        _ => raised(py, "C3dError", (error.to_string(), error.cause(), error.offset())),
    }
}

pub fn analysis_error(py: Python<'_>, error: &AnalysisError) -> PyErr {
    raised(py, "AnalysisError", (error.to_string(), error.cause()))
}

/// An option that is not even JSON.
pub fn bad_option(py: Python<'_>, message: &str) -> PyErr {
    raised(py, "AnalysisError", (message, "BadOption"))
}

fn raised<'py>(py: Python<'py>, name: &str, arguments: impl PyCallArgs<'py>) -> PyErr {
    let made = py.import("emg_core.errors").and_then(|module| module.getattr(name)?.call1(arguments));
    made.map_or_else(|error| error, PyErr::from_value)
}

pub fn no_channel(name: &str, recording: &emg_core::c3d::Recording) -> PyErr {
    let names: Vec<_> = recording.metadata.channels.iter().map(|channel| channel.name.as_str()).collect();
    PyKeyError::new_err(format!("no channel {name:?}; there is {}", names.join(", ")))
}

/// Python makes the right kind of `OSError` from the number.
pub fn unreadable(path: &std::path::Path, error: &std::io::Error) -> PyErr {
    PyOSError::new_err((error.raw_os_error(), error.to_string(), path.to_path_buf()))
}
