//! The server: its start, its handle and its shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::invoice::{Invoice, Record};
use crate::lock::lock;
use crate::options::MockOptions;
use crate::routes::router;
use crate::rule::{FaultRule, Faults};
use crate::trap::RedirectTrap;
use crate::voice::Voice;
use crate::wire::{RawWire, WireListener};

/// The look-alike could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    #[error("cannot listen on {addr}")]
    Bind {
        addr: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// A running look-alike. Dropping it stops it.
#[derive(Debug)]
pub struct MockHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    trap: RedirectTrap,
}

impl MockHandle {
    /// `http://HOST:PORT/v1`, for the client; of another dialect as its servers have it.
    pub fn base_url(&self) -> String {
        let prefix = self.app.profile.map_or("/v1", |profile| profile.prefix);
        format!("http://{}{prefix}", self.addr)
    }

    /// As `GET /_mock/bill`.
    pub fn invoice(&self) -> Invoice {
        lock(&self.app.ledger).invoice()
    }

    /// As `GET /_mock/requests`: the requests after number `after`, oldest first.
    pub fn requests_after(&self, after: u64) -> Vec<Record> {
        lock(&self.app.ledger).records_after(after)
    }

    /// As `POST /_mock/faults` with rules only: replaces the rules, which count anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        lock(&self.app.knobs).faults = Faults::new(self.app.options.seed, rules);
    }

    /// As `PUT /_mock/audio/NAME?QUERY`: keeps a recording that can be asked for by URL, and
    /// only with this query if one is given. Returns the URL; `None` when there is no room.
    pub fn upload(&self, name: &str, recording: Vec<u8>, query: Option<&str>) -> Option<String> {
        self.app.files.keep(name, recording.into(), query).ok()
    }

    /// Connections to the address that hostile redirects lead to: no client may follow them.
    pub fn followed_redirects(&self) -> u64 {
        self.trap.followed()
    }

    /// Stops taking requests, gives those in flight a second, and ends.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the server has ended already.
            let _ = stop.send(());
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.task).await;
    }
}

impl Drop for MockHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a look-alike that speaks with `voice`: a function from a voice's name (`en-US`,
/// `en-GB`, `de-DE`, `es-ES`, `fr-FR`, `it-IT`) and a text to 16 kHz mono samples. It may
/// block; it is called on threads for that.
///
/// # Errors
/// [`MockError::Bind`] when the address cannot be had.
pub async fn serve(
    options: MockOptions,
    voice: impl Fn(&str, &str) -> Result<Vec<i16>, String> + Send + Sync + 'static,
) -> Result<MockHandle, MockError> {
    let bind = options.bind;
    let failed = |source| MockError::Bind { addr: bind, source };
    let listener = TcpListener::bind(bind).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let trap = RedirectTrap::listen(addr.ip()).await.map_err(failed)?;
    let app = Arc::new(App::new(options, Voice::new(voice), addr, trap.addr));
    let (stop, stopped) = oneshot::channel();
    let service = router(Arc::clone(&app)).into_make_service_with_connect_info::<RawWire>();
    let server = axum::serve(WireListener(listener), service).with_graceful_shutdown(async {
        // A dropped sender means the same.
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move {
        // It ends only by being stopped: accept errors are retried inside.
        let _ = server.await;
    });
    Ok(MockHandle {
        addr,
        app,
        stop: Some(stop),
        task,
        trap,
    })
}
