//! Bytes from Python: `bytes` are borrowed, other buffers copied, as somebody else could write to them.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::ops::Deref;

pub enum Bytes {
    Borrowed(PyBackedBytes),
    Owned(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Bytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyBytes>() {
            Ok(bytes) => Ok(Bytes::Borrowed(bytes.to_owned().into())),
            Err(_) => Ok(Bytes::Owned(PyBuffer::<u8>::get(&object)?.to_vec(object.py())?)),
        }
    }
}
