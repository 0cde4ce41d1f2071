//! Measuring one recording as far as needed to price it and to queue it, and how it is sent: as it is, made smaller, or
//! cut into clips. Sends nothing.

use std::path::Path;

use crate::audio::{self, AudioFacts, CutError, OVERLAP};
use crate::domain::units::counted;
use crate::domain::{AudioMillis, ContentKey, Lesson, Stretch};
use crate::pipeline::key;
use crate::pipeline::plan::AtMost;
use crate::pipeline::remote::Remote;
use crate::pipeline::source::Refusal;
use crate::pipeline::task::{Learnt, TranscriptionWork};

/// A coded clip is a little longer than what it was made of.
const MARGIN: AudioMillis = AudioMillis(1_000);
/// What a decoder may lack of what was measured: encoders' padding, the rest of a broken frame.
pub(crate) const MAY_MISS: AudioMillis = AudioMillis(1_000);

/// An audio file, measured.
#[derive(Debug, Clone)]
pub struct AudioSource {
    pub content: ContentKey,
    /// One, or one for each clip.
    pub requests: Vec<AudioRequest>,
    /// As measured here; of a recording at a URL, as its manifest says, or the longest that
    /// one request takes.
    pub duration: AudioMillis,
    /// The length is not known: `duration` is a bound.
    pub is_unknown: bool,
    /// It is still to be cut, into clips that are no longer than this.
    pub uncut: Option<AudioMillis>,
    /// What the planner should mention.
    pub note: Option<String>,
}

/// What one request sends of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioRequest {
    pub key: ContentKey,
    /// All of it, if it is not cut.
    pub part: Option<Stretch>,
    pub length: AudioMillis,
}

impl AudioSource {
    /// Why what its requests come to is a bound, if it is.
    pub(super) fn at_most(&self) -> Option<AtMost> {
        let uncut = self.uncut.map(|_| AtMost::Uncut);
        uncut.or(self.is_unknown.then_some(AtMost::UnknownLength))
    }

    /// Where it is cut; empty if it is not.
    pub fn parts(&self) -> impl Iterator<Item = Stretch> {
        self.requests.iter().filter_map(|request| request.part)
    }
}

/// How one recording is sent that may not go as it is.
struct Way {
    /// The longest clip; `None` if it is not cut.
    most: Option<AudioMillis>,
    /// In words.
    note: Option<String>,
}

/// Measures the audio at `path` and checks it against the provider's limits, so that
/// junk is found before it is uploaded and paid for.
pub fn read_audio(
    path: &Path,
    endpoint: &str,
    work: &TranscriptionWork,
) -> Result<AudioSource, Refusal> {
    let size = path
        .metadata()
        .map_err(|error| Refusal::unreadable(&error))?
        .len();
    let facts = audio::probe(path)
        .map_err(|error| Refusal::new(error.to_string(), "take it out of `input`, or repair it"))?;
    let content = key::of_file(path).map_err(|error| Refusal::unreadable(&error))?;
    let ways = Ways {
        endpoint,
        work,
        content,
        facts: &facts,
    };
    ways.source(size)
}

/// What decides how a recording is sent.
struct Ways<'a> {
    endpoint: &'a str,
    work: &'a TranscriptionWork,
    content: ContentKey,
    facts: &'a AudioFacts,
}

