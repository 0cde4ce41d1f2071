//! Redirects, none of which may be followed.

use voicespool_media::domain::FaultClass;

use crate::hostile::answer::{Expected, Proper};
use crate::hostile::builder::Builder;
use crate::hostile::script::head;
use crate::wire::Step;

pub(super) fn add(catalogue: &mut Builder) {
    let mut redirect = |name: &str, line: &'static str, to: fn(&Proper) -> Option<String>| {
        let script = move |proper: &Proper| {
            let location = to(proper).map(|to| format!("location: {to}"));
            let mut lines = vec!["content-length: 0"];
            lines.extend(location.as_deref());
            vec![Step::send(head(line, &lines))]
        };
        let expected = Expected::Fault(FaultClass::Refused);
        catalogue
            .add(format!("redirect-{name}"), expected, script)
            .billed = false;
    };
    let away = |proper: &Proper| Some(format!("http://{}/v1/audio/speech", proper.elsewhere));
    redirect("300", "300 Multiple Choices", away);
    redirect("301", "301 Moved Permanently", away);
    redirect("302", "302 Found", away);
    redirect("303", "303 See Other", away);
    redirect("304", "304 Not Modified", |_| None);
    redirect("305", "305 Use Proxy", away);
    redirect("307", "307 Temporary Redirect", away);
    redirect("308", "308 Permanent Redirect", away);
    redirect("307-with-a-key", "307 Temporary Redirect", |proper| {
        Some(format!("http://user:pass@{}/?key=stolen", proper.elsewhere))
    });
    redirect("307-without-scheme", "307 Temporary Redirect", |proper| {
        Some(format!("//{}/v1/audio/speech", proper.elsewhere))
    });
    redirect("307-to-itself", "307 Temporary Redirect", |_| {
        Some("/v1/audio/speech".to_owned())
    });
    redirect("307-to-a-file", "307 Temporary Redirect", |_| {
        Some("file:///etc/passwd".to_owned())
    });
    redirect("307-to-a-script", "307 Temporary Redirect", |_| {
        Some("javascript:alert(1)".to_owned())
    });
    redirect("307-nowhere", "307 Temporary Redirect", |_| None);
    redirect("308-to-nonsense", "308 Permanent Redirect", |_| {
        Some("http://[::1".to_owned())
    });
}
