//! The command lines of `tts` and `stt`, as clap sees them.
//!
//! A flag that sets a key of a task has the key's name; what people know from whisper and
//! from the provider's own scripts is accepted as well.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::domain::NanoUsd;

/// Flags both commands know.
#[derive(Debug, Default, Args)]
pub(crate) struct OneShotArgs {
    /// Write here, replacing what is there; - is stdout
    #[arg(short, long, value_name = "FILE", conflicts_with = "output_dir")]
    pub output: Option<PathBuf>,
    /// Write into this folder, a file named after each input
    #[arg(short = 'O', long, alias = "output_dir", value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// The provider's name of the model
    #[arg(long)]
    pub model: Option<String>,
    /// Language, such as en or de
    #[arg(long, value_name = "CODE")]
    pub language: Option<String>,
    /// Do not ask before spending
    #[arg(short, long)]
    pub yes: bool,
    /// Send nothing that could cost more than this in all, e.g. 0.50 (USD)
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<NanoUsd>,
}

#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  voicespool tts \"Good morning.\" -o morning.wav         the built-in voice: no key, offline, free
  voicespool tts letter.txt -o letter.flac --voice pico-de --subtitles srt
  voicespool tts chapter*.md -O audio                    one file for each
  voicespool tts book.epub -o book.m4b --loudness \"-19 LUFS\"
                                                         an audiobook: chapters, tags, cover
  echo \"Dinner is ready.\" | voicespool tts - -o - | aplay
  voicespool tts \"Hello.\" -o hello.mp3 --profile together --model hexgrad/Kokoro-82M \\
      --voice af_heart --max-cost 0.01                   asks Together, never spends more

