//! The schema is the truth: each of its keys is read, each neighbour is refused.

use crate::config::schema;
use crate::config::tests::{Project, bad};

/// `task.<NAME>.voice` as a file with that one key, holding `value`.
fn file_with(path: &str, value: &str) -> String {
    let path = path.replace("<NAME>", "x");
    let version = if path.starts_with("version") {
        ""
    } else {
        "version = 1\n"
    };
    format!("{version}{path} = {value}\n")
}

/// A key that nobody reads would accept anything: an array of a date is no value of any.
#[test]
fn every_key_is_read() {
    for key in schema() {
        let text = file_with(&key.path, "[[1979-05-27]]");
        let message = if key.path.starts_with("trust.") {
            Project::new("version = 1")
                .user(&text.replace("version = 1\n", ""))
                .message()
        } else {
            bad(&text)
        };
        let name = key.path.rsplit('.').next().unwrap();
        assert!(
            message.contains(&format!("`{name}`")),
            "{}\n{message}",
            key.path
        );
    }
}

#[test]
fn every_key_has_a_neighbour_that_is_refused_with_a_suggestion() {
    for key in schema() {
        let message = bad(&file_with(&format!("{}x", key.path), "1"));
        let name = key.path.rsplit('.').next().unwrap();
        assert!(
            message.contains(&format!("`{name}x`")),
            "{}\n{message}",
            key.path
        );
        assert!(
            message.contains(&format!("did you mean `{name}`?")),
            "{}\n{message}",
            key.path
        );
    }
}

#[test]
fn every_key_says_what_it_does_and_is_listed_once() {
    let mut paths: Vec<String> = schema().into_iter().map(|key| key.path).collect();
    for key in schema() {
        assert!(
            !key.doc.is_empty() && key.doc.ends_with('.') && !key.expected.is_empty(),
            "{key:?}"
        );
    }
    let n_keys = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), n_keys);
    assert!(n_keys > 70, "{n_keys}");
}
