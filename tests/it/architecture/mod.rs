//! The house stays as `ARCHITECTURE.md` draws it, because these tests say so.

mod callers;
mod rooms;
mod source;
mod toolchain;
