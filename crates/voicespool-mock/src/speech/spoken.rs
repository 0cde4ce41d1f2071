//! The sound that answers a request, in the format that was asked for.

use bytes::Bytes;

use voicespool_media::domain::AudioMillis;

use crate::mp3::Cut;
use crate::sound;
use crate::speech::format::Format;
use crate::speech::order::Order;

/// The answer to an order.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) duration: AudioMillis,
}

impl Spoken {
    /// The samples without any header (benchmarks are answered with a WAV whatever they ask).
    pub(crate) fn samples(&self) -> Bytes {
        if self.body.starts_with(b"RIFF") {
            self.body.slice(44.min(self.body.len())..)
        } else {
            self.body.clone()
        }
    }

    /// `cut` as the answer to a request for MP3.
    pub(super) fn of_frames(cut: Cut) -> Self {
        Self {
            content_type: Format::Mp3.content_type(),
            body: cut.file,
            duration: cut.duration,
        }
    }

    /// `samples` in the format and at the rate of `order`.
    pub(super) fn of_samples(order: &Order, samples: &[i16]) -> Self {
        let body = match order.format {
            Format::Raw(encoding) => sound::pcm(samples, encoding),
            Format::Wav | Format::Mp3 => sound::wav(samples, order.sample_rate),
        };
        let frames = u64::try_from(samples.len()).unwrap_or(0);
        Self {
            duration: AudioMillis::of_frames(frames, order.sample_rate),
            content_type: order.format.content_type(),
            body: body.into(),
        }
    }
}
