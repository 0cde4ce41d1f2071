//! `tts`: a text or a few files to audio, now.

use std::ffi::OsStr;
use std::path::Path;

use crate::cli::args::Global;
use crate::cli::args::one_shot::TtsArgs;
use crate::cli::consent::Spend;
use crate::cli::exit::{Exit, Failure};
use crate::cli::one_shot::fulfil;
use crate::cli::one_shot::input::{Input, Reading};
use crate::cli::one_shot::order::Order;
use crate::cli::one_shot::target::{self, Target, Targets};
use crate::config::{TypedTask, TypedValue};
use crate::domain::{AudioMillis, FileFormat};
use crate::engine::local;

/// The profile of the built-in voice.
const LOCAL: &str = "local";

pub(crate) async fn run(global: &Global, args: TtsArgs) -> anyhow::Result<Exit> {
    let reading = match (args.text, args.files) {
        (true, _) => Reading::Text,
        (_, true) => Reading::TextFile,
        _ => Reading::TextOrFile,
    };
    let inputs = args.input.iter();
    let inputs: Result<Vec<_>, _> = inputs.map(|input| Input::of(input, reading)).collect();
    let inputs = inputs?;
    refuse_several_texts(&inputs)?;
    refuse_model_without_profile(&args)?;
    let format = format(&args)?;
    let order = Order {
        verb: "tts",
        task: task(&args, &format),
        reading,
        targets: targets(&args, &inputs, &format.0)?,
        inputs,
        folder: args.common.output_dir.clone(),
        spend: Spend::from(&args.common),
        excerpt: args
            .seconds
            .map(|seconds| AudioMillis(u64::from(seconds.get()).saturating_mul(1000))),
    };
    fulfil(global, order).await
}

/// The task the flags stand for: a line for each key of `[task.NAME]`.
fn task(args: &TtsArgs, (format, typed): &(String, String)) -> TypedTask {
    let common = &args.common;
    let lexicon: Vec<String> = args.lexicon.iter().map(|path| here(path)).collect();
    let profile = args.profile.as_deref().unwrap_or(LOCAL);
    let task = TypedTask::new("tts")
        .with_from("format", format, typed.clone())
        .with("profile", Some(profile))
        .with("model", common.model.as_deref())
        .with("language", common.language.as_deref())
        .with("speed", args.speed.as_ref())
        .with("instructions", args.instructions.as_deref())
        .with("response_encoding", args.response_encoding.as_deref())
        .with("sample_rate", args.sample_rate.as_ref())
        .with("bit_rate", args.bit_rate.as_ref())
        .with("delivery", args.delivery.as_deref())
        .with("alignment", args.alignment.as_deref())
        .with("segment", args.segment.as_deref())
        .with("max_partial_length", args.max_partial_length.as_ref())
        .with("pronunciation_dict", some(&args.pronunciation_dict))
        .with("subtitles", some(&args.subtitles))
        .with("chapters", args.chapters.as_deref())
        .with("tables", args.tables.as_deref())
        .with("images", args.images.as_deref())
        .with("notes", args.notes.as_deref())
        .with("matter", args.matter.as_deref())
        .with("unspoken", args.unspoken.as_deref())
        .with("loudness", args.loudness.as_deref())
        .with("title", args.title.as_deref())
        .with("author", args.author.as_deref())
        .with("narrator", args.narrator.as_deref())
        .with("cover", args.cover.as_deref().map(here).as_deref())
        .with("lexicon", some(&lexicon))
        .with(
            "clean",
            some(&args.no_clean).map(|rules| TypedValue::Off(rules.to_vec())),
        );
    match &args.voice {
        None if profile == LOCAL => {
            let voice = local_voice(common.language.as_deref());
            task.with_from("voice", voice, format!("the voice {voice}"))
        }
        voice => task.with("voice", voice.as_deref()),
    }
}

/// A path of this folder, for settings that count from elsewhere.
fn here(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_string_lossy().into_owned()
}

