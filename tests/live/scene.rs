//! What the tests share: the program on its stage, sockets, and processes that hold them.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};
use vt100::{Cell, Color, Screen};

use crate::support::netns::in_netns;
use crate::support::pty::{Pty, is_available};
use crate::support::wait_until;

pub const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

/// Queries the background colour, once at the start (`OSC 11` of xterm's control sequences).
pub const QUERY: &str = "\x1b]11;?\x1b\\";

pub const RED: Color = Color::Idx(1);
pub const GREEN: Color = Color::Idx(2);
pub const YELLOW: Color = Color::Idx(3);

/// The first line of the screen that holds a row of the table, where there are borders.
pub const FIRST_ROW: u16 = 3;

/// Runs a test's body in a namespace of its own, if there are namespaces and terminals. The test
/// is named by the closure's type, `live::module::test::{{closure}}`; were that ever spelled
/// otherwise, `in_netns` would find no such test and fail.
pub fn stage<Body: FnOnce()>(body: Body) {
    let path = std::any::type_name::<Body>();
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    let (_, name) = path.split_once("::").unwrap();
    if is_available(name) {
        in_netns(name, body);
    }
}

/// The program in its terminal, reading the sockets every 100 ms.
pub struct Live {
    pub pty: Pty,
}

/// Whether no row waits for its owner, as those of the first screen do.
fn has_owners(screen: &str) -> bool {
    let waits = |line: &str| line.contains(" … ") || line.trim_end().ends_with(" …");
    !screen.lines().any(waits)
}

impl Live {
    /// Starts it on 110×30 cells, and waits until it shows what there is.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in((110, 30), args)
    }

    /// Starts it on a terminal of this size.
    pub fn start_in(size: (u16, u16), args: &[&str]) -> Self {
        Self::start_by(BINARY, &[], size, args)
    }

    /// Starts it through another program, whose arguments come first.
    pub fn start_by(program: &str, before: &[&str], size: (u16, u16), args: &[&str]) -> Self {
        let args = [before, &["--interval", "100ms"], args].concat();
        Self::start_as(program, size, &args)
    }

    /// Starts this program with these arguments and no others.
    pub fn start_as(program: &str, size: (u16, u16), args: &[&str]) -> Self {
        let live = Self {
            pty: Pty::spawn(program, args, size, &[]),
        };
        live.wait_for_table();
        live
    }

    /// Starts it without waiting for anything.
    pub fn begun(args: &[&str]) -> Self {
        Self {
            pty: Pty::spawn(BINARY, args, (110, 30), &[]),
        }
    }

    /// Waits until the first reading is shown.
    pub fn wait_for_table(&self) {
        self.wait_for("the table", |screen| {
            screen.contains("sockeye") && !screen.contains("Reading")
        });
    }

    /// Types this, one key after the other.
    pub fn press(&mut self, keys: &str) {
        self.pty.send(keys);
    }

    /// All that the program wrote, but for its one query.
    pub fn raw_without_query(&self) -> String {
        let raw = self.pty.raw();
        assert_eq!(raw.matches(QUERY).count(), 1, "{raw:?}");
        raw.replace(QUERY, "")
    }

    /// Waits until the screen's text is as wanted.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.pty
            .wait_for(what, |screen| has_owners(screen) && wanted(screen))
    }

    /// Waits until this is somewhere on the screen.
    pub fn wait_for_text(&self, text: &str) -> String {
        self.pty.wait_for_text(text)
    }

    /// Waits until this is nowhere on the screen.
    pub fn wait_without(&self, text: &str) -> String {
        let what = format!("the end of {text:?}");
        self.wait_for(&what, |screen| !screen.contains(text))
    }

    /// Waits until the port's row is there and as wanted; returns it.
    pub fn wait_for_row(&self, port: u16, wanted: impl Fn(&str) -> bool) -> String {
        let what = format!("the row of port {port}");
        let screen = self.wait_for(&what, |screen| row(screen, port).is_some_and(&wanted));
        row(&screen, port).unwrap().to_owned()
    }

    /// Waits until exactly these rows are shown, in this order.
    pub fn wait_for_ports(&self, expected: &[u16]) -> String {
        self.wait_for(&format!("the ports {expected:?}"), |screen| {
            ports(screen) == expected
        })
    }

    /// Waits until the cells, with their colours, are as wanted.
    pub fn wait_for_cells(&self, what: &str, wanted: impl Fn(&Screen) -> bool) {
        wait_until(what, || wanted(&self.pty.screen()));
    }

    /// Waits until the port's row is the selected one.
    pub fn wait_for_selection(&self, port: u16) {
        let what = format!("the selection of {port}");
        self.wait_for_cells(&what, |screen| selected_port(screen) == Some(port));
    }

    /// Waits until a reading that was begun after now is on the screen: a listener that is opened
    /// for it is, and nothing of it stays.
    pub fn wait_for_a_reading(&self) {
        const WITNESS: u16 = 64_999;
        let witness = listener(&at(WITNESS));
        self.wait_for_row(WITNESS, |row| row.starts_with('+'));
        drop(witness);
        self.wait_for_row(WITNESS, |row| row.starts_with('-'));
    }
}

impl Drop for Live {
    /// Prints the last screen if the test failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the screen at the end:\n{}", self.pty.screen_text());
        }
    }
}

