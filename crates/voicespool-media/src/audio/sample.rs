//! One coded sample to one 16-bit sample.
//!
//! All mixing, measuring and writing here is in 16 bits. Rounding: 24 and 32 bit
//! integers and floats go to the nearest 16-bit value (halves away from zero),
//! clamp at full scale, without dither; 8 bit, mu-law and A-law expand exactly;
//! 16 bit passes unchanged. NaN becomes silence.

/// How one sample is coded, little-endian, as found in a WAV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleFormat {
    /// Unsigned 8 bit around 128.
    U8,
    S16,
    S24,
    S32,
    /// IEEE float, full scale at ±1.0.
    F32,
    /// G.711 mu-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
}

impl SampleFormat {
    /// Bytes of one sample.
    pub fn bytes(self) -> u16 {
        match self {
            Self::U8 | Self::MuLaw | Self::ALaw => 1,
            Self::S16 => 2,
            Self::S24 => 3,
            Self::S32 | Self::F32 => 4,
        }
    }

    /// The word used in messages and JSON, as ffmpeg spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::U8 => "pcm_u8",
            Self::S16 => "pcm_s16le",
            Self::S24 => "pcm_s24le",
            Self::S32 => "pcm_s32le",
            Self::F32 => "pcm_f32le",
            Self::MuLaw => "pcm_mulaw",
            Self::ALaw => "pcm_alaw",
        }
    }

    /// Appends every whole sample of `bytes` to `out`; a rest shorter than a sample is left.
    pub fn expand(self, bytes: &[u8], out: &mut Vec<i16>) {
        match self {
            Self::U8 => out.extend(bytes.iter().map(|&b| (i16::from(b) - 128) * 256)),
            Self::S16 => out.extend(
                bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| i16::from_le_bytes(*b)),
            ),
            Self::S24 => out.extend(bytes.as_chunks::<3>().0.iter().map(|b| {
                let wide = i32::from_le_bytes([0, b[0], b[1], b[2]]);
                narrow(wide)
            })),
            Self::S32 => out.extend(
                bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| narrow(i32::from_le_bytes(*b))),
            ),
            Self::F32 => out.extend(
                bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|b| from_float(f32::from_le_bytes(*b))),
            ),
            Self::MuLaw => out.extend(bytes.iter().map(|&b| mu_law(b))),
            Self::ALaw => out.extend(bytes.iter().map(|&b| a_law(b))),
        }
    }
}

/// 32 to 16 bits: nearest, halves away from zero, clamped.
fn narrow(wide: i32) -> i16 {
    let half = if wide < 0 { 32_767 } else { 32_768 };
    let shifted = (i64::from(wide) + half) >> 16;
    i16::try_from(shifted).unwrap_or(if shifted < 0 { i16::MIN } else { i16::MAX })
}

/// ±1.0 to 16 bits: nearest, halves away from zero, clamped; NaN is 0.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "float to int saturates and sends NaN to zero, which is the promise"
)]
pub(crate) fn from_float(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

/// ITU-T G.711 mu-law to 14 bits, scaled to 16.
fn mu_law(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i16::from(code & 0x0f) << 3) + 0x84) << ((code >> 4) & 7);
    let level = magnitude - 0x84;
    if code & 0x80 == 0 { level } else { -level }
}

/// ITU-T G.711 A-law to 13 bits, scaled to 16.
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let mantissa = i16::from(code & 0x0f) << 4;
    let level = match (code >> 4) & 7 {
        0 => mantissa + 8,
        segment => (mantissa + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -level } else { level }
}

/// All channels of whole frames as one, in place of what `mono` held.
pub(crate) fn mix(samples: &[i16], channels: u16, mono: &mut Vec<i16>) {
    mono.clear();
    let width = usize::from(channels.max(1));
    mono.extend(samples.chunks_exact(width).map(|frame| {
        let sum: i32 = frame.iter().map(|&sample| i32::from(sample)).sum();
        i16::try_from(sum / i32::from(channels.max(1))).unwrap_or(0)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: SampleFormat, bytes: &[u8], expected: &[i16]) {
        let mut out = Vec::new();
        format.expand(bytes, &mut out);
        assert_eq!(out, expected, "{format:?}");
    }

    #[test]
    fn samples_round_to_the_nearest_and_clamp() {
        check(SampleFormat::U8, &[0, 128, 255], &[-32768, 0, 32512]);
        check(
            SampleFormat::S16,
            &[0xff, 0x7f, 0x00, 0x80, 9],
            &[32767, -32768],
        );
        check(
            SampleFormat::S24,
            &[0x7f, 0, 0, 0x80, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0, 1, -1, 32767],
        );
        let floats: Vec<u8> = [1.0f32, -1.0, 0.5, f32::NAN, f32::INFINITY, -7.0]
            .iter()
            .flat_map(|f| f.to_le_bytes())
            .collect();
        check(
            SampleFormat::F32,
            &floats,
            &[32767, -32768, 16384, 0, 32767, -32768],
        );
    }

    // Spot values of ITU-T G.191's reference tables.
    #[test]
    fn telephone_codes_expand_as_the_standard_says() {
        check(
            SampleFormat::MuLaw,
            &[0x00, 0x80, 0xff, 0x7f, 0x0f],
            &[-32124, 32124, 0, 0, -16764],
        );
        check(
            SampleFormat::ALaw,
            &[0x55, 0xd5, 0x2a, 0xaa, 0x80],
            &[-8, 8, -32256, 32256, 5504],
        );
    }
}
