//! Addresses of recordings that the provider is to fetch, whole, until they are not needed.
//!
//! An address may be signed, and then it is a secret. So it stands in no row, report or log,
//! but in `.voicespool/urls`, a folder and files for this user alone (modes 0700 and 0600), under the key
//! of the request. It is written anew by every run that plans the recording (a signature
//! may have run out) and goes when the answer is there or the job has failed; what was
//! cancelled or left the plan goes when the next run begins.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::domain::{AudioMillis, ContentKey};
use crate::pipeline::objects::refuse_link;

/// The folder of addresses.
#[derive(Debug, Clone)]
pub struct Addresses {
    folder: PathBuf,
}

/// One address, and what its request is planned to be billed by.
#[derive(Debug, Clone)]
pub struct Address {
    pub url: SecretString,
    /// As the manifest says, or the longest that one request takes.
    pub length: AudioMillis,
}

#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    url: std::borrow::Cow<'a, str>,
    length_ms: u64,
}

impl Addresses {
    /// Addresses below `state`; the folder is made when first written to.
    pub fn new(state: &Path) -> Self {
        Self {
            folder: state.join("urls"),
        }
    }

    fn path(&self, key: ContentKey) -> PathBuf {
        self.folder.join(key.to_string())
    }

    /// Keeps `address` for the request `key`, in place of an older one. Not synced: after a
    /// power cut the next run writes it again.
    pub fn put(&self, key: ContentKey, address: &Address) -> io::Result<()> {
        refuse_link(&self.folder)?;
        make_private(&self.folder)?;
        let kept = Kept {
            url: address.url.expose_secret().into(),
            length_ms: address.length.0,
        };
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        Ok(())
    }

    /// The address of the request `key`; `None` if it is not kept (any more).
    pub fn get(&self, key: ContentKey) -> io::Result<Option<Address>> {
        refuse_link(&self.folder)?;
        let bytes = match fs::read(self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        // The reason would quote the address.
        let kept: Kept<'_> = serde_json::from_slice(&bytes).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "the kept address is damaged")
        })?;
        Ok(Some(Address {
            url: SecretString::from(kept.url.into_owned()),
            length: AudioMillis(kept.length_ms),
        }))
    }

    /// The request `key` is over.
    pub fn forget(&self, key: ContentKey) -> io::Result<()> {
        refuse_link(&self.folder)?;
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Requests whose addresses are kept. Removes what else lies here: half-written files of
    /// a crash. Only while the run lock is held.
    pub fn sweep(&self) -> io::Result<Vec<ContentKey>> {
        refuse_link(&self.folder)?;
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut keys = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(key) => keys.push(key),
                None if entry.file_type()?.is_dir() => {}
                None => fs::remove_file(entry.path())?,
            }
        }
        Ok(keys)
    }
}

/// Makes a folder that only its owner can look into.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address {
            url: SecretString::from(url),
            length: AudioMillis(5),
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_address_is_for_its_owner_alone_and_the_last_one_counts() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(dir.path());
        let key = ContentKey([7; 32]);
        addresses.put(key, &address("https://h/a?sig=1")).unwrap();
        addresses.put(key, &address("https://h/a?sig=2")).unwrap();

        let kept = addresses.get(key).unwrap().unwrap();
        assert_eq!(kept.url.expose_secret(), "https://h/a?sig=2");
        assert!(!format!("{kept:?}").contains("sig="));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("urls")), 0o700);
        assert_eq!(mode(&addresses.path(key)), 0o600);

        addresses.forget(key).unwrap();
        addresses.forget(key).unwrap();
        assert!(addresses.get(key).unwrap().is_none());
    }

    #[test]
    fn what_is_half_written_is_swept_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(dir.path());
        assert_eq!(addresses.sweep().unwrap(), []);
        let key = ContentKey([1; 32]);
        addresses.put(key, &address("https://h/a")).unwrap();
        fs::File::create(addresses.folder.join(".tmpabc")).unwrap();

        assert_eq!(addresses.sweep().unwrap(), [key]);

        assert!(addresses.get(key).unwrap().is_some());
        assert_eq!(fs::read_dir(&addresses.folder).unwrap().count(), 1);
    }
}
