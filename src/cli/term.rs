//! The terminal: stdout is data, stderr is talk. The only place that prints.
//!
//! Names and provider texts may hold escape sequences; [`clean`] takes them out before a
//! terminal sees them.

use std::io::{self, IsTerminal, Write};

use crate::domain::UtcMillis;

/// Writes one piece of data to stdout.
///
/// # Errors
/// A broken pipe is an error here and success in `main`: whoever reads has enough.
pub(crate) fn out(text: &str) -> io::Result<()> {
    write(&[text])
}

/// What was to be shown could not be.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
struct Unwritable(#[source] io::Error);

/// Writes one piece of data and a line feed to stdout.
///
/// # Errors
/// As [`out`].
pub(crate) fn outln(text: &str) -> io::Result<()> {
    write(&[text, "\n"])
}

fn write(pieces: &[&str]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = pieces
        .iter()
        .try_for_each(|piece| stdout.write_all(piece.as_bytes()))
        .and_then(|()| stdout.flush());
    written.map_err(|error| io::Error::new(error.kind(), Unwritable(error)))
}

/// Says one line on stderr. A closed stderr is nobody listening, not an error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person sits at both ends: only then is there a question or a bar.
pub(crate) fn interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether stderr is a terminal that can redraw a line.
pub(crate) fn can_redraw() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Asks on stderr; only `y` or `yes` is yes.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    let answer = ask_for(&format!("{question} [y/N]"))?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks on stderr for a line; without the spaces around it.
pub(crate) fn ask_for(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// `text` without characters that command the terminal: no name or provider text can move the
/// cursor, or turn what stands beside it around.
pub(crate) fn clean(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' || turns(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// A path for people.
pub(crate) fn path(bytes: &[u8]) -> String {
    clean(&String::from_utf8_lossy(bytes))
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    crate::domain::units::counted(number, noun)
}

/// RFC 3339, UTC, to the second.
pub(crate) fn utc(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |time| format!("{time:.0}"))
}

/// RFC 3339, UTC, to the millisecond.
pub(crate) fn instant(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |time| format!("{time:.3}"))
}

/// `1 h 02 m`, `3 m 20 s`, `4.2 s`.
pub(crate) fn span(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1.2 GB`, `340 KB`.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "shown with one decimal"
)]
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} KB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
