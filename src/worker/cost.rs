//! What a request cost, when the answer knows better than the estimate, and what the guard of the
//! run makes of it.

use crate::domain::{AudioMillis, NanoUsd, Price, Quantity};
use crate::worker::request::Request;
use crate::worker::run::Run;
use crate::worker::stop::Stop;

/// What nothing costs.
pub(super) const FREE: NanoUsd = NanoUsd::ZERO;

/// What a usable answer cost: the estimate, or more when the provider says that the audio
/// is longer than its header (a second of difference is rounding).
pub(super) fn measured(
    price: Option<Price>,
    sent: Quantity,
    estimate: NanoUsd,
    heard: Option<AudioMillis>,
) -> NanoUsd {
    let (Some(heard), Quantity::Audio(probed)) = (heard, sent) else {
        return estimate;
    };
    if heard.0 <= probed.0.saturating_add(1000) {
        return estimate;
    }
    price
        .and_then(|price| price.cost(Quantity::Audio(heard)))
        .map_or(estimate, |cost| cost.max(estimate))
}

/// What a recording that the provider fetched came to: what it says it heard, whatever its
/// manifest said. `None` where that is no news (a second of difference is rounding), says
/// nothing, or cannot be priced; then the estimate stands.
pub(super) fn cost_of_fetched(
    price: Option<Price>,
    sent: Quantity,
    heard: AudioMillis,
) -> Option<(Quantity, NanoUsd)> {
    let Quantity::Audio(planned) = sent else {
        return None;
    };
    if heard.0 == 0 || heard.0.abs_diff(planned.0) <= 1000 {
        return None;
    }
    let heard = Quantity::Audio(heard);
    let cost = match price {
        Some(price) => price.cost(heard)?,
        None => FREE,
    };
    Some((heard, cost))
}

/// Tells the guard of a request that was paid for, and stops the run if money is paid for too
/// little: then nothing leaves any more, although the job is not settled yet.
pub(super) fn note_paid(run: &Run, asked: &Request, cost: NanoUsd, usable: bool) {
    let is_free = cost == FREE && asked.price().is_some();
    if is_free || asked.price() == Some(Price::Free) {
        return;
    }
    if let Some(why) = run.guard.paid(cost, usable) {
        run.shutdown.stop_for(Stop::Runaway { why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CharCount;

    #[test]
    fn a_fetched_recording_costs_what_the_provider_heard_be_it_less_or_more() {
        let price = Some(Price::PerAudioMinute(NanoUsd(6_000_000)));
        let planned = Quantity::Audio(AudioMillis(14_400_000));
        let bill = |millis| cost_of_fetched(price, planned, AudioMillis(millis));

        let hour = Quantity::Audio(AudioMillis(3_600_000));
        assert_eq!(bill(3_600_000), Some((hour, NanoUsd(360_000_000))));
        let longer = Quantity::Audio(AudioMillis(28_800_000));
        assert_eq!(bill(28_800_000), Some((longer, NanoUsd(2_880_000_000))));
        assert_eq!(bill(14_399_500), None, "rounding");
        assert_eq!(bill(0), None, "nothing said");
        assert_eq!(
            cost_of_fetched(None, planned, AudioMillis(60_000))
                .unwrap()
                .1,
            FREE
        );
    }

    #[test]
    fn a_recording_longer_than_its_header_costs_what_the_provider_heard() {
        let price = Some(Price::PerAudioMinute(NanoUsd(6_000_000)));
        let sent = Quantity::Audio(AudioMillis(60_000));
        let cost = |heard| measured(price, sent, NanoUsd(6_000_000), heard);

        assert_eq!(cost(Some(AudioMillis(600_000))), NanoUsd(60_000_000));
        assert_eq!(cost(Some(AudioMillis(60_900))), NanoUsd(6_000_000));
        assert_eq!(cost(Some(AudioMillis(10))), NanoUsd(6_000_000));
        assert_eq!(cost(None), NanoUsd(6_000_000));
        let text = Quantity::Chars(CharCount(5));
        let spoken = measured(price, text, NanoUsd(7), Some(AudioMillis(600_000)));
        assert_eq!(spoken, NanoUsd(7));
    }
}
