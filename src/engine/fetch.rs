//! Fetching what a stranger's document names: a feed, its recordings.
//!
//! The address that a person typed is theirs; an address that a feed or a server gave is a stranger's. So a public one may not
//! lead to this machine or its network, neither by a redirect nor by a name that resolves there; bodies are as long as
//! was agreed and no longer; and nothing is sent but the address.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, StatusCode, header, redirect};
use url::{Host, Url};

/// Redirects that are followed: hosts of podcasts count each download by two or three.
const REDIRECTS: usize = 10;
/// How long a server may take to begin, and between two pieces.
const IDLE: Duration = Duration::from_secs(30);
/// How long a document may take in all.
const LONGEST: Duration = Duration::from_mins(5);

/// Why something could not be fetched. No text shows a query, which may be a signature.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0} is no address that can be fetched: http and https can")]
    Scheme(String),
    #[error("{0} leads to this machine or its network, and a public address may not")]
    Private(String),
    #[error("{0} leads from one address to the next, ten times")]
    Redirects(String),
    #[error("{shown}: status {status}")]
    Status { shown: String, status: u16 },
    #[error("{shown} is larger than {} MB", most / 1_000_000)]
    TooLarge { shown: String, most: u64 },
    #[error("{shown} cannot be reached: {why}")]
    Network { shown: String, why: String },
    #[error("cannot write {path}")]
    Write {
        path: String,
        #[source]
        source: io::Error,
    },
}

/// Where addresses may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The internet only.
    Public,
    /// Also this machine and its network, as the person who typed the address wants it.
    Any,
}

/// Fetches.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    reach: Reach,
}

impl Fetcher {
    /// For what is found at `typed`, an address that a person gave.
    ///
    /// # Errors
    /// If no client can be made on this machine.
    pub fn new(typed: &Url) -> Result<Self, FetchError> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let reach = if is_private(typed) {
            Reach::Any
        } else {
            Reach::Public
        };
        let mut builder = Client::builder()
            .user_agent(concat!("voicespool/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(IDLE)
            .read_timeout(IDLE);
        if reach == Reach::Public {
            builder = builder.dns_resolver(PublicOnly);
        } else {
            builder = builder.no_proxy();
        }
        if typed.scheme() == "http" && reach == Reach::Any {
            // A machine without certificates can still talk to itself.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| network(typed, &error))?;
        Ok(Self { client, reach })
    }

    /// The body at `url`, of at most `most` bytes.
    ///
    /// # Errors
    /// [`FetchError`]
    pub async fn get(&self, url: &Url, most: u64) -> Result<Vec<u8>, FetchError> {
        let fetched = tokio::time::timeout(LONGEST, self.body(url, most)).await;
        fetched.unwrap_or_else(|_| {
            Err(FetchError::Network {
                shown: shown(url),
                why: "it did not come to an end in five minutes".to_owned(),
            })
        })
    }

    async fn body(&self, url: &Url, most: u64) -> Result<Vec<u8>, FetchError> {
        let response = self.ask(url, None).await?;
        let mut body = Vec::new();
        let mut pieces = whole(url, response)?.bytes_stream();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(|error| network(url, &error))?);
            if u64::try_from(body.len()).is_ok_and(|size| size > most) {
                return Err(too_large(url, most));
            }
        }
        Ok(body)
    }

    /// Writes what is at `url` to `path`, by way of `path.part`, where it goes on if that is there and the server says that
    /// the rest is of the same file (hosts put other advertisements into each); at most `most` bytes.
    ///
    /// # Errors
    /// [`FetchError`]; what came stays in `path.part` unless it is too large.
    pub async fn download(&self, url: &Url, path: &Path, most: u64) -> Result<u64, FetchError> {
        let part = Part::of(path);
        let failed = |source| FetchError::Write {
            path: path.display().to_string(),
            source,
        };
        let (there, version) = part.there();
        let from = version.map(|version| Rest { there, version });
        let response = self.ask(url, from.as_ref()).await?;
        // What is there already is not given up for an answer that is no recording.
        let response = whole(url, response)?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT;
        part.note(&response).map_err(failed)?;
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(goes_on)
            .truncate(!goes_on)
            .open(&part.content)
            .map_err(failed)?;
        let mut size = if goes_on { there } else { 0 };
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| network(url, &error))?;
            size += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if size > most {
                drop(file);
                part.remove().map_err(failed)?;
                return Err(too_large(url, most));
            }
            file.write_all(&piece).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        drop(file);
        keep(&part.content, path).map_err(failed)?;
        part.remove().map_err(failed)?;
        Ok(size)
    }

    /// Asks, and follows where it leads.
    async fn ask(&self, url: &Url, from: Option<&Rest>) -> Result<Response, FetchError> {
        let mut at = url.clone();
        for _ in 0..=REDIRECTS {
            self.check(&at)?;
            let mut request = self.client.get(at.clone());
            if let Some(Rest { there, version }) = from {
                request = request
                    .header(header::RANGE, format!("bytes={there}-"))
                    .header(header::IF_RANGE, version);
            }
            let response = request.send().await.map_err(|error| network(&at, &error))?;
            // It is there in full already, or another file by now.
            if from.is_some() && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                return Box::pin(self.ask(url, None)).await;
            }
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let target = response.headers().get(header::LOCATION);
            let target = target.and_then(|target| target.to_str().ok());
            let Some(next) = target.and_then(|target| at.join(target).ok()) else {
                return Ok(response);
            };
            at = next;
        }
        Err(FetchError::Redirects(shown(url)))
    }

    fn check(&self, url: &Url) -> Result<(), FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme(shown(url)));
        }
        if is_private(url) && self.reach == Reach::Public {
            return Err(FetchError::Private(shown(url)));
        }
        Ok(())
    }
}

