//! Bytes from Python: `bytes` are borrowed, other buffers copied, as somebody else could write to them, and files read.
//! All are a `bytes` object then, so that arrays can look into it.

use crate::errors::unreadable;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

pub struct Bytes(PyBackedBytes);

impl Bytes {
    pub fn read(py: Python<'_>, path: &Path) -> PyResult<Self> {
        let failed = |error: io::Error| unreadable(path, &error);
        let (mut file, length) = py.detach(|| regular(path)).map_err(failed)?;
        let bytes = match length {
            Some(length) => PyBytes::new_with(py, length, |room| py.detach(|| file.read_exact(room)).map_err(failed))?,
            None => PyBytes::new(py, &py.detach(|| rest_of(&mut file)).map_err(failed)?),
        };
        Ok(Bytes(bytes.into()))
    }

    /// The `bytes` object itself, not a copy.
    pub fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok((&self.0).into_pyobject(py)?)
    }
}

/// The file, and its length if it is a regular one: a pipe does not know its own.
fn regular(path: &Path) -> io::Result<(File, Option<usize>)> {
    let file = File::open(path)?;
    let facts = file.metadata()?;
    let length = usize::try_from(facts.len()).ok().filter(|_| facts.is_file());
    Ok((file, length))
}

fn rest_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    file.read_to_end(&mut data)?;
    Ok(data)
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for Bytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Bytes(bytes.to_owned().into()));
        }
        let (py, buffer) = (object.py(), PyBuffer::<u8>::get(&object)?);
        let copy = PyBytes::new_with(py, buffer.item_count(), |room| buffer.copy_to_slice(py, room))?;
        Ok(Bytes(copy.into()))
    }
}
