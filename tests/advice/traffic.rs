//! Whether a port can be had, and where its traffic goes: binds as servers do, a server of ours that
//! says who it is, and clients on loopback and outside.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// What our server answers.
pub const ANSWER: &str = "the new server";

/// The addresses of the stage that a client outside reaches.
pub const SEEN_OUTSIDE: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// A port of some addresses.
#[derive(Clone, Debug)]
pub struct Place {
    pub protocol: Protocol,
    pub addresses: Vec<IpAddr>,
    pub port: u16,
}

impl Place {
    /// As `sockeye check` takes it: a port, or one address and the port.
    pub fn target(&self) -> String {
        let port = match self.protocol {
            Protocol::Tcp => self.port.to_string(),
            Protocol::Udp => format!("{}/udp", self.port),
        };
        match self.addresses[..] {
            [IpAddr::V4(one)] => format!("{one}:{port}"),
            [IpAddr::V6(one)] => format!("[{one}]:{port}"),
            _ => port,
        }
    }

    /// Binds every address at once with `SO_REUSEADDR` (UDP without, where it would share), and listens.
    pub fn bind(&self) -> std::io::Result<Vec<Socket>> {
        self.addresses.iter().map(|&ip| self.bind_one(ip)).collect()
    }

    fn bind_one(&self, ip: IpAddr) -> std::io::Result<Socket> {
        let address = SocketAddr::from((ip, self.port));
        let kind = match self.protocol {
            Protocol::Tcp => Type::STREAM,
            Protocol::Udp => Type::DGRAM,
        };
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if self.protocol == Protocol::Tcp {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&address.into())?;
        if self.protocol == Protocol::Tcp {
            socket.listen(16)?;
        }
        Ok(socket)
    }
}

/// A server of ours on every address of a place; it ends with its drop.
pub struct Server {
    is_over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Server {
    pub fn start(place: &Place) -> std::io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let serve = |socket: Socket| {
            let is_over = Arc::clone(&is_over);
            socket.set_nonblocking(true).unwrap();
            let protocol = place.protocol;
            thread::spawn(move || serve(socket, protocol, &is_over))
        };
        let threads = place.bind()?.into_iter().map(serve).collect();
        Ok(Self { is_over, threads })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(socket: Socket, protocol: Protocol, is_over: &AtomicBool) {
    match protocol {
        Protocol::Tcp => {
            let listener = TcpListener::from(socket);
            until(is_over, || {
                if let Ok((mut client, _)) = listener.accept() {
                    // What it sent is read first, else the close would be a reset.
                    let _ = client.set_read_timeout(Some(Duration::from_millis(500)));
                    let _ = client.read(&mut [0; 256]);
                    let _ = client.write_all(ANSWER.as_bytes());
                }
            });
        }
        Protocol::Udp => {
            let server = UdpSocket::from(socket);
            until(is_over, || {
                if let Ok((_, client)) = server.recv_from(&mut [0; 64]) {
                    let _ = server.send_to(ANSWER.as_bytes(), client);
                }
            });
        }
    }
}

fn until(is_over: &AtomicBool, mut step: impl FnMut()) {
    while !is_over.load(Ordering::Relaxed) {
        step();
        thread::sleep(Duration::from_millis(5));
    }
}

/// What answers a client of this machine that connects to this address. Empty: nothing does.
pub fn answer_here(protocol: Protocol, ip: IpAddr, port: u16) -> String {
    let to = SocketAddr::from((ip, port));
    let asked = match protocol {
        Protocol::Tcp => answer_tcp(to),
        Protocol::Udp => answer_udp(to),
    };
    asked.unwrap_or_default()
}

fn answer_tcp(to: SocketAddr) -> std::io::Result<String> {
    let mut client = TcpStream::connect_timeout(&to, Duration::from_secs(2))?;
    client.set_read_timeout(Some(Duration::from_secs(2)))?;
    client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn answer_udp(to: SocketAddr) -> std::io::Result<String> {
    let any = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let client = UdpSocket::bind(any)?;
    client.set_read_timeout(Some(Duration::from_secs(2)))?;
    client.send_to(b"who is there\n", to)?;
    let mut answer = [0; 256];
    let size = client.recv(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..size]).into_owned())
}

/// What answers a client at the other end of the cable.
pub fn answer_outside(protocol: Protocol, ip: &str, port: u16) -> String {
    let ip = if ip.contains(':') {
        format!("[{ip}]")
    } else {
        ip.to_owned()
    };
    let kind = match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    };
    let line = format!(
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 4 socat -t2 -T2 - {kind}:{ip}:{port} | head -c 256"
    );
    let output = Command::new("ip")
        .args(["netns", "exec", "outside", "sh", "-c", &line])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until something answers there; what it says.
pub fn wait_for_answer(protocol: Protocol, ip: &str, port: u16) -> String {
    let ip: IpAddr = ip.parse().unwrap();
    let deadline = Instant::now() + crate::support::MAX_WAIT;
    loop {
        let answer = answer_here(protocol, ip, port);
        if !answer.is_empty() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "nothing answers on {ip} port {port}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}
