//! `feed`: the episodes of a podcast as a list for `urls`, or as files.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use regex::RegexBuilder;
use url::Url;

use crate::cli::args::{FeedArgs, Global};
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::feed::Episode as EpisodeRecord;
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::engine::fetch::{FetchError, Fetcher};
use crate::pipeline::feed::{Episode, Feed, FeedError, Wanted, manifest};

/// The largest feed: ten thousand episodes with notes have 50 MB.
const MOST_FEED: u64 = 64 << 20;
/// The largest recording that is downloaded.
const MOST_RECORDING: u64 = 4 << 30;

pub(crate) async fn run(global: &Global, args: &FeedArgs) -> anyhow::Result<Exit> {
    let wanted = wanted(args)?;
    let (bytes, typed) = load(&args.feed).await?;
    let mut feed = Feed::read(&bytes, typed.as_ref())
        .map_err(|error| Failure::from_error(Exit::Usage, &error).detail("nothing was written"))?;
    let all = feed.episodes.len();
    feed.select(&wanted);
    if !global.json {
        let title = term::clean(&feed.title);
        term::say(&format!("{title}: {}", term::count(count(all), "episode")));
        for title in &feed.mute {
            term::say(&format!(
                "left out, it has no recording: {}",
                term::clean(title)
            ));
        }
    }
    match &args.download {
        Some(folder) => download(global, folder, typed.as_ref(), &feed.episodes).await,
        None => {
            leave_out(global, &mut feed);
            list(global, args.output.as_deref(), &feed.episodes)
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn wanted(args: &FeedArgs) -> Result<Wanted, Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what).detail("nothing was written");
    let matching = args.matching.as_ref().map(|pattern| {
        let built = RegexBuilder::new(pattern).case_insensitive(true).build();
        built.map_err(|error| usage(format!("--match: {error}")))
    });
    let since = args.since.as_ref().map(|day| {
        let parsed = day.parse::<jiff::civil::Date>();
        parsed.map_err(|_| {
            usage(format!(
                "--since: `{}` is no day; write 2026-11-28",
                term::clean(day)
            ))
        })
    });
    Ok(Wanted {
        since: since.transpose()?.map(|day| day.to_string()),
        latest: args.latest,
        matching: matching.transpose()?,
    })
}

/// The feed, and its address if it has one.
async fn load(feed: &str) -> anyhow::Result<(Vec<u8>, Option<Url>)> {
    let is_url = feed.starts_with("http://") || feed.starts_with("https://");
    if !is_url {
        let bytes = std::fs::read(feed).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("cannot read {}: {error}", term::clean(feed)),
            )
            .hint("a feed is an address that begins with https://, or a file")
        })?;
        return Ok((bytes, None));
    }
    let url = Url::parse(feed).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("the address of the feed is none: {error}"),
        )
    })?;
    let fetcher = Fetcher::new(&url).map_err(|error| failure(&error))?;
    let bytes = fetcher.get(&url, MOST_FEED).await;
    Ok((bytes.map_err(|error| failure(&error))?, Some(url)))
}

fn failure(error: &FetchError) -> Failure {
    let exit = match error {
        FetchError::Network { .. } => Exit::Unreachable,
        FetchError::Write { .. } => Exit::Disk,
        _ => Exit::Usage,
    };
    Failure::from_error(exit, error).detail("nothing was written")
}

/// What could not be read back from a list does not go into it.
fn leave_out(global: &Global, feed: &mut Feed) {
    feed.episodes.retain(|episode| {
        let refused = episode.refused();
        if let (Some(why), false) = (&refused, global.json) {
            let title = term::clean(&episode.title);
            term::say(&format!("left out: {title}: {}", term::clean(why)));
        }
        refused.is_none()
    });
}

