//! The names of files that a task takes for inputs when it is given a folder.

/// Input file extensions of a speech task.
pub const TEXT_EXTENSIONS: &[&str] = &[
    "txt", "text", "md", "markdown", "html", "htm", "xhtml", "epub", "docx", "pdf",
];

/// Input file extensions of a transcription task.
pub const AUDIO_EXTENSIONS: &[&str] = &[
    "mp3", "wav", "flac", "m4a", "ogg", "oga", "opus", "webm", "mp4", "aac", "aiff", "aif", "aifc",
    "mpga", "mpeg", "m4b", "m4v", "mov", "3gp", "caf", "mka", "mkv", "weba", "wave", "wma", "amr",
];
