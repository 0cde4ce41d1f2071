//! Samples to a 16-bit WAV.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use crate::audio::decode::Shape;
use crate::audio::join::{JoinError, Joined, SampleSink, Tags};
use crate::audio::sample::SampleFormat;
use crate::audio::wav::{MAX_DATA_BYTES, WavSpec, write_samples};

pub(crate) struct WavSink<'a> {
    out: BufWriter<&'a mut File>,
    tags: &'a Tags,
    data_bytes: u64,
}

/// Room kept for tags below the 4 GiB a RIFF size can state.
const TAG_ROOM: u64 = 64 * 1024;
/// A tag longer than this is cut.
const MAX_TAG_BYTES: usize = 8 * 1024;

impl<'a> WavSink<'a> {
    pub(crate) fn new(out: &'a mut File, tags: &'a Tags) -> Self {
        Self {
            out: BufWriter::with_capacity(64 * 1024, out),
            tags,
            data_bytes: 0,
        }
    }

    /// `LIST INFO` with the tags, empty when there are none.
    fn info_chunk(&self) -> Vec<u8> {
        let track = self.tags.track.map(|track| track.to_string());
        let fields = [
            (b"INAM", &self.tags.title),
            (b"IPRD", &self.tags.album),
            (b"IART", &self.tags.artist),
            (b"ITRK", &track),
        ];
        let mut body = b"INFO".to_vec();
        for (name, text) in fields {
            let Some(text) = text.as_ref().filter(|text| !text.is_empty()) else {
                continue;
            };
            let text = text
                .get(..text.floor_char_boundary(MAX_TAG_BYTES))
                .unwrap_or_default();
            let size = u32::try_from(text.len() + 1).unwrap_or(0);
            body.extend_from_slice(name);
            body.extend_from_slice(&size.to_le_bytes());
            body.extend_from_slice(text.as_bytes());
            body.push(0);
            if size % 2 == 1 {
                body.push(0);
            }
        }
        if body.len() == 4 {
            return Vec::new();
        }
        let mut chunk = b"LIST".to_vec();
        chunk.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_le_bytes());
        chunk.extend_from_slice(&body);
        chunk
    }
}

impl SampleSink for WavSink<'_> {
    fn begin(&mut self, _: Shape) -> Result<(), JoinError> {
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        self.out.write_all(&[0; 44]).map_err(JoinError::Write)
    }

    fn add(&mut self, samples: &[i16]) -> Result<(), JoinError> {
        self.data_bytes += u64::try_from(samples.len()).unwrap_or(0) * 2;
        if self.data_bytes > MAX_DATA_BYTES - TAG_ROOM {
            return Err(JoinError::TooLarge {
                limit: "a WAV can be (4 GiB); flac has no such limit",
            });
        }
        write_samples(&mut self.out, samples).map_err(JoinError::Write)
    }

    fn finish(&mut self, joined: &Joined) -> Result<(), JoinError> {
        let spec = WavSpec {
            channels: joined.channels,
            sample_rate: joined.sample_rate,
            format: SampleFormat::S16,
        };
        let info = self.info_chunk();
        let too_large = JoinError::TooLarge {
            limit: "a WAV can be (4 GiB)",
        };
        let mut header = spec.header(self.data_bytes).ok_or(too_large)?;
        if let Some(size) = header
            .get_mut(4..8)
            .and_then(|size| size.first_chunk_mut::<4>())
        {
            let riff = u32::from_le_bytes(*size) + u32::try_from(info.len()).unwrap_or(0);
            *size = riff.to_le_bytes();
        }
        self.out.write_all(&info).map_err(JoinError::Write)?;
        self.out
            .seek(SeekFrom::Start(0))
            .map_err(JoinError::Write)?;
        self.out.write_all(&header).map_err(JoinError::Write)?;
        self.out.flush().map_err(JoinError::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_stops_below_four_gibibytes() {
        let mut file = tempfile::tempfile().unwrap();
        let tags = Tags::default();
        let mut sink = WavSink::new(&mut file, &tags);
        sink.data_bytes = MAX_DATA_BYTES - TAG_ROOM - 3;

        assert!(sink.add(&[1]).is_ok());
        assert!(matches!(sink.add(&[1]), Err(JoinError::TooLarge { .. })));
    }
}