/// Writes or continues the list at `output`; without one it goes to stdout.
fn list(global: &Global, output: Option<&Path>, episodes: &[Episode]) -> anyhow::Result<Exit> {
    let Some(path) = output else {
        let (text, new) = manifest("-", None, episodes)?;
        if global.json {
            tell(episodes, &new)?;
        } else {
            term::out(&text)?;
        }
        return Ok(Exit::Ok);
    };
    let shown = term::clean(&path.to_string_lossy());
    let before = match std::fs::read_to_string(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::new(Exit::Usage, format!("cannot read {shown}: {error}")).into());
        }
    };
    let (text, new) =
        manifest(&shown, before.as_deref(), episodes).map_err(|error| match error {
            FeedError::NoManifest(_) => {
                Failure::from_error(Exit::Usage, &error).detail("nothing was written")
            }
            other => Failure::from_error(Exit::Disk, &other),
        })?;
    if before.as_deref() != Some(text.as_str()) {
        replace(path, &text)?;
    }
    if global.json {
        tell(episodes, &new)?;
        return Ok(Exit::Ok);
    }
    let added = term::count(count(new.len()), "new episode");
    term::say(&format!("{added} in {shown}"));
    if before.is_none() {
        term::say(&format!(
            "next: urls = [\"{shown}\"] in a task of type \"stt\", then voicespool plan"
        ));
    }
    Ok(Exit::Ok)
}

/// The list appears whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Disk,
            format!("cannot write {}: {error}", path.display()),
        )
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn tell(episodes: &[Episode], new: &[&Episode]) -> anyhow::Result<()> {
    let new: HashSet<&str> = new.iter().map(|episode| episode.id.as_str()).collect();
    for episode in episodes {
        let line = EpisodeRecord::new(episode, new.contains(episode.id.as_str()), None);
        record::print(&Record::Episode(&line))?;
    }
    Ok(())
}

/// Downloads what is not in `folder` yet, the oldest first, one after the other: hosts of podcasts like that.
async fn download(
    global: &Global,
    folder: &Path,
    typed: Option<&Url>,
    episodes: &[Episode],
) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::new(
            Exit::Disk,
            format!("cannot make {}: {error}", folder.display()),
        )
    })?;
    let (mut new, mut failed) = (0, 0);
    for episode in episodes.iter().rev() {
        let path: PathBuf = folder.join(&episode.name);
        if path.symlink_metadata().is_ok() {
            if global.json {
                record::print(&Record::Episode(&EpisodeRecord::new(episode, false, None)))?;
            }
            continue;
        }
        match fetch(global, typed, episode, &path).await? {
            Ok(()) => new += 1,
            Err(FetchError::Write { .. }) => return Ok(Exit::Disk),
            Err(_) => failed += 1,
        }
    }
    if !global.json {
        term::say(&format!(
            "{} in {}",
            term::count(new, "new episode"),
            folder.display()
        ));
        if failed > 0 {
            term::say(&format!(
                "{} could not be fetched; the same command tries again, and goes on where it stopped",
                term::count(failed, "episode")
            ));
        }
    }
    Ok(if failed > 0 { Exit::Partial } else { Exit::Ok })
}

/// Downloads one recording and says what became of it.
async fn fetch(
    global: &Global,
    typed: Option<&Url>,
    episode: &Episode,
    path: &Path,
) -> anyhow::Result<Result<(), FetchError>> {
    // A feed in a file is nobody's address: what it names is a stranger's.
    let stranger = Url::parse("https://feed.invalid/")?;
    let client = Fetcher::new(typed.unwrap_or(&stranger))?;
    let fetched = client.download(&episode.url, path, MOST_RECORDING).await;
    let name = term::clean(&episode.name);
    match &fetched {
        _ if global.json => {
            let error = fetched.as_ref().err().map(ToString::to_string);
            let line = EpisodeRecord::new(episode, fetched.is_ok(), error);
            record::print(&Record::Episode(&line))?;
        }
        Ok(bytes) => term::say(&format!("{name}, {}", term::size(*bytes))),
        Err(error) => {
            let why = term::clean(&error.to_string());
            term::say(&format!("warning: {name}: {why}"));
        }
    }
    Ok(fetched.map(drop))
}
