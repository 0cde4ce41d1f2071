//! A recogniser on loopback, for answers that the mock does not give.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::Value;

/// A server that answers every upload with what a function says of its file: a status and a body.
pub(crate) struct Recogniser {
    addr: SocketAddr,
}

impl Recogniser {
    pub(crate) fn start(hear: impl Fn(&[u8]) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let hear = Arc::new(hear);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, hear) = (stream.unwrap(), hear.clone());
                std::thread::spawn(move || answer(stream, &*hear));
            }
        });
        Self { addr }
    }

    /// A `jobs.toml` with one task, `talks`, and `more` of its keys.
    pub(crate) fn config(&self, more: &str) -> String {
        format!(
            "version = 1\n[profile.here]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\nauth = \"none\"\n[task.talks]\ntype = \"stt\"\nprofile = \"here\"\ninput = [\"talks\"]\nmodel = \"whisper-1\"\nformats = [\"txt\", \"json\"]\n{more}",
            self.addr
        )
    }
}

fn answer(mut stream: TcpStream, hear: &impl Fn(&[u8]) -> (u16, Value)) {
    let (mut request, mut block) = (Vec::new(), vec![0; 64 * 1024]);
    while !is_whole(&request) {
        match stream.read(&mut block) {
            Ok(0) | Err(_) => break,
            Ok(read) => request.extend_from_slice(&block[..read]),
        }
    }
    let (status, body) = hear(&upload(&request));
    let body = body.to_string();
    let said = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may be gone.
    let _ = stream.write_all((said + &body).as_bytes());
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// Whether a request has come to its end.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = position(&request[..request.len().min(8_192)], b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return request.ends_with(b"0\r\n\r\n");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}

/// The file of a form that is not sent in chunks.
fn upload(request: &[u8]) -> Vec<u8> {
    let file = || {
        let head = position(request, b"filename=")?;
        let start = head + position(&request[head..], b"\r\n\r\n")? + 4;
        let form = position(request, b"boundary=")? + 9;
        let end = form + position(&request[form..], b"\r\n")?;
        let boundary = [b"\r\n--", &request[form..end]].concat();
        let length = position(&request[start..], &boundary)?;
        Some(request[start..start + length].to_vec())
    };
    file().unwrap_or_default()
}
