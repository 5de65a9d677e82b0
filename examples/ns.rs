use sockeye::{
    clock::Clock,
    source::{Source, System},
};
fn main() {
    if std::env::args().nth(2).is_none() {
        if let Some(code) = sockeye::source::run_namespace_helper() {
            std::process::exit(code.into());
        }
    }
    let clock = Clock::start();
    let mut system = System::new().with_all_namespaces();
    let n: usize = std::env::args().nth(1).map_or(1, |a| a.parse().unwrap());
    for i in 0..n {
        let s = if n == 1 {
            system.take_once(clock.now()).unwrap()
        } else {
            system.take(clock.now()).unwrap()
        };
        println!(
            "-- {} sockets {:?} late {:?}",
            s.sockets.len(),
            system.timings(),
            s.late_namespaces
        );
        for p in &s.problems {
            println!("  ! {}", p.message);
        }
        if i == 0 || i + 1 == n {
            for one in &s.sockets {
                let ns = one.namespace.as_ref().map_or("-".into(), |n| {
                    format!(
                        "{} [{:?}] {:?}",
                        n.name,
                        n.inode,
                        n.container.as_ref().map(|c| (c.engine, c.image.clone()))
                    )
                });
                let own: Vec<String> = one
                    .owner
                    .processes()
                    .iter()
                    .map(|p| format!("{}({})", p.name, p.pid))
                    .collect();
                println!(
                    "{} {} {:?} {:?} {} | {ns} | {:?} uid {:?} q {:?} unit {:?} {:?} if {:?} age {:?}",
                    one.protocol.as_str(),
                    one.local,
                    one.state.as_str(),
                    one.remote.map(|r| r.to_string()),
                    own.join(","),
                    one.published.as_ref().map(|p| p.describe()),
                    one.uid,
                    one.queue,
                    one.unit,
                    one.container,
                    one.interface,
                    one.age
                );
            }
        }
        if i + 1 < n {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
}
