//! A selection that is kept from one moment to the next, compared with one made from scratch.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::columns;
use crate::filter::Filter;
use crate::model::{Age, Endpoint, Kinds, Owner, Process, Protocol, Snapshot, Socket, State};
use crate::query::{Sort, Tab};
use crate::track::Tracker;

const LINGER: Duration = Duration::from_secs(3);

/// A change of the table or of the query.
#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    Open(Box<Socket>),
    Close(Index),
    Move(Index, State),
    Read,
    Filter(&'static str),
    Sort(Sort),
    View(Tab, bool, bool),
}

fn socket() -> impl Strategy<Value = Socket> {
    let place = (1..5u16, any::<bool>(), any::<bool>(), any::<u16>());
    let names = (select(vec!["a", "A", "b", "c"]), 0..3u32);
    let age = (0..3000u64).prop_map(Duration::from_millis);
    let age = prop_oneof![
        Just(None),
        age.clone().prop_map(|age| Some(Age::Exactly(age))),
        age.prop_map(|age| Some(Age::AtLeast(age))),
    ];
    (place, names, age).prop_map(|((port, is_udp, has_peer, inode), (name, pid), age)| {
        let end = |port| Endpoint::new([127, 0, 0, 1].into(), port);
        let (protocol, state) = match (is_udp, has_peer) {
            (true, _) => (Protocol::Udp, State::Unconn),
            (false, true) => (Protocol::Tcp, State::Established),
            (false, false) => (Protocol::Tcp, State::Listen),
        };
        let process = Process::new(pid, name);
        Socket {
            inode: Some(inode.into()),
            age,
            owner: Owner::Known([Arc::new(process)].into()),
            ..Socket::new(protocol, end(port), has_peer.then(|| end(443)), state)
        }
    })
}

fn sort() -> impl Strategy<Value = Sort> {
    let columns: Vec<_> = columns::ALL.iter().map(|column| column.id).collect();
    (select(columns), any::<bool>()).prop_map(|(by, descending)| Sort { by, descending })
}

fn event() -> impl Strategy<Value = Event> {
    let filters = vec![
        "",
        "a",
        ":1",
        "is:new",
        "!is:new",
        "is:changed",
        "!is:closed | b",
        "age:>1s",
        "age:<=1500ms | b",
        "!age:>=2s",
        "age:>1s age:<3s | is:new",
        "is:trouble",
        "!is:trouble :1",
    ];
    let state = select(vec![State::CloseWait, State::FinWait2, State::SynSent]);
    prop_oneof![
        4 => (0..2500u64).prop_map(Event::Wait),
        1 => (2500..40_000u64).prop_map(Event::Wait),
        4 => socket().prop_map(|socket| Event::Open(Box::new(socket))),
        2 => any::<Index>().prop_map(Event::Close),
        2 => (any::<Index>(), state).prop_map(|(which, state)| Event::Move(which, state)),
        6 => Just(Event::Read),
        2 => select(filters).prop_map(Event::Filter),
        1 => sort().prop_map(Event::Sort),
        1 => (select(Tab::ALL.to_vec()), any::<bool>(), any::<bool>())
            .prop_map(|(tab, tcp, udp)| Event::View(tab, tcp, udp)),
    ]
}

struct Run {
    tracker: Tracker,
    sockets: Vec<Socket>,
    table: Arc<Table>,
    criteria: Query,
    millis: u64,
}

impl Run {
    fn new() -> Self {
        let criteria = Query {
            namespaces: crate::model::NamespaceScope::Own,
            tab: Tab::All,
            kinds: Kinds::DEFAULT,
            filter: Filter::default(),
            sort: Sort::BY_PORT,
            linger: LINGER,
            highlight: Duration::from_secs(2),
            uid: None,
            mine: None,
        };
        Self {
            tracker: Tracker::new(LINGER),
            sockets: Vec::new(),
            table: Arc::new(Table::empty(moment(0))),
            criteria,
            millis: 0,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wait(millis) => self.millis += millis,
            Event::Open(socket) => self.sockets.push(*socket),
            Event::Close(which) if !self.sockets.is_empty() => {
                self.sockets.swap_remove(which.index(self.sockets.len()));
            }
            Event::Move(which, state) if !self.sockets.is_empty() => {
                let at = which.index(self.sockets.len());
                self.sockets[at].state = state;
            }
            Event::Close(_) | Event::Move(..) => {}
            Event::Read => self.read(),
            Event::Filter(text) => self.criteria.filter = Filter::parse(text).unwrap(),
            Event::Sort(sort) => self.criteria.sort = sort,
            Event::View(tab, tcp, udp) => {
                let kinds = |is_on: bool, one| is_on.then_some(one);
                let kinds = kinds(tcp, Protocol::Tcp)
                    .into_iter()
                    .chain(kinds(udp, Protocol::Udp));
                (self.criteria.tab, self.criteria.kinds) = (tab, kinds.collect());
            }
        }
    }

    fn read(&mut self) {
        self.millis += 1;
        let observation = self.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: moment(self.millis),
            sockets: self.sockets.clone(),
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        });
        self.table = observation.table;
    }

    /// How many rows each view has under these criteria.
    fn count(&self, criteria: &Query, now: Moment) -> [usize; 5] {
        Tab::ALL.map(|tab| {
            let criteria = Query {
                tab,
                ..criteria.clone()
            };
            criteria.select_at(&self.table, now).len()
        })
    }
}

