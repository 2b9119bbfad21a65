//! `emg_core.Layout`: what is needed to read just a window of a recording from storage.

use crate::bytes::Bytes;
use crate::errors::{c3d_error, no_channel};
use emg_core::c3d::{Prefix, Recording};
use numpy::PyArray1;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pythonize::pythonize;

#[pyclass(frozen, name = "Layout", module = "emg_core")]
pub struct PyLayout {
    parsed: Recording,
}

#[pymethods]
impl PyLayout {
    #[new]
    fn new(py: Python<'_>, prefix: Bytes, size_bytes: usize) -> PyResult<Self> {
        let prefix = Prefix { data: &prefix, size_bytes: Some(size_bytes) };
        Ok(PyLayout { parsed: Recording::parse(prefix).map_err(|error| c3d_error(py, &error))? })
    }

    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.parsed.metadata)?)
    }

    fn channel_index(&self, name: &str) -> PyResult<usize> {
        self.parsed.channel_index(name).ok_or_else(|| no_channel(name, &self.parsed))
    }

    fn frame_window(&self, start_s: f64, end_s: f64) -> (usize, usize, usize, usize) {
        let window = self.parsed.frame_window(start_s, end_s);
        (window.first_sample, window.end_sample, window.start_byte, window.end_byte)
    }

    fn samples<'py>(&self, py: Python<'py>, data: Bytes, channel: usize) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let channels = self.parsed.layout.channels;
        if channel >= channels {
            return Err(PyIndexError::new_err(format!("no channel {channel}; there are {channels}")));
        }
        Ok(PyArray1::from_vec(py, py.detach(|| self.parsed.samples(&data, channel))))
    }
}
