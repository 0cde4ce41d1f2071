//! The episodes of a podcast's feed, as a manifest of recordings.
//!
//! A manifest is written once and added to: rows that are there stay to the byte, whatever the feed says by now, and
//! episodes are known again by their identifier. What a feed says is a stranger's: names are made safe, and what is no
//! recording at an address is left out and named.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use quick_xml::events::Event;
use regex::Regex;
use url::Url;

use crate::domain::AudioMillis;
use crate::pipeline::manifest::length;
use crate::pipeline::output::sanitised;
use crate::pipeline::remote::{Remote, Row};

/// Columns of the manifest; [`crate::pipeline::manifest`] reads the first four.
const HEADER: [&str; 6] = ["url", "duration", "name", "id", "published", "title"];
/// Longest part of a title in a name.
const LONGEST: usize = 80;

/// One episode with a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    pub url: Url,
    pub id: String,
    pub title: String,
    /// `2026-11-28`; empty if the feed does not say.
    pub published: String,
    pub duration: Option<AudioMillis>,
    /// For files: `2026-11-28 The Harbour.mp3`.
    pub name: String,
}

/// What a feed holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    pub title: String,
    /// The newest first.
    pub episodes: Vec<Episode>,
    /// Titles of entries without a recording.
    pub mute: Vec<String>,
}

/// Which episodes are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Published on this day or later; those without a date are not.
    pub since: Option<String>,
    /// The newest so many.
    pub latest: Option<usize>,
    /// In the title.
    pub matching: Option<Regex>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("this is no feed: RSS, Atom and JSON Feed are read ({0})")]
    NoFeed(String),
    #[error("{0} is there and is no list of episodes: its first line is another")]
    NoManifest(String),
    #[error("the list cannot be written")]
    Csv(#[from] csv::Error),
}

impl Episode {
    /// Why its address cannot stand in a list, if it cannot.
    pub fn refused(&self) -> Option<String> {
        let row = Row {
            url: self.url.as_str(),
            id: Some(&self.id)
                .filter(|id| !id.is_empty())
                .map(String::as_str),
            name: Some(&self.name),
            duration: None,
        };
        let checked = Remote::new(&row, String::new());
        checked.err().map(|error| error.to_string())
    }
}

impl Feed {
    /// Reads RSS, Atom or JSON Feed; addresses in it are relative to `base`.
    ///
    /// # Errors
    /// [`FeedError::NoFeed`]
    pub fn read(bytes: &[u8], base: Option<&Url>) -> Result<Self, FeedError> {
        let builder = feed_rs::parser::Builder::new().base_uri(base);
        // It takes numbers to be numbers: a stranger's feed must not end the program.
        let parsed = catch_unwind(AssertUnwindSafe(|| builder.build().parse(bytes)));
        let parsed =
            parsed.map_err(|_| FeedError::NoFeed("its numbers mean nothing".to_owned()))?;
        let parsed = parsed.map_err(|error| FeedError::NoFeed(error.to_string()))?;
        let lengths = lengths(bytes);
        let mut feed = Self {
            title: parsed
                .title
                .map_or_else(String::new, |title| tidy(&title.content)),
            ..Self::default()
        };
        for entry in parsed.entries {
            let title = entry
                .title
                .map_or_else(String::new, |title| tidy(&title.content));
            let date = entry.published.or(entry.updated);
            let published =
                date.map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string());
            let of_media = entry.media.iter().find_map(recording);
            // Atom and JSON Feed name it in a link.
            let recording = of_media.or_else(|| entry.links.iter().find_map(enclosure));
            let Some(url) = recording else {
                feed.mute.push(title);
                continue;
            };
            feed.episodes.push(Episode {
                name: name(&url, &title, &published),
                duration: lengths.get(url.as_str()).copied(),
                url,
                id: tidy(&entry.id),
                title,
                published,
            });
        }
        // Those without a date are the oldest; feeds have the newest first otherwise.
        feed.episodes
            .sort_by(|one, other| other.published.cmp(&one.published));
        apart(&mut feed.episodes);
        Ok(feed)
    }

    /// Leaves the episodes that are `wanted`.
    pub fn select(&mut self, wanted: &Wanted) {
        self.episodes.retain(|episode| {
            let is_new = wanted
                .since
                .as_ref()
                .is_none_or(|since| episode.published >= *since);
            let matching = wanted.matching.as_ref();
            is_new && matching.is_none_or(|matching| matching.is_match(&episode.title))
        });
        self.episodes.truncate(wanted.latest.unwrap_or(usize::MAX));
    }
}

