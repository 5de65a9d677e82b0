//! What each process of the cast does: it opens its sockets, reports that it is ready, and keeps them until its input
//! is closed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::Outcome;
use super::cast::{OUTSIDE, Part};

pub fn chronyd() -> Outcome {
    keep(UdpSocket::bind("127.0.0.1:323")?)
}

pub fn dnsmasq() -> Outcome {
    keep((
        TcpListener::bind("127.0.0.1:53")?,
        UdpSocket::bind("127.0.0.1:53")?,
    ))
}

pub fn sshd() -> Outcome {
    let listeners = [listener("0.0.0.0:22", true)?, listener("[::]:22", true)?];
    ready()?;
    let session = listeners[0].accept()?;
    wait_then_drop((listeners, session))
}

/// The master opens the sockets that its workers accept from; they inherit the descriptors.
pub fn nginx() -> Outcome {
    let [http, https, https6] = [
        listener("0.0.0.0:80", true)?,
        listener("0.0.0.0:443", true)?,
        listener("[::]:443", true)?,
    ];
    let worker = Part::called("nginx worker")?;
    let mut workers = Vec::new();
    for number in 0..2 {
        let handed = |socket: &TcpListener| {
            socket
                .try_clone()
                .map(|one| Stdio::from(OwnedFd::from(one)))
        };
        let mut command = worker.command(number)?;
        command
            .stdin(handed(&http)?)
            .stdout(handed(&https)?)
            .stderr(handed(&https6)?);
        workers.push(command.spawn()?);
    }
    keep((http, https, https6, workers))
}

/// Serves each client until it disconnects.
pub fn nginx_worker() -> Outcome {
    let handed = [
        std::io::stdin().as_fd().try_clone_to_owned()?,
        std::io::stdout().as_fd().try_clone_to_owned()?,
    ];
    let workers = handed.map(|listener| thread::spawn(move || serve(&listener.into())));
    for worker in workers {
        let _ = worker.join();
    }
    Ok(())
}

fn serve(listener: &TcpListener) {
    for mut client in listener.incoming().flatten() {
        thread::spawn(move || {
            // Until the client closes, or requests the end of the connection. One close is ignored: CLOSE_WAIT.
            let mut said = [0];
            while matches!(client.read(&mut said), Ok(1)) && said != *b"c" {}
            if said == *b"k" {
                thread::park();
            }
        });
    }
}

pub fn postgres() -> Outcome {
    let listeners = [
        listener("127.0.0.1:5432", true)?,
        listener("[::1]:5432", true)?,
    ];
    ready()?;
    let backend = listeners[0].accept()?;
    wait_then_drop((listeners, backend))
}

/// Its second socket is bound and never listens.
pub fn redis() -> Outcome {
    let bus = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    bus.bind(&SocketAddr::from(([127, 0, 0, 1], 16379)).into())?;
    let listener = listener("127.0.0.1:6379", true)?;
    ready()?;
    let client = listener.accept()?;
    wait_then_drop((bus, listener, client))
}

pub fn node() -> Outcome {
    let shop = listener("[::]:3000", false)?;
    let databases = ["127.0.0.1:5432", "127.0.0.1:6379"].map(TcpStream::connect);
    keep((shop, databases))
}

pub fn puma() -> Outcome {
    keep(listener("127.0.0.1:8000", true)?)
}

pub fn python() -> Outcome {
    keep(listener("0.0.0.0:9000", true)?)
}

pub fn dev_server() -> Outcome {
    keep(listener("127.0.0.1:8080", true)?)
}

/// The clients outside of the host: they connect and disconnect on command.
pub fn clients() -> Outcome {
    let mut lines = std::io::stdin().lines();
    say("outside")?;
    lines.next().ok_or("no cable")??;
    let outside = std::env::var(OUTSIDE)?;
    Command::new("bash").args(["-ec", &outside]).status()?;
    // The first bytes from a client of a web server.
    let hello = |mut client: TcpStream| client.write_all(b"h").map(|()| client);
    let mut here = vec![
        from("10.0.0.9:52144", "10.0.0.7:22")?,
        from("203.0.113.24:51314", "10.0.0.7:443")?,
        hello(from("10.0.0.12:40980", "10.0.0.7:80")?)?,
    ];
    let mut brief = hello(from("10.0.0.12:40966", "10.0.0.7:80")?)?;
    here[1].write_all(b"k")?;
    ready()?;
    let mut port = 51400;
    for line in lines {
        match &*line? {
            "visit" => {
                port += 7;
                here.push(hello(from(
                    &format!("203.0.113.24:{port}"),
                    "10.0.0.7:443",
                )?)?);
            }
            "leave" => drop(here.pop()),
            // This one the server ends: it stays there in TIME_WAIT.
            "say goodbye" => {
                brief.write_all(b"c")?;
                brief.read_exact(&mut [0]).unwrap_or_default();
                brief.shutdown(Shutdown::Both)?;
            }
            _ => drop(here.remove(1)),
        }
    }
    Ok(())
}

fn from(own: &str, to: &str) -> Outcome<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&own.parse::<SocketAddr>()?.into())?;
    socket.connect_timeout(&to.parse::<SocketAddr>()?.into(), Duration::from_secs(3))?;
    Ok(socket.into())
}

/// A server's socket; one for IPv6 takes IPv4 too unless it is for its family `only`.
fn listener(address: &str, only: bool) -> Outcome<TcpListener> {
    let address: SocketAddr = address.parse()?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(only)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(511)?;
    Ok(socket.into())
}

fn ready() -> Outcome {
    say("ready")
}

fn say(what: &str) -> Outcome {
    let mut out = std::io::stdout();
    writeln!(out, "{what}")?;
    Ok(out.flush()?)
}

fn keep<T>(kept: T) -> Outcome {
    ready()?;
    wait_then_drop(kept)
}

fn wait_then_drop<T>(kept: T) -> Outcome {
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop(kept);
    Ok(())
}
