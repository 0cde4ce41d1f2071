//! Output paths: whatever a title or a file name is, the path stays inside and is a name everywhere.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Component, Path};

use unicode_normalization::is_nfc;
use voicespool::pipeline::output::{Fields, Template, collision_key, sanitised};

use super::input::Input;

/// A byte for the extension, then template, file name, folder, task, voice, model, language,
/// title, author, place in the series and chapter, parted by zero bytes.
pub fn template(data: &[u8]) {
    let mut input = Input::new(data);
    let extensions = ["wav", "mp3", "flac", "srt", "vtt", "txt", "json"];
    let ext = extensions[usize::from(input.byte()) % extensions.len()];
    let mut parts = input.rest().split(|&byte| byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let text = String::from_utf8_lossy(part());
    let (file_name, rel_dir) = (os_str(part()), os_str(part()));
    let words = [(); 8].map(|()| String::from_utf8_lossy(part()));
    let [
        task,
        voice,
        model,
        language,
        title,
        author,
        part_of,
        chapter,
    ] = words.each_ref().map(AsRef::as_ref);
    let known = |text| Some(text).filter(|text: &&str| !text.is_empty());
    for word in [task, voice, model, language, title, author, chapter] {
        check_name(&sanitised(word, None), word);
    }
    let template = match Template::parse(&text) {
        Ok(template) => template,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let fields = Fields {
        task,
        file_name: &file_name,
        stem: Path::new(&file_name).file_stem().unwrap_or(&file_name),
        rel_dir: Path::new(&rel_dir),
        voice,
        model,
        language,
        title: known(title),
        author: known(author),
        series: known(author),
        part: known(part_of),
        chapter: known(chapter).map(|name| (task.len(), name)),
    };
    let path = template.fill(&fields, ext);

    assert!(path.components().count() > 0, "a path that names nothing");
    for component in path.components() {
        let Component::Normal(name) = component else {
            panic!("{} leads out of the folder", path.display());
        };
        check_name(name.to_str().expect("names are UTF-8"), &text);
    }
    let loose = |c: char| c == '.' || c.is_whitespace();
    let stem = text
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".{ext}"));
    if stem.is_some_and(|stem| !stem.chars().all(loose)) {
        let found = path.extension();
        assert_eq!(found, Some(OsStr::new(ext)), "{}", path.display());
    }
    assert_eq!(template.fill(&fields, ext), path);
    let text = path.to_string_lossy();
    // Not for all letters: the capitals of some fold to others.
    if text.is_ascii() {
        let upper = text.to_ascii_uppercase();
        assert_eq!(collision_key(Path::new(&upper)), collision_key(&path));
    }
}

/// A plain name on every file system, and the cleaner takes it as it is.
fn check_name(name: &str, from: &str) {
    let hidden = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let bad = |c: char| "/\\:*?\"<>|".contains(c) || c.is_control() || hidden(c);
    assert!(
        !name.is_empty() && name.len() <= 200,
        "{name:?} of {from:?}"
    );
    assert!(!name.contains(bad), "{name:?} of {from:?}");
    let edges = [name.chars().next(), name.chars().last()];
    let loose = |c: &Option<char>| c.is_some_and(|c| c == '.' || c.is_whitespace());
    assert!(!edges.iter().any(loose), "{name:?} of {from:?}");
    assert!(
        !name.starts_with('-'),
        "{name:?} of {from:?} looks like a flag"
    );
    assert!(is_nfc(name), "{name:?} of {from:?}");
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    let device = ["con", "prn", "aux", "nul"].contains(&stem.as_str())
        || stem
            .strip_prefix("com")
            .or_else(|| stem.strip_prefix("lpt"))
            .is_some_and(|port| port.len() == 1 && "123456789".contains(port));
    assert!(!device, "{name:?} of {from:?} is a device");
    assert_eq!(sanitised(name, None), name, "of {from:?}");
}

#[cfg(unix)]
fn os_str(bytes: &[u8]) -> Cow<'_, OsStr> {
    use std::os::unix::ffi::OsStrExt;
    Cow::Borrowed(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn os_str(bytes: &[u8]) -> Cow<'_, OsStr> {
    Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into())
}
