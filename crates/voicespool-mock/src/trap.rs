//! The address that hostile redirects lead to, which counts who follows one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A second server: hostile redirects lead to it, and it only counts who follows.
#[derive(Debug)]
pub(crate) struct RedirectTrap {
    pub(crate) addr: SocketAddr,
    followed: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl RedirectTrap {
    pub(crate) async fn listen(ip: IpAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0)).await?;
        let addr = listener.local_addr()?;
        let followed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&followed);
        let task = tokio::spawn(async move {
            loop {
                // A connection that failed was one all the same.
                let _ = listener.accept().await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self {
            addr,
            followed,
            task,
        })
    }

    pub(crate) fn followed(&self) -> u64 {
        self.followed.load(Ordering::Relaxed)
    }
}

impl Drop for RedirectTrap {
    fn drop(&mut self) {
        self.task.abort();
    }
}
