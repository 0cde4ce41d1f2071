//! Recordings that were uploaded to be asked for by URL: kept in memory under the server's own
//! address. It opens no connection to fetch one, whatever URL it is given.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use url::Url;

use crate::lock::lock;
use crate::reply::Refusal;
use crate::transcription::Upload;
use voicespool_media::domain::ContentKey;

/// Where recordings stand below the server's address.
pub(crate) const PATH: &str = "/_mock/audio/";

/// Most recordings, and most bytes of all of them.
const MOST: usize = 1000;
const MOST_BYTES: usize = 256 << 20;

#[derive(Debug)]
pub(crate) struct UploadedFiles {
    addr: SocketAddr,
    recordings: Mutex<BTreeMap<String, Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    bytes: Bytes,
    /// The query without which it is not handed out: a signature.
    query: Option<String>,
}

impl UploadedFiles {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            recordings: Mutex::default(),
        }
    }

    /// Stores `bytes` under `name`, in place of what was there; returns the URL.
    pub(crate) fn keep(
        &self,
        name: &str,
        bytes: Bytes,
        query: Option<&str>,
    ) -> Result<String, Refusal> {
        let mut recordings = lock(&self.recordings);
        recordings.remove(name);
        let held: usize = recordings.values().map(|kept| kept.bytes.len()).sum();
        if recordings.len() == MOST || held.saturating_add(bytes.len()) > MOST_BYTES {
            return Err(Refusal::too_large(MOST_BYTES));
        }
        let kept = Kept {
            bytes,
            query: query.map(str::to_owned),
        };
        recordings.insert(name.to_owned(), kept);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("http://{}{PATH}{name}{query}", self.addr))
    }

    /// What is kept under `name`, for whoever has its query.
    pub(crate) fn get(&self, name: &str, query: Option<&str>) -> Option<Bytes> {
        let recordings = lock(&self.recordings);
        let kept = recordings.get(name)?;
        let may = kept.query.is_none() || kept.query.as_deref() == query;
        may.then(|| kept.bytes.clone())
    }

    /// The recording at `address`, as if it had been fetched and was `most` bytes at most.
    pub(crate) fn fetch(&self, address: &str, most: usize) -> Result<Upload, Refusal> {
        let unreachable = |what: &str| {
            let shown: String = address.chars().take(300).collect();
            // As loud as a real provider: it quotes all it was given.
            Refusal::invalid(
                "file",
                format!("Failed to fetch the file from {shown}: {what}."),
            )
        };
        let url = Url::parse(address).map_err(|_| unreachable("invalid URL"))?;
        let here = format!("http://{}", self.addr);
        if url.origin().ascii_serialization() != here {
            return Err(unreachable("the host cannot be reached"));
        }
        let bytes = url
            .path()
            .strip_prefix(PATH)
            .and_then(|name| self.get(name, url.query()))
            .ok_or_else(|| unreachable("status 403"))?;
        if bytes.len() > most {
            return Err(Refusal::bad_request(
                "file_too_large",
                format!("The file at the URL is larger than {most} bytes."),
            ));
        }
        let lost = |error: io::Error| Refusal::broken(format!("The file is lost: {error}."));
        let mut file = NamedTempFile::new().map_err(lost)?;
        file.write_all(&bytes).map_err(lost)?;
        Ok(Upload {
            file,
            sha256: ContentKey(Sha256::digest(&bytes).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_here_is_fetched_and_only_with_its_signature() {
        let files = UploadedFiles::new(SocketAddr::from(([127, 0, 0, 1], 9)));
        let open = files
            .keep("a.wav", Bytes::from_static(b"abc"), None)
            .unwrap();
        let signed = files
            .keep("b.wav", Bytes::from_static(b"abcd"), Some("sig=1"))
            .unwrap();
        assert_eq!(open, "http://127.0.0.1:9/_mock/audio/a.wav");
        assert_eq!(signed, "http://127.0.0.1:9/_mock/audio/b.wav?sig=1");

        assert!(files.fetch(&open, 3).is_ok() && files.fetch(&signed, 4).is_ok());
        for (url, words) in [
            (signed.replace("sig=1", "sig=2"), "403"),
            (open.replace("a.wav", "c.wav"), "403"),
            (open.replace(":9/", ":10/"), "cannot be reached"),
            ("https://example.com/a.wav".to_owned(), "cannot be reached"),
            ("a.wav".to_owned(), "invalid URL"),
        ] {
            let refusal = files.fetch(&url, 100).unwrap_err();
            assert_eq!(refusal.status, 400);
            assert!(
                refusal.message().contains(words),
                "{url}: {}",
                refusal.message()
            );
        }
        let large = files.fetch(&signed, 3).unwrap_err();
        assert!(large.message().contains("larger"), "{}", large.message());
    }
}