An argument that names a file is that file, anything else is text. Equal text is bought once,
and a command that was interrupted goes on when it is typed again. The bill of all of them:
voicespool report --one-shots.
Settings come from your own configuration; with -f also profiles, models and [budget] of FILE.")]
pub(crate) struct TtsArgs {
    /// A text in quotes, files, or - for text from stdin
    #[arg(value_name = "TEXT|FILE", required = true)]
    pub input: Vec<OsString>,
    /// What is given is text, whatever it looks like
    #[arg(long, conflicts_with = "files")]
    pub text: bool,
    /// What is given are files, whatever it looks like
    #[arg(long)]
    pub files: bool,
    #[command(flatten)]
    pub common: OneShotArgs,
    /// Where to send it: local (the built-in voice), together, openai, or one of yours [default:
    /// local]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Who speaks; `voicespool voices` lists them [default: of the built-in ones the first of the
    /// language]
    #[arg(long)]
    pub voice: Option<String>,
    /// wav, flac, m4b, opus or mp3 [default: from the extension of -o, else wav]
    #[arg(long, alias = "response-format", alias = "response_format")]
    pub format: Option<String>,
    /// 0.25 to 4.0, where the provider has it
    #[arg(long, value_parser = finite)]
    pub speed: Option<f64>,
    /// Style directions, where the provider has them
    #[arg(long, value_name = "TEXT")]
    pub instructions: Option<String>,
    /// Ask for samples in this coding, where the provider has it
    #[arg(
        long,
        alias = "response_encoding",
        value_name = "CODING",
        help = "Ask for samples: pcm_f32le, pcm_s16le, pcm_mulaw or pcm_alaw, where the provider has it"
    )]
    pub response_encoding: Option<String>,
    /// Frames per second, where the provider has it
    #[arg(long, alias = "sample_rate", value_name = "HZ")]
    pub sample_rate: Option<u32>,
    /// Bits per second of an m4b, opus or mp3
    #[arg(long, alias = "bit_rate", value_name = "BITS")]
    pub bit_rate: Option<u32>,
    /// How loud the file is to be, as "-19 LUFS"
    #[arg(long, value_name = "LUFS", allow_hyphen_values = true)]
    pub loudness: Option<String>,
    /// What the book is called [default: what it says itself]
    #[arg(long)]
    pub title: Option<String>,
    /// Who wrote it
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Who reads it
    #[arg(long, value_name = "NAME")]
    pub narrator: Option<String>,
    /// Its picture, a JPEG or PNG [default: its own, or cover.jpg beside it]
    #[arg(long, value_name = "FILE")]
    pub cover: Option<PathBuf>,
    /// How words are said: a CSV with the columns written,said, or a PLS; may be given again
    #[arg(long, value_name = "FILE")]
    pub lexicon: Vec<PathBuf>,
    /// How the sound travels: rest, stream or websocket
    #[arg(long, value_name = "DELIVERY")]
    pub delivery: Option<String>,
    /// Only these chapters, by their number, such as 1-5,8
    #[arg(long, value_name = "NUMBERS")]
    pub chapters: Option<String>,
    /// Only about the first so many seconds; all of it later buys none of them again
    #[arg(long, value_name = "N")]
    pub seconds: Option<NonZeroU32>,
    /// Tables: read (row by row, with the heads of the columns) or skip [default: read]
    #[arg(long, value_name = "WAY")]
    pub tables: Option<String>,
    /// Descriptions of pictures: read or skip [default: skip]
    #[arg(long, value_name = "WAY")]
    pub images: Option<String>,
    /// Footnotes and endnotes of EPUB, HTML and DOCX: read or skip [default: skip]
    #[arg(long, value_name = "WAY")]
    pub notes: Option<String>,
    /// How much of an EPUB: body, or all, with title page, imprint and index [default: body]
    #[arg(long, value_name = "PART")]
    pub matter: Option<String>,
    /// Signs that the built-in voice does not say: warn, or error, which refuses the text [default: warn]
    #[arg(long, value_name = "WAY")]
    pub unspoken: Option<String>,
    /// Leave these rules of the clean-up out: note-marks, emphasis-marks, dashes, hyphenation,
    /// ligatures, gutenberg, page-numbers, running-heads, verse-lines, entities, ruby, table-heads,
    /// lexicon
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub no_clean: Vec<String>,
    /// word: subtitles with the times of the provider's voice (stream and websocket)
    #[arg(long, value_name = "ALIGNMENT")]
    pub alignment: Option<String>,
    /// Where the provider cuts the text: sentence, immediate or never (stream and websocket)
    #[arg(long, value_name = "SEGMENT")]
    pub segment: Option<String>,
    /// Characters the provider holds before it must speak (websocket)
    #[arg(long, alias = "max_partial_length", value_name = "N")]
    pub max_partial_length: Option<u32>,
    /// A pronunciation, written/spoken, where the provider has them; may be given again
    #[arg(long, alias = "pronunciation_dict", value_name = "WORD/SOUND")]
    pub pronunciation_dict: Vec<String>,
    /// Also write what was spoken, beside the audio: srt, vtt, json, txt, tsv, lrc, md, with commas between
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    pub subtitles: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SttTask {
    Transcribe,
    Translate,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  voicespool stt talk.mp3 --max-cost 0.50                the text, on stdout
  voicespool stt talk.mp3 -o talk.srt --language en
  voicespool stt *.m4a -O transcripts --output-format all
  voicespool stt interview.wav --srt --diarize --min-speakers 2 --max-speakers 2
  ffmpeg -i film.mkv -ac 1 -f flac - | voicespool stt - --translate > film.txt

One recording without -o, -O or a format: its text goes to stdout. Otherwise documents go to -o,
to -O, or to the working folder. Equal audio is bought once, and a command that was interrupted
goes on when it is typed again. The bill of all of them: voicespool report --one-shots.
Settings come from your own configuration; with -f also profiles, models and [budget] of FILE.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct SttArgs {
    /// Recordings, or - for audio from stdin
    #[arg(value_name = "FILE", required = true)]
    pub input: Vec<OsString>,
    #[command(flatten)]
    pub common: OneShotArgs,
    /// Where to send it: together, openai, or one of yours
    #[arg(long, value_name = "NAME", default_value = "together")]
    pub profile: String,
    /// Documents to write: srt, vtt, json, txt, tsv, lrc, md, with commas between, or all
    #[arg(
        long,
        alias = "output_format",
        value_name = "FORMATS",
        value_delimiter = ','
    )]
    pub output_format: Vec<String>,
    /// Write subtitles as SRT
    #[arg(long)]
    pub srt: bool,
    /// Write subtitles as VTT
    #[arg(long)]
    pub vtt: bool,
    /// Write the text
    #[arg(long)]
    pub txt: bool,
    /// Write words, times and speakers as JSON
    #[arg(long)]
    pub json_doc: bool,
    /// transcribe, or translate to English
    #[arg(long, value_enum)]
    pub task: Option<SttTask>,
    /// Translate, to English unless a language is given
    #[arg(
        long,
        value_name = "CODE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "en"
    )]
    pub translate: Option<String>,
    /// As `--translate=CODE`, as Together's own script has it
    #[arg(
        long,
        alias = "target_language",
        value_name = "CODE",
        hide = true,
        conflicts_with = "translate"
    )]
    pub target_language: Option<String>,
    /// Tell speakers apart
    #[arg(long)]
    pub diarize: bool,
    /// Fewest speakers to look for
    #[arg(long, alias = "min_speakers", value_name = "N")]
    pub min_speakers: Option<u32>,
    /// Most speakers to look for
    #[arg(long, alias = "max_speakers", value_name = "N")]
    pub max_speakers: Option<u32>,
    /// Send longer recordings as clips of at most this, such as 20m, cut in pauses
    #[arg(long, value_name = "DURATION")]
    pub split: Option<String>,
    /// Words the recording is about
    #[arg(
        long,
        alias = "initial_prompt",
        alias = "initial-prompt",
        value_name = "TEXT"
    )]
    pub prompt: Option<String>,
    /// 0.0 to 1.0
    #[arg(long, value_parser = finite)]
    pub temperature: Option<f64>,
    /// What is timed: word (better subtitles) or segment
    #[arg(long, alias = "granularity", value_name = "WHAT")]
    pub timestamps: Option<String>,
    /// As whisper has it: True is `--timestamps word`, False is `--timestamps segment`
    #[arg(
        long,
        alias = "word_timestamps",
        value_name = "True|False",
        action = ArgAction::Set,
        value_parser = truth,
        conflicts_with = "timestamps"
    )]
    pub word_timestamps: Option<bool>,
}

fn finite(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| "write a number such as 1.0".to_owned())
}

/// As Python spells it, and as anybody would.
fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write True or False".to_owned()),
    }
}
