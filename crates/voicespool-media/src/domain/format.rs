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

named!(
    /// What a finished audio file is.
    FileFormat {
        Wav = "wav",
        Mp3 = "mp3",
        Flac = "flac",
        /// AAC in MP4, as audiobooks are kept: chapters, tags, cover.
        M4b = "m4b",
        /// In Ogg: the fewest bytes for speech.
        Opus = "opus",
    }
);

impl FileFormat {
    /// The file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        self.as_str()
    }

    /// What its clips are asked for in: samples where they are coded here, else what it is made of.
    pub fn clips(self) -> AudioFormat {
        match self {
            Self::Wav | Self::Flac | Self::M4b | Self::Opus => AudioFormat::Wav,
            Self::Mp3 => AudioFormat::Mp3,
        }
    }

    /// The bits a second at which it may be coded here; `None` if it has no bit rate or nothing here codes it.
    pub fn bit_rates(self) -> Option<std::ops::RangeInclusive<u32>> {
        match self {
            Self::M4b => Some(16_000..=320_000),
            Self::Opus => Some(8_000..=256_000),
            Self::Wav | Self::Flac | Self::Mp3 => None,
        }
    }
}

named!(
    /// What makes an MP3.
    #[derive(Default)]
    Encoder {
        /// Its clips' own frames, copied: nothing else is needed.
        #[default]
        BuiltIn = "built-in",
        /// `lame` or `ffmpeg`, whichever is installed.
        Auto = "auto",
        Ffmpeg = "ffmpeg",
    }
);

impl Encoder {
    pub fn is_built_in(&self) -> bool {
        *self == Self::BuiltIn
    }
}

named!(
    /// Into which files a text goes. It is spoken once, whatever they are.
    Layout {
        /// One for each text.
        Files = "files",
        /// One for each folder of texts, and one for each EPUB.
        Book = "book",
        /// One for each chapter.
        Chapters = "chapters",
        /// As `Book`, and one for each chapter besides.
        Both = "both",
    }
);

impl Layout {
    pub fn is_files(&self) -> bool {
        *self == Self::Files
    }

    /// Whether the texts of a folder belong together.
    pub fn binds(self) -> bool {
        matches!(self, Self::Book | Self::Both)
    }

    /// The same for a text, once it is known what belongs to it.
    #[must_use]
    pub fn of_text(self) -> Self {
        if self == Self::Book {
            Self::Files
        } else {
            self
        }
    }
}

named!(
    /// What is made of a transcript that its recording speaks against.
    SoundCheck {
        /// It is not compared.
        Off = "off",
        /// It is said.
        Flag = "flag",
        /// It is said, and the run ends as one in which something failed.
        Strict = "strict",
    }
);

named!(
    /// What a pause is measured from.
    PauseMeasure {
        /// The silence that clips bring along is part of it.
        Heard = "heard",
        /// It comes behind whatever a clip ends with.
        Added = "added",
    }
);

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
        Md = "md",
    }
);
