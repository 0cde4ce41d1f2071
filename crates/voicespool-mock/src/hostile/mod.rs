//! A catalogue of hostile answers: everything a broken, overloaded, misconfigured or
//! malicious provider can say to a request, each with what a client must make of it.
//!
//! An answer is a script for the bare socket, made from the proper answer to the same
//! request. `POST /hostile/NAME/v1/audio/…` gives the answer NAME to the first request for
//! each input and the proper one from then on, so a client that tries again meets a
//! provider that has recovered; `mock --chaos` spreads the whole catalogue over a tenth of
//! all requests. `GET /_mock/hostile` lists it.
//!
//! Nothing here is random: the same name is the same bytes for the same request.

mod answer;
mod bodies;
mod builder;
mod catalogue;
mod chunks;
mod encodings;
mod framing;
mod heads;
mod json;
mod lengths;
mod mp3;
mod no_http;
mod picker;
mod redirect;
mod script;
mod sound;
mod status;
mod stops;
mod throttle;
mod transcript;
mod wav;

pub use answer::{Expected, HostileAnswer, HostileKind, Limit};
pub(crate) use answer::{Hostile, Proper};
pub use catalogue::hostile_answers;
pub(crate) use picker::FaultPicker;
pub(crate) use script::status_of;
