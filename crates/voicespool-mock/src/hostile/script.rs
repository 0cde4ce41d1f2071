//! The bytes that scripts are made of: heads, bodies and chunks.

use crate::hostile::answer::Proper;
use crate::wire::Step;

/// The status a client reads in the first bytes of `steps`; 0 if there is none.
pub(crate) fn status_of(steps: &[Step]) -> u16 {
    let first = steps.iter().find_map(|step| match step {
        Step::Send(bytes) | Step::Drip { bytes, .. } => Some(bytes),
        _ => None,
    });
    first
        .and_then(|bytes| bytes.strip_prefix(b"HTTP/1."))
        .and_then(|rest| std::str::from_utf8(rest.get(2..5)?).ok()?.parse().ok())
        .unwrap_or(0)
}

/// A head: the status line, `lines`, and the empty line.
pub(super) fn head(status: &str, lines: &[&str]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A head of a success with the proper content type, and `lines`.
pub(super) fn ok(proper: &Proper, lines: &[&str]) -> Vec<u8> {
    let content_type = format!("content-type: {}", proper.content_type);
    let mut all = vec![content_type.as_str()];
    all.extend_from_slice(lines);
    head("200 OK", &all)
}

/// A success with `body` and its length.
pub(super) fn ok_with(proper: &Proper, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let mut all = vec![length.as_str()];
    all.extend_from_slice(lines);
    let mut answer = ok(proper, &all);
    answer.extend_from_slice(body);
    answer
}

/// A success of another content type.
pub(super) fn typed(content_type: &str, body: &[u8]) -> Vec<u8> {
    let content_type = format!("content-type: {content_type}");
    let length = format!("content-length: {}", body.len());
    let mut answer = head("200 OK", &[&content_type, &length]);
    answer.extend_from_slice(body);
    answer
}

/// The proper answer, in one piece.
pub(super) fn proper_answer(proper: &Proper) -> Vec<u8> {
    ok_with(proper, &[], &proper.body)
}

/// `body` as one chunk of a chunked body, without the end.
pub(super) fn chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
    chunk.extend_from_slice(body);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// One act that sends `bytes`.
pub(super) fn once(bytes: Vec<u8>) -> Vec<Step> {
    vec![Step::send(bytes)]
}

/// The proper answer behind `head`, in which `%TYPE` and `%LENGTH` are what they should be.
pub(super) fn behind(proper: &Proper, head: &str) -> Vec<Step> {
    let mut answer = head.replace("%LENGTH", &proper.body.len().to_string());
    answer = answer.replace("%TYPE", proper.content_type);
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(&proper.body);
    once(answer)
}

/// A success with `body` as it is.
pub(super) fn with(proper: &Proper, body: &[u8]) -> Vec<Step> {
    vec![Step::send(ok_with(proper, &[], body))]
}
