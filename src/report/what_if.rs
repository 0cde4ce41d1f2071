//! What the same work would have cost elsewhere.

use crate::domain::{AudioMillis, CharCount, ListedPrice, NanoUsd, Price, Quantity};

/// One model of the price list, and what it would have charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    pub model: String,
    pub cost: NanoUsd,
    /// ISO date of the price.
    pub as_of: String,
}

/// What `chars` of text and `audio` to transcribe would have cost on each model of `prices`
/// that does such work, cheapest first. A model is left out if there is no work for it, or
/// its price does not fit an amount.
pub fn what_if(chars: CharCount, audio: AudioMillis, prices: &[ListedPrice]) -> Vec<WhatIf> {
    let mut offers: Vec<_> = prices
        .iter()
        .filter_map(|listed| {
            let quantity = match listed.price {
                Price::PerMillionChars(_) if chars.0 > 0 => Quantity::Chars(chars),
                Price::PerAudioMinute(_) if audio.0 > 0 => Quantity::Audio(audio),
                Price::Free if chars.0 > 0 || audio.0 > 0 => Quantity::Nothing,
                _ => return None,
            };
            Some(WhatIf {
                model: listed.model.clone(),
                cost: listed.price.cost(quantity)?,
                as_of: listed.as_of.clone(),
            })
        })
        .collect();
    offers.sort_by(|a, b| (a.cost, &a.model).cmp(&(b.cost, &b.model)));
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_that_could_do_the_work_are_named() {
        let prices = [
            ("orpheus", Price::PerMillionChars(NanoUsd(15_000_000_000))),
            ("kokoro", Price::PerMillionChars(NanoUsd(4_000_000_000))),
            ("whisper", Price::PerAudioMinute(NanoUsd(1_500_000))),
            ("absurd", Price::PerMillionChars(NanoUsd(i64::MAX))),
        ]
        .map(|(model, price)| ListedPrice {
            model: model.to_owned(),
            price,
            as_of: "2026-10-02".to_owned(),
            source: String::new(),
        });

        let offers = what_if(CharCount(2_000_000), AudioMillis(0), &prices);

        let offers: Vec<_> = offers
            .iter()
            .map(|offer| (offer.model.as_str(), offer.cost))
            .collect();
        assert_eq!(
            offers,
            [
                ("kokoro", NanoUsd(8_000_000_000)),
                ("orpheus", NanoUsd(30_000_000_000)),
            ]
        );
    }
}
