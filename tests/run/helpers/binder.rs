// The same as binder.c, as the standard library of Rust does it: SO_REUSEADDR is always set for TCP.
use std::io::{self, BufRead, ErrorKind, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};

fn main() {
    let mut kept: (Option<TcpListener>, Option<UdpSocket>) = (None, None);
    for line in io::stdin().lock().lines() {
        drop(std::mem::take(&mut kept));
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = if let [kind, address, port, ..] = words[..] {
            let address: IpAddr = address.parse().unwrap();
            let local = (address, port.parse::<u16>().unwrap());
            let bound = if kind == "tcp" {
                TcpListener::bind(local).map(|one| kept.0 = Some(one))
            } else {
                UdpSocket::bind(local).map(|one| kept.1 = Some(one))
            };
            match bound.map_err(|error| error.kind()) {
                Ok(()) => "ok",
                Err(ErrorKind::AddrInUse) => "EADDRINUSE",
                Err(ErrorKind::PermissionDenied) => "EACCES",
                Err(ErrorKind::AddrNotAvailable) => "EADDRNOTAVAIL",
                Err(_) => "another error",
            }
        } else {
            "closed"
        };
        println!("{answer}");
        io::stdout().flush().unwrap();
    }
}
