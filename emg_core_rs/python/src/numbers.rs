//! `emg_core.json_numbers`.

use crate::{Samples, contiguous};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

#[derive(FromPyObject)]
pub enum Numbers<'py> {
    #[pyo3(transparent)]
    Single(PyReadonlyArray1<'py, f32>),
    #[pyo3(transparent)]
    Double(Samples<'py>),
}

#[pyfunction]
#[pyo3(signature = (values, *, continued=false))]
pub fn json_numbers<'py>(py: Python<'py>, values: Numbers<'py>, continued: bool) -> Bound<'py, PyBytes> {
    let text = match values {
        Numbers::Single(values) => {
            let values = contiguous(&values);
            py.detach(|| emg_core::json_numbers(&values, continued))
        }
        Numbers::Double(values) => {
            let values = contiguous(&values);
            py.detach(|| emg_core::json_numbers(&values, continued))
        }
    };
    PyBytes::new(py, &text)
}
