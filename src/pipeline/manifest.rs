//! Manifests: lists of recordings at URLs, as `.txt` (a URL a line) or `.csv` (with a header).
//!
//! All rows are checked before anything is planned, and all that is wrong is said at once,
//! by file and line. What is said never quotes a row: a row may hold a signature.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::StringRecord;
use secrecy::ExposeSecret;

use crate::domain::{AudioMillis, ContentKey};
use crate::pipeline::discover::{Found, distance, nearest_sibling};
use crate::pipeline::remote::{Remote, Row};
use crate::pipeline::task::{Manifest, Places};

/// Extensions of a manifest.
pub const EXTENSIONS: &[&str] = &["csv", "txt"];

/// Columns of a CSV manifest that mean something; others are passed over.
const COLUMNS: [&str; 4] = ["url", "duration", "name", "id"];

/// Larger is no list that a person or a feed made: a million signed addresses fit.
const MAX_BYTES: u64 = 1 << 30;

/// Wrong rows that are described.
const MAX_SHOWN: usize = 20;

/// The recordings of a task's manifests, in their order.
#[derive(Debug, Default)]
pub struct Listing {
    pub files: Vec<Found>,
    pub warnings: Vec<String>,
}

/// Why a manifest cannot be worked from.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{origin}: cannot read the manifest {path}{hint}")]
    Io {
        origin: String,
        path: String,
        hint: String,
        source: io::Error,
    },
    #[error("{origin}: the manifest {path} names no recording")]
    Nothing { origin: String, path: String },
    #[error("{path}:{line}: {what}")]
    Form {
        path: String,
        line: u64,
        what: String,
    },
    #[error("{}", rows(*.count, .shown))]
    Rows { count: usize, shown: Vec<String> },
}

impl ManifestError {
    /// Where in the configuration the manifest stands, if it is about that.
    pub fn origin(&self) -> Option<&str> {
        match self {
            Self::Io { origin, .. } | Self::Nothing { origin, .. } => Some(origin),
            Self::Form { .. } | Self::Rows { .. } => None,
        }
    }
}

fn rows(count: usize, shown: &[String]) -> String {
    let mut text = if count == 1 {
        "a row of a manifest cannot be used:".to_owned()
    } else {
        format!("{count} rows of the manifests cannot be used:")
    };
    for row in shown {
        text.push_str("\n  ");
        text.push_str(row);
    }
    if count > shown.len() {
        text.push_str(&format!("\n  and {} more", count - shown.len()));
    }
    text
}

/// Reads `manifests`. Blocking; opens no socket.
pub fn read(manifests: &[Manifest], places: &Places) -> Result<Listing, ManifestError> {
    let mut reader = Reader::default();
    for manifest in manifests {
        let text = load(manifest, places)?;
        let before = reader.rows;
        if is_csv(&manifest.path) {
            reader.csv(&manifest.path, &text)?;
        } else {
            reader.txt(&manifest.path, &text);
        }
        if reader.rows == before {
            return Err(ManifestError::Nothing {
                origin: manifest.origin.clone(),
                path: manifest.path.clone(),
            });
        }
    }
    if reader.wrong > 0 {
        return Err(ManifestError::Rows {
            count: reader.wrong,
            shown: reader.shown,
        });
    }
    Ok(reader.listing)
}

