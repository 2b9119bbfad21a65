//! Recordings of every form, written and read.

mod round_trip;
mod sections;
mod write;