/// How long the recordings of an RSS feed are, by their addresses. Feeds say `62:03`, which the reader of feeds takes for
/// 62 seconds, and the length is a price: so it is read here.
fn lengths(bytes: &[u8]) -> HashMap<String, AudioMillis> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut found = HashMap::new();
    let (mut url, mut stated, mut is_length) = (None, None, false);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "item" => (url, stated) = (None, None),
                "enclosure" => {
                    let mut attributes = tag.attributes().flatten();
                    let own = attributes.find(|own| own.key.as_ref() == "url");
                    let text =
                        own.map(|own| html_escape::decode_html_entities(&*own.value).into_owned());
                    url = text.and_then(|text| Url::parse(text.trim()).ok());
                }
                name => is_length = name == "duration",
            },
            Event::Text(text) if is_length => stated = length(text.trim()),
            Event::CData(text) if is_length => stated = length(text.trim()),
            Event::End(tag) => {
                is_length = false;
                if tag.local_name().as_ref() == "item"
                    && let (Some(url), Some(stated)) = (url.take(), stated.take())
                {
                    found.insert(url.to_string(), stated);
                }
            }
            _ => {}
        }
    }
    found
}

/// The address of a recording.
fn recording(media: &feed_rs::model::MediaObject) -> Option<Url> {
    let content = media.content.iter().find(|content| {
        let kind = content.content_type.as_ref().map(ToString::to_string);
        // Some feeds say no type.
        content.url.is_some() && kind.as_deref().is_none_or(is_sound)
    })?;
    content.url.clone()
}

fn enclosure(link: &feed_rs::model::Link) -> Option<Url> {
    let is_sound = link.media_type.as_deref().is_some_and(is_sound);
    let is_enclosed = link.rel.as_deref().is_none_or(|rel| rel == "enclosure");
    (is_sound && is_enclosed).then(|| Url::parse(&link.href).ok())?
}

fn is_sound(kind: &str) -> bool {
    kind.starts_with("audio/") || kind.starts_with("video/")
}

fn tidy(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

/// `2026-11-28 The Harbour.mp3`.
fn name(url: &Url, title: &str, published: &str) -> String {
    let last = url
        .path_segments()
        .and_then(Iterator::last)
        .unwrap_or_default();
    let extension = last
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    let is_extension = |extension: &String| {
        (1..=5).contains(&extension.len()) && extension.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let extension = extension
        .filter(is_extension)
        .unwrap_or_else(|| "mp3".to_owned());
    let title: String = title.chars().take(LONGEST).collect();
    let stem = format!("{published} {title}");
    let stem = if stem.trim().is_empty() {
        "episode"
    } else {
        stem.trim()
    };
    sanitised(&format!("{stem}.{extension}"), Some(&extension))
}

/// Gives each episode a name of its own; the oldest keeps its own.
fn apart(episodes: &mut [Episode]) {
    let mut taken = HashSet::new();
    for episode in episodes.iter_mut().rev() {
        episode.name = free(&episode.name, &mut taken);
    }
}

/// `name`, or one with a number that is not `taken`, in lower case; from now on it is.
fn free(name: &str, taken: &mut HashSet<String>) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "mp3"));
    let numbered = (2..).map(|number| format!("{stem} ({number}).{extension}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let found = names.find(|name| taken.insert(name.to_lowercase()));
    found.expect("there is always another number")
}

/// The manifest at `path` that has `before`, with those of `episodes` that are not in it, the oldest first; and which these
/// are.
///
/// # Errors
/// [`FeedError`] if `before` is no such manifest.
pub fn manifest<'a>(
    path: &str,
    before: Option<&str>,
    episodes: &'a [Episode],
) -> Result<(String, Vec<&'a Episode>), FeedError> {
    let (mut known, mut names) = match before {
        Some(before) => known(path, before)?,
        None => (HashSet::new(), HashSet::new()),
    };
    let mut text = before.unwrap_or_default().to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    if before.is_none() {
        writer.write_record(HEADER)?;
    }
    let mut new = Vec::new();
    for episode in episodes.iter().rev() {
        if !known.insert(episode.id.clone()) {
            continue;
        }
        let name = free(&episode.name, &mut names);
        let duration = episode
            .duration
            .map_or_else(String::new, |length| (length.0 / 1_000).to_string());
        writer.write_record([
            episode.url.as_str(),
            &duration,
            &name,
            &episode.id,
            &episode.published,
            &episode.title,
        ])?;
        new.push(episode);
    }
    let added = writer.into_inner().unwrap_or_default();
    text.push_str(&String::from_utf8_lossy(&added));
    Ok((text, new))
}

