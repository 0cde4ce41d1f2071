//! The optional fields of a speech request: their names, and whether a request sets them.

use crate::domain::{Alignment, SpeechParams};

macro_rules! speech_fields {
    ($($field:ident = $name:literal if |$params:ident| $is_set:expr),+ $(,)?) => {
        /// An optional field of a speech request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SpeechField {
            $($field),+
        }

        impl SpeechField {
            /// Every field, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$field),+];

            /// The field's name on the wire and in `jobs.toml`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name),+
                }
            }

            /// Whether `params` say something of it.
            pub(super) fn is_set(self, params: &SpeechParams) -> bool {
                match self {
                    $(Self::$field => {
                        let $params = params;
                        $is_set
                    }),+
                }
            }
        }
    };
}

speech_fields! {
    Language = "language" if |params| params.language.is_some(),
    Speed = "speed" if |params| params.speed.is_some(),
    Instructions = "instructions" if |params| params.instructions.is_some(),
    ResponseEncoding = "response_encoding" if |params| params.response_encoding.is_some(),
    SampleRate = "sample_rate" if |params| params.sample_rate.is_some(),
    BitRate = "bit_rate" if |params| params.bit_rate.is_some(),
    Alignment = "alignment" if |params| params.alignment != Alignment::None,
    Segment = "segment" if |params| params.segment.is_some(),
    MaxPartialLength = "max_partial_length" if |params| params.max_partial_length.is_some(),
    ExtraParams = "extra_params" if |params| params.extra_params.is_some(),
}
