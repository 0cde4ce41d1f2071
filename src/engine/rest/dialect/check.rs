//! Requests held against the table.

use crate::domain::{AudioFormat, Delivery, SpeechParams, TranscriptionParams};
use crate::engine::rest::dialect::facts::{Diarizing, Speech, Translating};
use crate::engine::rest::dialect::providers::Kind;
use crate::engine::rest::dialect::speech_field::SpeechField;

/// What of `params` a provider of `kind` cannot do over `delivery`, one sentence fragment each; empty if
/// all is well. To be asked before anything is planned: a field that is silently left
/// out would be a different recording from the one that was ordered.
pub fn unsupported(kind: Kind, delivery: Delivery, params: &SpeechParams) -> Vec<String> {
    let over = match delivery {
        Delivery::Rest => String::new(),
        other => format!(" over `{other}`"),
    };
    let Some(speech) = kind.speech() else {
        return vec![format!("{kind} has no speech")];
    };
    let has = speech.fields(delivery).unwrap_or(speech.fields);
    let mut found: Vec<String> = SpeechField::ALL
        .iter()
        .filter(|field| field.is_set(params) && !has.contains(field))
        .map(|field| {
            format!(
                "`{}` is no field of {} speech{over}",
                field.name(),
                kind.as_str()
            )
        })
        .collect();
    if speech.fields(delivery).is_none() {
        let what = match delivery {
            Delivery::WebSocket => "WebSocket",
            Delivery::Rest | Delivery::Stream => "events",
        };
        found.push(format!("{kind} speech has no {what}"));
    }
    found.extend(format_problems(kind, speech, delivery, params));
    found.extend(value_problems(speech, params));
    found
}

fn format_problems(
    kind: Kind,
    speech: &Speech,
    delivery: Delivery,
    params: &SpeechParams,
) -> Vec<String> {
    let mut found = Vec::new();
    let (wire, formats) = (
        params.wire_format(delivery),
        speech.formats_of(&params.model),
    );
    if delivery == Delivery::Rest && !formats.contains(&wire) {
        found.push(format!(
            "`{}` of {kind} does not answer in `{wire}`",
            params.model
        ));
    }
    if delivery != Delivery::Rest && !matches!(params.format, AudioFormat::Wav | AudioFormat::Raw) {
        found.push(format!(
            "`{delivery}` brings raw samples, which become no `{}`",
            params.format
        ));
    }
    found
}

fn value_problems(speech: &Speech, params: &SpeechParams) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(speed) = params.speed
        && !(0.25..=4.0).contains(&speed)
    {
        found.push("`speed` must be between 0.25 and 4.0".to_owned());
    }
    if params.response_encoding.is_some()
        && !matches!(params.format, AudioFormat::Wav | AudioFormat::Raw)
    {
        found.push("`response_encoding` is for raw samples, which become `wav`".to_owned());
    }
    if params.bit_rate.is_some() && params.format != AudioFormat::Mp3 {
        found.push("`bit_rate` is for the format `mp3` only".to_owned());
    }
    if let Some(bit_rate) = params.bit_rate
        && !speech.bit_rates.is_empty()
        && !speech.bit_rates.contains(&bit_rate)
    {
        let known: Vec<String> = speech.bit_rates.iter().map(u32::to_string).collect();
        found.push(format!("`bit_rate` must be one of {}", known.join(", ")));
    }
    if params
        .sample_rate
        .is_some_and(|rate| !(8_000..=192_000).contains(&rate))
    {
        found.push("`sample_rate` must be between 8000 and 192000".to_owned());
    }
    found
}

/// As [`unsupported`], of a transcription.
pub fn unsupported_transcription(kind: Kind, params: &TranscriptionParams) -> Vec<String> {
    let Some(hearing) = &kind.facts().hearing else {
        return vec![format!("{kind} has no transcription")];
    };
    let mut found = Vec::new();
    if params
        .temperature
        .is_some_and(|value| !(0.0..=1.0).contains(&value))
    {
        found.push("`temperature` must be between 0.0 and 1.0".to_owned());
    }
    if let Some(target) = &params.translate_to {
        if hearing.translating != Translating::RouteToAny && target != "en" {
            found.push(format!("`translate` of {kind} goes to \"en\" only"));
        }
        // The translations endpoint has no such fields.
        if params.diarize.is_some() {
            found.push("speakers are told apart in transcriptions, not in translations".to_owned());
        }
    }
    if let Some(speakers) = params.diarize {
        let is_counted = speakers.min.is_some() || speakers.max.is_some();
        match hearing.diarizing {
            Diarizing::No => found.push(format!("`diarize` is no field of {kind} transcription")),
            Diarizing::Field(_) if is_counted => found.push(format!(
                "{kind} tells speakers apart but is not told how many"
            )),
            Diarizing::Field(_) | Diarizing::Counted => {}
        }
        if let (Some(min), Some(max)) = (speakers.min, speakers.max)
            && min > max
        {
            found.push("`min_speakers` is above `max_speakers`".to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alignment, PcmEncoding, Segmenting};

    fn params() -> SpeechParams {
        SpeechParams::new("m", "v", AudioFormat::Wav)
    }

    #[test]
    fn a_field_the_provider_lacks_is_named_instead_of_dropped() {
        let everything = SpeechParams {
            format: AudioFormat::Flac,
            language: Some("en".to_owned()),
            speed: Some(1.5),
            instructions: Some("softly".to_owned()),
            response_encoding: Some(PcmEncoding::S16),
            sample_rate: Some(24_000),
            bit_rate: Some(64_000),
            alignment: Alignment::Word,
            segment: Some(Segmenting::Never),
            max_partial_length: Some(9),
            extra_params: Some("{}".to_owned()),
            ..params()
        };

        assert_eq!(
            unsupported(Kind::Together, Delivery::Rest, &params()),
            Vec::<String>::new()
        );
        assert_eq!(
            unsupported(Kind::OpenAi, Delivery::Rest, &params()),
            Vec::<String>::new()
        );
        insta::assert_snapshot!(unsupported(Kind::Together, Delivery::Rest, &everything).join("\n"), @r"
        `speed` is no field of together speech
        `instructions` is no field of together speech
        `alignment` is no field of together speech
        `max_partial_length` is no field of together speech
        `response_encoding` is for raw samples, which become `wav`
        `bit_rate` is for the format `mp3` only
        ");
        insta::assert_snapshot!(unsupported(Kind::OpenAi, Delivery::Rest, &everything).join("\n"), @r"
        `language` is no field of openai speech
        `response_encoding` is no field of openai speech
        `sample_rate` is no field of openai speech
        `bit_rate` is no field of openai speech
        `alignment` is no field of openai speech
        `segment` is no field of openai speech
        `max_partial_length` is no field of openai speech
        `extra_params` is no field of openai speech
        `response_encoding` is for raw samples, which become `wav`
        `bit_rate` is for the format `mp3` only
        ");
    }

    #[test]
    fn values_out_of_range_never_reach_the_provider() {
        for speed in [0.0, 0.24, 4.01, -1.0, f64::NAN, f64::INFINITY] {
            let params = SpeechParams {
                speed: Some(speed),
                ..params()
            };
            assert_eq!(
                unsupported(Kind::OpenAi, Delivery::Rest, &params).len(),
                1,
                "{speed}"
            );
        }
        let odd = SpeechParams {
            format: AudioFormat::Mp3,
            bit_rate: Some(48_000),
            sample_rate: Some(1),
            ..params()
        };
        assert_eq!(unsupported(Kind::Together, Delivery::Rest, &odd).len(), 2);
    }
}
