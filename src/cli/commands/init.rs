//! `init`: a commented jobs.toml to start from.

use crate::cli::args::{Global, InitArgs, PresetArg};
use crate::cli::exit::{Exit, Failure};
use crate::cli::record::{self, Record};
use crate::cli::term;
use crate::config::{self, Existing, Preset};

pub(crate) fn run(global: &Global, args: &InitArgs) -> anyhow::Result<Exit> {
    let preset = match args.preset {
        PresetArg::Audiobook => Preset::Audiobook,
        PresetArg::Acx => Preset::Acx,
        PresetArg::Librivox => Preset::LibriVox,
        PresetArg::Podcast => Preset::Podcast,
    };
    let existing = if args.force {
        Existing::Overwrite
    } else {
        Existing::Keep
    };
    let written = config::init(&args.dir, preset, existing)
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    if global.json {
        record::print(&Record::Init(&record::check::Init {
            path: written.path.to_string_lossy().into_owned(),
            next: written.next.iter().map(ToString::to_string).collect(),
        }))?;
        return Ok(Exit::Ok);
    }
    term::outln(&format!("wrote {}", written.path.display()))?;
    term::say("next:");
    for command in &written.next {
        term::say(&format!("  {command}"));
    }
    Ok(Exit::Ok)
}
