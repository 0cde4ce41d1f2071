//! The formats that the look-alike speaks in.

use voicespool_media::domain::PcmEncoding;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Wav,
    Mp3,
    Raw(PcmEncoding),
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Raw(_) => "application/octet-stream",
        }
    }
}
