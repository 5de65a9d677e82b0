//! The pure parts at three sizes of table: `cargo bench --bench pure`.
//!
//! What one key typed into the filter costs, what one reading costs to compare with the one before,
//! to sort, to group, and to bring to the screen. The tables are made up (`scene`), the same in every run.
#![allow(missing_docs, reason = "criterion's macros write public functions")]

mod scene;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use scene::{OF_A_TENTH, SIZES, moment};
use sockeye::app::{App, Environment, Input, Msg, Size};
use sockeye::columns::ColumnId;
use sockeye::filter::{Context, Filter};
use sockeye::keymap::Key;
use sockeye::model::{Kinds, Lineage, Snapshot};
use sockeye::query::{GroupBy, Grouping, Groups, Query, Sort, Tab};
use sockeye::settings::Settings;
use sockeye::theme::{Depth, Glyphs};
use sockeye::track::{Connections, Tracker, Window};
use sockeye::ui;

const HIGHLIGHT: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_secs(10);

/// Each form of term that has its own way to be found.
const FILTERS: [(&str, &str); 6] = [
    ("text of none", "zzqx"),
    ("text of a tenth", OF_A_TENTH),
    ("address", "127.0"),
    ("address and port", "0.0.1:30"),
    ("port", ":3010"),
    ("regex", "/nginx|node/"),
];

fn filter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    let context = Context {
        now: moment(1),
        highlight: HIGHLIGHT,
        uid: Some(3),
    };
    for size in SIZES {
        let table = scene::table(size);
        for (name, text) in FILTERS {
            let filter = Filter::parse(text).expect("a filter");
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| {
                    let mut pass = filter.pass(&context);
                    table.rows.iter().filter(|row| pass.matches(row)).count()
                });
            });
        }
    }
    group.finish();
}

fn observe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("observe");
    for size in SIZES {
        let first = scene::snapshot(size, 0);
        let other = scene::later(&first, 0, 100);
        for (name, second) in [("steady", &first), ("one in 100 new", &other)] {
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                let mut tracker = Tracker::new(LINGER);
                let mut readings = readings(&first, second);
                // The first makes every row. Of the largest table each sample is one comparison, which would be this.
                tracker.apply(readings.next().expect("there is a first one"));
                bencher.iter_batched(
                    || readings.next().expect("there is always one more"),
                    |snapshot| tracker.apply(snapshot),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// The connections of each listener, and both ends of each: half of the rows are accepted, all have their peer here.
fn connections(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("connections");
    for size in SIZES {
        let table = scene::table(size);
        group.bench_function(BenchmarkId::new("found", size), |bencher| {
            bencher.iter(|| Connections::of(&table.rows, Window::default()));
        });
    }
    group.finish();
}

/// One and the other by turns, a second apart.
fn readings(one: &Snapshot, other: &Snapshot) -> impl Iterator<Item = Snapshot> {
    (0..).map(move |seconds| {
        let mut snapshot = if seconds % 2 == 0 { one } else { other }.clone();
        snapshot.taken_at = moment(seconds);
        snapshot
    })
}

fn sort(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sort");
    for size in SIZES {
        let table = scene::table(size);
        for (name, by) in [("port", ColumnId::Port), ("process", ColumnId::Process)] {
            let sort = Sort {
                by,
                descending: false,
            };
            let query = Query {
                sort,
                ..everything()
            };
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| query.clone().select(&table).len());
            });
        }
    }
    group.finish();
}

/// The fewest groups, some, and nearly one for each socket.
const GROUPED: [(&str, GroupBy, GroupBy); 4] = [
    ("state, user", GroupBy::State, GroupBy::User),
    ("process, state", GroupBy::Process, GroupBy::State),
    ("unit, network", GroupBy::Unit, GroupBy::Network),
    ("process, port", GroupBy::Process, GroupBy::Port),
];

fn group(criterion: &mut Criterion) {
    let mut bench = criterion.benchmark_group("group");
    for size in SIZES {
        let table = scene::table(size);
        let query = everything();
        let rows = query.select(&table);
        for (name, by, then) in GROUPED {
            let grouping = Grouping {
                by,
                then: Some(then),
                sort: None,
                reverse: false,
            };
            bench.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| Groups::of(&rows, grouping).all.len());
            });
        }
    }
    bench.finish();
}

fn everything() -> Query {
    Query {
        namespaces: sockeye::model::NamespaceScope::Own,
        tab: Tab::All,
        kinds: Kinds::DEFAULT,
        filter: Filter::default(),
        uid: None,
        mine: None,
        sort: Sort::BY_PORT,
        highlight: HIGHLIGHT,
        linger: Duration::ZERO,
    }
}

fn draw(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draw");
    for size in SIZES {
        let observation = Tracker::new(LINGER).apply(scene::snapshot(size, 0));
        let mut app = App::new(settings(), environment(), moment(0));
        let mut terminal = Terminal::new(TestBackend::new(150, 40)).expect("it has no terminal");
        group.bench_function(BenchmarkId::new("a reading", size), |bencher| {
            bencher.iter(|| {
                let message = Msg::SnapshotTaken(observation.clone());
                black_box(app.update(message, moment(0)));
                let view = app.view(moment(0));
                terminal
                    .draw(|frame| ui::draw(frame, &view))
                    .expect("it has no terminal");
            });
        });
        // A letter that is typed into the filter and one that is deleted, by turns, with the picture after each.
        app.update(key(Key::Char('/')), moment(0));
        let mut keys = [Key::Char('n'), Key::Backspace].into_iter().cycle();
        group.bench_function(BenchmarkId::new("a letter", size), |bencher| {
            bencher.iter(|| {
                let key = key(keys.next().expect("they repeat"));
                black_box(app.update(key, moment(0)));
                let view = app.view(moment(0));
                terminal
                    .draw(|frame| ui::draw(frame, &view))
                    .expect("it has no terminal");
            });
        });
        app.update(key(Key::Esc), moment(0));
        group.bench_function(BenchmarkId::new("a frame", size), |bencher| {
            bencher.iter(|| {
                let view = app.view(moment(0));
                terminal
                    .draw(|frame| ui::draw(frame, &view))
                    .expect("it has no terminal");
            });
        });
    }
    group.finish();
}

const fn key(key: Key) -> Msg {
    Msg::Input(Input::Key(key))
}

fn settings() -> Settings {
    Settings {
        linger: LINGER,
        highlight: HIGHLIGHT,
        view: Tab::All,
        ..Settings::default()
    }
}

fn environment() -> Environment {
    Environment {
        host: "bench".into(),
        origin: sockeye::model::Origin::Own,
        uid: Some(3),
        lineage: Lineage::default(),
        time_zone: TimeZone::UTC,
        size: Size {
            width: 150,
            height: 40,
        },
        depth: Depth::Full,
        glyphs: Glyphs::Unicode,
        opener: "xdg-open",
        begin_at: None,
    }
}

criterion_group! {
    name = pure;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = filter, observe, connections, sort, group, draw
}
criterion_main!(pure);
