//! The file formats the program asks for, reads and writes.

use crate::named;

named!(
    /// An audio container as named in `response_format`.
    AudioFormat {
        Wav = "wav",
        Mp3 = "mp3",
        Flac = "flac",
        Opus = "opus",
        Aac = "aac",
        /// Headerless samples; the engine says which.
        Raw = "raw",
    }
);

impl AudioFormat {
    /// The file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        self.as_str()
    }
}

named!(
    /// How headerless samples are coded (Together's `response_encoding`).
    PcmEncoding {
        F32 = "pcm_f32le",
        S16 = "pcm_s16le",
        MuLaw = "pcm_mulaw",
        ALaw = "pcm_alaw",
    }
);

named!(
    /// A document made from a transcript.
    DocumentFormat {
        Srt = "srt",
        Vtt = "vtt",
        Json = "json",
        Txt = "txt",
        Tsv = "tsv",
        Lrc = "lrc",
    }
);
