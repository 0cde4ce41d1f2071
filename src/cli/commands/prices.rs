//! `prices`: what plans and bills are made with, from where, and how old it is.

use jiff::civil;

use crate::cli::args::{Global, PricesArgs};
use crate::cli::commands::listing::price_text;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::record::money::PriceTag;
use crate::cli::record::{self, Record, listing};
use crate::cli::term;
use crate::domain::{ListedPrice, Price};
use crate::report::table;

/// Older than this, a price is worth a look at the provider's page.
const OLD_DAYS: i32 = 30;

pub(crate) fn run(global: &Global, args: &PricesArgs) -> anyhow::Result<Exit> {
    let context = Context::load_or_defaults(global)?;
    let today = jiff::Timestamp::from_millisecond(context.clock.now().0)?
        .to_zoned(jiff::tz::TimeZone::system())
        .date();
    let prices = context.settings.prices();
    if context.json {
        for price in &prices {
            record::print(&Record::Price(&listing::ListedPrice {
                model: price.model.clone(),
                price: PriceTag::of(price.price),
                as_of: price.as_of.clone(),
                age_days: age(price, today),
                source: price.source.clone(),
            }))?;
        }
    } else {
        let rows = prices.iter().map(|price| {
            let days = age(price, today).map_or_else(String::new, |days| format!("{days} days"));
            let from = term::clean(&price.source);
            vec![
                price.model.clone(),
                price_text(price.price),
                price.as_of.clone(),
                days,
                from,
            ]
        });
        let header = ["model", "price", "as of", "age", "source"];
        term::out(&table::plain(&header, header.len(), rows))?;
    }
    let findings = findings(&context, &prices, today);
    for finding in &findings {
        if context.json {
            let text = finding.clone();
            record::print(&Record::Finding(&listing::Finding { text }))?;
        }
        term::say(&term::clean(&format!("warning: {finding}")));
    }
    Ok(if args.check && !findings.is_empty() {
        Exit::Findings
    } else {
        Exit::Ok
    })
}

/// Days since the price was read; `None` when its date is no date.
fn age(price: &ListedPrice, today: civil::Date) -> Option<i32> {
    let as_of: civil::Date = price.as_of.parse().ok()?;
    Some(today.since(as_of).ok()?.get_days())
}

/// What a person should look at: prices of their tasks that are missing or old.
fn findings(context: &Context, prices: &[ListedPrice], today: civil::Date) -> Vec<String> {
    let mut findings = Vec::new();
    for task in &context.settings.tasks {
        let model = task.model();
        let Some(price) = task.price else {
            findings.push(format!(
                "task `{}`: `{model}` has no price, so it runs under no budget; set one in [models.\"{model}\"]",
                task.name
            ));
            continue;
        };
        let listed = prices
            .iter()
            .find(|listed| listed.model == model && listed.price == price);
        if let Some(days) = listed.and_then(|listed| age(listed, today))
            && days > OLD_DAYS
            && price != Price::Free
        {
            findings.push(format!(
                "task `{}`: the price of `{model}` is {days} days old; compare it with the provider's page",
                task.name
            ));
        }
    }
    findings
}
