//! What `strace -f -y -xx` recorded, as steps in time: when each call began and ended, which file
//! it was for, and its bytes.

use std::collections::HashMap;

/// One call to the operating system that succeeded.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Line on which it began, and on which it had ended.
    pub(crate) began: usize,
    pub(crate) ended: usize,
    pub(crate) call: Call,
}

#[derive(Debug, Clone)]
pub(crate) enum Call {
    Write {
        path: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Sync {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Send {
        /// The connection, with both its ends.
        peer: String,
        bytes: Vec<u8>,
    },
}

/// The calls to be recorded.
pub(crate) const CALLS: &str =
    "trace=pwrite64,fsync,fdatasync,rename,renameat,renameat2,writev,sendto,sendmsg";

/// Reads a record. What failed, or is no step here, is left out.
pub(crate) fn parse(record: &str) -> Vec<Step> {
    let mut unfinished: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut steps = Vec::new();
    for (line_no, line) in record.lines().enumerate() {
        let Some((thread, text)) = line.split_once(' ') else {
            continue;
        };
        let text = text.trim_start();
        if let Some(start) = text.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (line_no, start));
            continue;
        }
        let (began, whole) = match text.strip_prefix("<... ") {
            Some(rest) => {
                let (began, start) = unfinished
                    .remove(thread)
                    .expect("it began before it resumed");
                let rest = rest.split_once("resumed>").expect("strace says so").1;
                (began, format!("{start}{rest}"))
            }
            None => (line_no, text.to_owned()),
        };
        if let Some(call) = call_of(&whole) {
            steps.push(Step {
                began,
                ended: line_no,
                call,
            });
        }
    }
    // In the order in which they were over.
    steps
}

fn call_of(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    // Short calls are padded before the result.
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    if result.starts_with('-') || result.starts_with('?') {
        return None;
    }
    let strings = || arguments.split('"').skip(1).step_by(2).map(unhex);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let file = || {
        let start = arguments.find("<\\x")? + 1;
        let length = arguments[start..].find('>')?;
        Some(text(unhex(&arguments[start..start + length])))
    };
    Some(match name {
        "pwrite64" => Call::Write {
            path: file()?,
            offset: arguments.rsplit(", ").next()?.parse().ok()?,
            bytes: strings().next()?,
        },
        "fsync" | "fdatasync" => Call::Sync { path: file()? },
        "rename" | "renameat" | "renameat2" => {
            let mut names = strings();
            Call::Rename {
                from: text(names.next()?),
                to: text(names.next()?),
            }
        }
        "writev" | "sendto" | "sendmsg" if arguments.contains("<TCP:") => Call::Send {
            peer: arguments.split_once(">,")?.0.to_owned(),
            bytes: strings().flatten().collect(),
        },
        _ => return None,
    })
}

fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .map(|byte| u8::from_str_radix(byte, 16).expect("-xx writes nothing but bytes"))
        .collect()
}
