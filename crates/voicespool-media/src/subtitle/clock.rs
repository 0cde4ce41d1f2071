//! Times and blocks as SRT and `WebVTT` write them, and what can be wrong with them.

use crate::domain::AudioMillis;

/// The last millisecond that is written: three digits of hours.
pub(super) const LAST: u64 = 3_599_999_999;

/// Why a text is no subtitle file. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("line {line}: the file does not start with `WEBVTT`")]
    NoHeader { line: usize },
    #[error("line {line}: no number of a cue")]
    NoNumber { line: usize },
    #[error("line {line}: no time line like `00:00:01,000 --> 00:00:02,000`")]
    NoTimes { line: usize },
    #[error("line {line}: a cue without text")]
    NoText { line: usize },
}

/// `time` as `00:01:02,345` with `mark` before the milliseconds; more digits for the hours
/// where they need them.
pub(super) fn write(time: AudioMillis, mark: char) -> String {
    let ms = time.0;
    format!(
        "{:02}:{:02}:{:02}{mark}{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    )
}

/// The two times of a time line, and what follows them (settings of `WebVTT`).
pub(super) fn parse_line(line: &str) -> Option<(AudioMillis, AudioMillis)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((parse(start.trim())?, parse(end)?))
}

/// Reads `[h…h:]mm:ss,mmm`; a dot does for the comma.
fn parse(text: &str) -> Option<AudioMillis> {
    let (clock, millis) = text.split_once([',', '.'])?;
    let fields: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match fields[..] {
        [hours, minutes, seconds] => (hours, minutes, seconds),
        [minutes, seconds] => ("0", minutes, seconds),
        _ => return None,
    };
    let ok = minutes.len() == 2 && seconds.len() == 2 && millis.len() == 3;
    let (minutes, seconds) = (number(minutes)?, number(seconds)?);
    if !ok || minutes > 59 || seconds > 59 {
        return None;
    }
    let hours = number(hours)?.checked_mul(3_600_000)?;
    hours
        .checked_add(minutes * 60_000 + seconds * 1_000 + number(millis)?)
        .map(AudioMillis)
}

fn number(digits: &str) -> Option<u64> {
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all { digits.parse().ok() } else { None }
}

/// The lines of `text` with their numbers, without byte order mark and line ends.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_back_and_nonsense_is_not() {
        for ms in [
            0,
            1,
            59_999,
            3_599_999,
            359_999_999,
            3_599_999_999,
            u64::MAX,
        ] {
            assert_eq!(parse(&write(AudioMillis(ms), ',')), Some(AudioMillis(ms)));
        }
        assert_eq!(parse("01:02.003"), Some(AudioMillis(62_003)));
        for text in [
            "",
            "1",
            "00:00:00",
            "00:60:00,000",
            "00:00:61,000",
            "-1:00:00,000",
            "00:00:00,1",
            "+1:00:00,000",
            "99999999999999999:00:00,000",
            "1:2:3:4,000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
