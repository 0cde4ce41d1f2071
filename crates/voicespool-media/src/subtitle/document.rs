//! The transcript as JSON: a strict superset of `OpenAI`'s `verbose_json`, so that what reads
//! that reads this, and one object, `voicespool`, with everything known about how it came
//! to be. Times are seconds, as the provider gave them: the record is not repaired.

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::{AudioMillis, ContentKey, NanoUsd, Price, Transcript};
use crate::subtitle::align::align;

/// Version of the `voicespool` object. Grows when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// How a transcript came to be. Filled by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentMeta {
    pub source: SourceMeta,
    pub request: RequestMeta,
    /// The requests the audio was cut into, in order.
    pub chunks: Vec<ChunkMeta>,
    pub usage: UsageMeta,
    pub quality: QualityMeta,
}

/// The file that was transcribed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMeta {
    /// Relative to the configuration file; escaped where it is not UTF-8. Of a recording that
    /// the provider fetched: its URL without the query.
    pub path: String,
    /// Of the file's bytes; `None` where the provider fetched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<ContentKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// As measured here; where the provider fetched it, as the provider says.
    #[serde(with = "seconds")]
    pub duration: AudioMillis,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMeta {
    pub endpoint: String,
    pub model: String,
    pub language_asked: String,
    /// Target of a translation; `None` for a transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translated_to: Option<String>,
    pub language_found: Option<String>,
}

/// One clip of the audio, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkMeta {
    #[serde(with = "seconds")]
    pub start: AudioMillis,
    #[serde(with = "seconds")]
    pub end: AudioMillis,
    /// Why it ends where it ends: in silence, by force, at the end.
    pub cut: String,
    /// Requests made for it, over all runs.
    pub attempts: u32,
    pub request_id: Option<String>,
}

/// What it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsageMeta {
    #[serde(with = "seconds")]
    pub billed_seconds: AudioMillis,
    /// `None` if the model is not in the price list.
    pub price: Option<Price>,
    /// ISO date of the price.
    pub as_of: Option<String>,
    pub cost: Option<NanoUsd>,
}

/// How far the transcript can be trusted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityMeta {
    /// Audio that is speech, as measured here; `None` if it was not measured.
    #[serde(default, with = "maybe_seconds")]
    pub speech_seconds: Option<AudioMillis>,
    /// Share of the speech that has text, 0 to 1; `None` if it was not measured.
    pub covered: Option<f64>,
    /// Speech without text.
    pub gaps: Vec<GapMeta>,
    /// Text where nobody speaks.
    #[serde(default)]
    pub unvoiced: Vec<GapMeta>,
    /// Stretches of text that repeat themselves, as a model does that has lost its way.
    pub repeats: u32,
    /// Words for what a person should look at.
    pub flags: Vec<String>,
}

/// A stretch of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapMeta {
    #[serde(with = "seconds")]
    pub start: AudioMillis,
    #[serde(with = "seconds")]
    pub end: AudioMillis,
}

/// The document of `transcript`, ending in a line break. Words stand in their segments and,
/// as `OpenAI` has them, in one list.
#[expect(
    clippy::missing_panics_doc,
    reason = "strings, numbers and lists always serialise"
)]
pub fn write(transcript: &Transcript, meta: &DocumentMeta) -> String {
    let words: Vec<_> = transcript
        .words
        .iter()
        .map(|word| WordOut {
            word: &word.text,
            start: word.start,
            end: word.end,
            speaker: word.speaker.as_deref(),
        })
        .collect();
    let mut of_segment: Vec<Vec<&WordOut<'_>>> = vec![Vec::new(); transcript.segments.len()];
    for (word, found) in words.iter().zip(align(transcript).words) {
        if let Some(words) = found.segment.and_then(|idx| of_segment.get_mut(idx)) {
            words.push(word);
        }
    }
    let segments = transcript.segments.iter().zip(of_segment).enumerate();
    let document = Document {
        task: match meta.request.translated_to {
            None => "transcribe",
            Some(_) => "translate",
        },
        language: transcript.language.as_deref(),
        duration: transcript.duration.unwrap_or(meta.source.duration),
        text: &transcript.text,
        segments: segments
            .map(|(id, (segment, words))| SegmentOut {
                id,
                start: segment.start,
                end: segment.end,
                text: &segment.text,
                speaker: segment.speaker.as_deref(),
                words,
            })
            .collect(),
        words: &words,
        voicespool: Ours {
            schema: SCHEMA,
            meta,
        },
    };
    let mut json = serde_json::to_string_pretty(&document)
        .expect("strings, numbers and lists always serialise");
    json.push('\n');
    json
}

#[derive(Serialize)]
struct Document<'a> {
    task: &'static str,
    language: Option<&'a str>,
    #[serde(serialize_with = "seconds::serialize")]
    duration: AudioMillis,
    text: &'a str,
    segments: Vec<SegmentOut<'a>>,
    words: &'a [WordOut<'a>],
    voicespool: Ours<'a>,
}

#[derive(Serialize)]
struct SegmentOut<'a> {
    id: usize,
    #[serde(serialize_with = "seconds::serialize")]
    start: AudioMillis,
    #[serde(serialize_with = "seconds::serialize")]
    end: AudioMillis,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<&'a WordOut<'a>>,
}

#[derive(Serialize)]
struct WordOut<'a> {
    word: &'a str,
    #[serde(serialize_with = "seconds::serialize")]
    start: AudioMillis,
    #[serde(serialize_with = "seconds::serialize")]
    end: AudioMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
}

