//! Connections that come and go.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A connection after the other, so that every snapshot differs from the one before.
pub struct Connections {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Connections {
    /// Begins, with a listener of its own on port 8089.
    pub fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:8089").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let client = TcpStream::connect(address).expect("a connection");
                drop((client, listener.accept().expect("its other end")));
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