impl Ways<'_> {
    fn source(&self, size: u64) -> Result<AudioSource, Refusal> {
        let (length, cuts) = (self.facts.duration, self.cuts()?);
        // However it was bought, it is not bought in another way.
        let is_bought = |requests: &[AudioRequest]| {
            let mut keys = requests.iter().map(|request| request.key);
            keys.all(|key| self.work.bought.contains(key))
        };
        let whole = vec![self.request(None)];
        if is_bought(&whole) {
            return Ok(self.sent(whole, None));
        }
        let known = cuts.iter().map(|(_, clips)| self.requests(clips));
        if let Some(bought) = known.into_iter().find(|requests| is_bought(requests)) {
            let note = format!("cut into {} as it was bought", clips(bought.len()));
            return Ok(self.sent(bought, Some(note)));
        }
        let Way { most, note } = self.way(size)?;
        let Some(most) = most else {
            return Ok(self.sent(whole, note));
        };
        let why = note.unwrap_or_default();
        if let Some((_, places)) = cuts.iter().find(|(kept, _)| *kept == most) {
            let requests = self.requests(places);
            let overlaps = places.windows(2).filter(|pair| pair[1].start < pair[0].end);
            let mut note = format!("{why}: cut into {}", clips(requests.len()));
            note += &match overlaps.count() {
                0 => ", each time in a pause".to_owned(),
                some => format!(
                    ", {} without a pause, where {:.0} s are sent twice",
                    counted(u64::try_from(some).unwrap_or(u64::MAX), "time"),
                    OVERLAP.seconds()
                ),
            };
            return Ok(self.sent(requests, Some(note)));
        }
        let (count, together) = audio::at_most(length, most);
        Ok(AudioSource {
            uncut: Some(most),
            ..self.sent(
                self.guessed(count, together),
                Some(format!(
                    "{why}: a run cuts it in pauses, into {count} clips at most"
                )),
            )
        })
    }

    fn cuts(&self) -> Result<Vec<(AudioMillis, Vec<Stretch>)>, Refusal> {
        let mut cuts = self.work.cuts.of(self.content).map_err(|error| {
            let why = format!("is cut, and where cannot be read: {error}");
            Refusal::new(why, "check the permissions of the state folder")
        })?;
        // One of another recording would lose words.
        let end = self.facts.duration.0;
        cuts.retain(|(_, clips)| {
            let last = clips.last().map_or(0, |clip| clip.end.0);
            last <= end + MAY_MISS.0 && last + MAY_MISS.0 >= end
        });
        Ok(cuts)
    }

    fn request(&self, part: Option<Stretch>) -> AudioRequest {
        let (endpoint, params) = (self.endpoint, &self.work.params);
        AudioRequest {
            key: match part {
                None => key::transcribe(endpoint, params, self.content),
                Some(part) => key::transcribe_part(endpoint, params, self.content, part),
            },
            part,
            length: part.map_or(self.facts.duration, Stretch::length),
        }
    }

    fn requests(&self, clips: &[Stretch]) -> Vec<AudioRequest> {
        clips.iter().map(|clip| self.request(Some(*clip))).collect()
    }

    /// Clips of one length, as many as there may be.
    fn guessed(&self, count: u64, together: AudioMillis) -> Vec<AudioRequest> {
        let each = together.0.div_ceil(count.max(1));
        let clip = |at: u64| Stretch {
            start: AudioMillis(at * each),
            end: AudioMillis(((at + 1) * each).min(together.0)),
        };
        (0..count).map(|at| self.request(Some(clip(at)))).collect()
    }

    fn sent(&self, requests: Vec<AudioRequest>, note: Option<String>) -> AudioSource {
        let is_cut = requests.len() > 1;
        let speakers = (is_cut && self.work.params.diarize.is_some())
            .then(|| "speakers are told apart in each clip anew".to_owned());
        AudioSource {
            content: self.content,
            requests,
            duration: self.facts.duration,
            is_unknown: false,
            uncut: None,
            note: joined([cut_note(self.facts), note, speakers]),
        }
    }

    /// As it is if it may go so, else made smaller, else cut.
    fn way(&self, size: u64) -> Result<Way, Refusal> {
        let (facts, work) = (self.facts, self.work);
        let (longest, limit) = longest(work);
        let too_long = facts.duration > longest;
        let fits = audio::longest_in(work.largest());
        let too_large = size > work.largest();
        if too_large && !too_long && !audio::can_shrink(facts) {
            return Err(too_large_to_decode(facts, size, work));
        }
        let mut caps = Vec::new();
        if too_long {
            caps.push((AudioMillis(longest.0.saturating_sub(MARGIN.0)), limit));
        }
        if let Some(split) = work.split.filter(|split| facts.duration > *split) {
            caps.push((split, "`split` asks for clips".to_owned()));
        }
        if too_large && facts.duration > fits || !caps.is_empty() {
            caps.push((fits, format!("{} hold {}", largest(work), minutes(fits))));
        }
        let Some((clip, why)) = caps.into_iter().min_by_key(|(clip, _)| *clip) else {
            let note = too_large.then(|| smaller(facts, size, work));
            return Ok(Way { most: None, note });
        };
        let why = format!("is {} long; {why}", minutes(facts.duration));
        if clip >= audio::SHORTEST && audio::can_shrink(facts) {
            return Ok(Way {
                most: Some(clip),
                note: Some(why),
            });
        }
        if !too_long && !too_large {
            let note = format!(
                "{why} cuts nothing that is not decoded here ({})",
                facts.codec
            );
            return Ok(Way {
                most: None,
                note: Some(note),
            });
        }
        let model = &work.params.model;
        let remedy = if clip < audio::SHORTEST {
            format!(
                "clips of less than {:.0} s are not made here: cut it into parts yourself",
                audio::SHORTEST.seconds()
            )
        } else {
            format!(
                "{} at {} Hz is not cut here: ffmpeg -i IN -ac 1 -ar 16000 OUT.flac",
                facts.codec, facts.sample_rate
            )
        };
        Err(Refusal::new(
            why,
            format!("{remedy}, or raise the limits of [models.\"{model}\"]"),
        ))
    }
}