/// Whether the manifest has columns; [`EXTENSIONS`] were checked by the configuration.
fn is_csv(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn load(manifest: &Manifest, places: &Places) -> Result<String, ManifestError> {
    let path = places.root.join(&manifest.path);
    let failed = |source: io::Error| {
        let meant = (source.kind() == io::ErrorKind::NotFound)
            .then(|| nearest_sibling(&path))
            .flatten();
        ManifestError::Io {
            origin: manifest.origin.clone(),
            path: manifest.path.clone(),
            hint: meant.map_or_else(String::new, |name| format!(": did you mean `{name}`?")),
            source,
        }
    };
    let file = File::open(&path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(failed(io::Error::other("it is no regular file")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        let limit = format!("it has more than {} MiB", MAX_BYTES >> 20);
        return Err(failed(io::Error::other(limit)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let lines = error.as_bytes()[..valid]
            .split(|byte| *byte == b'\n')
            .count();
        ManifestError::Form {
            path: manifest.path.clone(),
            line: u64::try_from(lines).unwrap_or(u64::MAX),
            what: "this is not UTF-8; save the manifest as UTF-8".into(),
        }
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

#[derive(Debug, Default)]
struct Reader {
    listing: Listing,
    /// Where each recording was first named.
    known: HashMap<ContentKey, Arc<Remote>>,
    rows: usize,
    wrong: usize,
    shown: Vec<String>,
}

impl Reader {
    fn txt(&mut self, path: &str, text: &str) {
        for (idx, line) in text.lines().enumerate() {
            let url = line.trim();
            if url.is_empty() || url.starts_with('#') {
                continue;
            }
            let row = Row {
                url,
                ..Row::default()
            };
            self.row(&row, &format!("{path}:{}", idx + 1));
        }
    }

    fn csv(&mut self, path: &str, text: &str) -> Result<(), ManifestError> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(text))
            .trim(csv::Trim::All)
            // Counted here, so that all wrong rows are found and not only the first.
            .flexible(true)
            .from_reader(text.as_bytes());
        let form = |line: u64, what: String| ManifestError::Form {
            path: path.to_owned(),
            line,
            what,
        };
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(_) => return Err(form(1, "the header cannot be read".into())),
        };
        let columns = columns(&header).map_err(|what| form(1, what))?;
        self.note_near_misses(path, &header);
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                form(line, "this row cannot be read as CSV".into())
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            let origin = format!("{path}:{line}");
            if record.iter().all(str::is_empty) {
                continue;
            }
            if record.len() != header.len() {
                let what = format!(
                    "has {} fields, the header has {}; a comma inside a field needs quotes",
                    record.len(),
                    header.len()
                );
                self.refuse(&origin, &what);
                continue;
            }
            self.record(&columns, &record, &origin);
        }
        Ok(())
    }

    fn record(&mut self, columns: &[Option<usize>; 4], record: &StringRecord, origin: &str) {
        let cell = |column: usize| {
            let text = record.get(columns[column]?)?;
            (!text.is_empty()).then_some(text)
        };
        let duration = match cell(1).map(|text| (text, length(text))) {
            None => None,
            Some((_, Some(length))) => Some(length),
            Some((_, None)) => {
                let what =
                    "`duration` is no length; write seconds, 1:02:03 or 62m, or leave it empty";
                self.refuse(origin, what);
                return;
            }
        };
        let row = Row {
            url: cell(0).unwrap_or_default(),
            duration,
            name: cell(2),
            id: cell(3),
        };
        self.row(&row, origin);
    }

    fn row(&mut self, row: &Row<'_>, origin: &str) {
        self.rows += 1;
        let remote = match Remote::new(row, origin.to_owned()) {
            Ok(remote) => Arc::new(remote),
            Err(error) => {
                self.rows -= 1;
                return self.refuse(origin, &error.to_string());
            }
        };
        if let Some(first) = self.known.get(&remote.identity) {
            if first.url.expose_secret() == remote.url.expose_secret() {
                self.listing.warnings.push(format!(
                    "{origin}: {} stands in {} already; it is taken once",
                    remote.shown, first.origin
                ));
                return;
            }
            let what = format!(
                "{} stands in {} with another signature; take one of them away or, if they are two recordings, give each an `id`",
                remote.shown, first.origin
            );
            return self.refuse(origin, &what);
        }
        self.known.insert(remote.identity, Arc::clone(&remote));
        self.listing.files.push(Found {
            path: PathBuf::from(&remote.shown),
            rel_dir: remote.folder.clone(),
            bytes: 0,
            remote: Some(remote),
            parts: Vec::new(),
        });
    }

    fn refuse(&mut self, origin: &str, what: &str) {
        self.rows += 1;
        self.wrong += 1;
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(format!("{origin}: {what}"));
        }
    }

    /// A column that is passed over and looks like one of ours is a typing mistake.
    fn note_near_misses(&mut self, path: &str, header: &StringRecord) {
        for name in header {
            let lower = name.to_ascii_lowercase();
            // A `date` is no misspelt `name`.
            let near = COLUMNS.iter().find(|known| {
                let most = known.len() / 3;
                **known != lower && distance(known, &lower) <= most.min(2)
            });
            if let Some(near) = near {
                self.listing.warnings.push(format!(
                    "{path}:1: the column `{name}` is passed over; did you mean `{near}`?"
                ));
            }
        }
    }
}

/// Spreadsheets of half of Europe write semicolons.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    [b',', b';', b'\t']
        .into_iter()
        .find(|delimiter| header.as_bytes().contains(delimiter))
        .unwrap_or(b',')
}

/// Where each of [`COLUMNS`] stands.
fn columns(header: &StringRecord) -> Result<[Option<usize>; 4], String> {
    let mut found = [None; 4];
    for (idx, name) in header.iter().enumerate() {
        let Some(column) = COLUMNS
            .iter()
            .position(|known| name.eq_ignore_ascii_case(known))
        else {
            continue;
        };
        if found[column].replace(idx).is_some() {
            return Err(format!("the column `{}` stands twice", COLUMNS[column]));
        }
    }
    if found[0].is_none() {
        // Without a header the first row is a row, and not to be quoted.
        return Err("the header has no column `url`; write url,duration,name,id (the last three as you like)".into());
    }
    Ok(found)
}

/// Seconds, `[h:]mm:ss` or a time with units; above zero.
pub(super) fn length(text: &str) -> Option<AudioMillis> {
    let plain = |text: &str| {
        let digits = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        digits.then(|| text.parse::<f64>().ok()).flatten()
    };
    let seconds = if text.contains(':') {
        let parts: Vec<&str> = text.split(':').collect();
        let (first, rest) = parts.split_first()?;
        if rest.len() > 2 || first.contains('.') {
            return None;
        }
        let mut sum = plain(first)?;
        for (idx, part) in rest.iter().enumerate() {
            let is_last = idx + 1 == rest.len();
            let value = plain(part).filter(|value| *value < 60.0)?;
            if !is_last && part.contains('.') {
                return None;
            }
            sum = sum * 60.0 + value;
        }
        sum
    } else if let Some(seconds) = plain(text) {
        seconds
    } else {
        humantime::parse_duration(text).ok()?.as_secs_f64()
    };
    let length = AudioMillis::from_seconds(seconds);
    (length.0 > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn listing(files: &[(&str, &str)]) -> Result<Listing, ManifestError> {
        let dir = tempfile::tempdir().unwrap();
        let mut manifests = Vec::new();
        for (name, text) in files {
            let mut file = File::create(dir.path().join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            manifests.push(Manifest {
                path: (*name).to_owned(),
                origin: "jobs.toml:3:8".into(),
            });
        }
        let places = Places {
            root: dir.path().to_owned(),
            out: dir.path().join("out"),
            state: dir.path().join(".voicespool"),
        };
        read(&manifests, &places)
    }

    fn told(files: &[(&str, &str)]) -> String {
        listing(files).unwrap_err().to_string()
    }

    #[test]
    fn lengths_are_read_as_feeds_and_people_write_them() {
        for (text, millis) in [
            ("3723", Some(3_723_000)),
            ("3723.5", Some(3_723_500)),
            ("1:02:03", Some(3_723_000)),
            ("62:03", Some(3_723_000)),
            ("0:00:01.5", Some(1_500)),
            ("62m", Some(3_720_000)),
            ("1h 2m 3s", Some(3_723_000)),
            ("0", None),
            ("-5", None),
            ("1:75:00", None),
            ("1:2:3:4", None),
            ("nan", None),
            ("1e3", None),
            ("soon", None),
            (":", None),
        ] {
            assert_eq!(length(text).map(|found| found.0), millis, "{text}");
        }
    }

    #[test]
    fn both_kinds_are_read_in_order_with_what_they_say() {
        let found = listing(&[
            (
                "a.csv",
                "\u{feff}ID;Name;URL;Duration;guests\n7;Vol. 2;https://h/a.mp3;1:02:03;Jo\n;;https://h/b.mp3;;\n\n",
            ),
            ("b.txt", "# more\n\n  https://h/c.mp3\r\nhttps://h/d.mp3"),
        ])
        .unwrap();

        let told: Vec<_> = found
            .files
            .iter()
            .map(|file| {
                let remote = file.remote.as_ref().unwrap();
                (
                    remote.shown.as_str(),
                    remote.stem.as_str(),
                    remote.duration.map(|length| length.0),
                    remote.origin.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("https://h/a.mp3#7", "Vol. 2", Some(3_723_000), "a.csv:2"),
                ("https://h/b.mp3", "b", None, "a.csv:3"),
                ("https://h/c.mp3", "c", None, "b.txt:3"),
                ("https://h/d.mp3", "d", None, "b.txt:4"),
            ]
        );
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }

    #[test]
    fn every_wrong_row_is_named_by_its_line_and_none_is_quoted() {
        let text = "url,duration\nhttps://h/a.mp3?sig=CANARY,soon\nhttps://h/b.mp3?sig=CANARY,1,CANARY\nhttp://h/c.mp3?sig=CANARY,\n,5\nhttps://h/d.mp3,5\n";

        let told = told(&[("a.csv", text)]);

        for words in [
            "4 rows",
            "a.csv:2: `duration`",
            "a.csv:3: has 3",
            "a.csv:4: ",
            "a.csv:5: there is no URL",
        ] {
            assert!(told.contains(words), "{words} in {told}");
        }
        assert!(!told.contains("CANARY"), "{told}");
    }

    #[test]
    fn a_recording_is_taken_once_and_two_signatures_for_one_are_refused() {
        let twice = listing(&[("a.txt", "https://h/a?sig=1\nhttps://h/a?sig=1\n")]).unwrap();
        assert_eq!((twice.files.len(), twice.warnings.len()), (1, 1));
        assert!(twice.warnings[0].contains("a.txt:2") && twice.warnings[0].contains("a.txt:1"));

        let told = told(&[(
            "a.txt",
            "https://h/a?sig=CANARY1\nhttps://h/a?sig=CANARY2\n",
        )]);
        assert!(told.contains("a.txt:2") && told.contains("`id`"), "{told}");
        assert!(!told.contains("CANARY"), "{told}");

        let apart = "url,id\nhttps://h/a?sig=1,1\nhttps://h/a?sig=2,2\n";
        assert_eq!(listing(&[("a.csv", apart)]).unwrap().files.len(), 2);
    }

    #[test]
    fn what_is_no_manifest_says_so() {
        assert!(told(&[("a.csv", "https://h/a.mp3?sig=CANARY\n")]).contains("no column `url`"));
        assert!(told(&[("a.csv", "url,URL\nx,y\n")]).contains("twice"));
        assert!(told(&[("a.csv", "url\n")]).contains("names no recording"));
        assert!(told(&[("a.txt", "# nothing\n")]).contains("names no recording"));
        let near = listing(&[("a.csv", "url,durations\nhttps://h/a,5\n")]).unwrap();
        assert!(
            near.warnings[0].contains("did you mean `duration`"),
            "{:?}",
            near.warnings
        );
    }
}
