//! Faults on demand: one spelling for rules, for `POST /_mock/faults` and for the header
//! `X-Mock-Fault`.
//!
//! A fault is a list of `name=value` separated by `;`:
//!
//! | part | does |
//! |---|---|
//! | `status=429` | answers that status with an error in the provider's shape |
//! | `retry-after=2`, `retry-after-ms=…`, `rate-reset=…` | adds the header, as it is written |
//! | `delay=1s` | waits before the answer |
//! | `hang` | never answers |
//! | `cut=2000` | breaks the body off after so many bytes |
//! | `drip=500` | sends so many bytes a second |
//! | `framing=length`, `chunked`, `close` | how the body's end is told |
//! | `body=json`, `html`, `text`, `empty` | status 200 with words, or nothing, in place of the answer |
//! | `body=silence`, `other` | silence (wav, raw, pcm), or sound that does not say the text |
//! | `encoding=gzip` | claims a content encoding |
//! | `redirect=URL` | 307 to there |
//! | `endless` | goes on for ever after the answer |
//! | `stream=no-done` | events: a whole answer without the mark of the end |
//! | `stream=error`, `error-first` | events: the provider gives up in the middle, or at once |
//! | `stream=base64`, `json`, `half-sample`, `reorder` | events: sound that cannot be sound |
//! | `stream=legacy`, `odd` | events in the older shape; in every freedom the format allows |
//! | `stream=no-words`, `bad-words` | no word times, or impossible ones |
//! | `stream=close`, `busy`, `silent`, `stall` | WebSocket: 1011 in the middle, 4503 at once, no sound ever, a pause after each item |

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What goes wrong with one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    pub(super) text: String,
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) delay: Duration,
    pub(super) hang: bool,
    pub(super) cut: Option<usize>,
    pub(super) drip: Option<usize>,
    pub(super) framing: Framing,
    pub(super) body: BodyFault,
    pub(super) redirect: Option<String>,
    pub(super) endless: bool,
    pub(super) stream: StreamFault,
}

/// What is wrong with an answer in events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum StreamFault {
    #[default]
    None,
    NoDone,
    Error,
    ErrorFirst,
    Base64,
    Json,
    HalfSample,
    Reorder,
    Legacy,
    Odd,
    NoWords,
    BadWords,
    Close,
    Busy,
    Silent,
    Stall,
}

impl StreamFault {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "no-done" => Self::NoDone,
            "error" => Self::Error,
            "error-first" => Self::ErrorFirst,
            "base64" => Self::Base64,
            "json" => Self::Json,
            "half-sample" => Self::HalfSample,
            "reorder" => Self::Reorder,
            "legacy" => Self::Legacy,
            "odd" => Self::Odd,
            "no-words" => Self::NoWords,
            "bad-words" => Self::BadWords,
            "close" => Self::Close,
            "busy" => Self::Busy,
            "silent" => Self::Silent,
            "stall" => Self::Stall,
            _ => return None,
        })
    }
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Framing {
    #[default]
    Length,
    Chunked,
    Close,
}

/// What stands in place of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum BodyFault {
    #[default]
    None,
    Json,
    Html,
    Text,
    Empty,
    Silence,
    Other,
}

/// A fault is misspelt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{part}` is no fault that can be made")]
pub struct ParseFaultError {
    part: String,
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fault = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        for part in text
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            fault.add(part).ok_or_else(|| ParseFaultError {
                part: part.chars().take(80).collect(),
            })?;
        }
        Ok(fault)
    }
}

