//! Where long recordings were cut, remembered.
//!
//! Where a recording is cut is found by listening to all of it, which takes a while, and a newer version of this program
//! might cut it elsewhere. So each cut is kept in `.voicespool/cuts`, one file a recording, and holds as long as it is
//! there: what was bought of a recording is found again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::domain::{AudioMillis, ContentKey, Stretch};
use crate::pipeline::objects::refuse_link;

/// The folder of cuts.
#[derive(Debug, Clone)]
pub struct Cuts {
    folder: PathBuf,
}

/// The cuts of one recording: by the longest clip that was asked for, where each clip starts and ends, in milliseconds.
type Kept = BTreeMap<u64, Vec<(u64, u64)>>;

impl Cuts {
    /// Cuts below `state`; the folder is made when first written to.
    pub fn new(state: &Path) -> Self {
        Self {
            folder: state.join("cuts"),
        }
    }

    fn path(&self, recording: ContentKey) -> PathBuf {
        self.folder.join(format!("{recording}.json"))
    }

    /// Every cut of `recording`, with the longest clip that was asked for. A damaged file counts as none: the recording is
    /// cut again, in the same places.
    pub fn of(&self, recording: ContentKey) -> io::Result<Vec<(AudioMillis, Vec<Stretch>)>> {
        let kept = self.kept(recording)?.into_iter();
        let stretch = |(start, end)| Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        };
        let clips = |clips: Vec<(u64, u64)>| clips.into_iter().map(stretch).collect();
        Ok(kept
            .map(|(most, kept)| (AudioMillis(most), clips(kept)))
            .collect())
    }

    fn kept(&self, recording: ContentKey) -> io::Result<Kept> {
        refuse_link(&self.folder)?;
        let bytes = match fs::read(self.path(recording)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::new()),
            other => other?,
        };
        let mut kept: Kept = serde_json::from_slice(&bytes).unwrap_or_default();
        kept.retain(|_, clips| is_cut(clips));
        Ok(kept)
    }

    /// Keeps where `recording` is cut into `clips` of at most `most`. Not synced: after a power cut it is cut again, in the
    /// same places.
    pub fn put(
        &self,
        recording: ContentKey,
        most: AudioMillis,
        clips: &[Stretch],
    ) -> io::Result<()> {
        let mut kept = self.kept(recording)?;
        let clips = clips.iter().map(|clip| (clip.start.0, clip.end.0));
        kept.insert(most.0, clips.collect());
        fs::create_dir_all(&self.folder)?;
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.persist(self.path(recording))
            .map_err(|error| error.error)?;
        Ok(())
    }
}

/// Whether `clips` are all of something from its start on.
fn is_cut(clips: &[(u64, u64)]) -> bool {
    let follow = |pair: &[(u64, u64)]| {
        let ((start, end), (next, last)) = (pair[0], pair[1]);
        start < next && next <= end && end < last
    };
    clips
        .first()
        .is_some_and(|(start, end)| *start == 0 && end > start)
        && clips.windows(2).all(follow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start: u64, end: u64) -> Stretch {
        Stretch {
            start: AudioMillis(start),
            end: AudioMillis(end),
        }
    }

    #[test]
    fn a_cut_is_found_again_beside_another_of_the_same_recording() {
        let dir = tempfile::tempdir().unwrap();
        let (cuts, recording) = (Cuts::new(dir.path()), ContentKey([3; 32]));
        assert!(cuts.of(recording).unwrap().is_empty());
        let wide = [stretch(0, 500), stretch(500, 900)];
        let narrow = [stretch(0, 300), stretch(296, 500), stretch(500, 900)];

        cuts.put(recording, AudioMillis(500), &wide).unwrap();
        cuts.put(recording, AudioMillis(300), &narrow).unwrap();

        let kept = cuts.of(recording).unwrap();
        assert_eq!(
            kept,
            [
                (AudioMillis(300), narrow.to_vec()),
                (AudioMillis(500), wide.to_vec())
            ]
        );
        assert!(cuts.of(ContentKey([4; 32])).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_cut_counts_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let (cuts, recording) = (Cuts::new(dir.path()), ContentKey([3; 32]));
        fs::create_dir_all(&cuts.folder).unwrap();
        for damaged in [
            "{",
            "{\"500\":[[0,500],[501,900]]}",
            "{\"500\":[[5,500]]}",
            "{\"500\":[]}",
            "{\"500\":[[0,500],[0,400]]}",
        ] {
            #[expect(clippy::disallowed_methods, reason = "a file of a test")]
            fs::write(cuts.path(recording), damaged).unwrap();
            assert!(cuts.of(recording).unwrap().is_empty(), "{damaged}");
        }
    }
}
