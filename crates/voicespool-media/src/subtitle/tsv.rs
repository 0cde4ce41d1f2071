//! Tab-separated values (`.tsv`) as Whisper's command line writes them: a head line `start end
//! text`, then a cue a line, its times in whole milliseconds.
//! <https://github.com/openai/whisper/blob/main/whisper/utils.py> (`WriteTSV`), read 2026-11

use std::fmt::Write;

use crate::subtitle::cue::Cue;

/// The file of `cues`; for none, the head line alone.
pub fn write(cues: &[Cue]) -> String {
    let mut file = "start\tend\ttext\n".to_owned();
    for cue in cues {
        // A tab would begin another column.
        let text = cue.in_one_line().replace('\t', " ");
        if !text.is_empty() {
            writeln!(file, "{}\t{}\t{text}", cue.start.0, cue.end.0)
                .expect("a String takes everything");
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioMillis;

    #[test]
    fn a_cue_is_a_line_of_three_columns() {
        let cue = |start, lines: &[&str], speaker: Option<&str>| Cue {
            start: AudioMillis(start),
            end: AudioMillis(start + 900),
            lines: lines.iter().map(ToString::to_string).collect(),
            speaker: speaker.map(str::to_owned),
        };
        let cues = [
            cue(0, &["One line,", "and a\tsecond."], None),
            cue(3_600_000, &["你好，", "世界。"], Some("Li")),
            cue(3_601_000, &[" "], None),
        ];

        assert_eq!(
            write(&cues),
            "start\tend\ttext\n0\t900\tOne line, and a second.\n3600000\t3600900\tLi: 你好，世界。\n"
        );
        assert_eq!(write(&[]), "start\tend\ttext\n");
    }
}
