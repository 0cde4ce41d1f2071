//! Raw samples become a WAV file, with the times of their words in it.
//!
//! Room for the header is left before the samples come, because their length is known only
//! when they are all there; until then the file begins with zeros and is nothing. The header
//! is the full one: Microsoft's description of WAVE wants `cbSize` and a `fact` chunk with
//! everything that is not plain PCM.
//!
//! Word times stand in a chunk of their own behind the samples, which every reader of RIFF
//! steps over: so they are written, checked, kept and adopted together with the sound, in one
//! file under one name, and can never belong to another take of it.

use std::io::{self, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::audio::sample::SampleFormat;
use crate::audio::wav::{MAX_DATA_BYTES, WavSpec};
use crate::domain::{PcmEncoding, RawAudio, Word};

/// Name of the chunk with the word times. Lower case, as RIFF wants it of names that are no
/// standard.
const WORDS: &[u8; 4] = b"vswt";

/// Most bytes of word times that are read back.
const MAX_WORDS: u32 = 64 << 20;

/// Chunks looked at in search of the words.
const MAX_CHUNKS: u32 = 1000;

/// What the chunk holds.
#[derive(Serialize, Deserialize)]
struct Chunk<W> {
    version: u32,
    words: W,
}

/// Steps over the place where the header will be. The file must be empty.
pub fn make_room(file: &mut (impl Write + Seek), raw: RawAudio) -> io::Result<()> {
    let room = header(raw, 0, 0).len();
    file.write_all(&vec![0; room])
}

/// Gives the samples behind the room their header, and `words` their chunk if there are any.
///
/// # Errors
/// Of the file; and when there are more samples than a WAV holds (4 GiB).
pub fn enclose(file: &mut (impl Write + Seek), raw: RawAudio, words: &[Word]) -> io::Result<()> {
    let room = u64::try_from(header(raw, 0, 0).len()).unwrap_or(u64::MAX);
    let end = file.seek(SeekFrom::End(0))?;
    let data = end.saturating_sub(room);
    let mut tail = Vec::new();
    if data % 2 == 1 {
        tail.push(0);
    }
    if !words.is_empty() {
        let json = serde_json::to_vec(&Chunk { version: 1, words })?;
        let size = u32::try_from(json.len()).map_err(|_| too_large())?;
        tail.extend_from_slice(WORDS);
        tail.extend_from_slice(&size.to_le_bytes());
        tail.extend_from_slice(&json);
        if size % 2 == 1 {
            tail.push(0);
        }
    }
    let behind = u64::try_from(tail.len()).unwrap_or(u64::MAX);
    if data.saturating_add(behind) > MAX_DATA_BYTES.saturating_sub(room) {
        return Err(too_large());
    }
    let (data, behind) = (
        u32::try_from(data).map_err(|_| too_large())?,
        u32::try_from(behind).map_err(|_| too_large())?,
    );
    file.write_all(&tail)?;
    file.rewind()?;
    file.write_all(&header(raw, data, behind))?;
    file.flush()
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a WAV holds at most 4 GiB")
}

/// How `raw` is called in a WAV.
fn spec(raw: RawAudio) -> WavSpec {
    WavSpec {
        channels: 1,
        sample_rate: raw.sample_rate,
        format: match raw.encoding {
            PcmEncoding::F32 => SampleFormat::F32,
            PcmEncoding::S16 => SampleFormat::S16,
            PcmEncoding::MuLaw => SampleFormat::MuLaw,
            PcmEncoding::ALaw => SampleFormat::ALaw,
        },
    }
}

/// Everything in front of `data` bytes of samples that `behind` more bytes follow.
fn header(raw: RawAudio, data: u32, behind: u32) -> Vec<u8> {
    let spec = spec(raw);
    // The plain header has the format in its bytes 20 to 36.
    let plain = spec.header(0).unwrap_or([0; 44]);
    let mut chunks = Vec::with_capacity(58);
    if raw.encoding == PcmEncoding::S16 {
        chunks.extend_from_slice(&plain[12..36]);
    } else {
        chunks.extend_from_slice(b"fmt \x12\0\0\0");
        chunks.extend_from_slice(&plain[20..36]);
        chunks.extend_from_slice(&[0, 0]);
        let frames = data / u32::from(spec.frame_bytes().max(1));
        chunks.extend_from_slice(b"fact\x04\0\0\0");
        chunks.extend_from_slice(&frames.to_le_bytes());
    }
    let length = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
    let riff = data.saturating_add(behind).saturating_add(4 + 8 + length);
    let mut header = Vec::with_capacity(chunks.len() + 20);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&riff.to_le_bytes());
    header.extend_from_slice(b"WAVE");
    header.extend_from_slice(&chunks);
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data.to_le_bytes());
    header
}

