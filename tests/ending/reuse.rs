//! A pid that is another process's by now.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};
use sockeye::app::Ending;
use sockeye::source::ProcessHandle;

use crate::ending::scene::{
    Server, choose_next_pid, end, inode, listener, refusal, seen, start_of,
};
use crate::support::netns::stage_with_pids;
use crate::support::{MAX_WAIT, wait_until};

/// Ends the server, and starts another one that has its pid.
fn replaced(mut server: Server, listener: TcpListener) -> Server {
    server.kill();
    server.reap();
    choose_next_pid(server.pid());
    let newcomer = Server::with(listener);
    assert_eq!(newcomer.pid(), server.pid());
    newcomer
}

#[test]
fn what_is_seen_of_a_process_says_when_it_started_to_the_tick() {
    stage_with_pids(|| {
        let server = Server::with(listener());
        let seen = seen();
        assert_eq!(seen.process().unwrap().pid, server.pid());
        let tick = seen.process().unwrap().started_at_tick;
        assert_eq!(tick, Some(start_of(server.pid())));
    });
}

#[test]
fn the_one_that_was_seen_gets_the_signal() {
    stage_with_pids(|| {
        let mut server = Server::with(listener());
        assert!(server.answers(), "it is `cat` by then, no longer `sh`");
        let (succeeded, message) = end(&seen());
        assert!(succeeded, "{message}");
        assert_eq!(message, format!("sent SIGTERM to cat ({})", server.pid()));
        assert_eq!(server.wait_for_signal(), Some(Signal::TERM));
    });
}

/// The second server is even given the very socket that the first one had.
#[test]
fn a_pid_that_is_reused_within_a_second_is_not_signalled_though_it_holds_the_same_socket() {
    stage_with_pids(|| {
        let socket = listener();
        let server = Server::with(socket.try_clone().unwrap());
        let ending = server.ending(inode(&socket));
        wait_for_next_tick(&server);
        let mut newcomer = replaced(server, socket);
        let ticks = start_of(newcomer.pid()) - ending.process().unwrap().started_at_tick.unwrap();
        assert!((1..100).contains(&ticks), "{ticks} ticks later");
        let pid = newcomer.pid();
        assert_eq!(
            refusal(&ending),
            format!("server ({pid}) has ended, and {pid} is another process now: nothing was sent")
        );
        assert!(newcomer.answers());
    });
}

/// The kernel's start times have a resolution of 10 ms; the socket is a different one anyway.
#[test]
fn a_pid_that_is_reused_within_the_same_tick_is_not_signalled_though_it_has_the_same_port() {
    stage_with_pids(|| {
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            assert!(Instant::now() < deadline, "no two started in one tick");
            let (first, second) = (listener(), listener());
            let first_inode = inode(&first);
            let server = Server::with(first);
            let ending = server.ending(first_inode);
            let mut newcomer = replaced(server, second);
            let is_same_tick =
                Some(start_of(newcomer.pid())) == ending.process().unwrap().started_at_tick;
            let message = refusal(&ending);
            assert!(newcomer.answers(), "{message}");
            if is_same_tick {
                let pid = newcomer.pid();
                let expected = "no longer has this socket: nothing was sent";
                assert_eq!(message, format!("server ({pid}) {expected}"));
                return;
            }
        }
    });
}

#[test]
fn a_process_that_has_ended_is_gone_whether_or_not_its_parent_has_noticed() {
    stage_with_pids(|| {
        let socket = listener();
        let mut server = Server::with(socket.try_clone().unwrap());
        let ending = server.ending(inode(&socket));
        let told = format!("server ({}) has ended already", server.pid());
        server.kill();
        let stat = format!("/proc/{}/stat", server.pid());
        wait_until("a zombie", || {
            std::fs::read_to_string(&stat).unwrap().contains(") Z ")
        });
        assert_eq!(refusal(&ending), told, "a zombie");
        server.reap();
        assert_eq!(refusal(&ending), told, "nobody");
    });
}

/// What makes it safe: however long it takes from the look to the signal.
#[test]
fn a_process_that_is_held_fast_never_becomes_the_one_that_gets_its_pid() {
    stage_with_pids(|| {
        let socket = listener();
        let server = Server::with(socket.try_clone().unwrap());
        let pinned = ProcessHandle::open(server.pid()).unwrap();
        let wanted = [inode(&socket)].into();
        assert_eq!(pinned.started_at_tick(), Ok(start_of(server.pid())));
        assert_eq!(pinned.has_one_of(&wanted), Ok(true));
        let mut newcomer = replaced(server, socket);
        assert_eq!(pinned.started_at_tick(), Err(Errno::SRCH));
        let holds = pinned.has_one_of(&wanted);
        assert!(
            matches!(holds, Err(Errno::SRCH | Errno::NOENT)),
            "{holds:?}"
        );
        assert_eq!(pidfd_send_signal(&pinned, Signal::TERM), Err(Errno::SRCH));
        assert!(newcomer.answers());
    });
}

/// Processes that end, and pids that are given to others, at any moment before, within and after.
#[test]
fn whenever_a_pid_is_reused_the_wrong_process_is_never_signalled() {
    stage_with_pids(|| {
        let (orders, received) = mpsc::channel::<(Ending, Duration)>();
        let (tell, told) = mpsc::channel();
        let worker = thread::spawn(move || {
            for (ending, delay) in received {
                spin(delay);
                tell.send(end(&ending)).unwrap();
            }
        });
        let (mut sent, mut unsent) = (0, 0);
        let mut random = Random(0x5eed);
        // How long the server has is set by what came before: so there are some of both on any machine.
        let mut window = Duration::from_micros(400);
        // Fewer on a busy machine, but some of both.
        let enough = Instant::now() + MAX_WAIT / 2;
        let is_enough = |sent, unsent| sent + unsent >= 300 || Instant::now() >= enough;
        while sent == 0 || unsent == 0 || !is_enough(sent, unsent) {
            let is_late = Instant::now() >= enough + MAX_WAIT;
            assert!(!is_late, "{sent} sent, {unsent} not");
            let socket = listener();
            let mut server = Server::with(socket.try_clone().unwrap());
            let ending = server.ending(inode(&socket));
            // The socket is the same; only the start time shows that the process is a different one.
            wait_for_next_tick(&server);
            let delay = random.below(Duration::from_micros(400));
            orders.send((ending, delay)).unwrap();
            spin(random.below(window));
            server.kill();
            let mut newcomer = replaced(server, socket);
            let (succeeded, message) = told.recv_timeout(MAX_WAIT).unwrap();
            assert!(newcomer.answers(), "{message}");
            if succeeded {
                sent += 1;
            } else {
                unsent += 1;
            }
            window = if sent < unsent {
                (window * 5 / 4).min(Duration::from_millis(50))
            } else {
                (window * 4 / 5).max(Duration::from_micros(20))
            };
        }
        println!("{sent} were sent to the right process, {unsent} to none");
        drop(orders);
        worker.join().unwrap();
    });
}

/// Waits until a process that starts now starts in another tick than this one.
fn wait_for_next_tick(server: &Server) {
    wait_until("the next tick", || {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let (seconds, hundredths) = uptime.split_once(' ').unwrap().0.split_once('.').unwrap();
        let ticks = seconds.parse::<u64>().unwrap() * 100 + hundredths.parse::<u64>().unwrap();
        ticks > start_of(server.pid())
    });
}

fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Xorshift: the same moments in every run, as far as the machine lets them be.
struct Random(u64);

impl Random {
    fn below(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let nanos = u64::try_from(most.as_nanos()).unwrap();
        Duration::from_nanos(self.0 % nanos)
    }
}
