//! All hostile answers, in a fixed order.

use crate::hostile::answer::{Hostile, HostileAnswer, HostileKind};
use crate::hostile::builder::Builder;
use crate::hostile::{
    bodies, chunks, encodings, framing, heads, json, lengths, mp3, no_http, redirect, sound,
    status, stops, throttle, transcript, wav,
};

/// The whole catalogue of one kind, in a fixed order.
pub(crate) fn catalogue(kind: HostileKind) -> Vec<Hostile> {
    let mut catalogue = Builder::new(kind);
    status::add(&mut catalogue);
    throttle::add(&mut catalogue);
    redirect::add(&mut catalogue);
    heads::add(&mut catalogue);
    no_http::add(&mut catalogue);
    lengths::add(&mut catalogue);
    stops::add(&mut catalogue);
    framing::add(&mut catalogue);
    chunks::add(&mut catalogue);
    bodies::add(&mut catalogue);
    encodings::add(&mut catalogue);
    match kind {
        HostileKind::Speech => {
            sound::add(&mut catalogue);
            wav::add(&mut catalogue);
            mp3::add(&mut catalogue);
        }
        HostileKind::Transcription => {
            json::add(&mut catalogue);
            transcript::add(&mut catalogue);
        }
    }
    catalogue.build()
}

/// What the catalogue holds, without the scripts.
pub fn hostile_answers(kind: HostileKind) -> Vec<HostileAnswer> {
    let hostile = catalogue(kind);
    hostile.into_iter().map(|hostile| hostile.answer).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::hash::{DefaultHasher, Hash, Hasher};

    use std::net::SocketAddr;

    use super::*;
    use crate::hostile::answer::Proper;
    use crate::mp3::Stock;

    #[test]
    fn each_kind_has_well_over_150_answers_with_names_of_their_own() {
        for kind in [HostileKind::Speech, HostileKind::Transcription] {
            let answers = hostile_answers(kind);
            let names: HashSet<&str> = answers.iter().map(|one| one.name.as_str()).collect();

            assert!(answers.len() >= 200, "{kind:?}: {}", answers.len());
            assert_eq!(names.len(), answers.len(), "{kind:?}");
            for name in names {
                let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(name.chars().all(is_plain), "{name}");
            }
        }
    }

    /// Something proper to be spoilt.
    fn proper(format: &str) -> Proper {
        let (content_type, body) = match format {
            "wav" => (
                "audio/wav",
                crate::sound::wav(&vec![5_000; 90_000], 24_000).into(),
            ),
            "mp3" => ("audio/mpeg", Stock::new().cut(90, 1).file),
            _ => {
                let word = r#"{"word":"so","start":0.1,"end":0.5},"#.repeat(20);
                let words = word.trim_end_matches(',');
                let text = format!(r#"{{"text":"so it is","duration":2.0,"words":[{words}]}}"#);
                ("application/json", text.into())
            }
        };
        Proper {
            content_type,
            body,
            elsewhere: SocketAddr::from(([127, 0, 0, 1], 9)),
            authorization: "Bearer key".to_owned(),
        }
    }

    #[test]
    fn no_two_answers_are_the_same_bytes() {
        for kind in [HostileKind::Speech, HostileKind::Transcription] {
            let mut same = Vec::new();
            let mut seen: HashMap<u64, String> = HashMap::new();
            for hostile in catalogue(kind) {
                let name = hostile.answer.name.clone();
                let steps = hostile.steps(&proper(hostile.answer.format));
                let mut print = DefaultHasher::new();
                steps.hash(&mut print);
                if let Some(other) = seen.insert(print.finish(), name.clone()) {
                    same.push((name, other));
                }
            }
            assert_eq!(same, [], "{kind:?}");
        }
    }
}
