//! What those who take finished audio ask of it: rules with limits, and the proof of each.
//!
//! A new addressee is one entry of [`ALL`].

use std::fmt;

use crate::audio::container::Container;
use crate::audio::measure::{BitRateMode, Measurements};
use crate::domain::AudioMillis;

/// One addressee's rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requirements {
    pub name: &'static str,
    /// Whose rules these are.
    pub about: &'static str,
    /// Where they are written, and when they were read.
    pub source: &'static str,
    pub rules: &'static [Rule],
    /// All files of one book have the same sample rate and channels.
    pub is_uniform: bool,
}

/// A limit that a number of [`Measurements`] keeps or not. Levels in dB, both ends allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    Rms(f64, f64),
    Lufs(f64, f64),
    /// No sample above.
    Peak(f64),
    /// Nothing between the samples above.
    TruePeak(f64),
    /// No quietest half second above.
    Floor(f64),
    /// MP3 of a constant bit rate, from and to bits per second.
    Mp3(u32, u32),
    /// Frames per second.
    SampleRate(u32),
    /// At most so many channels.
    Channels(u16),
    /// Quiet before the first word, from and to.
    Head(AudioMillis, AudioMillis),
    /// Quiet after the last word, from and to.
    Tail(AudioMillis, AudioMillis),
    Longest(AudioMillis),
}

const fn ms(millis: u64) -> AudioMillis {
    AudioMillis(millis)
}

/// Everybody whose rules are known.
pub const ALL: &[Requirements] = &[
    Requirements {
        name: "acx",
        about: "Audible, through ACX",
        source: "ACX Audio Submission Requirements, read 2026-11-27",
        rules: &[
            Rule::Rms(-23.0, -18.0),
            Rule::Peak(-3.0),
            Rule::Floor(-60.0),
            Rule::Mp3(192_000, 320_000),
            Rule::SampleRate(44_100),
            Rule::Head(ms(500), ms(1_000)),
            Rule::Tail(ms(1_000), ms(5_000)),
            Rule::Longest(ms(120 * 60_000)),
        ],
        is_uniform: true,
    },
    Requirements {
        name: "librivox",
        about: "LibriVox",
        source: "LibriVox wiki, Tech Specs (89 dB given there as -16 to -21 LUFS), read 2026-11-27",
        rules: &[
            Rule::Lufs(-21.0, -16.0),
            Rule::Mp3(128_000, 128_000),
            Rule::SampleRate(44_100),
            Rule::Channels(1),
            Rule::Head(ms(500), ms(1_000)),
            Rule::Tail(ms(5_000), ms(10_000)),
        ],
        is_uniform: true,
    },
    Requirements {
        name: "podcast",
        about: "Apple Podcasts",
        source: "Apple Podcasts for Creators, Audio requirements, read 2026-11-27",
        rules: &[Rule::Lufs(-17.0, -15.0), Rule::TruePeak(-1.0)],
        is_uniform: false,
    },
];

impl Requirements {
    /// Those of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|one| one.name == name)
    }

    /// Every rule with what the file has.
    pub fn judge(&self, file: &Measurements) -> Vec<Judged> {
        self.rules.iter().map(|rule| rule.judge(file)).collect()
    }
}

/// A rule, and what a file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Name of the rule: `rms`, `peak`, `head`, ….
    pub rule: &'static str,
    /// What it asks, in words with units.
    pub wanted: String,
    /// What is there.
    pub found: String,
    pub ok: bool,
}

impl Rule {
    fn judge(self, file: &Measurements) -> Judged {
        let judged = |rule, wanted: String, found: String, ok| Judged {
            rule,
            wanted,
            found,
            ok,
        };
        match self {
            Self::Rms(from, to) => judged(
                "rms",
                format!("{from} to {to} dB"),
                Decibels(file.rms, "dB").to_string(),
                is_within(file.rms, from, to),
            ),
            Self::Lufs(from, to) => judged(
                "loudness",
                format!("{from} to {to} LUFS"),
                Decibels(file.lufs, "LUFS").to_string(),
                is_within(file.lufs, from, to),
            ),
            Self::Peak(most) => below("peak", file.peak, most, "dB"),
            Self::TruePeak(most) => below("true peak", file.true_peak, most, "dBTP"),
            Self::Floor(most) => below("floor", file.floor, most, "dB"),
            Self::Mp3(from, to) => {
                let rate = file.bit_rate;
                let is_mp3 = file.container == Container::Mp3;
                let is_constant = file.bit_rate_mode == Some(BitRateMode::Constant);
                let wanted = if from == to {
                    format!("MP3, {} kbit/s, constant", from / 1000)
                } else {
                    format!("MP3, {} to {} kbit/s, constant", from / 1000, to / 1000)
                };
                let ok = is_mp3 && is_constant && (from.into()..=to.into()).contains(&rate);
                judged("format", wanted, format_of(file), ok)
            }
            Self::SampleRate(wanted) => judged(
                "sample rate",
                format!("{wanted} Hz"),
                format!("{} Hz", file.sample_rate),
                file.sample_rate == wanted,
            ),
            Self::Channels(most) => judged(
                "channels",
                format!("at most {most}"),
                file.channels.to_string(),
                file.channels <= most,
            ),
            Self::Head(from, to) => between("head", file.head, from, to),
            Self::Tail(from, to) => between("tail", file.tail, from, to),
            Self::Longest(most) => judged(
                "length",
                format!("at most {} min", most.0 / 60_000),
                format!("{:.1} min", file.duration.seconds() / 60.0),
                file.duration <= most,
            ),
        }
    }
}

