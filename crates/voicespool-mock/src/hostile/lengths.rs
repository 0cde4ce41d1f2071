//! Lengths of bodies that are no numbers, or the wrong ones.

use crate::hostile::answer::Limit;
use crate::hostile::builder::Builder;
use crate::hostile::script::{behind, chunk, ok, once};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    for (name, value) in [
        ("negative", "-1"),
        ("with-a-sign", "+%LENGTH"),
        ("hexadecimal", "0xffff"),
        ("words", "a lot"),
        ("fraction", "%LENGTH.0"),
        ("over-64-bits", "99999999999999999999999"),
        ("empty", ""),
    ] {
        catalogue.broken(format!("length-{name}"), move |proper| {
            let text = "HTTP/1.1 200 OK\r\ncontent-type: %TYPE\r\ncontent-length: VALUE\r\n\r\n";
            behind(proper, &text.replace("VALUE", value))
        });
    }
    catalogue.broken("length-two-that-differ", |proper| {
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: %LENGTH\r\n\r\n";
        behind(proper, text)
    });
    let mut claims = |name: &str, claim: fn(usize) -> u64| {
        catalogue.bad(format!("length-{name}"), move |proper| {
            let length = format!("content-length: {}", claim(proper.body.len()));
            let mut answer = ok(proper, &[&length]);
            answer.extend_from_slice(&proper.body);
            once(answer)
        });
    };
    claims("zero", |_| 0);
    claims("half", |length| u64::try_from(length / 2).unwrap_or(0));
    claims("one-too-few", |length| {
        u64::try_from(length.saturating_sub(1)).unwrap_or(0)
    });
    claims("one-too-many", |length| {
        u64::try_from(length + 1).unwrap_or(0)
    });
    claims("a-terabyte", |_| 1 << 40);
    catalogue.late("length-one-too-many-and-open", Limit::Idle, |proper| {
        let length = format!("content-length: {}", proper.body.len() + 1);
        let mut answer = ok(proper, &[&length]);
        answer.extend_from_slice(&proper.body);
        vec![Step::send(answer), Step::Hang]
    });
    catalogue.harmless("length-and-chunks", |proper| {
        let mut answer = ok(proper, &["content-length: 3", "transfer-encoding: chunked"]);
        answer.extend_from_slice(&chunk(&proper.body));
        answer.extend_from_slice(b"0\r\n\r\n");
        once(answer)
    });
}