impl Fault {
    fn add(&mut self, part: &str) -> Option<()> {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name {
            "status" => {
                let status = value
                    .parse()
                    .ok()
                    .filter(|status| (300..600).contains(status))?;
                self.status = Some(status);
            }
            "retry-after" => self.headers.push(("retry-after", value.to_owned())),
            "retry-after-ms" => self.headers.push(("retry-after-ms", value.to_owned())),
            "rate-reset" => self.headers.push(("x-ratelimit-reset", value.to_owned())),
            "encoding" => self.headers.push(("content-encoding", value.to_owned())),
            "delay" => self.delay = humantime::parse_duration(value).ok()?,
            "hang" if value.is_empty() => self.hang = true,
            "endless" if value.is_empty() => self.endless = true,
            "cut" => self.cut = Some(value.parse().ok()?),
            "drip" => self.drip = Some(value.parse().ok().filter(|rate| *rate > 0)?),
            "stream" => self.stream = StreamFault::parse(value)?,
            "redirect" => self.redirect = Some(value.to_owned()),
            "framing" => {
                self.framing = match value {
                    "length" => Framing::Length,
                    "chunked" => Framing::Chunked,
                    "close" => Framing::Close,
                    _ => return None,
                }
            }
            "body" => {
                self.body = match value {
                    "json" => BodyFault::Json,
                    "html" => BodyFault::Html,
                    "text" => BodyFault::Text,
                    "empty" => BodyFault::Empty,
                    "silence" => BodyFault::Silence,
                    "other" => BodyFault::Other,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// When a fault happens. A rule counts the requests it applies to (by `path`) from 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Only requests whose path ends so: `speech`, `transcriptions`, `translations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Every Nth request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Each request with this probability, decided by the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// From this request on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Up to and with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    pub fault: Fault,
}

impl FaultRule {
    /// Every Nth request.
    pub fn every(nth: u64, fault: Fault) -> Self {
        Self {
            every: Some(nth),
            fault,
            ..Self::default()
        }
    }

    /// Each request with `probability`.
    pub fn sometimes(probability: f64, fault: Fault) -> Self {
        Self {
            probability: Some(probability),
            fault,
            ..Self::default()
        }
    }

    /// A bad day at the provider: a tenth of all requests meets one of these.
    pub fn chaos() -> Vec<Self> {
        [
            (0.03, "status=503"),
            (0.03, "status=429;rate-reset=1"),
            (0.01, "status=500"),
            (0.01, "cut=500"),
            (0.01, "body=html"),
            (0.005, "status=502;delay=2s"),
            (0.005, "body=silence"),
        ]
        .into_iter()
        .filter_map(|(probability, fault)| Some(Self::sometimes(probability, fault.parse().ok()?)))
        .collect()
    }

    fn applies(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|end| path.ends_with(end))
    }

    fn hits(&self, count: u64, chance: f64) -> bool {
        self.from.is_none_or(|from| count >= from)
            && self.until.is_none_or(|until| count <= until)
            && self
                .every
                .is_none_or(|nth| nth > 0 && count.is_multiple_of(nth))
            && self
                .probability
                .is_none_or(|probability| chance < probability)
    }
}

/// The rules in force and how often each was asked.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    rules: Vec<(FaultRule, u64)>,
}

impl Faults {
    pub(super) fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        Self {
            seed,
            rules: rules.into_iter().map(|rule| (rule, 0)).collect(),
        }
    }

    /// The fault of the next request to `path`: the first rule that hits. Every rule
    /// counts every request it applies to, hit or not.
    pub(super) fn next(&mut self, path: &str) -> Option<Fault> {
        let mut found = None;
        for (idx, (rule, count)) in self.rules.iter_mut().enumerate() {
            if !rule.applies(path) {
                continue;
            }
            *count += 1;
            let place = u64::try_from(idx).unwrap_or(0);
            let chance = chance(self.seed ^ place << 48, *count);
            if found.is_none() && rule.hits(*count, chance) {
                found = Some(rule.fault.clone());
            }
        }
        found
    }
}

/// A number from 0 to 1 that depends on nothing but its arguments (the generator `SplitMix64`).
pub(super) fn chance(seed: u64, count: u64) -> f64 {
    let mut bits = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((bits ^ bits >> 31) >> 32).unwrap_or(0);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_they_are_written_and_nonsense_is_refused() {
        let fault: Fault = "status=429; retry-after=2;delay=200ms".parse().unwrap();

        assert_eq!(fault.status, Some(429));
        assert_eq!(fault.headers, [("retry-after", "2".to_owned())]);
        assert_eq!(fault.delay, Duration::from_millis(200));
        for bad in [
            "status=200",
            "status=x",
            "explode",
            "drip=0",
            "hang=1",
            "body=pdf",
            "cut=-1",
            "stream=",
        ] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_seed_meets_the_same_faults() {
        let hits = |seed| {
            let rule = FaultRule::sometimes(0.1, "status=503".parse().unwrap());
            let mut faults = Faults::new(seed, vec![rule]);
            (0..1000)
                .map(|_| faults.next("audio/speech").is_some())
                .collect::<Vec<_>>()
        };

        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        let count = hits(1).iter().filter(|hit| **hit).count();
        assert!((60..140).contains(&count), "{count}");
        assert_eq!(FaultRule::chaos().len(), 7);
    }

    #[test]
    fn a_rule_counts_only_what_it_applies_to() {
        let rule = FaultRule {
            path: Some("speech".to_owned()),
            from: Some(2),
            until: Some(3),
            ..FaultRule::every(1, "hang".parse().unwrap())
        };
        let mut faults = Faults::new(1, vec![rule]);

        let hits: Vec<bool> = ["speech", "transcriptions", "speech", "speech", "speech"]
            .iter()
            .map(|path| faults.next(path).is_some())
            .collect();

        assert_eq!(hits, [false, false, true, true, false]);
    }
}
