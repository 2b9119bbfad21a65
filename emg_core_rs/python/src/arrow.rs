//! Columns for `emg_core/arrow.py`, which makes a table of them.

use crate::channel::Array;
use crate::recording::PyRecording;
use numpy::PyArray1;
use pyo3::prelude::*;
use std::ops::Range;

type Column<'py> = (String, Option<String>, Array<'py>);

/// The window as an Arrow table; without bounds from the first sample to the last.
pub fn table<'py>(
    py: Python<'py>,
    recording: &PyRecording,
    start_s: Option<f64>,
    end_s: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let parsed = &recording.opened.parsed;
    let window = match (start_s, end_s) {
        (None, None) => 0..parsed.metadata.samples_per_channel,
        _ => parsed.sample_window(start_s.unwrap_or(0.0), end_s.unwrap_or(f64::INFINITY)),
    };
    let rate = parsed.metadata.sample_rate_hz;
    let columns = columns(py, recording, &window, rate);
    py.import("emg_core.arrow")?.call_method1("table", (columns, rate))
}

fn columns<'py>(
    py: Python<'py>,
    recording: &PyRecording,
    window: &Range<usize>,
    sample_rate_hz: Option<f64>,
) -> Vec<Column<'py>> {
    let rate = sample_rate_hz.unwrap_or(f64::NAN);
    let seconds = PyArray1::from_iter(py, window.clone().map(|sample| sample as f64 / rate));
    let mut columns = vec![("time_s".to_owned(), Some("s".to_owned()), seconds)];
    columns.extend(recording.channels().iter().map(|channel| {
        let described = channel.channel();
        (described.name.clone(), described.unit.clone(), channel.within(py, window.clone()))
    }));
    columns
}
