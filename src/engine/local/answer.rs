//! What the local engine hands over: samples kept until their number is known (a WAV
//! header needs it), in memory while they are few and in an unnamed file when they are many.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::domain::{AudioFormat, FaultClass, PcmEncoding, SpeechParams};
use crate::engine::EngineError;
use crate::engine::local::pico::SAMPLE_RATE;

/// About 4 minutes of speech; a chunk of 2,000 characters is 4.6 MB.
const IN_MEMORY: usize = 8 << 20;
/// Bytes written to the caller at once.
const SLICE: usize = 64 << 10;

/// A container this engine can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Wav,
    /// Little-endian 16-bit samples without a header.
    Raw,
}

impl Wanted {
    /// What `params` ask for, or the refusal that says what to ask for.
    pub(super) fn from(params: &SpeechParams) -> Result<Self, EngineError> {
        let refused = |detail: String| EngineError::new(FaultClass::Refused, detail);
        if let Some(rate) = params.sample_rate.filter(|rate| *rate != SAMPLE_RATE) {
            return Err(refused(format!(
                "the local engine speaks at {SAMPLE_RATE} Hz, not at {rate}; leave `sample_rate` out"
            )));
        }
        if params.bit_rate.is_some() {
            return Err(refused(
                "the local engine does not compress; leave `bit_rate` out".to_owned(),
            ));
        }
        if params.instructions.is_some() {
            return Err(refused(
                "the local engine takes no `instructions`; leave them out".to_owned(),
            ));
        }
        match params.response_encoding {
            None | Some(PcmEncoding::S16) => {}
            Some(other) => {
                return Err(refused(format!(
                    "the local engine gives pcm_s16le samples, not {other}"
                )));
            }
        }
        match params.format {
            AudioFormat::Wav => Ok(Self::Wav),
            AudioFormat::Raw => Ok(Self::Raw),
            other => Err(refused(format!(
                "the local engine gives wav or raw, not {other}; ask for `format = \"wav\"`"
            ))),
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Raw => "audio/pcm",
        }
    }
}

/// Samples on their way to the caller.
#[derive(Debug)]
pub(super) struct Recording {
    samples: SpooledTempFile,
    bytes: u64,
}

impl Recording {
    /// An empty one, that goes to an unnamed file in `folder` when it grows large.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            samples: tempfile::spooled_tempfile_in(IN_MEMORY, folder),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, block: &[i16]) -> Result<(), EngineError> {
        let bytes: Vec<u8> = block
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        self.samples
            .write_all(&bytes)
            .map_err(|error| cannot("keep the samples", &error))?;
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Writes everything to `body` and returns how many bytes that were.
    pub(super) async fn write_to(
        mut self,
        body: &mut (dyn Write + Send),
        wanted: Wanted,
    ) -> Result<u64, EngineError> {
        let header = match wanted {
            Wanted::Wav => wav_header(self.bytes)?.to_vec(),
            Wanted::Raw => Vec::new(),
        };
        body.write_all(&header)
            .map_err(|error| cannot("write the answer", &error))?;
        self.samples
            .seek(SeekFrom::Start(0))
            .map_err(|error| cannot("read the samples back", &error))?;
        let mut slice = vec![0; SLICE];
        loop {
            let read = self
                .samples
                .read(&mut slice)
                .map_err(|error| cannot("read the samples back", &error))?;
            if read == 0 {
                break;
            }
            body.write_all(&slice[..read])
                .map_err(|error| cannot("write the answer", &error))?;
            tokio::task::yield_now().await;
        }
        let header = u64::try_from(header.len()).unwrap_or(u64::MAX);
        Ok(self.bytes.saturating_add(header))
    }
}

fn cannot(what: &str, error: &io::Error) -> EngineError {
    EngineError::new(FaultClass::Local, format!("cannot {what}: {error}"))
}

/// The 44 bytes before `data_bytes` of samples.
fn wav_header(data_bytes: u64) -> Result<[u8; 44], EngineError> {
    let too_long = || {
        EngineError::new(
            FaultClass::Refused,
            "the speech is longer than a WAV file can be (37 hours)",
        )
    };
    let data = u32::try_from(data_bytes).map_err(|_| too_long())?;
    let riff = data.checked_add(36).ok_or_else(too_long)?;
    let mut header = [0; 44];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &riff.to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &1u16.to_le_bytes(), // integer samples
        &1u16.to_le_bytes(), // one channel
        &SAMPLE_RATE.to_le_bytes(),
        &(SAMPLE_RATE * 2).to_le_bytes(), // bytes per second
        &2u16.to_le_bytes(),              // bytes per frame
        &16u16.to_le_bytes(),             // bits per sample
        b"data",
        &data.to_le_bytes(),
    ];
    for (place, byte) in header.iter_mut().zip(fields.concat()) {
        *place = byte;
    }
    Ok(header)
}
