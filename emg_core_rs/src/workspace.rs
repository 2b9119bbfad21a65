//! Memory that is used again. Fresh memory costs more time than any filter: a page's first touch takes microseconds.

use crate::lanes::Rows;
use std::sync::{Mutex, PoisonError};

/// Workspaces of more samples than this are not kept.
const LARGEST_KEPT_SAMPLES: usize = 4 << 20;
const MOST_KEPT: usize = 64;

/// What one thread needs to analyse one muscle.
#[derive(Debug, Default)]
pub struct Workspace {
    pub signal: Vec<f64>,
    pub rows: Rows,
}

static SPARE: Mutex<Vec<Workspace>> = Mutex::new(Vec::new());

/// Calls `task` with a workspace that an earlier call has left behind, if there is one.
pub fn with_workspace<T>(task: impl FnOnce(&mut Workspace) -> T) -> T {
    let mut workspace = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    let result = task(&mut workspace);
    if workspace.signal.capacity() <= LARGEST_KEPT_SAMPLES {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_KEPT {
            spare.push(workspace);
        }
    }
    result
}
