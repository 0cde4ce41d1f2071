//! The socket beside the server: a connection on which a request was read as HTTP, and on
//! which anything at all can be answered.
//!
//! hyper writes only well-formed answers. A handler that has something else to say writes
//! it past hyper to the same socket ([`RawWire::perform`]); then hyper is shown the end of
//! the stream, and lets the connection go without a word of its own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// One act of an answer. When the last is over the connection is closed in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Send(Bytes),
    Wait(Duration),
    /// So many bytes at a time, with a pause after each.
    Drip {
        bytes: Bytes,
        size: usize,
        pause: Duration,
    },
    /// Again and again until the client goes.
    Endless(Bytes),
    /// Nothing more until the client goes.
    Hang,
    /// Closes at once and throws away what was not received (RST).
    Reset,
}

impl Step {
    pub(crate) fn send(bytes: impl Into<Bytes>) -> Self {
        Self::Send(bytes.into())
    }
}

#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    closed: CancellationToken,
}

/// The writing side past hyper. Clones are the same connection.
#[derive(Debug, Clone)]
pub(crate) struct RawWire(Arc<Shared>);

impl RawWire {
    /// Answers with `steps`, then ends the connection. Whoever awaits this never answers
    /// by other means.
    pub(crate) async fn perform(&self, steps: Vec<Step>) {
        for step in steps {
            // The client has gone: nothing is left to be done to it.
            if self.act(step).await.is_err() {
                break;
            }
        }
        self.0.closed.cancel();
    }

    async fn act(&self, step: Step) -> io::Result<()> {
        match step {
            Step::Send(bytes) => self.send(&bytes).await,
            Step::Wait(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Step::Drip { bytes, size, pause } => {
                for piece in bytes.chunks(size.max(1)) {
                    self.send(piece).await?;
                    tokio::time::sleep(pause).await;
                }
                Ok(())
            }
            Step::Endless(bytes) => loop {
                self.send(&bytes).await?;
            },
            Step::Hang => std::future::pending().await,
            Step::Reset => self.0.stream.set_zero_linger(),
        }
    }

    async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.0.stream.writable().await?;
            match self.0.stream.try_write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, WireListener>> for RawWire {
    fn connect_info(stream: IncomingStream<'_, WireListener>) -> Self {
        Self(Arc::clone(&stream.io().shared))
    }
}

/// Hands hyper the connections of `TcpListener`, shared.
#[derive(Debug)]
pub(crate) struct WireListener(pub(crate) TcpListener);

impl Listener for WireListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        // Without it small answers wait for a delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        (Wire::new(stream), addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// hyper's side of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    shared: Arc<Shared>,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    fn new(stream: TcpStream) -> Self {
        let closed = CancellationToken::new();
        Self {
            closed: Box::pin(closed.clone().cancelled_owned()),
            shared: Arc::new(Shared { stream, closed }),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.shared.stream.poll_read_ready(cx))?;
            match self.shared.stream.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.shared.stream.poll_write_ready(cx))?;
            match self.shared.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The connection ends when both sides have dropped it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
