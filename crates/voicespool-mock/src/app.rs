//! The state of one look-alike, shared by all its requests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::bucket::Bucket;
use crate::dialect::Profile;
use crate::fault::Fault;
use crate::hostile::FaultPicker;
use crate::ledger::Ledger;
use crate::lock::lock;
use crate::options::MockOptions;
use crate::reply::{Refusal, Reply};
use crate::rule::Faults;
use crate::speech::Speaker;
use crate::uploads::UploadedFiles;
use crate::voice::Voice;

/// What a request asks for its fault with.
const FAULT_HEADER: &str = "x-mock-fault";

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) options: MockOptions,
    /// When it was started.
    pub(crate) started: Instant,
    pub(crate) knobs: Mutex<Knobs>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) speaker: Arc<Speaker>,
    pub(crate) hostile: FaultPicker,
    pub(crate) files: UploadedFiles,
    /// Of another server than Together.
    pub(crate) profile: Option<&'static Profile>,
}

/// What can be changed while the server runs.
#[derive(Debug)]
pub(crate) struct Knobs {
    pub(crate) faults: Faults,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) latency: Duration,
}

impl Knobs {
    /// As `options` say at the start.
    pub(crate) fn of(options: &MockOptions) -> Self {
        Self {
            faults: Faults::new(options.seed, options.faults.clone()),
            bucket: options.rate.map(Bucket::new),
            latency: options.latency,
        }
    }
}

impl App {
    /// A look-alike at `addr`, whose hostile redirects lead to `elsewhere`.
    pub(crate) fn new(
        options: MockOptions,
        voice: Voice,
        addr: SocketAddr,
        elsewhere: SocketAddr,
    ) -> Self {
        Self {
            started: Instant::now(),
            knobs: Mutex::new(Knobs::of(&options)),
            ledger: Mutex::new(Ledger::new()),
            speaker: Arc::new(Speaker::new(voice, options.fixed_answer_bytes)),
            hostile: FaultPicker::new(options.seed, options.chaos, elsewhere),
            files: UploadedFiles::new(addr),
            profile: Profile::of(options.dialect),
            options,
        }
    }

    /// Whether the request carries the key, if there is one.
    pub(crate) fn is_authorized(&self, headers: &HeaderMap) -> bool {
        self.options
            .api_key
            .as_ref()
            .is_none_or(|key| match self.profile {
                Some(profile) => profile.is_authorized(headers, key),
                None => headers
                    .get(AUTHORIZATION)
                    .is_some_and(|value| *value == format!("Bearer {key}")),
            })
    }

    /// `refusal` in the shape of this server.
    pub(crate) fn refused(&self, refusal: Refusal, request_id: &str) -> Reply {
        match self.profile {
            Some(profile) => refusal.into_shape(profile.refusals, request_id),
            None => refusal.into_reply(request_id),
        }
    }

    /// Key, pace, and the fault this request meets.
    pub(crate) fn admit(&self, headers: &HeaderMap, path: &str) -> Result<Option<Fault>, Refusal> {
        if !self.is_authorized(headers) {
            return Err(Refusal::unauthorized());
        }
        let mut knobs = lock(&self.knobs);
        if let Some(bucket) = &mut knobs.bucket {
            bucket.take(Instant::now()).map_err(Refusal::throttled)?;
        }
        let by_rule = knobs.faults.next(path);
        match headers.get(FAULT_HEADER) {
            None => Ok(by_rule),
            Some(asked) => match asked.to_str().map(str::parse::<Fault>) {
                Ok(Ok(fault)) => Ok(Some(fault)),
                Ok(Err(error)) => Err(Refusal::bad_request("mock_fault", error.to_string())),
                Err(_) => Err(Refusal::bad_request("mock_fault", "the fault is no text")),
            },
        }
    }
}