/// A file's format in words: `MP3, 192 kbit/s, constant`.
pub fn format_of(file: &Measurements) -> String {
    let name = if file.container == Container::Mp3 {
        "MP3".to_owned()
    } else {
        format!("{} ({})", file.container, file.codec)
    };
    let mode = match file.bit_rate_mode {
        Some(BitRateMode::Constant) => ", constant",
        Some(BitRateMode::Variable) => ", variable",
        None => "",
    };
    format!("{name}, {} kbit/s{mode}", file.bit_rate.div_ceil(1000))
}

/// Nothing at all is below everything.
fn below(rule: &'static str, found: Option<f64>, most: f64, unit: &'static str) -> Judged {
    Judged {
        rule,
        wanted: format!("at most {most} {unit}"),
        found: Decibels(found, unit).to_string(),
        ok: found.is_none_or(|found| found <= most),
    }
}

/// Nothing at all is no speech of any level.
fn is_within(found: Option<f64>, from: f64, to: f64) -> bool {
    found.is_some_and(|found| (from..=to).contains(&found))
}

fn between(rule: &'static str, found: AudioMillis, from: AudioMillis, to: AudioMillis) -> Judged {
    Judged {
        rule,
        wanted: format!("{} to {} s", from.seconds(), to.seconds()),
        found: format!("{:.2} s", found.seconds()),
        ok: (from..=to).contains(&found),
    }
}

/// A level with its unit; none is silence.
#[derive(Debug, Clone, Copy)]
pub struct Decibels(pub Option<f64>, pub &'static str);

impl fmt::Display for Decibels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(level) => write!(f, "{level:.2} {}", self.1),
            None => f.write_str("silence"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Measurements {
        Measurements {
            container: Container::Mp3,
            codec: "mp3".to_owned(),
            sample_rate: 44_100,
            channels: 1,
            duration: ms(60 * 60_000),
            bit_rate: 192_000,
            bit_rate_mode: Some(BitRateMode::Constant),
            rms: Some(-20.0),
            peak: Some(-3.0),
            true_peak: Some(-2.9),
            floor: Some(-60.0),
            lufs: Some(-19.0),
            clipped: 0,
            head: ms(500),
            tail: ms(5_000),
        }
    }

    /// The rules of `whose` that `file` does not keep.
    fn broken(whose: &str, file: &Measurements) -> Vec<&'static str> {
        let judged = Requirements::named(whose).unwrap().judge(file);
        let broken = judged.into_iter().filter(|judged| !judged.ok);
        broken.map(|judged| judged.rule).collect()
    }

    #[test]
    fn what_is_at_the_limits_is_taken() {
        assert_eq!(broken("acx", &good()), [""; 0]);
        let librivox = Measurements {
            bit_rate: 128_000,
            lufs: Some(-21.0),
            ..good()
        };
        assert_eq!(broken("librivox", &librivox), [""; 0]);
    }

    #[test]
    fn each_rule_fails_alone() {
        type Spoil = fn(&mut Measurements);
        let spoilt: [(&str, Spoil); 11] = [
            ("rms", |file| file.rms = Some(-17.99)),
            ("rms", |file| file.rms = None),
            ("peak", |file| file.peak = Some(-2.99)),
            ("floor", |file| file.floor = Some(-59.9)),
            ("format", |file| file.bit_rate = 191_999),
            ("format", |file| {
                file.bit_rate_mode = Some(BitRateMode::Variable);
            }),
            ("format", |file| file.container = Container::Flac),
            ("sample rate", |file| file.sample_rate = 48_000),
            ("head", |file| file.head = ms(490)),
            ("tail", |file| file.tail = ms(5_010)),
            ("length", |file| file.duration = ms(120 * 60_000 + 1)),
        ];
        for (rule, spoil) in spoilt {
            let mut file = good();
            spoil(&mut file);
            assert_eq!(broken("acx", &file), [rule]);
        }
    }

    #[test]
    fn a_silent_room_is_quiet_enough() {
        let file = Measurements {
            floor: None,
            ..good()
        };

        assert_eq!(broken("acx", &file), [""; 0]);
    }
}
