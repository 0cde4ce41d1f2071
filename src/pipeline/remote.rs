//! A recording that stays where it is: the provider fetches it, this program never does.
//!
//! Its address is three things. What people see: scheme, host and path. What decides whether
//! it is the same work: that, and an `id` or what the query says besides signatures. What is
//! sent: all of it, the query included, which may be a signature and so is a secret.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

use crate::domain::{AudioMillis, ContentKey};
use crate::pipeline::extensions::AUDIO_EXTENSIONS;
use crate::pipeline::key;

/// `kind` of a source row that is such a recording.
pub const KIND: &str = "url";

/// Longest address in bytes. One signed with a session token has about 2 KiB.
const MAX_BYTES: usize = 8 * 1024;

/// Longest `id` in characters: it is shown wherever the address is.
const MAX_ID: usize = 200;

/// Query parameters that sign and name nothing: they differ from one signing to the next.
/// Those of S3 (both versions), Google's and Amazon's and Akamai's networks, and the usual words.
const SIGNATURES: &[&str] = &[
    "awsaccesskeyid",
    "googleaccessid",
    "signature",
    "sig",
    "expires",
    "policy",
    "key-pair-id",
    "token",
    "access_token",
    "hdnea",
    "hdnts",
    "__token__",
];

/// The same by their beginning.
const SIGNATURE_PREFIXES: &[&str] = &["x-amz-", "x-goog-"];

/// Azure's shared access signatures: only beside `sig`, because the words are short.
const AZURE: &[&str] = &[
    "sv", "ss", "srt", "sp", "se", "st", "spr", "sr", "sip", "si", "sdd", "skoid", "sktid", "skt",
    "ske", "sks", "skv",
];

/// One recording of a manifest.
#[derive(Debug, Clone)]
pub struct Remote {
    /// As it is sent.
    pub url: SecretString,
    /// As people see it: scheme, host and path, and behind `#` the `id`, or eight digits for
    /// what the query says besides signatures.
    pub shown: String,
    /// What makes it the same recording as another; not a hash of its sound, which nobody
    /// here has heard.
    pub identity: ContentKey,
    /// The address is on this machine.
    pub is_loopback: bool,
    /// What `{name}` and `{stem}` of an output path stand for.
    pub name: String,
    pub stem: String,
    /// What `{rel_dir}` stands for: host and folders; empty where the manifest names it.
    pub folder: PathBuf,
    /// As the manifest says; `None` if it does not.
    pub duration: Option<AudioMillis>,
    /// `episodes.csv:3`.
    pub origin: String,
}

/// Why a text is no address for this. No text here shows a query or a user name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("there is no URL")]
    Empty,
    #[error("the URL has {0} bytes; {MAX_BYTES} are taken")]
    TooLong(usize),
    #[error("the URL holds spaces or control characters; write a space as %20")]
    Spaces,
    #[error("this is no URL ({0}); write it whole, such as https://example.com/talk.mp3")]
    NoUrl(url::ParseError),
    #[error("a URL with `{0}:` cannot be fetched; https can")]
    Scheme(String),
    #[error(
        "{0} holds a user name or a password; sign the URL instead, or put the file where it needs none"
    )]
    UserInfo(String),
    #[error("{0} has a part behind `#`, which no server is ever sent; take it away")]
    Fragment(String),
    #[error(
        "{0} would show its query, which may be a signature, to everybody on its way; use https"
    )]
    PlainHttp(String),
    #[error("`id` is longer than {MAX_ID} characters or holds control characters")]
    Id,
}

/// The columns of one row, trimmed; `None` where the row has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    pub url: &'a str,
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub duration: Option<AudioMillis>,
}

