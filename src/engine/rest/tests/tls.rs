//! Certificates nobody vouches for, and proxies that must not see loopback traffic.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::server::Server;
use super::*;
use crate::domain::FaultClass;

/// A TLS server with a self-signed certificate; sends what each client says to it once
/// the handshake is over.
fn self_signed_server() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/tls/self-signed"
    );
    let certificate = CertificateDer::from_pem_file(format!("{fixtures}.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{fixtures}.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        let mut plain = Vec::new();
        // Ends with the alert of a client that walks away.
        let _ = Stream::new(&mut connection, &mut socket).read_to_end(&mut plain);
        let _ = sender.send(plain);
    });
    (addr, heard)
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_stops_the_endpoint_before_anything_is_said() {
    let (addr, heard) = self_signed_server();
    let engine = engine(options(&format!("https://127.0.0.1:{}", addr.port())));

    let fault = speak(&engine, &speech_params()).await.0.unwrap_err();

    assert_eq!(fault.class, FaultClass::Account, "{fault}");
    assert!(!fault.may_be_billed);
    assert!(
        fault
            .detail
            .starts_with("the TLS certificate of 127.0.0.1:"),
        "{}",
        fault.detail
    );
    let said = tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(5)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(said, b"", "the server heard something after the handshake");
}

#[tokio::test]
async fn a_server_without_tls_behind_https_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let engine = engine(options(&format!("https://{addr}")));

    let fault = speak(&engine, &speech_params()).await.0.unwrap_err();

    assert_eq!(fault.class, FaultClass::Overloaded);
    assert!(!fault.may_be_billed);
    assert!(
        fault.detail.starts_with("cannot connect to"),
        "{}",
        fault.detail
    );
}

const PROXIED_CHILD: &str = "VOICESPOOL_TEST_PROXIED_BASE_URL";

#[test]
fn a_proxy_in_the_environment_never_sees_loopback_traffic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    let server = runtime.block_on(Server::saying(
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nID3",
    ));
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());

    // Variables are set for a child, because other tests run in this process.
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "engine::rest::tests::tls::speaks_from_a_proxied_child",
        ])
        .env(PROXIED_CHILD, server.base_url());
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        child.env(name, &proxy_url);
    }
    let output = child.output().unwrap();

    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(
        server.requests().len(),
        1,
        "the child spoke to the server itself"
    );
    assert!(proxy.accept().is_err(), "the proxy heard something");
}

/// The other half of the test above; does nothing when run by itself.
#[tokio::test]
async fn speaks_from_a_proxied_child() {
    let Ok(base_url) = std::env::var(PROXIED_CHILD) else {
        return;
    };

    speak(&engine(options(&base_url)), &speech_params())
        .await
        .0
        .unwrap();
}
