//! A server that says exactly what a test tells it to, on a socket of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does after it has read a request; at the end it closes.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Until the client gives up.
    Hang,
    /// These bytes again and again, until the client gives up.
    Endless(Vec<u8>),
    /// Do not read the body before going on (must be the first step).
    IgnoreBody,
    /// Close with a reset instead of an end.
    Reset,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers every connection with `script`.
    pub(super) async fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(Box::pin(converse(
                    stream,
                    script.clone(),
                    Arc::clone(&seen),
                )));
            }
        });
        Self {
            addr,
            requests,
            task,
        }
    }

    /// One that answers with these bytes and closes.
    pub(super) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![Step::Send(answer.into())]).await
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every request so far, head and body.
    pub(super) fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }
}

async fn converse(mut stream: TcpStream, script: Vec<Step>, seen: Arc<Mutex<Vec<Vec<u8>>>>) {
    let with_body = !matches!(script.first(), Some(Step::IgnoreBody));
    let request = read_request(&mut stream, with_body).await;
    seen.lock().unwrap().push(request);
    for step in script {
        let result = match step {
            Step::Send(bytes) => stream.write_all(&bytes).await,
            Step::Wait(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Step::Hang => drain(&mut stream).await,
            Step::Endless(bytes) => loop {
                if let Err(error) = stream.write_all(&bytes).await {
                    break Err(error);
                }
            },
            Step::IgnoreBody => Ok(()),
            Step::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
        };
        if result.is_err() {
            return;
        }
    }
    // A close with unread bytes would reset the connection and lose the answer.
    let _ = stream.shutdown().await;
    let _ = drain(&mut stream).await;
}

async fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut sink = vec![0; 4096];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}

/// The head, and as much body as its `Content-Length` says.
async fn read_request(stream: &mut TcpStream, with_body: bool) -> Vec<u8> {
    let mut request = Vec::new();
    let mut slice = vec![0; 16 * 1024];
    loop {
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if !with_body || request.len() >= end + 4 + length {
                return request;
            }
        }
        match stream.read(&mut slice).await {
            Ok(0) | Err(_) => return request,
            Ok(read) => request.extend_from_slice(&slice[..read]),
        }
    }
}
