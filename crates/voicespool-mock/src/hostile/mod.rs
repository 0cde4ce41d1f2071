//! A catalogue of hostile answers: everything a broken, overloaded, misconfigured or
//! malicious provider can say to a request, each with what a client must make of it.
//!
//! An answer is a script for the bare socket, made from the proper answer to the same
//! request. `POST /hostile/NAME/v1/audio/…` gives the answer NAME to the first request for
//! each input and the proper one from then on, so a client that tries again meets a
//! provider that has recovered; `mock --chaos` spreads the whole catalogue over a tenth of
//! all requests. `GET /_mock/hostile` lists it.
//!
//! Nothing here is random: the same name is the same bytes for the same request.

mod bodies;
mod framing;
mod heads;
mod speech;
mod status;
mod transcription;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::wire::Step;
use voicespool_media::domain::FaultClass;

/// What is asked of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HostileKind {
    Speech,
    Transcription,
}

/// What a client must make of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// An odd way to say the proper answer: it counts, and nothing is asked again.
    Harmless,
    /// A usable answer with another content: it counts.
    Different,
    /// It never counts; the queue sees a fault of this class.
    Fault(FaultClass),
}

/// Which of the client's limits ends the waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// The longest silence inside an answer.
    Idle,
    /// The whole request.
    Total,
}

/// One hostile answer, for people and for experiments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostileAnswer {
    /// Unique within its kind: lower-case ASCII letters, digits and `-`.
    pub name: String,
    pub kind: HostileKind,
    /// `wav` or `mp3` for speech: what must be asked for.
    pub format: &'static str,
    pub expected: Expected,
    /// Set for answers that never end by themselves.
    pub limit: Option<Limit>,
    /// Seconds the client must wait at least and at most before it asks again, where the
    /// answer says so.
    pub wait: Option<(f64, f64)>,
    /// Whether the provider has done the work, and charges for it.
    pub billed: bool,
}

/// The proper answer to the request at hand, and what else a script may need.
#[derive(Debug, Clone)]
pub(super) struct Proper {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// Where redirects lead: nobody may come.
    pub(super) elsewhere: SocketAddr,
    /// What the request said in `Authorization`, for answers that echo it.
    pub(super) authorization: String,
}

type Script = dyn Fn(&Proper) -> Vec<Step> + Send + Sync;

/// An answer with its script.
#[derive(Clone)]
pub(super) struct Hostile {
    pub(super) answer: HostileAnswer,
    script: Arc<Script>,
}

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)
    }
}

impl Hostile {
    pub(super) fn steps(&self, proper: &Proper) -> Vec<Step> {
        (self.script)(proper)
    }
}

/// Where a part of the catalogue puts its answers.
pub(super) struct Shelf {
    kind: HostileKind,
    all: Vec<Hostile>,
}

impl Shelf {
    /// Adds an answer to work that was done and is charged for.
    fn add(
        &mut self,
        name: impl Into<String>,
        expected: Expected,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.all.push(Hostile {
            answer: HostileAnswer {
                name: name.into(),
                kind: self.kind,
                format: match self.kind {
                    HostileKind::Speech => "wav",
                    HostileKind::Transcription => "json",
                },
                expected,
                limit: None,
                wait: None,
                billed: true,
            },
            script: Arc::new(script),
        });
        let last = self.all.last_mut().expect("it was just added");
        &mut last.answer
    }

    /// Adds one that a client must take for a paid and useless answer.
    fn bad(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.add(name, Expected::Fault(FaultClass::BadAnswer), script)
    }

    /// Adds a way to say the proper answer.
    fn harmless(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.add(name, Expected::Harmless, script)
    }

    /// Adds one that breaks the connection before there is an answer.
    fn broken(
        &mut self,
        name: impl Into<String>,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        self.add(name, Expected::Fault(FaultClass::Overloaded), script)
    }

    /// Adds one that ends only by the client's `limit`.
    fn late(
        &mut self,
        name: impl Into<String>,
        limit: Limit,
        script: impl Fn(&Proper) -> Vec<Step> + Send + Sync + 'static,
    ) -> &mut HostileAnswer {
        let answer = self.add(name, Expected::Fault(FaultClass::TimedOut), script);
        answer.limit = Some(limit);
        answer
    }
}

/// The whole catalogue of one kind, in a fixed order.
pub(super) fn catalogue(kind: HostileKind) -> Vec<Hostile> {
    let mut shelf = Shelf {
        kind,
        all: Vec::new(),
    };
    status::add(&mut shelf);
    heads::add(&mut shelf);
    framing::add(&mut shelf);
    bodies::add(&mut shelf);
    match kind {
        HostileKind::Speech => speech::add(&mut shelf),
        HostileKind::Transcription => transcription::add(&mut shelf),
    }
    shelf.all
}

/// What the catalogue holds, without the scripts.
pub fn hostile_answers(kind: HostileKind) -> Vec<HostileAnswer> {
    let hostile = catalogue(kind);
    hostile.into_iter().map(|hostile| hostile.answer).collect()
}

/// The status a client reads in the first bytes of `steps`; 0 if there is none.
pub(super) fn status_of(steps: &[Step]) -> u16 {
    let first = steps.iter().find_map(|step| match step {
        Step::Send(bytes) | Step::Drip { bytes, .. } => Some(bytes),
        _ => None,
    });
    first
        .and_then(|bytes| bytes.strip_prefix(b"HTTP/1."))
        .and_then(|rest| std::str::from_utf8(rest.get(2..5)?).ok()?.parse().ok())
        .unwrap_or(0)
}

/// A head: the status line, `lines`, and the empty line.
fn head(status: &str, lines: &[&str]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A head of a success with the proper content type, and `lines`.
fn ok(proper: &Proper, lines: &[&str]) -> Vec<u8> {
    let content_type = format!("content-type: {}", proper.content_type);
    let mut all = vec![content_type.as_str()];
    all.extend_from_slice(lines);
    head("200 OK", &all)
}

/// A success with `body` and its length.
fn ok_with(proper: &Proper, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let mut all = vec![length.as_str()];
    all.extend_from_slice(lines);
    let mut answer = ok(proper, &all);
    answer.extend_from_slice(body);
    answer
}

/// A success of another content type.
fn typed(content_type: &str, body: &[u8]) -> Vec<u8> {
    let content_type = format!("content-type: {content_type}");
    let length = format!("content-length: {}", body.len());
    let mut answer = head("200 OK", &[&content_type, &length]);
    answer.extend_from_slice(body);
    answer
}

/// The proper answer, in one piece.
fn proper_answer(proper: &Proper) -> Vec<u8> {
    ok_with(proper, &[], &proper.body)
}

/// `body` as one chunk of a chunked body, without the end.
fn chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
    chunk.extend_from_slice(body);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;
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
