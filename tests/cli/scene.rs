//! Sockets for the tests, and the program's answers.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::schema::hold;
pub use crate::support::netns::stage;

pub const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

/// One socket of every kind.
pub struct Sockets {
    pub client: TcpStream,
    _rest: (
        TcpListener,
        TcpListener,
        TcpStream,
        Socket,
        UdpSocket,
        UdpSocket,
    ),
}

impl Sockets {
    /// Listeners on `127.0.0.1:8080` and `[::1]:8081`, a connection to the first, a bound socket on
    /// `127.0.0.1:8600`, UDP on `127.0.0.1:5353` and `[::1]:5354`.
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let (server, _) = listener.accept().unwrap();
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let address: SocketAddr = "127.0.0.1:8600".parse().unwrap();
        bound.bind(&address.into()).unwrap();
        let rest = (
            listener,
            TcpListener::bind("[::1]:8081").unwrap(),
            server,
            bound,
            UdpSocket::bind("127.0.0.1:5353").unwrap(),
            UdpSocket::bind("[::1]:5354").unwrap(),
        );
        Self {
            client,
            _rest: rest,
        }
    }
}

/// What one run said; only [`Said::of`] makes it, which holds JSON against its schema.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
    _is_held: (),
}

/// Runs the program, without a terminal.
pub fn sockeye(args: &[&str]) -> Said {
    Said::of(Command::new(BINARY).args(args).output().unwrap())
}

impl Said {
    /// What a run said that ended by itself; JSON is as its schema says.
    pub fn of(output: Output) -> Self {
        let said = Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            _is_held: (),
        };
        hold(&said.out);
        said
    }

    /// The only object that it printed.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }

    /// Every line as an object.
    pub fn lines_of_json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The ports of the rows, from the top.
    pub fn ports(&self) -> Vec<u16> {
        let port = |line: &str| line.split_whitespace().find_map(|word| word.parse().ok());
        self.out.lines().skip(1).filter_map(port).collect()
    }
}

/// A path for a file of the test's own, removed with it.
pub struct TempFile(PathBuf);

impl TempFile {
    pub fn new(name: &str) -> Self {
        let name = format!("sockeye-cli-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub fn containing(name: &str, text: &str) -> Self {
        let file = Self::new(name);
        std::fs::write(&file.0, text).unwrap();
        file
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
