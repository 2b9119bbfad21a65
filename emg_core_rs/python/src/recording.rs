//! `emg_core.Recording` and `emg_core.Channel`.

use crate::bytes::Bytes;
use crate::errors::{analysis_error, bad_option, c3d_error, no_channel, unreadable};
use emg_core::c3d::{self, Channel, Prefix, Recording, Role};
use emg_core::summary::Summary;
use emg_core::{Machine, Profile};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pythonize::{depythonize, pythonize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

struct Opened {
    data: Bytes,
    parsed: Recording,
}

impl Opened {
    fn frames(&self) -> &[u8] {
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
        Source::Path(path) => {
            Bytes::Owned(py.detach(|| std::fs::read(&path)).map_err(|error| unreadable(&path, &error))?)
        }
    };
    if sha256.as_ref().is_some_and(|hash| !is_sha256(hash)) {
        return Err(bad_option(py, "option sha256 must be 64 small hexadecimal digits"));
    }
    let mut parsed = Recording::parse(Prefix::whole(&data)).map_err(|error| c3d_error(py, &error))?;
    parsed.metadata.sha256 = sha256;
    Ok(PyRecording { opened: Arc::new(Opened { data, parsed }) })
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[pyclass(frozen, name = "Recording", module = "emg_core")]
pub struct PyRecording {
    opened: Arc<Opened>,
}

impl PyRecording {
    fn summarize(&self, py: Python<'_>, profile: &str, options: Option<&Bound<'_, PyAny>>) -> PyResult<Summary> {
        let overrides: Map<String, Value> = match options {
            Some(options) => depythonize(options).map_err(|error| bad_option(py, &error.to_string()))?,
            None => Map::new(),
        };
        let Opened { data, parsed } = &*self.opened;
        let sha256 = parsed.metadata.sha256.as_deref();
        let analyze = || {
            let profile = Profile::named(profile)?.with(&overrides)?;
            emg_core::analyze(data, parsed, sha256, &profile, Machine::detected())
        };
        py.detach(analyze).map_err(|error| analysis_error(py, &error))
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
    fn channels(&self) -> Vec<PyChannel> {
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

    fn envelope<'py>(&self, py: Python<'py>, channel: &str) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (opened, index) = (&self.opened, self.opened.channel(channel)?);
        let sample_rate_hz = opened.parsed.metadata.sample_rate_hz.unwrap_or(f64::NAN);
        let envelope = || {
            let samples = opened.parsed.samples(opened.frames(), index);
            emg_core::envelope(
                Machine::detected().level,
                &samples,
                sample_rate_hz,
                &Profile::named("ghostly-2")?.options,
            )
        };
        Ok(PyArray1::from_vec(py, py.detach(envelope).map_err(|error| analysis_error(py, &error))?))
    }

    fn __repr__(&self) -> String {
        let metadata = &self.opened.parsed.metadata;
        let (channels, samples) = (metadata.channels.len(), metadata.samples_per_channel);
        format!("<Recording of {channels} channels, {samples} samples each>")
    }
}

#[pyclass(frozen, name = "Channel", module = "emg_core")]
pub struct PyChannel {
    opened: Arc<Opened>,
    index: usize,
}

impl PyChannel {
    fn channel(&self) -> &Channel {
        &self.opened.parsed.metadata.channels[self.index]
    }
}

#[pymethods]
impl PyChannel {
    #[getter]
    fn name(&self) -> &str {
        &self.channel().name
    }

    #[getter]
    fn unit(&self) -> Option<&str> {
        self.channel().unit.as_deref()
    }

    #[getter]
    fn muscle(&self) -> Option<&str> {
        self.channel().muscle.as_deref()
    }

    #[getter]
    fn role(&self) -> &'static str {
        match self.channel().role {
            Role::Raw => "raw",
            Role::Activated => "activated",
            Role::Other => "other",
        }
    }

    #[getter]
    fn sample_rate_hz(&self) -> Option<f64> {
        self.opened.parsed.metadata.sample_rate_hz
    }

    #[getter]
    fn samples<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let opened = &self.opened;
        PyArray1::from_vec(py, py.detach(|| opened.parsed.samples(opened.frames(), self.index)))
    }

    fn __repr__(&self) -> String {
        format!("<Channel {:?}>", self.channel().name)
    }
}
