//! A small program on the real pieces: it shows what it got, and ends in every way there is.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use ratatui::widgets::Paragraph;
use sockeye::app::Input;
use sockeye::keymap::Key;
use sockeye::runtime::panic::{install_hook, spawn_worker};
use sockeye::runtime::process::signals::{Signal, Signals, exit_code, stop_now, suspend_job};
use sockeye::runtime::terminal::Screen;
use sockeye::runtime::terminal::input;

use crate::support::pty::Pty;

/// Columns and rows of its terminal.
const SIZE: (u16, u16) = (60, 10);

/// Arguments that make this binary run the program.
const ARGS: [&str; 5] = [
    "terminal::program::small_program",
    "--exact",
    "--ignored",
    "--nocapture",
    "--test-threads=1",
];

fn binary() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Starts the program and waits for its picture.
pub fn start() -> Pty {
    start_with(&[])
}

/// Starts the program with these variables and waits for its picture.
pub fn start_with(env: &[(&str, &str)]) -> Pty {
    let pty = Pty::spawn(binary(), &ARGS, SIZE, env);
    pty.wait_for_text("ready");
    pty
}

/// Starts it as a job of a shell: `script` finds it in `$0` and its arguments in `$@`.
pub fn start_in_shell(script: &str) -> Pty {
    let binary = binary();
    let mut args = vec!["-mc", script, binary.to_str().unwrap()];
    args.extend(ARGS);
    let pty = Pty::spawn("/bin/sh", &args, SIZE, &[]);
    pty.wait_for_text("ready");
    pty
}

enum Msg {
    Input(io::Result<Input>),
    Signal(Signal),
    Crashed(String),
    HungUp,
}

#[test]
#[ignore = "not a test: the program that the tests here run"]
fn small_program() {
    install_hook();
    let (sender, messages) = channel();
    let mut screen = Screen::enter(true).unwrap();
    start_threads(&sender);
    let code = run(&mut screen, &sender, &messages);
    drop(screen);
    // Not `println!`, which panics where the terminal is gone.
    let _ = writeln!(io::stdout(), "the end");
    std::process::exit(code);
}

fn start_threads(sender: &Sender<Msg>) {
    let signals = Signals::catch().unwrap();
    let to_main = sender.clone();
    worker("signals", sender, move || {
        let ignores_hangup = std::env::var_os("IGNORE_HUP").is_some();
        signals.forward(|signal| match signal {
            Signal::Quit(1) if ignores_hangup => ControlFlow::Continue(()),
            signal => pass_on(&to_main, Msg::Signal(signal)),
        });
    });
    let to_main = sender.clone();
    worker("input", sender, move || {
        input::read_forever(|input| pass_on(&to_main, Msg::Input(input)));
    });
    let to_main = sender.clone();
    worker("hangup", sender, move || {
        input::wait_for_hangup().unwrap();
        let _ = to_main.send(Msg::HungUp);
    });
}

fn pass_on(to_main: &Sender<Msg>, message: Msg) -> ControlFlow<()> {
    match to_main.send(message) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

fn worker(name: &str, sender: &Sender<Msg>, body: impl FnOnce() + Send + 'static) {
    let to_main = sender.clone();
    let on_crash = move |line| to_main.send(Msg::Crashed(line)).unwrap();
    spawn_worker(name, on_crash, body).unwrap();
}

/// Shows the last message until one of them ends the program; returns the exit code.
fn run(screen: &mut Screen, sender: &Sender<Msg>, messages: &Receiver<Msg>) -> i32 {
    let mut last = "ready".to_owned();
    loop {
        // An error means that the terminal is gone, which the program must learn without drawing.
        let _ = screen.draw(|frame| {
            let (width, height) = (frame.area().width, frame.area().height);
            let text = format!("{width}x{height} {last}\nunchanged");
            frame.render_widget(Paragraph::new(text), frame.area());
        });
        match messages.recv().unwrap() {
            Msg::Input(Ok(Input::Key(Key::Char('q')))) => return 0,
            Msg::Input(Ok(Input::Key(Key::Char('p')))) => panic!("main broke"),
            Msg::Input(Ok(Input::Key(Key::Char('w')))) => {
                worker("collector", sender, || panic!("it broke"));
            }
            // Another draw of the same picture.
            Msg::Input(Ok(Input::Key(Key::Char('n')))) => {}
            Msg::Input(Ok(Input::Key(Key::Ctrl('z')))) => suspend_job().unwrap(),
            Msg::Input(Ok(input)) => last = format!("{input:?}"),
            Msg::Input(Err(_)) | Msg::HungUp => return 99,
            Msg::Signal(Signal::Quit(number)) => return exit_code(number).into(),
            Msg::Signal(Signal::Suspend) => {
                screen.leave();
                stop_now().unwrap();
                screen.enter_again().unwrap();
            }
            // A hangup continues the process too: this may fail as a draw may.
            Msg::Signal(Signal::Resume) => {
                let _ = screen.enter_again();
            }
            Msg::Crashed(line) => {
                screen.leave();
                eprintln!("{line}");
                return 101;
            }
        }
    }
}
