//! A project with one task for each hostile answer, and a watched run of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use voicespool_mock::{Expected, HostileAnswer, HostileKind, tones};

use crate::hostile::{AMPLE, Limits, settings, timeouts};
use crate::support::{Project, Provider};

/// How a watched run ended.
pub(super) struct Watched {
    pub(super) code: Option<i32>,
    pub(super) talk: String,
    /// The most memory it ever had, in KiB (`VmHWM`).
    pub(super) peak: u64,
}

pub(super) struct Scene {
    pub(super) project: Project,
    pub(super) answers: Vec<HostileAnswer>,
}

impl Scene {
    /// Each task is answered by its name.
    pub(super) fn hostile(
        provider: &Provider,
        kind: HostileKind,
        answers: Vec<HostileAnswer>,
        limits: Limits,
    ) -> Self {
        let base = |name: &str| format!("http://{}/hostile/{name}/v1", provider.mock.addr);
        Self::new(kind, answers, limits, base)
    }

    /// The same tasks, and a provider without malice.
    pub(super) fn proper(
        provider: &Provider,
        kind: HostileKind,
        answers: &[HostileAnswer],
    ) -> Self {
        let base = |_: &str| provider.mock.base_url();
        Self::new(kind, answers.to_vec(), AMPLE, base)
    }

    fn new(
        kind: HostileKind,
        answers: Vec<HostileAnswer>,
        limits: Limits,
        base_url: impl Fn(&str) -> String,
    ) -> Self {
        let mut config = format!("version = 1\n{}", settings());
        for answer in &answers {
            let name = &answer.name;
            let work = match kind {
                HostileKind::Speech => format!(
                    "type = \"tts\"\ninput = [\"in/{name}.txt\"]\nmodel = \"hexgrad/Kokoro-82M\"\nvoice = \"af_heart\"\nformat = \"{}\"\n",
                    answer.format
                ),
                HostileKind::Transcription => format!(
                    "type = \"stt\"\ninput = [\"in/{name}.wav\"]\nmodel = \"openai/whisper-large-v3\"\nformats = [\"srt\", \"txt\"]\n"
                ),
            };
            config.push_str(&format!(
                "[profile.{name}]\nkind = \"together\"\nbase_url = \"{}\"\nkey = {{ env = \"TOGETHER_API_KEY\" }}\n{}\n[task.{name}]\nprofile = \"{name}\"\noutput = \"{{stem}}.{{ext}}\"\n{work}",
                base_url(name),
                timeouts(limits),
            ));
        }
        let project = Project::new(&config);
        for answer in &answers {
            let name = &answer.name;
            let text = format!(
                "For {} the keeper of the light wrote the weather into his ledger and went to bed.",
                name.replace('-', " ")
            );
            match kind {
                HostileKind::Speech => project.write(&format!("in/{name}.txt"), text),
                HostileKind::Transcription => project.write(&format!("in/{name}.wav"), wav(name)),
            }
        }
        Self { project, answers }
    }

    /// Runs the program to its end, and shows each event to `look`.
    pub(super) fn watched(&self, args: &[&str], mut look: impl FnMut(&Value)) -> Watched {
        self.watched_until(args, |event| {
            look(event);
            None
        })
    }

    /// As [`Self::watched`]; `look` may send a signal.
    pub(super) fn watched_until(
        &self,
        args: &[&str],
        mut look: impl FnMut(&Value) -> Option<Signal>,
    ) -> Watched {
        let mut child = self
            .project
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (peak, over) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let watch = {
            let (peak, over) = (peak.clone(), over.clone());
            let status = format!("/proc/{}/status", child.id());
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    if let Some(now) = high_water(&status) {
                        peak.fetch_max(now, Ordering::Relaxed);
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            })
        };
        let mut stderr = child.stderr.take().unwrap();
        let talk = thread::spawn(move || {
            let mut talk = String::new();
            stderr.read_to_string(&mut talk).unwrap();
            talk
        });
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let event: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if let Some(signal) = look(&event) {
                kill_process(Pid::from_child(&child), signal).unwrap();
            }
        }
        let code = child.wait().unwrap().code();
        over.store(true, Ordering::Relaxed);
        watch.join().unwrap();
        Watched {
            code,
            talk: talk.join().unwrap(),
            peak: peak.load(Ordering::Relaxed),
        }
    }

    /// The finished files are those of `control`, a world without faults, byte for byte, but for those
    /// whose answer said something else.
    pub(super) fn agrees_with(&self, control: &Self) {
        let (found, right) = (files(&self.project), files(&control.project));
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&right));
        for answer in &self.answers {
            if answer.expected == Expected::Different {
                continue;
            }
            for (path, bytes) in &right {
                let is_own = path.split('.').next() == Some(&answer.name);
                assert!(
                    !is_own || found[path] == *bytes,
                    "{path} is not what it should be"
                );
            }
        }
    }
}

fn high_water(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The finished media files, by name.
fn files(project: &Project) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(project.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "csv"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect()
}

/// A recording of its own for each name.
fn wav(name: &str) -> Vec<u8> {
    let samples = tones("en-US", name).unwrap();
    let bytes: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    let length = u32::try_from(bytes.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&(length + 36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&16_000_u32.to_le_bytes());
    file.extend_from_slice(&32_000_u32.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&bytes);
    file
}
