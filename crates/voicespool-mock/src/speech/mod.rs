//! Speech: what is asked for, checked field by field, and the sound of it.

mod fields;
mod format;
mod order;
mod speaker;
mod spoken;

pub(crate) use order::{Asked, Order};
pub(crate) use speaker::Speaker;
pub(crate) use spoken::Spoken;