/// The port's row on a screen with borders.
pub fn row(screen: &str, port: u16) -> Option<&str> {
    rows(screen).find(|row| port_of(row) == Some(port))
}

/// The ports of all rows, from the top.
pub fn ports(screen: &str) -> Vec<u16> {
    rows(screen).filter_map(port_of).collect()
}

fn rows(screen: &str) -> impl Iterator<Item = &str> {
    let rows = screen.lines().skip(FIRST_ROW.into());
    rows.filter(|row| is_row(row))
}

/// Whether a protocol follows the two cells of the marks. A pane begins with its border.
fn is_row(line: &str) -> bool {
    !line.starts_with('│') && matches!(line.chars().nth(2), Some('t' | 'u'))
}

/// The port comes after mark, protocol and address: it is the first word that is a number.
fn port_of(row: &str) -> Option<u16> {
    row.split_whitespace().find_map(|word| word.parse().ok())
}

/// The text of one line.
pub fn line(screen: &Screen, y: u16) -> String {
    let (_, columns) = screen.size();
    screen.rows(0, columns).nth(y.into()).unwrap_or_default()
}

/// On which line the port's row is.
pub fn line_of(screen: &Screen, port: u16) -> Option<u16> {
    let (height, _) = screen.size();
    (FIRST_ROW..height).find(|&y| {
        let text = line(screen, y);
        is_row(&text) && port_of(&text) == Some(port)
    })
}

/// Where this text begins: column and line.
pub fn place_of(screen: &Screen, text: &str) -> Option<(u16, u16)> {
    let (height, _) = screen.size();
    (0..height).find_map(|y| Some((column_of(screen, y, text)?, y)))
}

/// Where this text begins on a line. All that the tests look for has one cell for a character.
fn column_of(screen: &Screen, y: u16, text: &str) -> Option<u16> {
    let line = line(screen, y);
    let at = line.find(text)?;
    u16::try_from(line[..at].chars().count()).ok()
}

/// The first cell of a text in the port's row.
pub fn cell_of(screen: &Screen, port: u16, text: &str) -> Option<Cell> {
    let y = line_of(screen, port)?;
    screen.cell(y, column_of(screen, y, text)?).cloned()
}

/// The colour of a text in the port's row.
pub fn colour_of(screen: &Screen, port: u16, text: &str) -> Option<Color> {
    cell_of(screen, port, text).map(|cell| cell.fgcolor())
}

/// The port of the row that is shown reversed.
pub fn selected_port(screen: &Screen) -> Option<u16> {
    let (height, _) = screen.size();
    let y = (FIRST_ROW..height).find(|&y| screen.cell(y, 2).is_some_and(Cell::inverse))?;
    port_of(&line(screen, y))
}

/// `127.0.0.1:PORT`.
pub fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A bound socket that may take an address over from one that just ended.
pub fn bound(kind: Type, address: &str) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), kind, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

/// A listener with a backlog of 8.
pub fn listener(address: &str) -> Socket {
    let socket = bound(Type::STREAM, address);
    socket.listen(8).unwrap();
    socket
}

/// Listeners on these ports of the loopback address.
pub fn listeners(ports: &[u16]) -> Vec<Socket> {
    ports.iter().map(|&port| listener(&at(port))).collect()
}

/// A connection to a listener, accepted: the client's end and the server's.
pub fn connection(listener: &Socket) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let client = TcpStream::connect(address).unwrap();
    let listener = TcpListener::from(listener.try_clone().unwrap());
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// A process that has sockets; ended and reaped with the test.
pub struct Holder(Child);

impl Holder {
    /// `sleep` with these sockets, which are its alone from then on.
    pub fn of(sockets: impl IntoIterator<Item = Socket>) -> Self {
        let mut sleep = Command::new("sleep");
        // No thread must wait for the end of its output if the test ends first.
        sleep
            .arg("1000")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self::run(sleep, sockets)
    }

    /// Starts this command with these sockets. No other child is started meanwhile, so that no
    /// other one inherits them.
    pub fn run(mut command: Command, sockets: impl IntoIterator<Item = Socket>) -> Self {
        let sockets: Vec<_> = sockets.into_iter().collect();
        for socket in &sockets {
            socket.set_cloexec(false).unwrap();
        }
        Self(command.stdin(Stdio::piped()).spawn().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Ends it at once.
    pub fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits until it has ended; returns the signal that ended it.
    pub fn wait_for_signal(&mut self) -> Option<Signal> {
        wait_until("the end of the process", || !self.is_running());
        let status = self.0.wait().unwrap();
        status.signal().and_then(Signal::from_named_raw)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        match self.0.kill().and_then(|()| self.0.wait()) {
            Err(error) if error.kind() != ErrorKind::InvalidInput => eprintln!("{error}"),
            _ => {}
        }
    }
}

/// A directory of the test's own, removed with it.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        let name = format!("sockeye-live-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// A live table in which 8080 was there, with its process, and is closed and gone.
pub fn after_it_closed(args: &[&str]) -> Live {
    let mut holder = Holder::of(listeners(&[8080]));
    let args = [args, &["--linger", "200ms"]].concat();
    let live = Live::start(&args);
    live.wait_for_row(8080, |row| row.contains("sleep"));
    holder.end();
    live.wait_without("8080");
    live
}
