//! `stt`: a few recordings to text and subtitles, now.

use std::ffi::OsStr;
use std::path::Path;

use crate::cli::args::Global;
use crate::cli::args::one_shot::{SttArgs, SttTask};
use crate::cli::consent::Spend;
use crate::cli::exit::{Exit, Failure};
use crate::cli::one_shot::fulfil;
use crate::cli::one_shot::input::{Input, Reading};
use crate::cli::one_shot::order::Order;
use crate::cli::one_shot::target::{self, Target, Targets};
use crate::config::{TypedTask, nearest};
use crate::domain::DocumentFormat;

/// What Together's own script asks for.
const TOGETHER_MODEL: &str = "openai/whisper-large-v3";

/// What is written into a folder when nothing is said, as by a task of a file.
const USUAL: [DocumentFormat; 3] = [
    DocumentFormat::Srt,
    DocumentFormat::Json,
    DocumentFormat::Txt,
];

pub(crate) async fn run(global: &Global, args: SttArgs) -> anyhow::Result<Exit> {
    let inputs = args.input.iter();
    let inputs: Result<Vec<_>, _> = inputs
        .map(|input| Input::of(input, Reading::Audio))
        .collect();
    let inputs = inputs?;
    let formats = formats(&args, inputs.len())?;
    let order = Order {
        verb: "stt",
        task: task(&args, &formats)?,
        reading: Reading::Audio,
        targets: targets(&args, &inputs, &formats)?,
        inputs,
        folder: args.common.output_dir.clone(),
        spend: Spend::from(&args.common),
        excerpt: None,
    };
    fulfil(global, order).await
}

/// The task the flags stand for: a line for each key of `[task.NAME]`.
fn task(args: &SttArgs, formats: &[String]) -> Result<TypedTask, Failure> {
    let common = &args.common;
    let model = match &common.model {
        None if args.profile == "together" => Some(TOGETHER_MODEL),
        model => model.as_deref(),
    };
    let timed = match args.word_timestamps {
        Some(true) => Some("word"),
        Some(false) => Some("segment"),
        None => args.timestamps.as_deref(),
    };
    let task = TypedTask::new("stt")
        .with("profile", Some(args.profile.as_str()))
        .with("model", model)
        .with("formats", Some(formats))
        .with("language", common.language.as_deref())
        .with("timestamps", timed)
        .with("split", args.split.as_deref())
        .with("prompt", args.prompt.as_deref())
        .with("temperature", args.temperature.as_ref())
        .with("translate", translation(args)?)
        .with("min_speakers", args.min_speakers.as_ref())
        .with("max_speakers", args.max_speakers.as_ref());
    Ok(task.with("diarize", args.diarize.then_some(true)))
}

/// The language to translate to.
fn translation(args: &SttArgs) -> Result<Option<&str>, Failure> {
    let target = args
        .translate
        .as_deref()
        .or(args.target_language.as_deref());
    match (args.task, target) {
        (Some(SttTask::Translate), None) => Ok(Some("en")),
        (Some(SttTask::Transcribe), Some(_)) => Err(Failure::new(
            Exit::Usage,
            "--task transcribe and --translate exclude each other",
        )
        .detail("nothing was sent")),
        (_, target) => Ok(target),
    }
}

/// The documents to write, in the words of the configuration, which checks them.
fn formats(args: &SttArgs, inputs: usize) -> Result<Vec<String>, Failure> {
    let mut formats: Vec<String> = Vec::new();
    for word in args.output_format.iter().map(|word| word.trim()) {
        match word {
            "all" => formats.extend(DocumentFormat::ALL.iter().map(ToString::to_string)),
            word if word.parse::<DocumentFormat>().is_ok() => formats.push(word.to_owned()),
            word => return Err(no_document(word)),
        }
    }
    for (wanted, format) in [
        (args.srt, DocumentFormat::Srt),
        (args.vtt, DocumentFormat::Vtt),
        (args.json_doc, DocumentFormat::Json),
        (args.txt, DocumentFormat::Txt),
    ] {
        formats.extend(wanted.then(|| format.to_string()));
    }
    let mut once: Vec<String> = Vec::new();
    for format in formats {
        if !once.contains(&format) {
            once.push(format);
        }
    }
    if !once.is_empty() {
        return Ok(once);
    }
    let common = &args.common;
    let by_name = common.output.as_deref().and_then(document_of);
    Ok(match by_name {
        Some(format) => vec![format.to_string()],
        None if common.output.is_none() && (common.output_dir.is_some() || inputs > 1) => {
            USUAL.iter().map(ToString::to_string).collect()
        }
        None => vec![DocumentFormat::Txt.to_string()],
    })
}

/// The document a file name asks for.
fn document_of(path: &Path) -> Option<DocumentFormat> {
    let extension = path.extension().and_then(OsStr::to_str)?;
    extension.to_ascii_lowercase().parse().ok()
}

fn no_document(word: &str) -> Failure {
    let known = DocumentFormat::ALL.iter().map(|format| format.as_str());
    let known: Vec<_> = known.chain(["all"]).collect();
    let hint = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.join(", ")),
    };
    Failure::new(
        Exit::Usage,
        format!("--output-format: there is no document `{word}`"),
    )
    .detail("nothing was sent")
    .hint(hint)
}

fn targets(args: &SttArgs, inputs: &[Input], formats: &[String]) -> Result<Vec<Targets>, Failure> {
    let refuse = |headline: &str, hint: &str| {
        let failure = Failure::new(Exit::Usage, headline).detail("nothing was sent");
        Err(failure.hint(hint))
    };
    let common = &args.common;
    let asked = !args.output_format.is_empty() || args.srt || args.vtt || args.txt || args.json_doc;
    let is_stdout = match &common.output {
        Some(output) => output == Path::new("-"),
        None => common.output_dir.is_none() && inputs.len() == 1 && !asked,
    };
    if common.output.is_some() && inputs.len() > 1 {
        return refuse(
            "-o is one file, and there are several inputs",
            "-O DIR writes files for each",
        );
    }
    if is_stdout {
        return match formats {
            [format] => Ok(vec![vec![(format.clone(), Target::Stdout)]]),
            _ => refuse(
                "several documents cannot all go to stdout",
                "-O DIR, or one of them with -o -",
            ),
        };
    }
    let Some(output) = &common.output else {
        let folder = common.output_dir.as_deref().unwrap_or(Path::new(""));
        let folders = inputs.iter();
        return Ok(folders
            .map(|input| target::in_folder(folder, input, formats))
            .collect());
    };
    let named = document_of(output).map(|format| format.to_string());
    if named.as_ref().is_some_and(|named| !formats.contains(named)) {
        return refuse(
            "-o names one document and the formats are others",
            "leave the format out, or end -o with it",
        );
    }
    let path = |format: &String| {
        // One document may have any name; several are told apart by their extensions.
        if formats.len() == 1 || named.as_ref() == Some(format) {
            output.clone()
        } else if named.is_some() {
            output.with_extension(format)
        } else {
            let mut name = output.clone().into_os_string();
            name.push(format!(".{format}"));
            name.into()
        }
    };
    let all = formats.iter();
    Ok(vec![
        all.map(|format| (format.clone(), Target::File(path(format))))
            .collect(),
    ])
}
