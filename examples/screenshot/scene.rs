//! A small host: a web server, two application servers, a cache, their connections.
//!
//! Each actor is a process of this program under a name of its own, told over its standard input
//! when to go on.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use socket2::{Domain, Socket, Type};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Which part this process plays, if it is an actor.
const ROLE: &str = "SOCKEYE_SCREENSHOT_ROLE";

/// The actors on the stage; they end with it.
pub struct Scene {
    folder: PathBuf,
    actors: Vec<Actor>,
}

struct Actor {
    child: Child,
    line: Option<ChildStdin>,
}

/// The part that this process was started for.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

impl Scene {
    /// Everything that is there before the program starts.
    pub fn set() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("sockeye-scene-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut scene = Self {
            folder,
            actors: Vec::new(),
        };
        for name in ["web", "api", "metrics", "cache", "worker"] {
            scene.enter(name, name)?;
        }
        Ok(scene)
    }

    /// One port opens, one closes, a connection's peer hangs up.
    pub fn let_things_happen(&mut self) -> Outcome {
        self.enter("preview", "preview")?;
        // The metrics server ends, and the worker closes one of its connections.
        self.actors[2].line = None;
        self.actors[2].child.wait()?;
        let line = self.actors[4].line.as_mut().ok_or("the worker has left")?;
        writeln!(line)?;
        Ok(())
    }

    fn enter(&mut self, name: &str, role: &str) -> Outcome {
        let program = self.folder.join(name);
        std::fs::copy(std::env::current_exe()?, &program)?;
        let mut child = Command::new(program)
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ready = String::new();
        let out = child.stdout.take().ok_or("no standard output")?;
        let line = child.stdin.take();
        self.actors.push(Actor { child, line });
        BufReader::new(out).read_line(&mut ready)?;
        if ready == "ready\n" {
            Ok(())
        } else {
            Err(format!("{role} did not get ready").into())
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for actor in &mut self.actors {
            let _ = actor.child.kill();
            let _ = actor.child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Plays a part until the line to it is closed.
pub fn play(role: &str) -> Outcome {
    match role {
        "web" => {
            let listeners = [dual_stack(80)?, dual_stack(443)?];
            let (client, server) = pair(&listeners[1], 443)?;
            // Closed by us first, it stays in TIME_WAIT.
            let (first, second) = pair(&listeners[0], 80)?;
            drop(first);
            drop(second);
            wait((listeners, client, server))
        }
        "api" => {
            let listener = TcpListener::bind("127.0.0.1:8080")?;
            announce()?;
            let peers: Vec<_> = (0..3)
                .map(|_| listener.accept())
                .collect::<Result<_, _>>()?;
            wait_silently((listener, peers))
        }
        "metrics" => wait(TcpListener::bind("127.0.0.1:9100")?),
        "cache" => {
            let bound = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            bound.bind(&SocketAddr::from(([127, 0, 0, 1], 6380)).into())?;
            wait((
                TcpListener::bind("127.0.0.1:6379")?,
                bound,
                UdpSocket::bind("[::1]:5353")?,
            ))
        }
        "worker" => {
            let mut streams: Vec<_> = (0..3)
                .map(|_| TcpStream::connect("127.0.0.1:8080"))
                .collect::<Result<_, _>>()?;
            announce()?;
            std::io::stdin().read_line(&mut String::new())?;
            streams.pop();
            wait_silently(streams)
        }
        "preview" => wait(TcpListener::bind("127.0.0.1:3000")?),
        other => Err(format!("no part is called {other}").into()),
    }
}

fn dual_stack(port: u16) -> Outcome<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    socket.set_only_v6(false)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

fn pair(listener: &TcpListener, port: u16) -> Outcome<(TcpStream, TcpStream)> {
    let client = TcpStream::connect(("127.0.0.1", port))?;
    Ok((client, listener.accept()?.0))
}

fn announce() -> Outcome {
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    Ok(out.flush()?)
}

/// Says that everything is open, and keeps it open.
fn wait<T>(kept: T) -> Outcome {
    announce()?;
    wait_silently(kept)
}

fn wait_silently<T>(kept: T) -> Outcome {
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop(kept);
    Ok(())
}
