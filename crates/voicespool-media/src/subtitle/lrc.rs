//! Lyrics (`.lrc`): a cue a line behind the time at which it starts, in minutes, seconds and
//! hundredths. The format has no end times: where nothing follows for a while, an empty line ends
//! the text that players show. <https://en.wikipedia.org/wiki/LRC_(file_format)>, read 2026-11

use std::fmt::Write;

use crate::domain::AudioMillis;
use crate::subtitle::cue::Cue;

/// Silence after which the text before it is taken away, in milliseconds.
const SILENCE: u64 = 3_000;

/// The file of `cues`; for none it is empty.
pub fn write(cues: &[Cue]) -> String {
    let mut file = String::new();
    let said: Vec<_> = cues
        .iter()
        .map(|cue| (cue, cue.in_one_line()))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    for (idx, (cue, text)) in said.iter().enumerate() {
        push(&mut file, cue.start, text);
        let next = said.get(idx + 1).map(|(next, _)| next.start.0);
        if next.is_some_and(|next| next.saturating_sub(cue.end.0) >= SILENCE) {
            push(&mut file, cue.end, "");
        }
    }
    file
}

fn push(file: &mut String, at: AudioMillis, text: &str) {
    let hundredths = at.0 / 10;
    let (minutes, seconds) = (hundredths / 6_000, hundredths / 100 % 60);
    writeln!(
        file,
        "[{minutes:02}:{seconds:02}.{:02}]{text}",
        hundredths % 100
    )
    .expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cue_is_a_line_at_its_time_and_silence_takes_it_away() {
        let cue = |start, end, text: &str| Cue {
            start: AudioMillis(start),
            end: AudioMillis(end),
            lines: vec![text.to_owned()],
            speaker: None,
        };
        let cues = [
            cue(1_239, 2_000, "First."),
            cue(2_500, 4_000, "Second."),
            cue(7_000, 8_000, "After a silence."),
            cue(7_200_000, 7_201_000, "Two hours on."),
        ];

        assert_eq!(
            write(&cues),
            "[00:01.23]First.\n[00:02.50]Second.\n[00:04.00]\n[00:07.00]After a silence.\n[00:08.00]\n[120:00.00]Two hours on.\n"
        );
        assert_eq!(write(&[]), "");
    }
}
