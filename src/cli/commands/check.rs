//! `check`: measures finished audio, whoever made it, and proves it against what a publisher asks.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use walkdir::WalkDir;

use crate::audio::decode::read_container;
use crate::audio::measure::{self, MeasureError, Measurements};
use crate::audio::requirements::{self, Decibels, Judged, Requirements};
use crate::cli::args::{CheckArgs, Global};
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::sound::{Limit, Sound};
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::pipeline::discover::{has_extension, natural};
use crate::pipeline::extensions::AUDIO_EXTENSIONS;
use crate::report::table;

pub(crate) async fn run(global: &Global, args: &CheckArgs) -> anyhow::Result<Exit> {
    let requirements = args.profile.as_deref().map(named).transpose()?;
    let mut files = Vec::new();
    for path in &args.files {
        add(path, &mut files)?;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut measured = futures_util::stream::iter(files)
        .map(|path| async move {
            let work = path.clone();
            let found = tokio::task::spawn_blocking(move || measure::measure(&work)).await;
            (path, found)
        })
        .buffered(cores);
    let (mut checked, mut findings, mut first) = (0, 0, None);
    while let Some((path, found)) = measured.next().await {
        let proof = Proof::of(&path, found?, requirements, &mut first);
        checked += 1;
        findings += u64::from(!proof.is_ok());
        if global.json {
            record::print(&Record::Sound(&proof.record(requirements)))?;
        } else {
            term::out(&proof.text())?;
        }
    }
    if !global.json && (checked > 1 || requirements.is_some()) {
        tell(checked, findings, requirements);
    }
    Ok(if findings == 0 {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

fn named(name: &str) -> Result<&'static Requirements, Failure> {
    Requirements::named(name).ok_or_else(|| {
        let known: Vec<_> = requirements::ALL.iter().map(|one| one.name).collect();
        Failure::new(
            Exit::Usage,
            format!("there are no requirements named `{}`", term::clean(name)),
        )
        .hint(format!("one of: {}", known.join(", ")))
    })
}

/// Adds `path`, or the audio in it if it is a folder, in the order people count.
fn add(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let shown = term::clean(&path.to_string_lossy());
    let wrong =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("{shown}: {error}"));
    let found = path.metadata().map_err(|error| wrong(&error))?;
    if found.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    if !found.is_dir() {
        return Err(wrong(&"it is no regular file"));
    }
    let mut inside = Vec::new();
    for entry in WalkDir::new(path).follow_links(false) {
        let entry = entry.map_err(|error| wrong(&error))?;
        if entry.file_type().is_file() && is_audio(entry.path()).map_err(|error| wrong(&error))? {
            inside.push(entry.into_path());
        }
    }
    if inside.is_empty() {
        return Err(wrong(&"there is no audio in this folder"));
    }
    inside.sort_by(|a, b| natural(a, b));
    files.append(&mut inside);
    Ok(())
}

/// Whether a file begins like audio, or is named like it: what is damaged is to be found, too.
fn is_audio(path: &Path) -> io::Result<bool> {
    let named = has_extension(path, AUDIO_EXTENSIONS);
    Ok(named || read_container(&mut File::open(path)?)?.is_some())
}

/// One file with its numbers and what is asked of them.
struct Proof {
    /// As it was named.
    shown: String,
    numbers: Result<(Measurements, Vec<Judged>), MeasureError>,
}

impl Proof {
    fn of(
        path: &Path,
        found: Result<Measurements, MeasureError>,
        requirements: Option<&Requirements>,
        first: &mut Option<(u32, u16)>,
    ) -> Self {
        let numbers = found.map(|file| {
            let mut judged = requirements.map_or_else(Vec::new, |asked| asked.judge(&file));
            let shape = (file.sample_rate, file.channels);
            let expected = *first.get_or_insert(shape);
            if requirements.is_some_and(|asked| asked.is_uniform) && shape != expected {
                let words = |(rate, channels)| format!("{rate} Hz, {channels} ch");
                judged.push(Judged {
                    rule: "uniform",
                    wanted: format!("{}, as the first file", words(expected)),
                    found: words(shape),
                    ok: false,
                });
            }
            (file, judged)
        });
        Self {
            shown: term::clean(&path.to_string_lossy()),
            numbers,
        }
    }

    fn is_ok(&self) -> bool {
        let judged = self.numbers.as_ref().map(|(_, judged)| judged);
        judged.is_ok_and(|judged| judged.iter().all(|judged| judged.ok))
    }

    fn text(&self) -> String {
        let (file, judged) = match &self.numbers {
            Ok(numbers) => numbers,
            Err(error) => return format!("✖ {}: {}\n", self.shown, why(error)),
        };
        let mark = if self.is_ok() { "✔" } else { "✖" };
        let mut text = format!("{mark} {}\n", self.shown);
        if judged.is_empty() {
            let rows = numbers(file).into_iter();
            text += &table::plain(
                &["number", "value"],
                2,
                rows.map(|(name, value)| vec![name.to_owned(), value]),
            );
        } else {
            let rows = judged.iter().map(|judged| {
                let mark = if judged.ok { "✔" } else { "✖" };
                vec![
                    mark.to_owned(),
                    judged.rule.to_owned(),
                    judged.found.clone(),
                    judged.wanted.clone(),
                ]
            });
            text += &table::plain(&["", "rule", "found", "asked"], 4, rows);
        }
        text.push('\n');
        text
    }

    fn record(&self, requirements: Option<&Requirements>) -> Sound {
        let mut record = Sound {
            path: self.shown.clone(),
            ok: self.is_ok(),
            profile: requirements.map(|asked| asked.name),
            source: requirements.map(|asked| asked.source),
            ..Sound::default()
        };
        match &self.numbers {
            Ok((file, judged)) => {
                record.measure(file);
                record.rules = judged.iter().map(Limit::of).collect();
            }
            Err(error) => record.error = Some(why(error)),
        }
        record
    }
}

/// Why a file has no numbers, with its causes.
fn why(error: &MeasureError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = error.source();
    }
    term::clean(&text)
}

/// All numbers of a file, for people.
fn numbers(file: &Measurements) -> Vec<(&'static str, String)> {
    let clipped = term::count(file.clipped, "sample");
    vec![
        ("format", requirements::format_of(file)),
        ("sample rate", format!("{} Hz", file.sample_rate)),
        ("channels", file.channels.to_string()),
        ("length", format!("{:.3} s", file.duration.seconds())),
        ("rms", Decibels(file.rms, "dB").to_string()),
        ("peak", Decibels(file.peak, "dB").to_string()),
        ("true peak", Decibels(file.true_peak, "dBTP").to_string()),
        ("floor", Decibels(file.floor, "dB").to_string()),
        ("loudness", Decibels(file.lufs, "LUFS").to_string()),
        ("at full scale", clipped),
        ("head", format!("{:.2} s", file.head.seconds())),
        ("tail", format!("{:.2} s", file.tail.seconds())),
    ]
}

fn tell(checked: u64, findings: u64, requirements: Option<&Requirements>) {
    let files = term::count(checked, "file");
    let Some(asked) = requirements else {
        if findings > 0 {
            term::say(&format!(
                "{files} measured, {findings} of them cannot be read"
            ));
        }
        return;
    };
    let good = checked - findings;
    term::say(&format!(
        "{files} checked: {good} as {} asks, {findings} not ({})",
        asked.about, asked.source
    ));
}