fn some(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

/// The first built-in voice of `language`; one that does not fit is refused with the others.
fn local_voice(language: Option<&str>) -> &'static str {
    let wanted = language.unwrap_or("en").to_ascii_lowercase();
    let voices = local::voices();
    let speaks = |language: &str| {
        let own = language.to_ascii_lowercase();
        own == wanted || own.split('-').next() == Some(wanted.as_str())
    };
    let voice = voices.iter().find(|voice| speaks(voice.language));
    voice.map_or("pico-en-us", |voice| voice.name)
}

/// The format of the audio, and what was typed for it.
fn format(args: &TtsArgs) -> Result<(String, String), Failure> {
    if let Some(format) = &args.format {
        return Ok((format.clone(), format!("--format {format}")));
    }
    let wav = FileFormat::Wav.as_str().to_owned();
    let output = args.common.output.as_deref();
    let Some(extension) = output.and_then(Path::extension).and_then(OsStr::to_str) else {
        return Ok((wav, "the format wav".to_owned()));
    };
    let typed = format!("-o {}", target::shown(output.unwrap_or(Path::new(""))));
    let extension = extension.to_ascii_lowercase();
    if extension.parse::<FileFormat>().is_ok() {
        return Ok((extension, typed));
    }
    // A device or a pipe has no extension that means something.
    let is_special = output.is_some_and(|path| path.exists() && !path.is_file());
    if is_special {
        return Ok((wav, "the format wav".to_owned()));
    }
    Err(Failure::new(
        Exit::Usage,
        format!("{typed}: `.{extension}` is no audio format I write"),
    )
    .detail("nothing was sent")
    .hint("end it with .m4b, .mp3, .opus, .flac or .wav, or add --format wav"))
}

fn targets(args: &TtsArgs, inputs: &[Input], format: &str) -> Result<Vec<Targets>, Failure> {
    let refuse = |headline: &str, hint: &str| {
        let failure = Failure::new(Exit::Usage, headline).detail("nothing was sent");
        Err(failure.hint(hint))
    };
    let subtitles = args.subtitles.iter().map(|format| format.trim().to_owned());
    if let Some(folder) = &args.common.output_dir {
        if inputs.iter().any(Input::is_text) {
            return refuse("a text has no name to give its audio", "-o NAME.wav");
        }
        let formats: Vec<_> = [format.to_owned()].into_iter().chain(subtitles).collect();
        let folders = inputs.iter();
        return Ok(folders
            .map(|input| target::in_folder(folder, input, &formats))
            .collect());
    }
    let Some(output) = &args.common.output else {
        return refuse(
            "where should the audio go?",
            "-o FILE, -O DIR for several files, or -o - for stdout",
        );
    };
    if inputs.len() > 1 {
        return refuse(
            "-o is one file, and there are several inputs",
            "-O DIR writes a file for each",
        );
    }
    if output == Path::new("-") {
        if !args.subtitles.is_empty() {
            return refuse("audio and subtitles cannot both go to stdout", "-o FILE");
        }
        return Ok(vec![vec![(format.to_owned(), Target::Stdout)]]);
    }
    let audio = (format.to_owned(), Target::File(output.clone()));
    let beside = subtitles.map(|format| {
        let path = output.with_extension(&format);
        (format, Target::File(path))
    });
    Ok(vec![[audio].into_iter().chain(beside).collect()])
}

/// The quotes around a text are easily forgotten, and then it is several words.
fn refuse_several_texts(inputs: &[Input]) -> Result<(), Failure> {
    if inputs.len() < 2 || !inputs.iter().any(Input::is_text) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "several inputs have to be files, and not all are",
    )
    .detail("nothing was sent")
    .hint("put quotes around a text: voicespool tts \"Good morning.\" -o morning.wav")
    .hint("--files says which of them does not exist"))
}

/// Whoever names a provider's model means that provider.
fn refuse_model_without_profile(args: &TtsArgs) -> Result<(), Failure> {
    match &args.common.model {
        Some(model) if args.profile.is_none() && model != local::MODEL => Err(Failure::new(
            Exit::Usage,
            format!("whose model is `{model}`?"),
        )
        .detail("without --profile the built-in voice speaks; nothing was sent")
        .hint("--profile together, or another profile of yours")),
        _ => Ok(()),
    }
}
