//! Places where something else is sent than what was written.

use std::ops::Range;

/// A place where something else is sent than what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respelt {
    /// Of the text that is sent.
    pub range: Range<usize>,
    pub written: String,
}

/// A part of `text` as it was written, where `respelt` is in order.
pub fn written(text: &str, range: Range<usize>, respelt: &[Respelt]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    let first = respelt.partition_point(|place| place.range.end < range.start);
    for place in &respelt[first..] {
        // A place that a cut goes through is shown as it is said.
        if place.range.start < at {
            continue;
        }
        if place.range.end > range.end {
            break;
        }
        out.push_str(&text[at..place.range.start]);
        out.push_str(&place.written);
        at = place.range.end;
    }
    out.push_str(&text[at..range.end]);
    out
}
