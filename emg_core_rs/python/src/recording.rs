//! `emg_core.Recording`.

use crate::arrow;
use crate::bytes::Bytes;
use crate::channel::{Array, PyChannel};
use crate::errors::{analysis_error, bad_option, c3d_error, no_channel};
use emg_core::c3d::{self, Prefix, Recording};
use emg_core::summary::Summary;
use emg_core::{Machine, Profile};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pythonize::{depythonize, pythonize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

pub struct Opened {
    pub data: Bytes,
    pub parsed: Recording,
}

impl Opened {
    pub fn frames(&self) -> &[u8] {
        self.parsed.layout.frames_of(&self.data)
    }

    fn channel(&self, name: &str) -> PyResult<usize> {
        self.parsed.channel_index(name).ok_or_else(|| no_channel(name, &self.parsed))
    }
}

#[derive(FromPyObject)]
pub enum Source {
    #[pyo3(transparent)]
    Path(PathBuf),
    #[pyo3(transparent)]
    Data(Bytes),
}

#[pyfunction]
#[pyo3(signature = (source, *, sha256=None))]
pub fn open(py: Python<'_>, source: Source, sha256: Option<String>) -> PyResult<PyRecording> {
    let data = match source {
        Source::Data(data) => data,
        Source::Path(path) => Bytes::read(py, &path)?,
    };
    if sha256.as_ref().is_some_and(|hash| !is_sha256(hash)) {
        return Err(bad_option(py, "option sha256 must be 64 small hexadecimal digits"));
    }
    let mut parsed = Recording::parse(Prefix::whole(&data)).map_err(|error| c3d_error(py, &error))?;
    parsed.metadata.sha256 = sha256;
    Ok(PyRecording { opened: Arc::new(Opened { data, parsed }) })
}

/// A profile with a caller's options laid over its own.
pub fn profile_with(py: Python<'_>, name: &str, options: Option<&Bound<'_, PyAny>>) -> PyResult<Profile> {
    let overrides: Map<String, Value> = match options {
        Some(options) => depythonize(options).map_err(|error| bad_option(py, &error.to_string()))?,
        None => Map::new(),
    };
    Profile::named(name).and_then(|profile| profile.with(&overrides)).map_err(|error| analysis_error(py, &error))
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[pyclass(frozen, name = "Recording", module = "emg_core")]
pub struct PyRecording {
    pub opened: Arc<Opened>,
}

impl PyRecording {
    fn summarize(&self, py: Python<'_>, profile: &str, options: Option<&Bound<'_, PyAny>>) -> PyResult<Summary> {
        let profile = profile_with(py, profile, options)?;
        let Opened { data, parsed } = &*self.opened;
        let sha256 = parsed.metadata.sha256.as_deref();
        py.detach(|| emg_core::analyze(data, parsed, sha256, &profile, Machine::detected()))
            .map_err(|error| analysis_error(py, &error))
    }
}

#[pymethods]
impl PyRecording {
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.opened.parsed.metadata)?)
    }

    #[getter]
    fn personal<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let found = c3d::personal(Prefix::whole(&self.opened.data)).map_err(|error| c3d_error(py, &error))?;
        Ok(pythonize(py, &found)?)
    }

    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let found = c3d::events(Prefix::whole(&self.opened.data)).map_err(|error| c3d_error(py, &error))?;
        Ok(pythonize(py, &found)?)
    }

    #[getter]
    pub fn channels(&self) -> Vec<PyChannel> {
        let count = self.opened.parsed.layout.channels;
        (0..count).map(|index| PyChannel { opened: Arc::clone(&self.opened), index }).collect()
    }

    fn __getitem__(&self, name: &str) -> PyResult<PyChannel> {
        Ok(PyChannel { opened: Arc::clone(&self.opened), index: self.opened.channel(name)? })
    }

    #[pyo3(signature = (profile="standard-1", options=None))]
    fn analyze<'py>(
        &self,
        py: Python<'py>,
        profile: &str,
        options: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.summarize(py, profile, options)?)?)
    }

    #[pyo3(signature = (profile="standard-1", options=None))]
    fn analyze_json<'py>(
        &self,
        py: Python<'py>,
        profile: &str,
        options: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.summarize(py, profile, options)?.to_json()))
    }

    fn envelope<'py>(&self, py: Python<'py>, channel: &str) -> PyResult<Array<'py>> {
        self.__getitem__(channel)?.envelope(py)
    }

    fn window<'py>(&self, py: Python<'py>, start_s: f64, end_s: f64) -> PyResult<Bound<'py, PyDict>> {
        let channels = PyDict::new(py);
        for channel in self.channels() {
            if !channels.contains(channel.name())? {
                channels.set_item(channel.name(), channel.window(py, start_s, end_s))?;
            }
        }
        Ok(channels)
    }

    #[pyo3(signature = (start_s=None, end_s=None))]
    fn to_arrow<'py>(&self, py: Python<'py>, start_s: Option<f64>, end_s: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        arrow::table(py, self, start_s, end_s)
    }

    fn __repr__(&self) -> String {
        let metadata = &self.opened.parsed.metadata;
        let (channels, samples) = (metadata.channels.len(), metadata.samples_per_channel);
        format!("<Recording of {channels} channels, {samples} samples each>")
    }
}