impl Remote {
    /// Checks one row. Opens no socket and asks no name server.
    pub fn new(row: &Row<'_>, origin: String) -> Result<Self, AddressError> {
        let url = parse(row.url)?;
        if row
            .id
            .is_some_and(|id| id.chars().count() > MAX_ID || id.chars().any(char::is_control))
        {
            return Err(AddressError::Id);
        }
        let address = shown(&url);
        let rest = if row.id.is_some() {
            String::new()
        } else {
            without_signatures(url.query().unwrap_or_default())
        };
        let identity = key::of_address(&address, row.id.unwrap_or_default(), &rest);
        let shown = match row.id {
            Some(id) => format!("{address}#{id}"),
            None if rest.is_empty() => address,
            None => format!(
                "{address}#{}",
                &key::of_bytes(rest.as_bytes()).to_string()[..8]
            ),
        };
        let (name, stem, folder) = match row.name {
            Some(name) => (name.to_owned(), named_stem(name), PathBuf::new()),
            None => names(&url),
        };
        Ok(Self {
            // As it was written: a signature may cover every byte of it.
            url: SecretString::from(row.url),
            shown,
            identity,
            is_loopback: is_loopback(&url),
            name,
            stem,
            folder,
            duration: row.duration,
            origin,
        })
    }
}

fn parse(text: &str) -> Result<Url, AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(AddressError::TooLong(text.len()));
    }
    // What the parser would drop in silence would be sent all the same.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AddressError::Spaces);
    }
    let url = Url::parse(text).map_err(AddressError::NoUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        let scheme: String = url.scheme().chars().take(20).collect();
        return Err(AddressError::Scheme(scheme));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo(shown(&url)));
    }
    if url.fragment().is_some() {
        return Err(AddressError::Fragment(shown(&url)));
    }
    if url.scheme() == "http" && url.query().is_some() && !is_loopback(&url) {
        return Err(AddressError::PlainHttp(shown(&url)));
    }
    Ok(url)
}

/// Scheme, host and path.
fn shown(url: &Url) -> String {
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What a query says besides signatures, as it is written.
fn without_signatures(query: &str) -> String {
    let name = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.to_ascii_lowercase()
    };
    let is_azure = query.split('&').any(|pair| name(pair) == "sig");
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let name = name(pair);
            let signs = SIGNATURES.contains(&name.as_str())
                || SIGNATURE_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
                || is_azure && AZURE.contains(&name.as_str());
            !pair.is_empty() && !signs
        })
        .collect();
    kept.join("&")
}

/// Name, stem and folder as the address has them: host and folders, then the last part.
fn names(url: &Url) -> (String, String, PathBuf) {
    let port = url
        .port()
        .map(|port| format!("_{port}"))
        .unwrap_or_default();
    let host = format!("{}{port}", url.host_str().unwrap_or_default());
    let mut parts: Vec<String> = url
        .path_segments()
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .map(decoded)
        .collect();
    let Some(name) = parts.pop() else {
        return (host.clone(), host, PathBuf::new());
    };
    let stem = Path::new(&name)
        .file_stem()
        .unwrap_or(OsStr::new(&name))
        .to_string_lossy()
        .into_owned();
    let folder = std::iter::once(host).chain(parts).collect();
    (name, stem, folder)
}

/// One part of a path as text, a name and never a path of its own.
fn decoded(part: &str) -> String {
    let text = percent_decode_str(part)
        .decode_utf8()
        .map_or_else(|_| part.to_owned(), std::borrow::Cow::into_owned);
    text.replace(['/', '\\'], "_")
}

