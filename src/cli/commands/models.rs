//! `models`: what can be asked for, from the built-in dated list, or of the provider.

use crate::cli::args::{Global, ModelsArgs};
use crate::cli::commands::listing as lists;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::record::money::PriceTag;
use crate::cli::record::{self, Record, listing};
use crate::cli::term;
use crate::domain::catalogue::{self, Availability, Does, Model};
use crate::domain::{ListedPrice, Price};
use crate::engine::rest::ListedModel;
use crate::report::table;

pub(crate) async fn run(global: &Global, args: &ModelsArgs) -> anyhow::Result<Exit> {
    let context = Context::load_or_defaults(global)?;
    if args.online {
        let engine = lists::provider(&context, args.profile.as_deref()).await?;
        let models = engine.list_models().await.map_err(lists::failure)?;
        online(&context, &models)?;
        return Ok(Exit::Ok);
    }
    let prices = context.settings.prices();
    if context.json {
        for model in catalogue::MODELS {
            record::print(&Record::Model(&record_of(model, &prices)))?;
        }
        return Ok(Exit::Ok);
    }
    let rows = catalogue::MODELS.iter().map(|model| row(model, &prices));
    let header = [
        "model",
        "at",
        "does",
        "delivery",
        "languages",
        "who",
        "price",
        "note",
    ];
    term::out(&table::plain(&header, header.len(), rows))?;
    term::say(&format!(
        "as of {}; other names can be used too, unpriced until [models.\"NAME\"] gives a price; `models --online` asks the provider",
        catalogue::AS_OF
    ));
    Ok(Exit::Ok)
}

fn row(model: &Model, prices: &[ListedPrice]) -> Vec<String> {
    vec![
        model.id.to_owned(),
        model.provider.as_str().to_owned(),
        abilities(model).join(" "),
        model.deliveries().join(" "),
        languages(model).join(" "),
        who(model.availability),
        price(model, prices).map_or_else(|| "—".to_owned(), lists::price_text),
        model.note.to_owned(),
    ]
}

fn record_of(model: &Model, prices: &[ListedPrice]) -> listing::Model {
    let speech = match model.does {
        Does::Speak(speech) => Some(speech),
        Does::Transcribe(_) => None,
    };
    listing::Model {
        model: model.id.to_owned(),
        provider: model.provider.as_str(),
        does: abilities(model),
        deliveries: model.deliveries(),
        languages: languages(model).to_vec(),
        voices: speech.map(|speech| speech.voices.len()),
        max_chars: speech.and_then(|speech| speech.max_chars),
        availability: model.availability.as_str(),
        availability_date: match model.availability {
            Availability::Ending { on } => Some(on),
            Availability::Retired { since } => Some(since),
            Availability::Serverless | Availability::Dedicated => None,
        },
        price: price(model, prices).map(PriceTag::of),
        as_of: catalogue::AS_OF,
        note: model.note,
    }
}

/// The configuration's price where it has one; the list's for other providers too.
fn price(model: &Model, prices: &[ListedPrice]) -> Option<Price> {
    prices
        .iter()
        .find(|price| price.model == model.id)
        .map(|price| price.price)
        .or(model.price)
}

fn abilities(model: &Model) -> Vec<&'static str> {
    match model.does {
        Does::Speak(speech) => {
            let mut words = vec!["speak"];
            words.extend(speech.mixes.then_some("mix"));
            words
        }
        Does::Transcribe(offers) => {
            let mut words = vec!["transcribe"];
            words.extend(offers.translates.then_some("translate"));
            words.extend(offers.diarizes.then_some("diarize"));
            words.extend(offers.words.then_some("words"));
            words
        }
    }
}

fn languages(model: &Model) -> &'static [&'static str] {
    match model.does {
        Does::Speak(speech) => speech.languages,
        Does::Transcribe(_) => &[],
    }
}

fn who(availability: Availability) -> String {
    match availability {
        Availability::Serverless | Availability::Dedicated => availability.as_str().to_owned(),
        Availability::Ending { on } => format!("ends {on}"),
        Availability::Retired { since } => format!("retired {since}"),
    }
}

fn online(context: &Context, models: &[ListedModel]) -> anyhow::Result<()> {
    if context.json {
        for model in models {
            record::print(&Record::ProviderModel(&listing::ProviderModel {
                model: model.id.clone(),
                kind: model.kind.clone(),
                per_audio_minute_usd: model.per_minute.clone(),
            }))?;
        }
        return Ok(());
    }
    let rows = models.iter().map(|model| {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        vec![model.id.clone(), text(&model.kind), text(&model.per_minute)]
    });
    term::out(&table::plain(
        &["model", "kind", "$ a minute of audio"],
        2,
        rows,
    ))?;
    term::say("what a provider lists is not always open to every key");
    Ok(())
}
