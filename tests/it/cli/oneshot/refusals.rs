//! What cannot be done is refused with what to type.

use crate::cli::oneshot::{TEXT, folder, names, with};
use crate::support::Provider;
use voicespool_mock::MockOptions;

#[test]
fn one_bad_file_of_several_spoils_no_other() {
    let project = folder();
    project.write("good.txt", TEXT);
    project.write("bad.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0");

    let ran = project
        .run(&["tts", "good.txt", "bad.txt", "-O", ".", "--json"])
        .exits(3);

    assert!(ran.stderr().contains("bad.txt"), "{}", ran.stderr());
    assert_eq!(ran.json()[0]["files"][1]["done"], false);
    assert_eq!(names(&project), ["bad.txt", "good.txt", "good.wav"]);
}

#[test]
fn what_cannot_be_done_is_refused_with_what_to_type_and_nothing_is_sent() {
    let provider = Provider::start(MockOptions::default());
    let project = with(&provider, "");
    project.write("letter.txt", TEXT);
    project.write("other/letter.md", TEXT);
    project.write("junk.mp3", "<html>not found</html>");
    for (args, needles) in [
        (&["tts", "", "-o", "a.wav"][..], &["the text is empty"][..]),
        (&["tts", "...", "-o", "a.wav"], &["nothing to speak"]),
        (
            &["tts", "leter.txt", "-o", "a.wav"],
            &["no file leter.txt", "did you mean letter.txt", "--text"],
        ),
        (
            &["tts", "other", "-o", "a.wav"],
            &["is a folder", "other/*"],
        ),
        (&["tts", "Good", "morning", "-o", "a.wav"], &["quotes"]),
        (&["tts", "Hello."], &["-o FILE"]),
        (&["tts", "Hello.", "-O", "audio"], &["no name"]),
        (
            &["tts", "Hello.", "-o", "a.m4b", "--bit-rate", "1"],
            &["--bit-rate", "the bit rate 1 is out of range"],
        ),
        (
            &["tts", "Hello.", "-o", "a.mid"],
            &["`.mid` is no audio format"],
        ),
        (&["tts", "Hello.", "-o", "none/a.wav"], &["mkdir -p none"]),
        (&["tts", "Hello.", "-o", "other"], &["is a folder"]),
        (
            &["tts", "letter.txt", "-o", "letter.txt", "--format", "wav"],
            &["would be overwritten"],
        ),
        (
            &["tts", "letter.txt", "other/letter.md", "-O", "."],
            &["two inputs would become one file"],
        ),
        (
            &["tts", "letter.txt", "other/letter.md", "-o", "a.wav"],
            &["-O DIR"],
        ),
        (
            &["tts", "Hello.", "-o", "a.wav", "--voice", "pico-enus"],
            &["--> --voice pico-enus", "`pico-en-us`"],
        ),
        (
            &["tts", "Hello.", "-o", "a.wav", "--language", "ja"],
            &["--language ja", "not ja"],
        ),
        (
            &["tts", "Hello.", "-o", "a.wav", "--profile", "mokc"],
            &["--profile mokc", "did you mean `mock`"],
        ),
        (
            &[
                "tts",
                "Hello.",
                "-o",
                "a.wav",
                "--model",
                "hexgrad/Kokoro-82M",
            ],
            &["--profile together"],
        ),
        (
            &["tts", "Hello.", "-o", "a.wav", "--profile", "mock"],
            &["there is no `--model`"],
        ),
        (
            &["tts", "Hello.", "-o", "a.wav", "--speed", "2"],
            &["no `--speed`"],
        ),
        (
            &["tts", "Hello.", "-o", "-", "--json"],
            &["cannot both have stdout"],
        ),
        (
            &["tts", "Hello.", "-o", "-", "--subtitles", "srt"],
            &["stdout"],
        ),
        (&["stt", "none.mp3"], &["no file none.mp3"]),
        (
            &["stt", "junk.mp3", "--profile", "mock", "--model", "m"],
            &["junk.mp3", "HTML"],
        ),
        (
            &["stt", "letter.txt", "--json"],
            &["cannot both have stdout"],
        ),
        (
            &["stt", "junk.mp3", "--output_format", "docx"],
            &["no document `docx`"],
        ),
        (
            &["stt", "junk.mp3", "--profile", "local"],
            &["does not transcribe", "--profile local"],
        ),
        (
            &["stt", "junk.mp3", "--min-speakers", "2"],
            &["add --diarize"],
        ),
        (
            &["stt", "junk.mp3", "--translate=german"],
            &["--translate=german"],
        ),
        (
            &["stt", "junk.mp3", "-o", "a.vtt", "--srt"],
            &["names one document"],
        ),
        (&["plan", "--one-shots"], &["--one-shots"]),
    ] {
        let said = project.run(args).exits(2).stderr();
        for needle in needles {
            assert!(said.contains(needle), "{args:?}: no {needle} in\n{said}");
        }
    }
    assert_eq!(provider.mock.invoice().requests, 0);
    assert_eq!(names(&project), ["junk.mp3", "letter.txt", "other"]);
}

#[test]
fn words_that_look_like_a_file_are_spoken_when_that_is_said() {
    let project = folder();

    project.run(&["tts", "node.js", "-o", "a.wav"]).exits(2);
    project
        .run(&["tts", "--text", "node.js", "-o", "a.wav"])
        .exits(0);
}
