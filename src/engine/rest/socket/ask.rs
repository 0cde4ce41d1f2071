//! What is said over a WebSocket: the address, the handshake, and the text in pieces.

use std::time::Duration;

use reqwest::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{RequestBuilder, Url};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::audio::SpeechCheck;
use crate::domain::{Alignment, AudioMillis, CharCount, Delivery, Segmenting, SpeechParams};

/// Most characters in one append. Nothing is documented; a few KB pass everywhere.
const APPEND_CHARS: usize = 1000;

/// The provider's default for `max_partial_length`.
const DEFAULT_PARTIAL: u64 = 250;

/// `url` with everything that is asked for. The key is not among it: it travels as a header.
pub(in crate::engine::rest) fn address(url: &Url, params: &SpeechParams, chars: CharCount) -> Url {
    let mut url = url.clone();
    let segment = params.segment.unwrap_or(Segmenting::Never);
    let partial = params
        .max_partial_length
        .map_or(chars.0.max(DEFAULT_PARTIAL), u64::from);
    let rate = params.raw_audio(Delivery::WebSocket).sample_rate;
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("model", &params.model)
            .append_pair("voice", &params.voice)
            .append_pair("response_format", "pcm")
            .append_pair("sample_rate", &rate.to_string())
            .append_pair("segment", segment.as_str())
            .append_pair("max_partial_length", &partial.to_string());
        if let Some(language) = &params.language {
            query.append_pair("language", language);
        }
        if let Some(speed) = params.speed {
            query.append_pair("speed", &speed.to_string());
        }
        if params.alignment == Alignment::Word {
            query.append_pair("alignment", Alignment::Word.as_str());
        }
    }
    url
}

/// The request to speak WebSocket, and what its answer must prove.
pub(in crate::engine::rest) fn handshake(builder: RequestBuilder) -> (RequestBuilder, String) {
    let key = generate_key();
    let accept = derive_accept_key(key.as_bytes());
    let builder = builder
        .header(CONNECTION, HeaderValue::from_static("Upgrade"))
        .header(UPGRADE, HeaderValue::from_static("websocket"))
        .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
        .header(SEC_WEBSOCKET_KEY, key);
    (builder, accept)
}

/// How long the fastest speaker takes at least for `chars`: no sooner is an answer over.
pub(super) fn least_length(chars: CharCount, speed: Option<f64>) -> Duration {
    let pace = SpeechCheck::default().max_cps * speed.unwrap_or(1.0).max(0.25);
    let length = AudioMillis(chars.0.saturating_mul(1000)).seconds();
    Duration::try_from_secs_f64(length / pace - 1.5).unwrap_or(Duration::ZERO)
}

/// `text` in stretches of at most `APPEND_CHARS`, cut behind spaces where there are any.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let hard = rest
            .char_indices()
            .nth(APPEND_CHARS)
            .map_or(rest.len(), |(end, _)| end);
        let end = if hard == rest.len() {
            hard
        } else {
            rest[..hard]
                .rfind(char::is_whitespace)
                .and_then(|at| Some(at + rest[at..].chars().next()?.len_utf8()))
                .unwrap_or(hard)
        };
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AudioFormat;

    #[test]
    fn a_text_is_said_in_pieces_that_are_the_text_again() {
        let words = "word ".repeat(900);
        let solid = "é".repeat(2500);
        for (text, count) in [
            ("", 0),
            ("short", 1),
            (words.as_str(), 5),
            (solid.as_str(), 3),
        ] {
            let pieces: Vec<&str> = pieces(text).collect();
            assert_eq!(pieces.concat(), text);
            assert_eq!(pieces.len(), count);
            for piece in &pieces {
                assert!(piece.chars().count() <= APPEND_CHARS);
            }
        }
        assert!(pieces(&words).all(|piece| piece.ends_with(' ')));
    }

    #[test]
    fn everything_that_from_retry_after_stands_in_the_address_and_the_key_does_not() {
        let base = Url::parse("https://h.example/v1/audio/speech/websocket").unwrap();
        let params = SpeechParams {
            language: Some("en".to_owned()),
            speed: Some(1.5),
            alignment: Alignment::Word,
            ..SpeechParams::new("hexgrad/Kokoro-82M", "af_heart", AudioFormat::Wav)
        };

        let url = address(&base, &params, CharCount(700));

        assert_eq!(
            url.query(),
            Some(
                "model=hexgrad%2FKokoro-82M&voice=af_heart&response_format=pcm&sample_rate=24000\
                 &segment=never&max_partial_length=700&language=en&speed=1.5&alignment=word"
            )
        );
        let asked = SpeechParams {
            segment: Some(Segmenting::Sentence),
            max_partial_length: Some(90),
            ..SpeechParams::new("m", "v", AudioFormat::Wav)
        };
        let query = address(&base, &asked, CharCount(7))
            .query()
            .map(str::to_owned);
        assert!(
            query.is_some_and(|query| query.ends_with("&segment=sentence&max_partial_length=90"))
        );
    }

    #[test]
    fn an_answer_is_not_over_before_it_can_have_been_said() {
        assert_eq!(least_length(CharCount(28), None), Duration::ZERO);
        assert_eq!(
            least_length(CharCount(280), None),
            Duration::from_millis(8500)
        );
        assert_eq!(
            least_length(CharCount(280), Some(2.0)),
            Duration::from_millis(3500)
        );
    }
}
