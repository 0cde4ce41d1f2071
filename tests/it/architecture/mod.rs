//! The house stays as `ARCHITECTURE.md` draws it, because these tests say so.

mod callers;
mod files;
mod messages;
mod rooms;
mod sizes;
mod source;
mod toolchain;
