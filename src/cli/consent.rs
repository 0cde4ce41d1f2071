//! Consent: nothing that costs is sent before somebody agreed to the cost, on a terminal by
//! answering, elsewhere by a flag.

use std::sync::Arc;

use crate::cli::args::one_shot::OneShotArgs;
use crate::cli::context::Context;
use crate::cli::estimate::at_most;
use crate::cli::exit::{Exit, Failure};
use crate::cli::term;
use crate::domain::NanoUsd;
use crate::pipeline::plan::Plan;
use crate::pipeline::task::Task;

/// What was agreed to by flags.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spend {
    pub yes: bool,
    pub max_cost: Option<NanoUsd>,
}

impl From<&OneShotArgs> for Spend {
    fn from(args: &OneShotArgs) -> Self {
        Self {
            yes: args.yes,
            max_cost: args.max_cost,
        }
    }
}

/// Makes sure that a person agreed by name to each host that a stranger's project file sends `tasks`
/// to, whatever it costs. `false`: no.
pub(crate) fn agreed_to_hosts(context: &mut Context, tasks: &[Arc<Task>]) -> anyhow::Result<bool> {
    let mut agreed: Vec<String> = Vec::new();
    for task in tasks {
        let profile = context.profile(task)?;
        let Some(host) = profile.unknown_host() else {
            continue;
        };
        if agreed.iter().any(|known| known == host) {
            continue;
        }
        if !term::interactive() {
            return Err(unknown_host(&profile.name, host).into());
        }
        let question = format!(
            "The project file sends your files to {}, which nobody here knows. Type its name to agree:",
            term::clean(host)
        );
        if term::ask_for(&question)? != host {
            return Ok(false);
        }
        agreed.push(host.to_owned());
    }
    for profile in context.settings.profiles.values_mut() {
        for host in &agreed {
            profile.agree_to(host);
        }
    }
    Ok(true)
}

/// Nobody agreed to the host of `profile`.
pub(crate) fn unknown_host(profile: &str, host: &str) -> Failure {
    let host = term::clean(host);
    Failure::new(
        Exit::Usage,
        format!("the project file sends your files to {host}, which nobody here knows"),
    )
    .detail(format!(
        "it stands in [profile.{}]; nothing was sent",
        term::clean(profile)
    ))
    .hint(format!(
        "if you trust it: --allow-host {host}, or [trust] hosts = [\"{host}\"] in your user configuration"
    ))
}

/// Makes sure that somebody agreed to the cost of `plan`, which was shown; `command` is
/// what was typed.
pub(crate) fn agreed_to(
    context: &Context,
    spend: Spend,
    plan: &Plan,
    command: &str,
) -> anyhow::Result<bool> {
    let totals = plan.totals();
    let budget = &context.settings.budget;
    let capped =
        spend.max_cost.is_some() || budget.max_cost.is_some() || budget.max_cost_per_day.is_some();
    if totals.unpriced_files > 0 && capped {
        return Err(
            Failure::new(Exit::Usage, "a budget needs prices, and a model has none")
                .detail("nothing was sent")
                .hint("set `price` under [models.\"…\"], or leave the budget out")
                .into(),
        );
    }
    if totals.cost == NanoUsd::ZERO && totals.unpriced_files == 0
        || spend.yes
        || spend.max_cost.is_some()
    {
        return Ok(true);
    }
    let (amount, hint) = if totals.unpriced_files > 0 {
        (
            "an unknown amount".to_owned(),
            "set `price` under [models.\"…\"], or agree with --yes".to_owned(),
        )
    } else {
        (
            at_most(totals.at_most_files, totals.cost),
            format!("{command} --max-cost USD    or    {command} --yes"),
        )
    };
    if !term::interactive() {
        let headline = format!("this may cost {amount} and nobody is here to agree");
        return Err(Failure::new(Exit::Usage, headline)
            .detail("nothing was sent")
            .hint(hint)
            .into());
    }
    if totals.cost <= context.settings.budget.confirm_above && totals.unpriced_files == 0 {
        return Ok(true);
    }
    Ok(term::ask(&format!("Spend {amount}?"))?)
}
