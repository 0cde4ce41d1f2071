//! Limits that providers name only when somebody meets them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::units::{AudioMillis, grouped};

/// What one refusal taught about one model at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "limit", content = "value")]
pub enum Lesson {
    /// Most Unicode scalar values of an input.
    MaxChars(u32),
    /// Largest upload, in bytes.
    MaxUpload(u64),
    /// Longest recording.
    MaxAudio(AudioMillis),
    /// A `response_format` it does not answer in.
    NoFormat(String),
}

impl Lesson {
    /// Whether the one replaces the other.
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MaxChars(_), Self::MaxChars(_))
            | (Self::MaxUpload(_), Self::MaxUpload(_))
            | (Self::MaxAudio(_), Self::MaxAudio(_)) => true,
            (Self::NoFormat(one), Self::NoFormat(other)) => one == other,
            _ => false,
        }
    }
}

impl fmt::Display for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxChars(most) => {
                write!(
                    f,
                    "at most {} characters a request",
                    grouped(u64::from(*most))
                )
            }
            Self::MaxUpload(most) => write!(f, "at most {} bytes a request", grouped(*most)),
            Self::MaxAudio(most) => {
                write!(f, "at most {} s of audio a request", grouped(most.0 / 1000))
            }
            Self::NoFormat(format) => write!(f, "no answer in `{format}`"),
        }
    }
}
