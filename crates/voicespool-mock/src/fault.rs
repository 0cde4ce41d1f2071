//! Faults on demand, and how they are spelt: the same for rules, for `POST /_mock/faults` and for the header
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
    pub(crate) text: String,
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) delay: Duration,
    pub(crate) hang: bool,
    pub(crate) cut: Option<usize>,
    pub(crate) drip: Option<usize>,
    pub(crate) framing: Framing,
    pub(crate) body: BodyFault,
    pub(crate) redirect: Option<String>,
    pub(crate) endless: bool,
    pub(crate) stream: StreamFault,
}

/// What is wrong with an answer in events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum StreamFault {
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
pub(crate) enum Framing {
    #[default]
    Length,
    Chunked,
    Close,
}

/// What stands in place of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum BodyFault {
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
}
