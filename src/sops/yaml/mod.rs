//! YAML with its comments: read as SOPS reads what it has written, and written as SOPS writes it.

mod emit;
mod read;
mod scalar;
mod style;
mod write;

pub(super) use read::read;
pub(super) use write::write;
