//! What limits the pace of one task, as plain data: for estimates.

/// What limits the pace of one task, as far as it is known before starting.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    pub concurrency: u32,
    pub requests_per_minute: Option<u32>,
    pub chars_per_minute: Option<u32>,
    pub audio_seconds_per_minute: Option<u32>,
    /// The engine runs on this machine.
    pub local: bool,
}
