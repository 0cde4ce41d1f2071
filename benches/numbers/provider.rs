//! A provider that costs as little as possible: it answers every request with the same bytes,
//! from a process of its own, so that its work is not counted as ours.
//!
//! It prints its port, then `first` when the first request has come and `last` when so many
//! have that were announced.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::machine::Watched;

/// Bytes of every answer: one second of a tone, 16 bits at 16 kHz, and its header.
pub(crate) const BODY: usize = 44 + 32_000;

/// A provider in another process.
pub(crate) struct Provider {
    process: Watched,
    port: u16,
}

impl Provider {
    /// Starts one that answers, or one that takes requests and stays silent.
    pub(crate) fn start(requests: u64, answers: bool) -> Self {
        Self::start_at(0, requests, answers)
    }

    /// Another one at the same address, which has seen nothing yet.
    pub(crate) fn again(self, requests: u64, answers: bool) -> Self {
        self.process.kill();
        Self::start_at(self.port, requests, answers)
    }

    fn start_at(port: u16, requests: u64, answers: bool) -> Self {
        let mut process = Watched::start(
            Command::new(std::env::current_exe().unwrap())
                .args(["provider", &port.to_string(), &requests.to_string()])
                .arg(if answers { "answer" } else { "silence" }),
        );
        let port = process.line().parse().unwrap();
        Self { process, port }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Waits for `first`, then for `last`.
    pub(crate) fn wait_for(&mut self, word: &str) {
        assert_eq!(self.process.line(), word);
    }

    pub(crate) fn stop(self) {
        self.process.kill();
    }
}

/// The other process.
pub(crate) fn serve(port: u16, requests: u64, answers: bool) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\nx-request-id: oaXYZ-2kFHot\r\ncontent-length: {BODY}\r\n\r\n"
    )
    .into_bytes();
    answer.extend(tone());
    let (answer, seen) = (Arc::new(answer), Arc::new(AtomicU64::new(0)));
    for connection in listener.incoming() {
        let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
        thread::spawn(move || {
            let mut reader = BufReader::new(connection.unwrap());
            while read_request(&mut reader).is_some() {
                let number = seen.fetch_add(1, Ordering::Relaxed) + 1;
                if number == 1 {
                    println!("first");
                }
                if number == requests {
                    println!("last");
                }
                if answers && reader.get_mut().write_all(&answer).is_err() {
                    return;
                }
            }
        });
    }
}

/// Reads one request to its end; `None` when the connection is closed.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let read = std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    (read == length).then_some(())
}

/// A tone of one second as WAV.
fn tone() -> Vec<u8> {
    let mut wav = Vec::with_capacity(BODY);
    wav.extend(b"RIFF");
    wav.extend((36_u32 + 32_000).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(32_000_u32.to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(32_000_u32.to_le_bytes());
    for idx in 0..16_000_i32 {
        // A triangle of 400 Hz: no silence, no clipping, no table.
        let sample = ((idx % 40) - 20).abs() * 1_000 - 10_000;
        wav.extend(i16::try_from(sample).unwrap().to_le_bytes());
    }
    wav
}
