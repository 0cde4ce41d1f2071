//! `voices`: who can speak, from the built-in dated list, or of the provider.

use crate::cli::args::{Global, VoicesArgs};
use crate::cli::commands::listing as lists;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::{self, Record, listing};
use crate::cli::term;
use crate::config;
use crate::domain::catalogue::{self, Does, Model, VoiceFinding};
use crate::engine::local;
use crate::report::table;

/// One voice as it is shown.
struct Row {
    model: String,
    voice: String,
    language: String,
    note: String,
}

pub(crate) async fn run(global: &Global, args: &VoicesArgs) -> anyhow::Result<Exit> {
    let context = Context::load_or_defaults(global)?;
    if let Some(voice) = &args.check {
        return check(&context, args.model.as_deref(), voice);
    }
    let rows = if args.online {
        let engine = lists::provider(&context, args.profile.as_deref()).await?;
        let model = args.model.as_deref();
        let listed = engine.list_voices(model).await.map_err(lists::failure)?;
        let row = |voice: crate::engine::rest::ListedVoice| Row {
            model: voice.model.unwrap_or_default(),
            language: language_of(&voice.id),
            note: voice.name.unwrap_or_default(),
            voice: voice.id,
        };
        listed.into_iter().map(row).collect()
    } else {
        built_in(args.model.as_deref())?
    };
    show(&context, rows)?;
    if !args.online && !context.quiet {
        term::say(&format!(
            "as of {}; other names can be used too; `voices --online` asks the provider",
            catalogue::AS_OF
        ));
    }
    Ok(Exit::Ok)
}

fn show(context: &Context, rows: Vec<Row>) -> anyhow::Result<()> {
    if context.json {
        for row in rows {
            record::print(&Record::Voice(&listing::Voice {
                model: row.model,
                voice: row.voice,
                language: Some(row.language).filter(|language| !language.is_empty()),
                note: row.note,
            }))?;
        }
        return Ok(());
    }
    let cells = rows.into_iter().map(|row| {
        [row.model, row.voice, row.language, row.note]
            .map(|cell| term::clean(&cell))
            .to_vec()
    });
    let header = ["model", "voice", "language", "note"];
    Ok(term::out(&table::plain(&header, header.len(), cells))?)
}

/// The voices of the models whose name holds `wanted`, the built-in ones among them.
fn built_in(wanted: Option<&str>) -> Result<Vec<Row>, Failure> {
    let is_wanted = |model: &str| {
        wanted.is_none_or(|wanted| model.to_lowercase().contains(&wanted.to_lowercase()))
    };
    let mut rows = Vec::new();
    if is_wanted(local::MODEL) {
        rows.extend(local::voices().iter().map(|voice| Row {
            model: local::MODEL.to_owned(),
            voice: voice.name.to_owned(),
            language: voice.language.to_owned(),
            note: "built in, free".to_owned(),
        }));
    }
    let mut known = is_wanted(local::MODEL);
    for model in catalogue::MODELS.iter().filter(|model| is_wanted(model.id)) {
        let Does::Speak(speech) = model.does else {
            continue;
        };
        known = true;
        rows.extend(speech.voices.iter().map(|voice| {
            Row {
                model: model.id.to_owned(),
                voice: (*voice).to_owned(),
                language: language_of(voice),
                note: catalogue::kokoro_voice(voice)
                    .map(|(_, gender)| gender.to_owned())
                    .unwrap_or_default(),
            }
        }));
    }
    if !known {
        let wanted = wanted.unwrap_or_default();
        return Err(Failure::new(
            Exit::Usage,
            format!("no speech model here is called `{wanted}`"),
        )
        .detail("it can be used all the same; its voices are not listed here")
        .hint("voicespool models")
        .hint(format!("voicespool voices --online {wanted}")));
    }
    Ok(rows)
}

fn language_of(voice: &str) -> String {
    catalogue::kokoro_voice(voice)
        .map(|(language, _)| language.to_owned())
        .unwrap_or_default()
}

/// Is this a voice, or a mix of voices, of the model?
fn check(context: &Context, model: Option<&str>, voice: &str) -> anyhow::Result<Exit> {
    let id = model.unwrap_or("hexgrad/Kokoro-82M");
    let found: Option<&Model> = catalogue::MODELS.iter().find(|model| model.id == id);
    let Some(model) = found else {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{id}` is not on the list, so its voices are not known"),
        )
        .hint("voicespool models")
        .into());
    };
    let (good, says) = match catalogue::check_voice(model, voice) {
        VoiceFinding::Listed => (true, format!("`{voice}` is a voice of {id}")),
        VoiceFinding::Unlisted => (
            true,
            format!(
                "`{voice}` is not on the list of {id}, which is not complete; --online asks the provider"
            ),
        ),
        VoiceFinding::Unknown { name } => {
            let Does::Speak(speech) = model.does else {
                let headline = format!("`{id}` does not speak");
                return Err(Failure::new(Exit::Usage, headline).into());
            };
            let meant = config::nearest(&name, speech.voices.iter().copied())
                .map(|meant| format!("; did you mean `{meant}`?"))
                .unwrap_or_default();
            (false, format!("{id} has no voice `{name}`{meant}"))
        }
        VoiceFinding::BadMix(problem) => (false, problem.to_string()),
    };
    if context.json {
        record::print(&Record::VoiceCheck(&listing::VoiceCheck {
            model: id.to_owned(),
            voice: voice.to_owned(),
            ok: good,
            text: says,
        }))?;
    } else {
        term::outln(&term::clean(&says))?;
    }
    Ok(if good { Exit::Ok } else { Exit::Findings })
}
