//! Reading C3D recordings: the first bytes tell where the samples are and what they mean.

mod bytes;
mod channels;
mod decode;
mod error;
mod events;
mod facts;
mod header;
mod layout;
mod metadata;
mod parameters;
mod therapy;
mod window;

pub use bytes::{ByteOrder, Prefix};
pub use channels::{Channel, Role};
pub use decode::Calibration;
pub use error::C3dError;
pub use events::{Event, events};
pub use facts::Game;
pub use layout::{Layout, Storage};
pub use metadata::{Flag, Metadata, Recording, personal};
pub use window::FrameWindow;
