//! `kill -9` at any moment, again and again, until the work is done.

use std::time::{Duration, Instant};

use crate::Options;
use crate::chance::Chance;
use crate::promises::{self, Account};
use crate::scene::{Kind, Scene};
use crate::support::Project;
use crate::watched::{Seen, Watched};

/// Kills of one project; then it may finish.
const KILLS_A_PROJECT: usize = 14;

/// When to kill.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after the start: planning, queueing, recovering.
    After(Duration),
    /// So long after so many requests were sent, or jobs completed.
    Event(&'static str, u64, Duration),
    /// So long after a first file was finished: others are being joined.
    Joining(Duration),
}

impl Moment {
    fn choose(chance: &mut Chance) -> Self {
        let mut millis = |end: u64| Duration::from_micros(chance.below(end * 1000));
        let (short, long) = (millis(50), millis(300));
        match chance.below(10) {
            0..=2 => Self::After(long),
            3..=5 => Self::Event("job_sent", 1 + chance.below(20), short),
            6..=7 => Self::Event("job_completed", 1 + chance.below(20), short),
            _ => Self::Joining(short),
        }
    }
}

/// What the run was doing when it was killed.
#[derive(Debug, Default)]
struct Places {
    planning: usize,
    restarting: usize,
    requests: usize,
    joining: usize,
}

#[derive(Debug, Default)]
struct Figures {
    kills: usize,
    projects: usize,
    /// Requests the provider was computing at the instants of the kills.
    computing: u64,
    /// Projects in which a job was in flight at three crashes.
    poisoned: usize,
    places: Places,
    account: Account,
}

/// Kills `count` times.
pub(crate) fn at_any_moment(options: Options) -> String {
    let count = options.count.unwrap_or(25);
    let mut chance = Chance::new(options.seed);
    let mut figures = Figures::default();
    let size = if count > 100 { 45 } else { 30 };
    for (kind, goal) in [
        (Kind::Speech, count.div_ceil(2)),
        (Kind::Transcription, count),
    ] {
        let scene = Scene::new(kind, size, options.seed);
        while figures.kills < goal {
            let most = KILLS_A_PROJECT.min(goal - figures.kills);
            one_project(&scene, &mut chance, most, &mut figures);
        }
    }
    let Figures {
        kills,
        projects,
        computing,
        poisoned,
        places,
        account,
    } = figures;
    format!(
        "{kills} kills in {projects} projects ({} planning, {} restarting, {} with requests out, {} joining); {} jobs, 0 lost, {} billed, {} of them extra, {computing} being computed at the kills, {} in doubt ({} never billed); {poisoned} projects had a job that was suspected of them",
        places.planning,
        places.restarting,
        places.requests,
        places.joining,
        account.jobs,
        account.billed,
        account.extra,
        account.in_doubt,
        account.unbilled,
    )
}

/// One project from its first run to its last, killed at most `most` times.
fn one_project(scene: &Scene, chance: &mut Chance, most: usize, figures: &mut Figures) {
    let workers = *chance.pick(&[8, 16, 24, 32]);
    let first = last_request(scene);
    let project = scene.project(workers);
    let (mut kills, mut runs, mut poisoned) = (0, 0, false);
    loop {
        runs += 1;
        assert!(runs < 100, "it never ends");
        let mut run = start(&project, runs);
        if kills < most && kill_at(Moment::choose(chance), &mut run, &project, figures) {
            figures.computing += scene.provider.mock.invoice().in_flight;
            kills += 1;
            continue;
        }
        let ended = run.end(&project);
        match ended.code() {
            Some(0) => break,
            // Deliberate: a job whose answer was arriving at four crashes, at the last two alone,
            // waits for a person.
            Some(3) => {
                poisoned = true;
                let failed = project.run(&["ls", "--state", "failed", "--json"]);
                assert_eq!(failed.exits(0).json().len(), 0, "a job failed");
                let held = project.run(&["ls", "--state", "in_doubt", "--json"]);
                for job in held.exits(0).json() {
                    assert_eq!(job["class"], "poison", "{job}");
                }
                let held = ["retry", "--state", "in_doubt", "--all", "--yes"];
                project.run(&held).exits(0);
            }
            other => panic!("exit {other:?}\n{}", ended.stderr),
        }
    }
    figures.kills += kills;
    figures.projects += 1;
    figures.poisoned += usize::from(poisoned);
    figures
        .account
        .add(promises::check(scene, &project, workers, first));
}

/// Number of the provider's last request so far.
pub(crate) fn last_request(scene: &Scene) -> u64 {
    let records = scene.provider.mock.requests_after(0);
    records
        .iter()
        .map(|record| record.sequence)
        .max()
        .unwrap_or(0)
}

fn start(project: &Project, number: usize) -> Watched {
    let command = project.command(&["run", "--yes", "--json"]);
    Watched::start(project, command, &format!("run-{number:02}"))
}

/// Kills `run` at `moment`. `false`: it ended before.
fn kill_at(moment: Moment, run: &mut Watched, project: &Project, figures: &mut Figures) -> bool {
    let (mut sent, mut answered, mut files) = (0, 0, 0);
    let far = Instant::now() + Duration::from_mins(1);
    let mut until = match moment {
        Moment::After(time) => Instant::now() + time,
        Moment::Event(..) | Moment::Joining(_) => far,
    };
    loop {
        match run.next(until) {
            Seen::Line(line) => {
                let is_file = matches!(line["kind"].as_str(), Some("assemble" | "compose"));
                match line["type"].as_str() {
                    Some("job_sent") => sent += 1,
                    Some("job_completed") if is_file => files += 1,
                    Some("job_completed") => answered += 1,
                    _ => {}
                }
                let (reached, delay) = match moment {
                    Moment::Event("job_sent", count, delay) => (sent == count, delay),
                    Moment::Event(_, count, delay) => (answered == count, delay),
                    Moment::Joining(delay) => (files == 1, delay),
                    Moment::After(_) => continue,
                };
                if reached && until == far {
                    until = Instant::now() + delay;
                }
            }
            Seen::Nothing => break,
            Seen::End => return false,
        }
    }
    run.kill();
    let places = &mut figures.places;
    *match (sent, sent > answered) {
        (0, _) if !project.path(".voicespool/objects").exists() => &mut places.planning,
        (0, _) if files == 0 => &mut places.restarting,
        (_, true) => &mut places.requests,
        _ => &mut places.joining,
    } += 1;
    true
}