/// The identifiers and the names, in lower case, of the rows that are there.
fn known(path: &str, before: &str) -> Result<(HashSet<String>, HashSet<String>), FeedError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(before.as_bytes());
    let header = reader.headers();
    if !header.is_ok_and(|header| header.iter().eq(HEADER)) {
        return Err(FeedError::NoManifest(path.to_owned()));
    }
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    for row in reader.records() {
        let row = row?;
        ids.insert(row.get(3).unwrap_or_default().to_owned());
        names.insert(row.get(2).unwrap_or_default().to_lowercase());
    }
    Ok((ids, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSS: &str = r#"<?xml version="1.0"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Harbours</title>
<item><title>The Sea &amp; I</title><guid isPermaLink="false">e1</guid><pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate><itunes:duration>01:02:03</itunes:duration><enclosure url="https://h/a.mp3?sig=1" type="audio/mpeg" length="5"/></item>
<item><title>../../etc/passwd</title><guid>e2</guid><pubDate>Tue, 03 Nov 2026 08:00:00 GMT</pubDate><enclosure url="https://h/b.m4a" type="audio/x-m4a" length="5"/></item>
<item><title>../../etc/passwd</title><guid>e3</guid><pubDate>Tue, 03 Nov 2026 08:00:00 GMT</pubDate><enclosure url="https://h/c.m4a" type="audio/x-m4a" length="5"/></item>
<item><title>A note</title><guid>e4</guid></item></channel></rss>"#;

    #[test]
    fn the_episodes_of_a_feed_are_named_and_safe() {
        let feed = Feed::read(RSS.as_bytes(), None).unwrap();

        let told: Vec<_> = feed
            .episodes
            .iter()
            .map(|episode| (episode.id.as_str(), episode.name.as_str()))
            .collect();
        assert_eq!(feed.title, "Harbours");
        assert_eq!(feed.mute, ["A note"]);
        assert_eq!(told.len(), 3);
        assert_eq!(told[2], ("e1", "2026-11-02 The Sea & I.mp3"));
        assert_eq!(feed.episodes[2].duration, Some(AudioMillis(3_723_000)));
        for (_, name) in &told {
            assert!(!name.contains('/') && !name.starts_with('.'), "{name}");
        }
        assert_ne!(told[0].1, told[1].1);
    }

    #[test]
    fn a_list_is_added_to_and_its_rows_stay() {
        let feed = Feed::read(RSS.as_bytes(), None).unwrap();
        let mut first = feed.clone();
        first.select(&Wanted {
            matching: Some(Regex::new("(?i)sea").unwrap()),
            ..Wanted::default()
        });
        let (before, new) = manifest("e.csv", None, &first.episodes).unwrap();
        assert_eq!(new.len(), 1);
        let edited = before.replace("The Sea & I.mp3", "sea.mp3");

        let (after, new) = manifest("e.csv", Some(&edited), &feed.episodes).unwrap();

        assert!(after.starts_with(&edited));
        assert_eq!(
            new.iter()
                .map(|episode| episode.id.as_str())
                .collect::<Vec<_>>(),
            ["e3", "e2"]
        );
        let (again, new) = manifest("e.csv", Some(&after), &feed.episodes).unwrap();
        assert_eq!((again, new.len()), (after, 0));
        assert!(matches!(
            manifest("e.csv", Some("my notes\n"), &feed.episodes),
            Err(FeedError::NoManifest(_))
        ));
    }

    #[test]
    fn what_is_wanted_is_chosen_by_day_number_and_title() {
        let count = |wanted: &Wanted| {
            let mut feed = Feed::read(RSS.as_bytes(), None).unwrap();
            feed.select(wanted);
            feed.episodes.len()
        };

        assert_eq!(
            count(&Wanted {
                since: Some("2026-11-03".into()),
                ..Wanted::default()
            }),
            2
        );
        assert_eq!(
            count(&Wanted {
                latest: Some(1),
                ..Wanted::default()
            }),
            1
        );
    }

    #[test]
    fn lengths_are_read_as_people_write_them_and_hostile_ones_end_nothing() {
        let feed = |stated: &str| {
            let text = RSS.replace("01:02:03", stated);
            Feed::read(text.as_bytes(), None).map(|feed| feed.episodes[2].duration)
        };

        assert_eq!(feed("62:03").unwrap(), Some(AudioMillis(3_723_000)));
        assert_eq!(feed("3723").unwrap(), Some(AudioMillis(3_723_000)));
        assert_eq!(feed("soon").unwrap(), None);
        let huge = feed("99999999999999999999:00:00");
        assert!(huge.is_err() || huge.is_ok_and(|length| length.is_none()));
    }

    #[test]
    fn atom_and_json_feeds_are_read_and_other_things_are_none() {
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>H</title><entry><id>a1</id><title>One</title><updated>2026-11-02T08:00:00Z</updated><link rel="enclosure" type="audio/mpeg" href="https://h/a.mp3"/></entry></feed>"#;
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"H","items":[{"id":"j1","title":"One","content_text":"x","date_published":"2026-11-02T08:00:00Z","attachments":[{"url":"https://h/a.mp3","mime_type":"audio/mpeg","duration_in_seconds":60}]}]}"#;
        for text in [atom, json] {
            let feed = Feed::read(text.as_bytes(), None).unwrap();
            assert_eq!(feed.episodes.len(), 1, "{text}");
            assert_eq!(feed.episodes[0].url.as_str(), "https://h/a.mp3");
        }
        for text in ["", "<html></html>", "{}", "<rss"] {
            assert!(Feed::read(text.as_bytes(), None).is_err(), "{text}");
        }
    }
}
