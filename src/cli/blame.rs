//! Where in the configuration stands what a provider refuses.

use crate::config::Settings;
use crate::pipeline::task::Work;

/// The setting of `task` that `detail`, a refusal in the provider's words, speaks of:
/// `` jobs.toml:12:1 (`voice`) ``. `None` if it speaks of none that somebody set.
pub(crate) fn place(settings: &Settings, task: &str, detail: &str) -> Option<String> {
    let detail = detail.to_lowercase();
    let prefix = format!("task.{task}.");
    let keys = settings.origins().filter_map(|(key, _)| {
        let name = key.strip_prefix(&prefix)?;
        Some((name, said_at(settings, task, name, &detail)?))
    });
    let (name, _) = keys.min_by_key(|(_, at)| *at)?;
    let origin = settings.origin(&format!("{prefix}{name}"));
    Some(format!("{origin} (`{name}`)"))
}

/// Where in `detail` the setting `name` of `task` is named, or its value.
fn said_at(settings: &Settings, task: &str, name: &str, detail: &str) -> Option<usize> {
    let task = settings.tasks.iter().find(|known| known.name == task)?;
    let value = match (name, &task.work) {
        ("model", _) => Some(task.model()),
        ("voice", Work::Speech(work)) => Some(work.params.voice.as_str()),
        _ => None,
    };
    let value = value.map(str::to_lowercase);
    [Some(name.to_owned()), Some(name.replace('_', " ")), value]
        .into_iter()
        .flatten()
        .filter_map(|words| find_word(detail, &words))
        .min()
}

/// Where `word` stands in `text`, not as a part of another word.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_stands_alone() {
        assert_eq!(find_word("invalid `voice`: alto", "voice"), Some(9));
        assert_eq!(find_word("no such invoice", "voice"), None);
        assert_eq!(find_word("voice_id is missing", "voice"), None);
    }
}
