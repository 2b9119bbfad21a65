//! Python binding of emg-core: each function borrows its input, detaches from the interpreter around one call, and hands
//! the result over. What they mean is told in `emg_core/_core.pyi`.

#![deny(unsafe_code)] // not forbidden: PyO3's macros write unsafe code and allow it for themselves

mod arrow;
mod bytes;
mod channel;
mod errors;
mod layout;
mod numbers;
mod recording;

use bytes::Bytes;
use emg_core::c3d::{self, Prefix, Recording};
use emg_core::faults::{Rails, detect, detect_in_part};
use emg_core::{Machine, PROFILES, Profile};
use errors::{analysis_error, c3d_error};
use numpy::{AllowTypeChange, Element, PyArray1, PyArrayLike1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pythonize::pythonize;
use recording::profile_with;
use std::borrow::Cow;
use std::ops::Range;

type Samples<'py> = PyArrayLike1<'py, f64, AllowTypeChange>;
type Array<'py> = Bound<'py, PyArray1<f64>>;

#[pyfunction]
#[pyo3(signature = (prefix, size_bytes=None))]
fn probe(py: Python<'_>, prefix: Bytes, size_bytes: Option<usize>) -> PyResult<Bound<'_, PyAny>> {
    let parsed = Recording::parse(Prefix { data: &prefix, size_bytes }).map_err(|error| c3d_error(py, &error))?;
    Ok(pythonize(py, &parsed.metadata)?)
}

#[pyfunction]
fn personal(py: Python<'_>, prefix: Bytes) -> PyResult<Bound<'_, PyAny>> {
    let found = c3d::personal(Prefix { data: &prefix, size_bytes: None }).map_err(|error| c3d_error(py, &error))?;
    Ok(pythonize(py, &found)?)
}

#[pyfunction]
fn min_max<'py>(py: Python<'py>, samples: Samples<'py>, width: usize) -> (Array<'py>, Array<'py>) {
    let samples = contiguous(&samples);
    let (low, high) = py.detach(|| emg_core::min_max(Machine::detected().level, &samples, width));
    (PyArray1::from_vec(py, low), PyArray1::from_vec(py, high))
}

#[pyfunction]
fn min_max_lttb<'py>(py: Python<'py>, samples: Samples<'py>, width: usize) -> Bound<'py, PyArray1<isize>> {
    let samples = contiguous(&samples);
    let kept = py.detach(|| emg_core::min_max_lttb(Machine::detected().level, &samples, width));
    PyArray1::from_iter(py, kept.into_iter().map(usize::cast_signed))
}

#[pyfunction]
#[pyo3(signature = (samples, sample_rate_hz, *, rests_at_zero=false, rails=None))]
fn faults<'py>(
    py: Python<'py>,
    samples: Samples<'py>,
    sample_rate_hz: f64,
    rests_at_zero: bool,
    rails: Option<(Option<f64>, Option<f64>)>,
) -> PyResult<Bound<'py, PyAny>> {
    let samples = contiguous(&samples);
    let level = Machine::detected().level;
    let found = py.detach(|| match rails.map(Rails::known) {
        None => detect(level, &samples, sample_rate_hz, rests_at_zero).faults,
        Some(rails) => detect_in_part(level, &samples, sample_rate_hz, rests_at_zero, rails),
    });
    let rows: Vec<_> = found.iter().map(|fault| (fault.kind, fault.start, fault.end)).collect();
    Ok(pythonize(py, &rows)?)
}

#[pyfunction]
#[pyo3(signature = (samples, sample_rate_hz, window_ms=50))]
fn moving_rms<'py>(py: Python<'py>, samples: Samples<'py>, sample_rate_hz: f64, window_ms: u32) -> Array<'py> {
    let samples = contiguous(&samples);
    let window = emg_core::window_samples(window_ms, sample_rate_hz);
    PyArray1::from_vec(py, py.detach(|| emg_core::moving_rms(Machine::detected().level, &samples, window)))
}

#[pyfunction]
#[pyo3(signature = (samples, sample_rate_hz, options=None))]
fn envelope<'py>(
    py: Python<'py>,
    samples: Samples<'py>,
    sample_rate_hz: f64,
    options: Option<&Bound<'py, PyAny>>,
) -> PyResult<Array<'py>> {
    let samples = contiguous(&samples);
    let options = profile_with(py, "ghostly-2", options)?.options;
    let envelope = py.detach(|| emg_core::envelope(Machine::detected().level, &samples, sample_rate_hz, &options));
    Ok(PyArray1::from_vec(py, envelope.map_err(|error| analysis_error(py, &error))?))
}

#[pyfunction]
#[pyo3(signature = (samples, sample_rate_hz, segments=None, options=None))]
fn condition<'py>(
    py: Python<'py>,
    samples: Samples<'py>,
    sample_rate_hz: f64,
    segments: Option<Vec<(usize, usize)>>,
    options: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let samples = contiguous(&samples);
    let segments = segments.unwrap_or_else(|| vec![(0, samples.len())]);
    let segments: Vec<Range<usize>> = segments.into_iter().map(|(start, end)| start..end).collect();
    let options = profile_with(py, "standard-1", options)?.options;
    let level = Machine::detected().level;
    let found = py.detach(|| emg_core::condition(level, &samples, &segments, sample_rate_hz, &options));
    let found = found.map_err(|error| analysis_error(py, &error))?;
    let signals = PyDict::new(py);
    signals.set_item("high_passed", PyArray1::from_vec(py, found.high_passed))?;
    signals.set_item("envelope", PyArray1::from_vec(py, found.envelope))?;
    signals.set_item("rms", PyArray1::from_vec(py, found.rms))?;
    Ok(signals)
}

#[pyfunction]
fn adherence(completed: u32, day: u32) -> Option<f64> {
    emg_core::scores::adherence(completed, day)
}

#[pyfunction]
fn profiles(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    for name in PROFILES {
        let profile = Profile::named(name).map_err(|error| analysis_error(py, &error))?;
        let entry = PyDict::new(py);
        entry.set_item("digest", profile.digest)?;
        entry.set_item("options", pythonize(py, &profile.options)?)?;
        all.set_item(name, entry)?;
    }
    Ok(all)
}

/// The samples as they lie in memory; a copy only if they are strided.
fn contiguous<'a, T: Element + Copy>(samples: &'a PyReadonlyArray1<'_, T>) -> Cow<'a, [T]> {
    samples.as_slice().map_or_else(|_| Cow::Owned(samples.as_array().to_vec()), Cow::Borrowed)
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<recording::PyRecording>()?;
    module.add_class::<channel::PyChannel>()?;
    module.add_class::<layout::PyLayout>()?;
    module.add_function(wrap_pyfunction!(recording::open, module)?)?;
    module.add_function(wrap_pyfunction!(probe, module)?)?;
    module.add_function(wrap_pyfunction!(personal, module)?)?;
    module.add_function(wrap_pyfunction!(min_max, module)?)?;
    module.add_function(wrap_pyfunction!(min_max_lttb, module)?)?;
    module.add_function(wrap_pyfunction!(faults, module)?)?;
    module.add_function(wrap_pyfunction!(moving_rms, module)?)?;
    module.add_function(wrap_pyfunction!(numbers::json_numbers, module)?)?;
    module.add_function(wrap_pyfunction!(envelope, module)?)?;
    module.add_function(wrap_pyfunction!(condition, module)?)?;
    module.add_function(wrap_pyfunction!(adherence, module)?)?;
    module.add_function(wrap_pyfunction!(profiles, module)?)
}