#[derive(Serialize)]
struct Ours<'a> {
    schema: u32,
    #[serde(flatten)]
    meta: &'a DocumentMeta,
}

/// Audio time as a number of seconds, exact to the millisecond.
mod seconds {
    use super::{AudioMillis, Deserialize, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes the field by reference"
    )]
    pub(super) fn serialize<S: Serializer>(time: &AudioMillis, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(time.seconds())
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<AudioMillis, D::Error> {
        f64::deserialize(from).map(AudioMillis::from_seconds)
    }
}

/// The same for a time that may not be known.
mod maybe_seconds {
    use super::{AudioMillis, Deserialize, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(
        time: &Option<AudioMillis>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(AudioMillis::seconds).serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Option<AudioMillis>, D::Error> {
        let seconds = Option::<f64>::deserialize(from)?;
        Ok(seconds.map(AudioMillis::from_seconds))
    }
}

/// A filled record, for tests of this room.
#[cfg(test)]
pub(super) fn sample_meta() -> DocumentMeta {
    DocumentMeta {
        source: SourceMeta {
            path: "archive/one.mp3".to_owned(),
            sha256: Some(ContentKey([0xab; 32])),
            bytes: Some(174_400),
            duration: AudioMillis(10_900),
        },
        request: RequestMeta {
            endpoint: "together api.together.ai/v1".to_owned(),
            model: "openai/whisper-large-v3".to_owned(),
            language_asked: "auto".to_owned(),
            translated_to: None,
            language_found: Some("en".to_owned()),
        },
        chunks: vec![ChunkMeta {
            start: AudioMillis(0),
            end: AudioMillis(10_900),
            cut: "end".to_owned(),
            attempts: 1,
            request_id: None,
        }],
        usage: UsageMeta {
            billed_seconds: AudioMillis(10_900),
            price: Some(Price::PerAudioMinute(NanoUsd(1_500_000))),
            as_of: Some("2026-10-02".to_owned()),
            cost: Some(NanoUsd(272_500)),
        },
        quality: QualityMeta {
            speech_seconds: Some(AudioMillis(1_190)),
            covered: Some(1.0),
            gaps: vec![GapMeta {
                start: AudioMillis(1_300),
                end: AudioMillis(10_900),
            }],
            unvoiced: Vec::new(),
            repeats: 0,
            flags: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Segment, Word};

    fn two_segments_and_a_word() -> Transcript {
        Transcript {
            text: "Hi. Bye.".to_owned(),
            language: Some("en".to_owned()),
            duration: Some(AudioMillis(10_900)),
            segments: vec![
                Segment {
                    text: "Hi.".to_owned(),
                    start: AudioMillis(110),
                    end: AudioMillis(2_000),
                    speaker: Some("A".to_owned()),
                },
                Segment {
                    text: "Bye.".to_owned(),
                    start: AudioMillis(2_000),
                    end: AudioMillis(4_000),
                    speaker: None,
                },
            ],
            words: vec![Word {
                text: "Hi".to_owned(),
                start: AudioMillis(110),
                end: AudioMillis(401),
                speaker: Some("A".to_owned()),
            }],
        }
    }

    #[test]
    fn the_document_is_verbose_json_and_more() {
        let transcript = two_segments_and_a_word();

        insta::assert_snapshot!(write(&transcript, &sample_meta()), @r#"
        {
          "task": "transcribe",
          "language": "en",
          "duration": 10.9,
          "text": "Hi. Bye.",
          "segments": [
            {
              "id": 0,
              "start": 0.11,
              "end": 2.0,
              "text": "Hi.",
              "speaker": "A",
              "words": [
                {
                  "word": "Hi",
                  "start": 0.11,
                  "end": 0.401,
                  "speaker": "A"
                }
              ]
            },
            {
              "id": 1,
              "start": 2.0,
              "end": 4.0,
              "text": "Bye."
            }
          ],
          "words": [
            {
              "word": "Hi",
              "start": 0.11,
              "end": 0.401,
              "speaker": "A"
            }
          ],
          "voicespool": {
            "schema": 1,
            "source": {
              "path": "archive/one.mp3",
              "sha256": "abababababababababababababababababababababababababababababababab",
              "bytes": 174400,
              "duration": 10.9
            },
            "request": {
              "endpoint": "together api.together.ai/v1",
              "model": "openai/whisper-large-v3",
              "language_asked": "auto",
              "language_found": "en"
            },
            "chunks": [
              {
                "start": 0.0,
                "end": 10.9,
                "cut": "end",
                "attempts": 1,
                "request_id": null
              }
            ],
            "usage": {
              "billed_seconds": 10.9,
              "price": {
                "per_audio_minute": "0.001500000"
              },
              "as_of": "2026-10-02",
              "cost": "0.000272500"
            },
            "quality": {
              "speech_seconds": 1.19,
              "covered": 1.0,
              "gaps": [
                {
                  "start": 1.3,
                  "end": 10.9
                }
              ],
              "unvoiced": [],
              "repeats": 0,
              "flags": []
            }
          }
        }
        "#);
    }

    #[test]
    fn the_record_is_read_back() {
        let json = serde_json::to_string(&sample_meta()).unwrap();

        assert_eq!(
            serde_json::from_str::<DocumentMeta>(&json).unwrap(),
            sample_meta()
        );
    }
}
