//! Samples in, the formats the look-alike answers with out.

use voicespool_media::audio::sample::SampleFormat;
use voicespool_media::audio::wav::WavSpec;
use voicespool_media::domain::PcmEncoding;

/// `samples` at `from` a second as the same sound at `to` a second, by straight lines
/// between neighbours.
pub(crate) fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to || samples.is_empty() || from == 0 {
        return samples.to_vec();
    }
    let (from, to) = (u64::from(from), u64::from(to));
    let total = u64::try_from(samples.len()).unwrap_or(0) * to / from;
    let at = |idx: u64| {
        let idx = usize::try_from(idx).unwrap_or(usize::MAX);
        i64::from(*samples.get(idx).or(samples.last()).unwrap_or(&0))
    };
    (0..total)
        .map(|idx| {
            let position = idx * from;
            let (whole, rest) = (position / to, position % to);
            let (left, right) = (at(whole), at(whole + 1));
            let share = i64::try_from(rest).unwrap_or(0);
            let step = (right - left) * share / i64::try_from(to).unwrap_or(1);
            i16::try_from(left + step).unwrap_or(0)
        })
        .collect()
}

/// A 16-bit mono WAV file.
pub fn wav(samples: &[i16], sample_rate: u32) -> Vec<u8> {
    let spec = WavSpec {
        channels: 1,
        sample_rate,
        format: SampleFormat::S16,
    };
    let data = pcm(samples, PcmEncoding::S16);
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    // A minute is 3 MB: nothing here comes near the 4 GiB that do not fit.
    let mut file = spec.header(length).unwrap_or([0; 44]).to_vec();
    file.extend_from_slice(&data);
    file
}

/// Headerless samples.
pub fn pcm(samples: &[i16], encoding: PcmEncoding) -> Vec<u8> {
    let samples = samples.iter().copied();
    match encoding {
        PcmEncoding::S16 => samples.flat_map(i16::to_le_bytes).collect(),
        PcmEncoding::F32 => samples
            .flat_map(|sample| (f32::from(sample) / 32_768.0).to_le_bytes())
            .collect(),
        PcmEncoding::MuLaw => samples.map(mu_law).collect(),
        PcmEncoding::ALaw => samples.map(a_law).collect(),
    }
}

/// ITU-T G.711, µ-law.
fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (sample >> 2).unsigned_abs().min(8158) + 33;
    let exponent = 10_u32.saturating_sub(magnitude.leading_zeros());
    let mantissa = magnitude >> (exponent + 1) & 0x0f;
    let code = u16::try_from(exponent << 4).unwrap_or(0) | mantissa;
    !(sign | u8::try_from(code).unwrap_or(0))
}

/// ITU-T G.711, A-law.
fn a_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = if sample < 0 { !sample } else { sample }.unsigned_abs() >> 3;
    let exponent = (16 - magnitude.leading_zeros()).saturating_sub(5);
    let code = if exponent == 0 {
        magnitude >> 1
    } else {
        u16::try_from(exponent << 4).unwrap_or(0) | (magnitude >> exponent & 0x0f)
    };
    (sign | u8::try_from(code).unwrap_or(0)) ^ 0x55
}

/// `file` with the sizes in its header not known, as a server writes it that has not spoken
/// to the end yet.
pub(crate) fn of_unknown_length(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for at in [4, 40] {
        if let Some(size) = file.get_mut(at..at + 4) {
            size.fill(0xFF);
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_duration_and_shape() {
        let ramp: Vec<i16> = (0..1600).collect();

        let up = resample(&ramp, 16_000, 24_000);

        assert_eq!(up.len(), 2400);
        assert_eq!(&up[..5], &[0, 0, 1, 2, 2]);
        assert_eq!(up[2399], 1599);
        assert_eq!(resample(&ramp, 16_000, 16_000), ramp);
    }

    #[test]
    fn companded_samples_are_those_of_the_standard() {
        // Reference values: ffmpeg 5.1 and Python's audioop agree on them.
        let samples = [
            0, 1, -1, 100, -100, 1000, -1000, 10_000, -10_000, 32_767, -32_768,
        ];

        assert_eq!(pcm(&samples, PcmEncoding::MuLaw), MU_LAW);
        assert_eq!(pcm(&samples, PcmEncoding::ALaw), A_LAW);
        assert_eq!(pcm(&[16_384], PcmEncoding::F32), 0.5_f32.to_le_bytes());
    }

    const MU_LAW: [u8; 11] = [
        0xff, 0xff, 0x7e, 0xf2, 0x72, 0xce, 0x4e, 0x9c, 0x1c, 0x80, 0x00,
    ];
    const A_LAW: [u8; 11] = [
        0xd5, 0xd5, 0x55, 0xd3, 0x53, 0xfa, 0x7a, 0xb6, 0x36, 0xaa, 0x2a,
    ];
}