/// The word times in a WAV that [`enclose`] made; `None` when there are none that can be
/// read: what is said here is an extra, never a reason to refuse the sound.
///
/// # Errors
/// Of the file.
pub fn read_words(file: &mut (impl Read + Seek)) -> io::Result<Option<Vec<Word>>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut riff = [0; 12];
    if length < 12 {
        return Ok(None);
    }
    file.read_exact(&mut riff)?;
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Ok(None);
    }
    let mut at = 12u64;
    for _ in 0..MAX_CHUNKS {
        if at.saturating_add(8) > length {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(at))?;
        let mut chunk = [0; 8];
        file.read_exact(&mut chunk)?;
        let [i, d, n, t, size @ ..] = chunk;
        let size = u32::from_le_bytes(size);
        at += 8;
        let end = at.saturating_add(u64::from(size));
        if &[i, d, n, t] == WORDS {
            if size > MAX_WORDS || end > length {
                return Ok(None);
            }
            let mut json = vec![0; usize::try_from(size).unwrap_or(0)];
            file.read_exact(&mut json)?;
            let chunk: Option<Chunk<Vec<Word>>> = serde_json::from_slice(&json).ok();
            return Ok(chunk
                .filter(|chunk| chunk.version == 1)
                .map(|chunk| chunk.words));
        }
        at = end.saturating_add(u64::from(size & 1));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::audio::wav::{Extent, read_header};
    use crate::domain::AudioMillis;

    fn raw(encoding: PcmEncoding) -> RawAudio {
        RawAudio {
            encoding,
            sample_rate: 8_000,
        }
    }

    fn words() -> Vec<Word> {
        vec![Word {
            text: "Grüß".to_owned(),
            start: AudioMillis(10),
            end: AudioMillis(20),
            speaker: None,
        }]
    }

    fn enclosed(encoding: PcmEncoding, samples: &[u8], words: &[Word]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        make_room(&mut file, raw(encoding)).unwrap();
        file.write_all(samples).unwrap();
        enclose(&mut file, raw(encoding), words).unwrap();
        file.into_inner()
    }

    #[test]
    fn every_coding_becomes_a_wav_that_says_what_it_is() {
        for &encoding in PcmEncoding::ALL {
            for (count, words) in [(40usize, vec![]), (40, words()), (44, words())] {
                let file = enclosed(encoding, &vec![1; count], &words);

                let header = read_header(&mut Cursor::new(&file)).unwrap();
                assert_eq!(header.spec, spec(raw(encoding)), "{encoding}");
                assert_eq!(header.extent, Extent::Stated);
                assert_eq!(header.data_bytes, u64::try_from(count).unwrap());
                let stated = u32::from_le_bytes(file[4..8].try_into().unwrap());
                assert_eq!(
                    usize::try_from(stated).unwrap() + 8,
                    file.len(),
                    "{encoding}"
                );
                assert_eq!(file.len() % 2, 0);
                let found = read_words(&mut Cursor::new(&file)).unwrap();
                assert_eq!(found, (!words.is_empty()).then_some(words));
            }
        }
    }

    #[test]
    fn an_odd_number_of_bytes_is_padded_and_the_words_are_found_behind_it() {
        let file = enclosed(PcmEncoding::MuLaw, &[1; 41], &words());

        let header = read_header(&mut Cursor::new(&file)).unwrap();
        assert_eq!((header.data_bytes, file.len() % 2), (41, 0));
        assert_eq!(read_words(&mut Cursor::new(&file)).unwrap(), Some(words()));
    }

    #[test]
    fn plain_samples_get_the_plain_header() {
        let file = enclosed(PcmEncoding::S16, &[7; 6], &[]);

        let plain = spec(raw(PcmEncoding::S16)).header(6).unwrap();
        assert_eq!(file[..44], plain);
    }

    #[test]
    fn words_that_cannot_be_read_are_none() {
        let whole = enclosed(PcmEncoding::S16, &[7; 6], &words());
        for cut in 0..whole.len() - 2 {
            assert_eq!(
                read_words(&mut Cursor::new(&whole[..cut])).unwrap(),
                None,
                "{cut}"
            );
        }
        let mut odd = whole.clone();
        let at = odd.len() - 10;
        odd[at] = b'{';
        assert_eq!(read_words(&mut Cursor::new(&odd)).unwrap(), None);
        assert_eq!(read_words(&mut Cursor::new(b"ID3")).unwrap(), None);
    }
}