/// A name that was given is whole: `Vol. 2` has no extension, `talk.mp3` has.
fn named_stem(name: &str) -> String {
    let cut = name.rsplit_once('.').filter(|(stem, extension)| {
        !stem.is_empty()
            && AUDIO_EXTENSIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
    });
    cut.map_or(name, |(stem, _)| stem).to_owned()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn remote(url: &str) -> Remote {
        with(url, None, None)
    }

    fn with(url: &str, id: Option<&str>, name: Option<&str>) -> Remote {
        let row = Row {
            url,
            id,
            name,
            duration: None,
        };
        Remote::new(&row, "m.csv:2".into()).unwrap()
    }

    #[test]
    fn a_new_signature_is_the_same_recording_and_any_other_query_is_another() {
        let base = "https://b.example/a.mp3";
        let same = |one: &str, other: &str| {
            remote(&format!("{base}{one}")).identity == remote(&format!("{base}{other}")).identity
        };

        for (one, other) in [
            (
                "?X-Amz-Date=1&X-Amz-Signature=aaaa&X-Amz-Expires=60",
                "?X-Amz-Date=2&X-Amz-Signature=bbbb",
            ),
            ("?Expires=1&Signature=x&Key-Pair-Id=K", ""),
            (
                "?sv=1&se=2026&sr=b&sp=r&sig=a%3D",
                "?sv=2&se=2027&sr=b&sp=r&sig=b%3D",
            ),
            ("?v=7&token=1", "?token=2&v=7"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("?file=1", "?file=2"),
            ("?file=1&sig=x", "?file=2&sig=x"),
            // Not Azure's: nothing is signed here.
            ("?st=1", "?st=2"),
            ("", "?v=7"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
        assert_ne!(
            with(base, Some("1"), None).identity,
            with(base, Some("2"), None).identity
        );
        assert_eq!(
            with(&format!("{base}?file=1"), Some("1"), None).identity,
            with(&format!("{base}?file=2"), Some("1"), None).identity
        );
        assert_ne!(
            remote("https://b.example/a.mp3").identity,
            remote("https://c.example/a.mp3").identity
        );
    }

    #[test]
    fn nothing_but_what_is_sent_holds_the_query() {
        let url = "https://b.example:8443/x/a%20b.mp3?X-Amz-Signature=CANARY&part=CANARY";
        let found = remote(url);

        assert_eq!(found.url.expose_secret(), url);
        assert!(!format!("{found:?}").contains("CANARY"), "{found:?}");
        assert!(
            found
                .shown
                .starts_with("https://b.example:8443/x/a%20b.mp3#")
                && found.shown.len() == 43,
            "{}",
            found.shown
        );
        assert_eq!(
            with("https://b.example/a?x=1", Some("ep 7"), None).shown,
            "https://b.example/a#ep 7"
        );
    }

    #[test]
    fn names_come_from_the_last_part_or_from_the_manifest() {
        for (url, name, stem, folder) in [
            ("https://h/x/y/talk.mp3", "talk.mp3", "talk", "h/x/y"),
            ("https://h/a%20b%C3%A9.m4a?sig=1", "a bé.m4a", "a bé", "h"),
            ("https://h:81/x/", "x", "x", "h_81"),
            ("https://h/", "h", "h", ""),
            (
                "https://h/..%2f..%2fetc/%2fpasswd",
                "_passwd",
                "_passwd",
                "h/.._.._etc",
            ),
            ("https://h/%2e%2e/a.mp3", "a.mp3", "a", "h"),
            ("https://h/%ff.mp3", "%ff.mp3", "%ff", "h"),
        ] {
            let found = remote(url);
            assert_eq!(
                (
                    found.name.as_str(),
                    found.stem.as_str(),
                    found.folder.as_path()
                ),
                (name, stem, Path::new(folder)),
                "{url}"
            );
        }
        for (name, stem) in [("Vol. 2", "Vol. 2"), ("a.MP3", "a"), (".mp3", ".mp3")] {
            let found = with("https://h/x/y.ogg", None, Some(name));
            assert_eq!(
                (found.stem.as_str(), found.folder.as_path()),
                (stem, Path::new(""))
            );
        }
    }

    #[test]
    fn what_cannot_or_must_not_be_fetched_is_refused_without_its_secrets() {
        for (url, words) in [
            ("", "no URL"),
            ("talk.mp3", "write it whole"),
            ("ftp://h/a.mp3", "`ftp:`"),
            ("file:///etc/passwd", "`file:`"),
            (
                "https://jo:CANARY@h/a.mp3",
                "https://h/a.mp3 holds a user name",
            ),
            ("https://CANARY@h/a.mp3", "holds a user name"),
            ("https://h/a.mp3#t=CANARY", "behind `#`"),
            ("http://h/a.mp3?sig=CANARY", "use https"),
            ("https://h/a b.mp3?sig=CANARY", "%20"),
        ] {
            let row = Row {
                url,
                ..Row::default()
            };
            let error = Remote::new(&row, String::new()).unwrap_err().to_string();
            assert!(
                error.contains(words) && !error.contains("CANARY"),
                "{error}"
            );
        }
        for url in [
            "http://podcasts.example/a.mp3",
            "http://127.0.0.1:9/a.mp3?sig=1",
            "http://localhost/a?b=c",
            "http://[::1]/a?b=c",
        ] {
            remote(url);
        }
        let long = format!("https://h/{}", "a".repeat(MAX_BYTES));
        let row = Row {
            url: &long,
            ..Row::default()
        };
        assert!(matches!(
            Remote::new(&row, String::new()),
            Err(AddressError::TooLong(_))
        ));
    }
}