/// Only what is whole, or the rest of it, is a body.
fn whole(url: &Url, response: Response) -> Result<Response, FetchError> {
    let status = response.status();
    if status == StatusCode::OK || status == StatusCode::PARTIAL_CONTENT {
        return Ok(response);
    }
    Err(FetchError::Status {
        shown: shown(url),
        status: status.as_u16(),
    })
}

/// What is asked for when a part is there.
struct Rest {
    /// Bytes of it.
    there: u64,
    /// What the server called this state of the file (a strong `ETag`, or `Last-Modified`).
    version: String,
}

/// A recording on its way.
struct Part {
    content: PathBuf,
    /// Which state of the file it is of.
    version: PathBuf,
}

impl Part {
    fn of(path: &Path) -> Self {
        let content = path.with_added_extension("part");
        Self {
            version: content.with_added_extension("of"),
            content,
        }
    }

    /// How much of it is there, and of which state, if that is known.
    fn there(&self) -> (u64, Option<String>) {
        let there = self.content.metadata().map_or(0, |file| file.len());
        let version = std::fs::read_to_string(&self.version).ok();
        (
            there,
            version.filter(|version| there > 0 && !version.is_empty()),
        )
    }

    fn note(&self, response: &Response) -> io::Result<()> {
        let header = |name| response.headers().get(name)?.to_str().ok();
        let strong = header(header::ETAG).filter(|tag| !tag.starts_with("W/"));
        let version = strong.or_else(|| header(header::LAST_MODIFIED));
        let mut file = File::create(&self.version)?;
        file.write_all(version.unwrap_or_default().as_bytes())
    }

    fn remove(&self) -> io::Result<()> {
        for path in [&self.content, &self.version] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Gives a finished file its name, if nothing has that by now.
fn keep(part: &Path, path: &Path) -> io::Result<()> {
    // A hard link fails where a file is; a rename would replace it.
    std::fs::hard_link(part, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn too_large(url: &Url, most: u64) -> FetchError {
    FetchError::TooLarge {
        shown: shown(url),
        most,
    }
}

fn network(url: &Url, error: &reqwest::Error) -> FetchError {
    let mut why: &dyn std::error::Error = error;
    while let Some(cause) = why.source() {
        why = cause;
    }
    FetchError::Network {
        shown: shown(url),
        why: why.to_string(),
    }
}

/// Scheme, host and path.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither fails for an address with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// Resolves names to public addresses only.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_public(found.ip())).collect();
            if public.is_empty() {
                let why = "it has no public address: it leads to this machine or its network";
                return Err(io::Error::other(why).into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address says itself that it is of this machine or its network.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => true,
    }
}

/// Whether anybody on the internet may have `address` (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_special = (a, b, c) == (192, 0, 0) || a == 198 && (18..20).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || is_shared
                || is_special
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(v4.into()),
            None => {
                let [first, second, ..] = v6.segments();
                // 6to4, NAT64 and Teredo carry any IPv4 address.
                let carries = first == 0x2002
                    || (first, second) == (0x64, 0xff9b)
                    || (first, second) == (0x2001, 0);
                !(v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || carries)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_public_address_leads_to_no_private_one() {
        let fetcher = Fetcher::new(&url("https://example.com/feed.xml")).unwrap();
        for target in [
            "http://127.0.0.1/a",
            "http://[::1]/a",
            "http://localhost:8080/a",
            "http://feed.localhost/a",
            "http://10.0.0.1/a",
            "http://192.168.1.1/a",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/a",
            "http://[::ffff:10.0.0.1]/a",
            "http://[fd00::1]/a",
            "http://[64:ff9b::7f00:1]/a",
            "http://0.0.0.0/a",
        ] {
            assert!(
                matches!(fetcher.check(&url(target)), Err(FetchError::Private(_))),
                "{target}"
            );
        }
        assert!(matches!(
            fetcher.check(&url("file:///etc/passwd")),
            Err(FetchError::Scheme(_))
        ));
        assert!(fetcher.check(&url("https://cdn.example.com/a.mp3")).is_ok());
        let own = Fetcher::new(&url("http://192.168.1.9:8000/feed.xml")).unwrap();
        assert!(own.check(&url("http://192.168.1.9:8000/a.mp3")).is_ok());
    }

    #[test]
    fn a_message_shows_no_signature() {
        let signed = url("https://ann:secret@h/a.mp3?token=CANARY#x");

        assert_eq!(
            too_large(&signed, 5_000_000).to_string(),
            "https://h/a.mp3 is larger than 5 MB"
        );
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_is_refused() {
        let name: Name = "localhost".parse().unwrap();

        let found = PublicOnly.resolve(name).await;

        assert!(found.is_err());
    }
}
