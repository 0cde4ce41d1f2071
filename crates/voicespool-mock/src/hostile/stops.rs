//! Connections that end, or fall silent, before there is a whole head.

use std::time::Duration;

use crate::hostile::answer::Limit;
use crate::hostile::builder::Builder;
use crate::hostile::script::{head, ok, once, proper_answer};
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    catalogue.broken("stop-reset", |_| vec![Step::Reset]);
    catalogue.broken("stop-reset-after-a-moment", |_| {
        vec![Step::Wait(Duration::from_millis(100)), Step::Reset]
    });
    for at in [1, 5, 9, 12, 15, 17, 30] {
        catalogue.broken(format!("stop-head-cut-at-{at}"), move |proper| {
            once(proper_answer(proper)[..at].to_vec())
        });
    }
    catalogue.broken("stop-head-cut-before-its-end", |proper| {
        once(
            ok(proper, &["x-a: b"])[..]
                .split_last_chunk::<2>()
                .map_or(Vec::new(), |(rest, _)| rest.to_vec()),
        )
    });
    catalogue.broken("stop-reset-in-the-head", |proper| {
        let half = proper_answer(proper)[..20].to_vec();
        vec![
            Step::send(half),
            Step::Wait(Duration::from_millis(20)),
            Step::Reset,
        ]
    });
    catalogue.late("stop-silence", Limit::Total, |_| vec![Step::Hang]);
    catalogue.late("stop-silence-in-the-head", Limit::Total, |proper| {
        vec![Step::send(proper_answer(proper)[..20].to_vec()), Step::Hang]
    });
    catalogue.late("stop-silence-after-an-interim", Limit::Total, |_| {
        vec![Step::send(head("100 Continue", &[])), Step::Hang]
    });
    catalogue.late("stop-head-drips", Limit::Total, |proper| {
        vec![Step::Drip {
            bytes: ok(proper, &[&format!("x: {}", "y".repeat(4_000))]).into(),
            size: 1,
            pause: Duration::from_millis(100),
        }]
    });
}
