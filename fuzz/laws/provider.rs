//! What providers answer: transcripts, refusals, and how long to wait.

use std::time::Duration;

use secrecy::SecretString;
use voicespool::domain::{AudioMillis, Transcript};
use voicespool::engine::delay::MAX_RETRY_AFTER;
use voicespool::engine::rest::{read_refusal, read_wait};
use voicespool::engine::transcription::parse_transcript;

use super::input::{Input, assert_one_line};
use super::subtitle::check_cues;

/// No time is beyond a year.
const LAST: AudioMillis = AudioMillis(366 * 86_400_000);

/// Any body where a transcript was promised.
pub fn stt_json(data: &[u8]) {
    let transcript = match parse_transcript(data) {
        Ok(transcript) => transcript,
        Err(error) => {
            let message = error.to_string();
            assert_one_line(&message);
            return assert!(message.chars().count() <= 600, "{message}");
        }
    };
    assert!(transcript.duration.is_none_or(|duration| duration <= LAST));
    let words = transcript.words.iter().map(|word| (word.start, word.end));
    let segments = transcript
        .segments
        .iter()
        .map(|part| (part.start, part.end));
    for (start, end) in words.chain(segments) {
        assert!(start <= LAST && end <= LAST, "{start:?} to {end:?}");
    }
    // Kept as JSON between the provider and the documents: it has to come back as it was.
    let kept = serde_json::to_vec(&transcript).expect("a transcript is JSON");
    let back: Transcript = serde_json::from_slice(&kept).expect("and is read back");
    assert_eq!(back, transcript);
    for audio in [0, 1, 10_000] {
        check_cues(&transcript, AudioMillis(audio));
    }
}

/// Eight bytes that choose a header, then any value.
pub fn retry_after(data: &[u8]) {
    const NAMES: [&str; 3] = ["retry-after", "retry-after-ms", "x-ratelimit-reset"];
    const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
    let mut input = Input::new(data);
    let chosen = [(); 8].map(|()| input.byte());
    let name = NAMES[usize::from(chosen[0]) % NAMES.len()];
    let text = String::from_utf8_lossy(input.rest());
    let read = |text: &str| read_wait(&[DATE, (name, text)]);
    let wait = read(&text);
    assert!(wait.is_none_or(|wait| wait <= MAX_RETRY_AFTER), "{wait:?}");
    assert_eq!(read(&format!(" {text}\t")), wait);
    let has_digit = text.chars().any(|c| c.is_ascii_digit());
    assert!(wait.is_none() || has_digit, "{text:?} is no {wait:?}");
    if let (Ok(seconds), true) = (text.parse::<u16>(), name != "retry-after-ms") {
        let asked = Duration::from_secs(seconds.into()).min(MAX_RETRY_AFTER);
        assert_eq!(wait, Some(asked));
    }
}

const KEY: &str = "sk-canary-0123456789abcdef";

/// Two bytes of status, then any body of a refusal.
pub fn problem(data: &[u8]) {
    let mut input = Input::new(data);
    let status = input.word() % 600;
    let body = input.rest();
    let (class, words) = read_refusal(status, body, Some(SecretString::from(KEY)));
    assert!(words.chars().count() <= 500, "{words}");
    assert!(!words.chars().any(char::is_control), "{words:?}");
    assert!(!words.contains(&KEY[..12]), "{words:?}");
    assert_eq!(words.trim(), words);
    assert_eq!(
        read_refusal(status, body, None).0,
        class,
        "a key decides nothing"
    );
}