/// Finds out where the recording at `path` is cut into clips of at most `most`, and keeps it. Blocking: listens to all
/// of it.
pub fn cut(
    path: &Path,
    source: &AudioSource,
    most: AudioMillis,
    work: &TranscriptionWork,
) -> Result<(), Refusal> {
    let remedy = "repair it, or cut it yourself and name the parts in `input`";
    let clips = audio::cut(path, most, || false).map_err(|error| {
        let why = match error {
            CutError::Decode(error) => format!("cannot be decoded to be cut: {}", chain(&error)),
            CutError::Stopped => "was not listened to".to_owned(),
        };
        Refusal::new(why, remedy)
    })?;
    let heard = clips.last().map_or(AudioMillis(0), |clip| clip.end);
    if heard.0 + MAY_MISS.0 < source.duration.0 {
        let why = format!(
            "cannot be cut: only {:.1} s of its {:.1} s can be decoded",
            heard.seconds(),
            source.duration.seconds()
        );
        return Err(Refusal::new(why, remedy));
    }
    let kept = work.cuts.put(source.content, most, &clips);
    kept.map_err(|error| {
        let why = format!("is cut, and where cannot be kept: {error}");
        Refusal::new(why, "check the state folder and the disk")
    })
}

/// A recording that was cut, and whose cut does not fit it.
pub(super) fn uncut() -> Refusal {
    let why = "cannot be cut: it decodes to another length than it was measured to have";
    Refusal::new(why, "convert it: ffmpeg -i IN -ac 1 -ar 16000 OUT.flac")
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn clips(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "clip")
}

fn minutes(length: AudioMillis) -> String {
    format!("{:.1} min", length.seconds() / 60.0)
}

/// The longest audio that one request takes, and who says so.
fn longest(work: &TranscriptionWork) -> (AudioMillis, String) {
    let limit = work.longest();
    let stated = format!("one request takes at most {}", minutes(limit));
    let named = work
        .learned
        .iter()
        .filter_map(|learnt| match learnt.lesson {
            Lesson::MaxAudio(most) => Some((most, learnt)),
            _ => None,
        });
    match named.min_by_key(|(most, _)| *most) {
        Some((most, Learnt { lesson, from })) if most < limit => {
            (most, format!("the provider takes {lesson} ({from})"))
        }
        _ => (limit, stated),
    }
}

/// The largest file that one request takes, and who says so.
fn largest(work: &TranscriptionWork) -> String {
    let most = work.largest();
    let named = work
        .learned
        .iter()
        .find(|learnt| matches!(learnt.lesson, Lesson::MaxUpload(named) if named == most));
    match named {
        Some(learnt) => format!("{} ({})", learnt.lesson, learnt.from),
        None => format!("at most {:.1} MB a request", megabytes(most)),
    }
}

fn too_large(size: u64, work: &TranscriptionWork) -> String {
    let limit = largest(work);
    format!("is {:.1} MB; the provider takes {limit}", megabytes(size))
}

fn too_large_to_decode(facts: &AudioFacts, size: u64, work: &TranscriptionWork) -> Refusal {
    Refusal::new(
        too_large(size, work),
        format!(
            "{} at {} Hz is not made smaller here: ffmpeg -i IN -ac 1 -ar 16000 -c:a libopus -b:a 24k OUT.ogg (10.8 MB an hour), or raise `max_upload` of [models.\"{}\"]",
            facts.codec, facts.sample_rate, work.params.model
        ),
    )
}

/// How a recording that is too large is sent nevertheless.
fn smaller(facts: &AudioFacts, size: u64, work: &TranscriptionWork) -> String {
    let rate = audio::fitting_rate(facts.duration, work.largest()).unwrap_or_default();
    let bytes = u64::from(rate) * facts.duration.0 / 8000;
    format!(
        "{}: sent as M4A of about {:.1} MB (one channel, {} kbit/s), nothing is cut",
        too_large(size, work),
        megabytes(bytes),
        rate / 1000
    )
}

/// What is said of a recording that ends before its header says.
fn cut_note(facts: &AudioFacts) -> Option<String> {
    let stated = facts.cut_from?;
    Some(format!(
        "is shorter than its header says: {:.1} s of {:.1} s are there; it ends early",
        facts.duration.seconds(),
        stated.seconds()
    ))
}

fn joined(notes: [Option<String>; 3]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Prices a recording that the provider fetches, by what its manifest says of it. Opens no
/// socket: where nothing is said, it counts as the longest that one request takes.
pub fn read_remote(
    remote: &Remote,
    endpoint: &str,
    work: &TranscriptionWork,
) -> Result<AudioSource, Refusal> {
    if remote.is_loopback && !work.is_loopback {
        return Err(Refusal::new(
            "is on this machine, where the provider cannot fetch it",
            "name the file itself in `input`",
        ));
    }
    let limit = work.longest();
    if let Some(duration) = remote.duration.filter(|duration| *duration > limit) {
        return Err(Refusal::new(
            format!(
                "is {} long; one request takes at most {}, and what the provider fetches is not cut here",
                minutes(duration),
                minutes(limit)
            ),
            format!(
                "download it and name it in `input`, or raise `max_audio` of [models.\"{}\"]",
                work.params.model
            ),
        ));
    }
    let duration = remote.duration.unwrap_or(limit);
    Ok(AudioSource {
        content: remote.identity,
        requests: vec![AudioRequest {
            key: key::transcribe(endpoint, &work.params, remote.identity),
            part: None,
            length: duration,
        }],
        duration,
        is_unknown: remote.duration.is_none(),
        uncut: None,
        note: None,
    })
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "shown with one decimal"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
