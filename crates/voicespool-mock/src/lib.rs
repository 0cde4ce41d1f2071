//! A provider's look-alike on loopback: real requests, real audio, an invoice, and faults on
//! demand, so that everything can be tried without a key or a cent.
//!
//! With [`MockOptions::dialect`] it has the routes, shapes and refusals of another server.
//! Otherwise it keeps the contracts of Together and OpenAI as far as this program uses them, and
//! is strict where they are: an unknown field, voice or model is refused in the
//! provider's own shape. It remembers what it spoke and recognises it when it comes back
//! for transcription, alone or joined into a longer recording; for other recordings it
//! invents words, always the same ones.
//!
//! What it does not do: batch jobs, opus, aac and flac. Recordings are taken by URL where they
//! were uploaded to it; it connects to nobody to fetch one.
//! MP3 answers are cut from one stored recording of speech and do not say the text
//! (there is no MP3 encoder here); their length fits the text.
//!
//! | path (also without `/v1`) | answers |
//! |---|---|
//! | `POST /v1/audio/speech` | wav, mp3, raw or pcm; with `stream` (OpenAI: `stream_format`) as events |
//! | `GET /v1/audio/speech/websocket` | events over a WebSocket |
//! | `POST /v1/audio/transcriptions`, `…/translations` | json, verbose_json |
//! | `GET /v1/voices`, `GET /v1/models` | lists |
//! | `GET /_mock/bill`, `GET /_mock/requests?after=N` | what was asked and what it costs |
//! | `POST /hostile/NAME/v1/audio/…` | the hostile answer NAME to the first request for each input, then proper ones |
//! | `GET /_mock/hostile` | the catalogue of hostile answers |
//! | `PUT /_mock/audio/NAME?QUERY`, `GET` of the same | keeps a recording that can be asked for by URL, with this query as its signature |
//! | `POST /_mock/faults`, `POST /_mock/reset` | faults for what follows; a clean slate |

mod admin;
mod app;
mod bucket;
mod catalogue;
mod chance;
mod dialect;
mod endpoint;
mod events;
mod fault;
mod hostile;
mod invoice;
mod ledger;
mod lists;
mod lock;
mod memory;
mod mp3;
mod options;
mod recognise;
mod reply;
mod routes;
mod rule;
mod server;
mod sound;
mod speech;
mod transcription;
mod trap;
mod uploads;
mod visit;
mod voice;
mod wire;

pub use dialect::Dialect;
pub use events::word_times;
pub use fault::{Fault, ParseFaultError};
pub use hostile::{Expected, HostileAnswer, HostileKind, Limit, hostile_answers};
pub use invoice::{Invoice, ModelInvoice, Record};
pub use options::{MockOptions, Rate};
pub use rule::FaultRule;
pub use server::{MockError, MockHandle, serve};
pub use sound::{pcm, wav};
pub use voice::tones;
