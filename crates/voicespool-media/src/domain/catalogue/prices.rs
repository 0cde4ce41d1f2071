//! The prices that bill when the configuration names none.

use crate::domain::catalogue::{AS_OF, MODELS, Provider};
use crate::domain::price::ListedPrice;

/// The date of the built-in list.
pub const PRICES_AS_OF: &str = AS_OF;
const SOURCE: &str = "docs.together.ai, serverless models";

/// Together's prices of the built-in catalogue; `[models]` of the configuration overrides
/// them. Other providers' are shown by `prices` and bill nothing: they charge in ways
/// (a minimum a request, tokens) that only their users know to be true for them.
pub fn prices() -> Vec<ListedPrice> {
    MODELS
        .iter()
        .filter(|model| model.provider == Provider::Together)
        .filter_map(|model| {
            Some(ListedPrice {
                model: model.id.to_owned(),
                price: model.price?,
                as_of: PRICES_AS_OF.to_owned(),
                source: SOURCE.to_owned(),
            })
        })
        .collect()
}