fn moment(millis: u64) -> Moment {
    Moment {
        steady: Duration::from_millis(millis),
        wall: jiff::Timestamp::UNIX_EPOCH + Duration::from_millis(millis),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_kept_selection_is_what_a_new_one_would_be(
        first in vec(socket(), 0..80),
        events in vec(event(), 1..60),
    ) {
        let mut run = Run::new();
        run.sockets = first;
        run.read();
        let mut selection = Selection::new(run.criteria.clone());
        for event in events {
            let after = format!("after {event:?}");
            run.happen(event);
            let now = moment(run.millis);
            let before = selection.clone();
            let again = selection.update(&run.criteria, &run.table, now);
            let rows = run.criteria.select_at(&run.table, now);
            let expected = Listing::of_rows(rows.iter().copied());
            prop_assert_eq!(selection.shown(), &expected, "{}", &after);
            let in_trouble: Vec<_> = selection.in_trouble().collect();
            let rows_in_trouble = run.table.rows.iter().enumerate();
            let rows_in_trouble = rows_in_trouble.filter_map(|(at, row)| Some((at, row.trouble(now)?)));
            prop_assert_eq!(in_trouble, rows_in_trouble.collect::<Vec<_>>(), "{}", &after);
            prop_assert_eq!(selection.counts().by_tab, run.count(&run.criteria, now), "{}", &after);
            let all = Query { kinds: Kinds::DEFAULT, filter: Filter::default(), ..run.criteria.clone() };
            prop_assert_eq!(selection.counts().unfiltered, all.select_at(&run.table, now).len(), "{}", &after);
            // Until it is due, time changes nothing.
            if let Some(due) = selection.next_due(now) {
                let before = Moment { steady: due.saturating_sub(Duration::from_nanos(1)), ..now };
                let rows = run.criteria.select_at(&run.table, before);
                prop_assert_eq!(selection.shown(), &Listing::of_rows(rows.into_iter()), "before {:?} {}", due, &after);
            }
            // Who begins to match was looked at again, unless the question is another one.
            if before.query == run.criteria && before.table.as_ref().is_some_and(|own| Arc::ptr_eq(own, &run.table)) {
                for at in &rows {
                    prop_assert!(before.shown().place_of_row(*at).is_some() || again.contains(at), "{}", &after);
                }
            }
        }
    }

    #[test]
    fn nothing_is_looked_at_again_where_nothing_changed(sockets in vec(socket(), 0..40)) {
        let mut run = Run::new();
        run.sockets = sockets;
        run.read();
        let mut selection = Selection::new(run.criteria.clone());
        for reading in 0..3 {
            run.read();
            let again = selection.update(&run.criteria, &run.table, moment(run.millis));
            prop_assert!(reading == 0 || again.is_empty(), "{:?}", again);
        }
    }
}

/// A clock that is set by hand: a row comes and goes by its age at the very moment, and is read only then.
#[test]
fn a_row_appears_and_goes_when_its_age_crosses_the_limit() {
    let mut run = Run::new();
    let socket = |port, age| Socket {
        age,
        ..Socket::new(
            Protocol::Tcp,
            Endpoint::new([127, 0, 0, 1].into(), port),
            Some(Endpoint::new([127, 0, 0, 1].into(), 443)),
            State::Established,
        )
    };
    let seconds = Duration::from_secs;
    run.sockets = vec![
        socket(1, Some(Age::Exactly(seconds(50)))),
        socket(2, Some(Age::Exactly(seconds(55)))),
        socket(3, None),
    ];
    run.read();
    let began = Duration::from_millis(run.millis);
    let mut selection = Selection::new(run.criteria.clone());
    let mut at = |filter: &str, passed: Duration| {
        run.criteria.filter = Filter::parse(filter).unwrap();
        let now = Moment {
            steady: began + passed,
            ..moment(0)
        };
        let again = selection.update(&run.criteria, &run.table, now).len();
        let rows = selection.shown().rows(&run.table);
        let ports: Vec<_> = rows.map(|row| row.socket.local.port).collect();
        (
            ports,
            again,
            selection.next_due(now).map(|due| due.saturating_sub(began)),
        )
    };
    let nanosecond = Duration::from_nanos(1);
    let (five, ten) = (seconds(5) + nanosecond, seconds(10) + nanosecond);
    let minute = seconds(60) + nanosecond;
    let old = "age:>1m";
    assert_eq!(at(old, Duration::ZERO), (vec![], 3, Some(five)));
    assert_eq!(at(old, seconds(5)), (vec![], 0, Some(five)));
    assert_eq!(at(old, five), (vec![2], 1, Some(ten)));
    assert_eq!(at(old, ten), (vec![1, 2], 1, Some(minute)));
    // Another filter has other moments; without ages there are none.
    assert_eq!(
        at("age:<=70s", seconds(11)),
        (vec![1, 2], 3, Some(seconds(15) + nanosecond))
    );
    assert_eq!(
        at("age:<=70s", seconds(16)),
        (vec![1], 1, Some(seconds(20) + nanosecond))
    );
    assert_eq!(at("age:<=70s", seconds(30)).0, vec![0; 0]);
    assert_eq!(at("tcp", seconds(31)), (vec![1, 2, 3], 3, None));
    // What was seen for a minute is at least that old.
    assert_eq!(at(old, seconds(32)), (vec![1, 2], 3, Some(minute)));
    assert_eq!(at(old, minute), (vec![1, 2, 3], 1, None));
}
