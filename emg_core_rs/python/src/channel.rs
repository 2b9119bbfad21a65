//! `emg_core.Channel`.

use crate::errors::analysis_error;
use crate::recording::Opened;
use emg_core::c3d::{ByteOrder, Calibration, Channel, Layout, Role, Storage};
use emg_core::{Machine, Profile};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ops::Range;
use std::sync::Arc;

pub type Array<'py> = Bound<'py, PyArray1<f64>>;

#[pyclass(frozen, name = "Channel", module = "emg_core")]
pub struct PyChannel {
    pub opened: Arc<Opened>,
    pub index: usize,
}

impl PyChannel {
    pub fn within<'py>(&self, py: Python<'py>, window: Range<usize>) -> Array<'py> {
        let opened = &self.opened;
        PyArray1::from_vec(py, py.detach(|| opened.parsed.samples_within(opened.frames(), self.index, window)))
    }

    fn calibration(&self) -> Calibration {
        self.opened.parsed.calibrations[self.index]
    }

    pub fn channel(&self) -> &Channel {
        &self.opened.parsed.metadata.channels[self.index]
    }
}

#[pymethods]
impl PyChannel {
    #[getter]
    pub fn name(&self) -> &str {
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
    fn scale(&self) -> f64 {
        self.calibration().scale
    }

    #[getter]
    fn offset(&self) -> f64 {
        self.calibration().offset
    }

    #[getter]
    fn samples<'py>(&self, py: Python<'py>) -> Array<'py> {
        let opened = &self.opened;
        PyArray1::from_vec(py, py.detach(|| opened.parsed.samples(opened.frames(), self.index)))
    }

    #[getter]
    fn stored<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let layout = &self.opened.parsed.layout;
        let Some(dtype) = dtype(layout) else { return Ok(None) };
        let (size, row) = (layout.storage.size(), layout.channels * layout.storage.size());
        let first = layout.data_start + layout.point_bytes() + self.index * size;
        let place = PyDict::new(py);
        place.set_item("buffer", self.opened.data.object(py)?)?;
        place.set_item("offset", if layout.samples_per_channel() > 0 { first } else { 0 })?;
        place.set_item("strides", (layout.frame_bytes(), row))?;
        let shape = (layout.frames, layout.samples_per_frame);
        py.import("numpy")?.getattr("ndarray")?.call((shape, dtype), Some(&place)).map(Some)
    }

    pub fn window<'py>(&self, py: Python<'py>, start_s: f64, end_s: f64) -> Array<'py> {
        self.within(py, self.opened.parsed.sample_window(start_s, end_s))
    }

    pub fn envelope<'py>(&self, py: Python<'py>) -> PyResult<Array<'py>> {
        let opened = &self.opened;
        let sample_rate_hz = opened.parsed.metadata.sample_rate_hz.unwrap_or(f64::NAN);
        let envelope = || {
            let samples = opened.parsed.samples(opened.frames(), self.index);
            let options = Profile::named("ghostly-2")?.options;
            emg_core::envelope(Machine::detected().level, &samples, sample_rate_hz, &options)
        };
        Ok(PyArray1::from_vec(py, py.detach(envelope).map_err(|error| analysis_error(py, &error))?))
    }

    fn __repr__(&self) -> String {
        format!("<Channel {:?}>", self.channel().name)
    }
}

/// What `NumPy` calls the numbers of a recording; it has no name for DEC's floats.
fn dtype(layout: &Layout) -> Option<&'static str> {
    match (layout.storage, layout.order, layout.unsigned) {
        (Storage::Float32, ByteOrder::Intel, _) => Some("<f4"),
        (Storage::Float32, ByteOrder::Mips, _) => Some(">f4"),
        (Storage::Float32, ByteOrder::Dec, _) => None,
        (Storage::Int16, ByteOrder::Mips, true) => Some(">u2"),
        (Storage::Int16, ByteOrder::Mips, false) => Some(">i2"),
        (Storage::Int16, _, true) => Some("<u2"),
        (Storage::Int16, _, false) => Some("<i2"),
    }
}
