//! Failures below HTTP: no connection, no certificate, no answer in time.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::domain::FaultClass;
use crate::engine::EngineError;
use crate::engine::rest::problem::Scrubber;

/// How much of the request had left when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The provider cannot have all of it, so it cannot have carried it out.
    Partly,
    /// All of it may have arrived.
    Whole,
}

/// The client could not get an answer's head from `host`.
pub(super) fn no_answer(
    error: &reqwest::Error,
    host: &str,
    sent: Sent,
    scrubber: &Scrubber,
) -> EngineError {
    if let Some(reason) = certificate_problem(error) {
        // Waiting may mend it, paying may not: like a wrong key, it stops the endpoint
        // and costs no job.
        return EngineError::new(
            FaultClass::Account,
            scrubber.tidy(&format!(
                "the TLS certificate of {host} cannot be trusted: {reason}"
            )),
        );
    }
    let reason = root_cause(error);
    if error.is_connect() {
        let what = if error.is_dns() {
            "cannot find"
        } else {
            "cannot connect to"
        };
        return EngineError::new(
            FaultClass::Overloaded,
            scrubber.tidy(&format!("{what} {host}: {reason}")),
        );
    }
    let mut failure = EngineError::new(
        FaultClass::Overloaded,
        scrubber.tidy(&format!("{host} broke the connection off: {reason}")),
    );
    failure.may_be_billed = sent == Sent::Whole;
    failure
}

/// Nothing came from `host` for `limit`.
pub(super) fn too_late(what: &str, host: &str, limit: Duration, sent: Sent) -> EngineError {
    let class = match sent {
        Sent::Whole => FaultClass::TimedOut,
        Sent::Partly => FaultClass::Overloaded,
    };
    let mut failure = EngineError::new(class, format!("{what} {host} within {limit:?}"));
    failure.may_be_billed = sent == Sent::Whole;
    failure
}

/// The innermost cause, which is the one that says something.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::addr_eq(cause, error) {
        // Its own text would name the URL.
        return "the request cannot be made".to_owned();
    }
    cause.to_string()
}

/// What is wrong with the other side's certificate, if that is what is wrong.
fn certificate_problem(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(reason)) => return Some(reason.to_string()),
            Some(rustls::Error::NoCertificatesPresented) => {
                return Some("it presents none".to_owned());
            }
            _ => cause = next_cause(inner),
        }
    }
    None
}

/// The next inner error. An `io::Error` hides the error it carries from `source`.
fn next_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let carried = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .map(|carried| -> &'a (dyn Error + 'static) { carried });
    carried.or_else(|| error.source())
}
