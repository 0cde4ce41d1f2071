//! Prices: data with a date and a source, never a constant in the code that bills.

use serde::{Deserialize, Serialize};

use crate::domain::units::{NanoUsd, Quantity};

/// What a model charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// Per 1,000,000 characters.
    #[serde(rename = "per_1m_chars")]
    PerMillionChars(NanoUsd),
    /// Per minute of audio.
    PerAudioMinute(NanoUsd),
    /// Runs on this machine.
    Free,
}

impl Price {
    /// The cost of `quantity`, rounded up to the next nano-dollar. `None` when the price
    /// is for another unit, or the amount does not fit.
    pub fn cost(self, quantity: Quantity) -> Option<NanoUsd> {
        match (self, quantity) {
            (Self::Free, _) | (_, Quantity::Nothing) => Some(NanoUsd::ZERO),
            (Self::PerMillionChars(price), Quantity::Chars(chars)) => {
                price.scaled(chars.0, 1_000_000)
            }
            (Self::PerAudioMinute(price), Quantity::Audio(audio)) => price.scaled(audio.0, 60_000),
            (Self::PerMillionChars(_), Quantity::Audio(_))
            | (Self::PerAudioMinute(_), Quantity::Chars(_)) => None,
        }
    }
}

/// A price with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    pub model: String,
    pub price: Price,
    /// ISO date the source was true on.
    pub as_of: String,
    pub source: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::units::{AudioMillis, CharCount};

    #[test]
    fn a_novel_costs_what_the_price_list_says() {
        let kokoro = Price::PerMillionChars(NanoUsd(4_000_000_000));

        assert_eq!(
            kokoro.cost(Quantity::Chars(CharCount(500_000))),
            Some(NanoUsd(2_000_000_000))
        );
        assert_eq!(kokoro.cost(Quantity::Audio(AudioMillis(1))), None);
    }

    #[test]
    fn an_hour_of_audio_costs_sixty_minutes() {
        let whisper = Price::PerAudioMinute(NanoUsd(1_500_000));

        assert_eq!(
            whisper.cost(Quantity::Audio(AudioMillis(3_600_000))),
            Some(NanoUsd(90_000_000))
        );
        assert_eq!(
            whisper.cost(Quantity::Audio(AudioMillis(1))),
            Some(NanoUsd(25))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// So a bill of many requests is never below, and by less than a nano-dollar a request
        /// above, what one request for all of it had cost.
        #[test]
        fn a_text_in_parts_costs_what_it_costs_whole_rounded_up_part_by_part(
            price in 0..1_000_000_000_000_i64,
            parts in proptest::collection::vec(0..100_000_u64, 1..40),
        ) {
            for price in [Price::PerMillionChars(NanoUsd(price)), Price::PerAudioMinute(NanoUsd(price))] {
                let cost = |n| price.cost(match price {
                    Price::PerAudioMinute(_) => Quantity::Audio(AudioMillis(n)),
                    _ => Quantity::Chars(CharCount(n)),
                }).unwrap().0;
                let whole = cost(parts.iter().sum());
                let rows: i64 = parts.iter().map(|part| cost(*part)).sum();
                let requests = i64::try_from(parts.len()).unwrap();
                prop_assert!((whole..whole + requests).contains(&rows), "{rows} for {whole}");
            }
        }
    }
}
