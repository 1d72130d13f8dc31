//! Re-optimisation inside the server, as clients meet it: begun, watched, ended, applied, restarted.

use crate::engine_support::{order, stocked, wide};
use crate::feed::events;
use crate::support::{Connection, DEADLINE, TestServer, refusal, wait_until};
use allot::backlog::{PlanFile, Rules, Scenario, Scope, Strategy, WhatIf, what_if};
use allot::engine::{Engine, FactSink, Limits, Replay};
use allot::journal::{Options, RealDisk};
use allot::model::{Cents, EpochMillis, Fact, Lsn, Order, OrderKey, ReplanReason};
use allot::server::{Clock, SnapshotPlan};
use allot::wire::Value;
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

fn to(id: &str, lines: &[(usize, u32)], postal: &str, worth: i64) -> Arc<Order> {
    let mut order = order(id, lines);
    order.ship_to.postal = postal.into();
    order.policy.short_per_unit = Some(Cents(worth));
    Arc::new(order)
}

/// Two orders of which each has the unit that is near to the other.
fn crossed(clock: &Clock) -> Engine {
    let now = clock.now();
    let opening = stocked(&[[1, 0, 1]]);
    let engine = Engine::new(wide(), opening, Limits::default(), None, now).unwrap();
    engine.pause_location("WEST", true, now).unwrap();
    engine
        .submit(to("west", &[(0, 1)], "94107", 9_000), now)
        .unwrap();
    engine.pause_location("WEST", false, now).unwrap();
    engine
        .submit(to("east", &[(0, 1)], "10001", 9_000), now)
        .unwrap();
    engine
}

/// Orders whose first comers took what later ones need more.
fn crowd(engine: &Engine, clock: &Clock, count: usize) {
    for number in 0..count {
        let postal = ["10001", "94107"][number * 7 / 3 % 2];
        let worth = 500 + 137 * i64::try_from(number % 29).unwrap();
        let lines = [(number % 4, 1), ((number + 1) % 4, 1)];
        let one = to(&number.to_string(), &lines, postal, worth);
        engine.submit(one, clock.now()).unwrap();
    }
}

fn field(reply: &Value, name: &str) -> Value {
    let pairs = reply.clone().into_pairs();
    let pairs = pairs.unwrap_or_else(|| panic!("no map: {reply:?}"));
    let found = pairs
        .into_iter()
        .find(|(key, _)| key.as_str() == Some(name));
    found.unwrap_or_else(|| panic!("no {name}: {reply:?}")).1
}

fn state(connection: &mut Connection) -> String {
    let status = connection.say("BACKLOG.STATUS");
    field(&status, "state").as_str().unwrap().to_owned()
}

fn results(status: &Value) -> Vec<(String, i64)> {
    let Value::Array(rows) = field(status, "results") else {
        panic!("no results: {status:?}");
    };
    let row = |row: &Value| {
        let Value::Int(count) = field(row, "count") else {
            panic!("no count: {row:?}");
        };
        let result = field(row, "result").as_str().unwrap().to_owned();
        (result, count)
    };
    rows.iter().map(row).collect()
}

fn begin(connection: &mut Connection, line: &str) -> i64 {
    match connection.say(line) {
        Value::Int(run) => run,
        other => panic!("{line}: {other:?}"),
    }
}

/// Types of the events of runs up to one of this type, read as they come.
fn read_until(connection: &mut Connection, last: &str) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), "0".to_owned());
    let since = Instant::now();
    while seen.last().is_none_or(|kind| kind != last) {
        assert!(since.elapsed() < DEADLINE, "{seen:?}");
        let reply = connection.say(&format!(
            "XREAD COUNT 100 BLOCK 1000 STREAMS events {after}"
        ));
        for (id, kind) in events(&reply) {
            after = id;
            if kind.starts_with("backlog.") {
                seen.push(kind);
            }
        }
    }
    seen
}

#[test]
fn a_run_is_watched_and_its_plan_applied_once() {
    let clock = Clock::start();
    let mut server = TestServer::serving(crossed(&clock), clock, |_| {});
    let mut connection = server.connect();
    assert!(refusal(&connection.say("BACKLOG.STATUS")).starts_with("NOTFOUND"));
    let mut watcher = server.connect();
    let watching = std::thread::spawn(move || read_until(&mut watcher, "backlog.applied"));
    let run = begin(&mut connection, "BACKLOG.OPTIMIZE STRATEGY gain SEED 7");
    wait_until("the plan is there", || state(&mut connection) == "done");
    let status = connection.say(&format!("BACKLOG.STATUS {run}"));
    assert_eq!(field(&status, "moves"), Value::Int(2));
    assert_eq!(field(&status, "gap_millionths"), Value::Int(0));
    assert_eq!(
        field(&status, "asked").as_str(),
        Some("STRATEGY gain SEED 7")
    );
    let plan = connection.say(&format!("BACKLOG.PLAN {run}"));
    let plan = PlanFile::parse(plan.as_str().unwrap()).unwrap();
    assert_eq!(plan.moves.len(), 2);
    let applied = connection.say(&format!("BACKLOG.APPLY RUN {run}"));
    assert_eq!(field(&applied, "state").as_str(), Some("applied"));
    assert_eq!(results(&applied), [("moved".to_owned(), 2)]);
    let seen = watching.join().unwrap();
    assert_eq!(seen.first().unwrap(), "backlog.began");
    assert!(seen.contains(&"backlog.progress".to_owned()), "{seen:?}");
    assert!(seen.contains(&"backlog.done".to_owned()), "{seen:?}");
    let again = connection.say(&format!("BACKLOG.APPLY RUN {run}"));
    assert_eq!(results(&again), [("already".to_owned(), 2)]);
    // There is nothing more to gain.
    begin(&mut connection, "BACKLOG.OPTIMIZE STRATEGY gain APPLY");
    wait_until("it is applied", || state(&mut connection) == "applied");
    let status = connection.say("BACKLOG.STATUS");
    assert_eq!(field(&status, "moves"), Value::Int(0));
    server.assert_sound();
    server.stop();
}

#[test]
fn what_is_asked_wrongly_is_named() {
    let clock = Clock::start();
    let mut server = TestServer::serving(crossed(&clock), clock, |_| {});
    let mut connection = server.connect();
    for (line, begins) in [
        ("BACKLOG.OPTIMIZE STATE open", "INVALID STATE is 'open'"),
        ("BACKLOG.OPTIMIZE SKU NOPE", "NOTFOUND"),
        ("BACKLOG.OPTIMIZE LOCATION NOPE", "NOTFOUND"),
        (
            "BACKLOG.OPTIMIZE STRATEGY best",
            "INVALID STRATEGY is 'best'",
        ),
        ("BACKLOG.OPTIMIZE WEIGHT cost 3", "INVALID WEIGHT is 'cost'"),
        ("BACKLOG.OPTIMIZE SECONDS x", "INVALID SECONDS is 'x'"),
        ("BACKLOG.OPTIMIZE NOW", "INVALID argument"),
        (
            "BACKLOG.OPTIMIZE AGE 3 STATE late AGE 4",
            "INVALID argument is 'AGE'",
        ),
        (
            "BACKLOG.OPTIMIZE APPLY DRYRUN",
            "INVALID argument is 'APPLY or DRYRUN'",
        ),
        ("BACKLOG.CANCEL 5", "NOTFOUND run 5"),
        ("BACKLOG.PLAN 5", "NOTFOUND run 5"),
        ("BACKLOG.APPLY RUN 5", "NOTFOUND"),
        ("BACKLOG.APPLY {}", "INVALID json 1"),
    ] {
        let reply = connection.say(line);
        let refusal = refusal(&reply);
        assert!(refusal.starts_with(begins), "{line}: {refusal}");
    }
    // A scope without orders comes to nothing, and says why.
    let run = begin(&mut connection, "BACKLOG.OPTIMIZE CHANNEL nobody");
    wait_until("it failed", || state(&mut connection) == "failed");
    let status = connection.say(&format!("BACKLOG.STATUS {run}"));
    assert!(field(&status, "why").as_str().unwrap().contains("scope"));
    server.stop();
}

const SCARCE: [[u32; 3]; 4] = [[120, 90, 100], [80, 140, 70], [150, 0, 130], [60, 110, 90]];

#[test]
fn one_runs_at_a_time_and_can_be_ended() {
    let clock = Clock::start();
    let now = clock.now();
    let engine = Engine::new(wide(), stocked(&SCARCE), Limits::default(), None, now).unwrap();
    crowd(&engine, &clock, 1_500);
    let mut server = TestServer::serving(engine, clock, |_| {});
    let mut connection = server.connect();
    let run = begin(&mut connection, "BACKLOG.OPTIMIZE STRATEGY redistribute");
    let busy = connection.say("BACKLOG.OPTIMIZE");
    let busy = refusal(&busy);
    assert!(
        busy.starts_with(&format!("BUSY run {run} (STRATEGY redistribute)")),
        "{busy}"
    );
    let busy = connection.say(&format!("BACKLOG.APPLY RUN {run}"));
    let busy = refusal(&busy);
    assert!(busy.starts_with("BUSY"), "{busy}");
    // Others are served meanwhile.
    assert!(!connection.say("ATP.GET SKU-0").is_error());
    connection.say(&format!("BACKLOG.CANCEL {run}"));
    wait_until("it ended", || state(&mut connection) == "cancelled");
    assert!(refusal(&connection.say(&format!("BACKLOG.PLAN {run}"))).starts_with("NOTFOUND"));
    let seen = read_until(&mut connection, "backlog.cancelled");
    assert_eq!(seen.first().unwrap(), "backlog.began");
    // And another may begin.
    let next = begin(&mut connection, "BACKLOG.OPTIMIZE SECONDS 1");
    assert!(next > run);
    connection.say(&format!("BACKLOG.CANCEL {next}"));
    server.stop();
}

#[test]
fn a_plan_is_applied_while_others_order_and_cancel() {
    let clock = Clock::start();
    let now = clock.now();
    let engine = Engine::new(wide(), stocked(&SCARCE), Limits::default(), None, now).unwrap();
    crowd(&engine, &clock, 700);
    let mut server = TestServer::serving(engine, clock, |_| {});
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (server, over) = (&server, &over);
            scope.spawn(move || {
                let mut connection = server.connect();
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    let json = format!(
                        r#"{{"source":"web","order":"{thread}-{number}","channel":"web","placed_at":"2026-11-20T10:00:00Z","ship_to":{{"country":"US","postal":"94107"}},"lines":[{{"line":"1","sku":"SKU-{}","qty":1}}]}}"#,
                        number % 4
                    );
                    let reply = connection.command(&["ORDER.SUBMIT", &json]);
                    assert!(!reply.is_error(), "{reply:?}");
                    let old = (number * 5 + thread * 7) % 700;
                    connection.say(&format!("ORDER.CANCEL shop {old}"));
                }
            });
        }
        let mut connection = server.connect();
        begin(&mut connection, "BACKLOG.OPTIMIZE SECONDS 1 APPLY");
        wait_until("it is applied", || state(&mut connection) == "applied");
        over.store(true, Ordering::Relaxed);
        let status = connection.say("BACKLOG.STATUS");
        let all: i64 = results(&status).iter().map(|(_, count)| count).sum();
        assert_eq!(field(&status, "moves"), Value::Int(all));
    });
    server.assert_sound();
    server.stop();
}

/// A server on a data directory.
fn kept(dir: &Path) -> TestServer {
    let disk = Arc::new(RealDisk);
    let clock = Clock::start();
    let fresh = || Replay::new(wide(), Limits::default());
    let options = Options::default();
    let opened = Replay::open(disk.clone(), dir, options, &fresh, &|_| {}).unwrap();
    let clock = clock.not_before(opened.last_at);
    let journal = opened.journal;
    let sink: Box<dyn FactSink> = Box::new(journal.clone());
    let last = opened.recovered.last;
    let engine = opened
        .replay
        .finish(stocked(&SCARCE), Some(sink), last, clock.now());
    let plan = SnapshotPlan {
        disk,
        dir: dir.to_owned(),
        every_bytes: None,
        every: None,
        behind: 0,
    };
    TestServer::keeping(engine.unwrap(), Some((journal, plan)), clock, |_| {})
}

#[test]
fn a_restart_says_what_became_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = kept(dir.path());
    crowd(&server.engine, &server.clock, 1_500);
    let mut connection = server.connect();
    let line = "BACKLOG.OPTIMIZE CHANNEL web AGE 0 SECONDS 0";
    let done = begin(&mut connection, line);
    wait_until("the plan is there", || state(&mut connection) == "done");
    let before = connection.say(&format!("BACKLOG.STATUS {done}"));
    let lost = begin(&mut connection, "BACKLOG.OPTIMIZE STRATEGY redistribute");
    // Its report is on disk before it does anything.
    let report = dir.path().join(format!("backlog-{lost}.json"));
    wait_until("it is known on disk", || report.exists());
    server.stop();
    drop(server);
    let server = kept(dir.path());
    let mut connection = server.connect();
    let status = connection.say(&format!("BACKLOG.STATUS {lost}"));
    assert_eq!(field(&status, "state").as_str(), Some("lost"));
    assert!(field(&status, "why").as_str().unwrap().contains("ended"));
    let after = connection.say(&format!("BACKLOG.STATUS {done}"));
    assert_eq!(after, before);
    wait_until("the feed is there", || {
        !connection.say("XLEN events").is_error()
    });
    let seen = read_until(&mut connection, "backlog.lost");
    assert_eq!(
        seen.iter().filter(|kind| *kind == "backlog.done").count(),
        1
    );
    // A plan from before the restart can be applied.
    let plan = connection.say(&format!("BACKLOG.PLAN {done}"));
    let moves = PlanFile::parse(plan.as_str().unwrap()).unwrap().moves.len();
    let applied = connection.say(&format!("BACKLOG.APPLY RUN {done}"));
    let all: i64 = results(&applied).iter().map(|(_, count)| count).sum();
    assert_eq!(usize::try_from(all).unwrap(), moves);
    server.assert_sound();
}

/// A history that holds up steps of which it was not said that they may be written, as a slow disk does.
#[derive(Default)]
struct Gate {
    /// Orders placed anew for this reason are held up.
    watched: Mutex<Option<ReplanReason>>,
    /// So many of them may be written; all of them where nobody closed it.
    may: Mutex<Option<usize>>,
    opened: Condvar,
    /// Moves that came to it.
    came: AtomicUsize,
    /// By order: how often it was moved.
    moved: Mutex<BTreeMap<String, usize>>,
    last: AtomicU64,
}

struct Sink(Arc<Gate>);

impl FactSink for Sink {
    fn append(&self, _: EpochMillis, facts: &[Fact]) -> Lsn {
        for fact in facts {
            if let Fact::OrderReplanned(fact) = fact {
                self.0.pass(fact.reason, &fact.key);
            }
        }
        let count = facts.len() as u64;
        Lsn(self.0.last.fetch_add(count, Ordering::Relaxed) + count)
    }
}

impl Gate {
    fn pass(&self, reason: ReplanReason, key: &OrderKey) {
        if self
            .watched
            .lock()
            .unwrap()
            .is_none_or(|watched| watched != reason)
        {
            return;
        }
        self.came.fetch_add(1, Ordering::Relaxed);
        let mut may = self.may.lock().unwrap();
        while may.is_some_and(|left| left == 0) {
            may = self.opened.wait(may).unwrap();
        }
        *may = may.map(|left| left - 1);
        *self
            .moved
            .lock()
            .unwrap()
            .entry(key.to_string())
            .or_default() += 1;
    }

    /// From now on so many steps for this reason may be written.
    fn watch(&self, reason: ReplanReason, moves: usize) {
        *self.watched.lock().unwrap() = Some(reason);
        *self.may.lock().unwrap() = Some(moves);
        self.came.store(0, Ordering::Relaxed);
        self.moved.lock().unwrap().clear();
    }

    /// Lets so many more through; all of them with `None`.
    fn let_through(&self, moves: Option<usize>) {
        *self.may.lock().unwrap() = moves;
        self.opened.notify_all();
    }
}

/// A server whose moves pass a gate, and a plan of some moves that is not applied yet.
fn gated() -> (TestServer, Arc<Gate>, i64, usize) {
    let clock = Clock::start();
    let gate = Arc::new(Gate::default());
    let sink: Box<dyn FactSink> = Box::new(Sink(gate.clone()));
    let opening = stocked(&SCARCE);
    let engine = Engine::new(wide(), opening, Limits::default(), Some(sink), clock.now());
    let engine = engine.unwrap();
    crowd(&engine, &clock, 700);
    let server = TestServer::serving(engine, clock, |_| {});
    let mut connection = server.connect();
    let line = "BACKLOG.OPTIMIZE STRATEGY redistribute SECONDS 1";
    let run = begin(&mut connection, line);
    wait_until("the plan is there", || state(&mut connection) == "done");
    let plan = connection.say(&format!("BACKLOG.PLAN {run}"));
    let moves = PlanFile::parse(plan.as_str().unwrap()).unwrap().moves.len();
    assert!(moves > 20, "{moves} moves");
    (server, gate, run, moves)
}

fn count(rows: &[(String, i64)], name: &str) -> usize {
    let found = rows.iter().find(|(result, _)| result == name);
    found.map_or(0, |(_, count)| usize::try_from(*count).unwrap())
}

#[test]
fn moves_that_are_ended_in_the_middle_go_on_where_they_were() {
    let (mut server, gate, run, moves) = gated();
    gate.watch(ReplanReason::Optimized, 5);
    let apply = format!("BACKLOG.APPLY RUN {run}");
    let mut other = server.connect();
    std::thread::scope(|scope| {
        let applying = scope.spawn(|| server.connect().say(&apply));
        // The sixth is held up while it is written.
        wait_until("the sixth move is being made", || {
            gate.came.load(Ordering::Relaxed) == 6
        });
        assert_eq!(state(&mut other), "applying");
        assert!(refusal(&other.say(&apply)).starts_with("BUSY"));
        let told = other.say(&format!("BACKLOG.CANCEL {run}"));
        assert_eq!(field(&told, "state").as_str(), Some("applying"));
        gate.let_through(None);
        let told = applying.join().unwrap();
        assert_eq!(field(&told, "state").as_str(), Some("done"), "{told:?}");
        assert!(field(&told, "why").as_str().unwrap().contains("again"));
        let results = results(&told);
        assert_eq!(count(&results, "moved"), 6, "{results:?}");
        assert!(count(&results, "stopped") > 0, "{results:?}");
    });
    let first = gate.moved.lock().unwrap().clone();
    assert_eq!(first.len(), 6);
    // Again: what was made stays made, the rest follows, and nothing happens twice.
    let told = other.say(&apply);
    assert_eq!(field(&told, "state").as_str(), Some("applied"), "{told:?}");
    assert_eq!(field(&told, "why"), Value::Null);
    let rows = results(&told);
    assert!(count(&rows, "already") >= 6, "{rows:?}");
    let moved = gate.moved.lock().unwrap().clone();
    assert!(moved.len() > 6);
    assert!(moved.values().all(|&times| times == 1), "{moved:?}");
    let told = other.say(&apply);
    assert_eq!(count(&results(&told), "moved"), 0);
    assert_eq!(*gate.moved.lock().unwrap(), moved);
    let all: i64 = results(&told).iter().map(|(_, count)| count).sum();
    assert_eq!(usize::try_from(all).unwrap(), moves);
    server.assert_sound();
    server.stop();
}

#[test]
fn a_server_that_stops_waits_for_one_move_and_no_more() {
    let (mut server, gate, run, _) = gated();
    gate.watch(ReplanReason::Optimized, 3);
    let mut connection = server.connect();
    let applying = std::thread::spawn(move || connection.say(&format!("BACKLOG.APPLY RUN {run}")));
    wait_until("the fourth move is being made", || {
        gate.came.load(Ordering::Relaxed) == 4
    });
    server.begin_stop();
    wait_until("nobody is let in any more", || {
        TcpStream::connect(server.address).is_err()
    });
    // The gate lets this one through, and none after it: whoever waited for those waited for ever.
    gate.let_through(Some(1));
    let told = applying.join().unwrap();
    assert_eq!(count(&results(&told), "moved"), 4, "{told:?}");
    server.stop();
    assert_eq!(gate.came.load(Ordering::Relaxed), 4);
    server.assert_sound();
}

#[test]
fn what_moves_free_is_given_out_until_somebody_ends_that() {
    let clock = Clock::start();
    let gate = Arc::new(Gate::default());
    let sink: Box<dyn FactSink> = Box::new(Sink(gate.clone()));
    // Four items, each with a unit for one of three orders that want it.
    let opening = stocked(&[[1, 0, 0]; 4]);
    let engine = Engine::new(wide(), opening, Limits::default(), Some(sink), clock.now());
    let engine = engine.unwrap();
    for sku in 0..4 {
        for number in 0..3 {
            let mut one = to(&format!("{sku}-{number}"), &[(sku, 1)], "10001", 9_000);
            // Who has it waits behind the others once it has given it up.
            Arc::make_mut(&mut one).priority = i32::from(number > 0);
            engine.submit(one, clock.now()).unwrap();
        }
    }
    let mut server = TestServer::serving(engine, clock, |_| {});
    let mut connection = server.connect();
    // Those that have something give it up, and whoever waits longest may have it.
    let run = begin(
        &mut connection,
        "BACKLOG.OPTIMIZE STATE planned STRATEGY lose",
    );
    wait_until("the plan is there", || state(&mut connection) == "done");
    gate.watch(ReplanReason::SupplyArrived, 1);
    let apply = format!("BACKLOG.APPLY RUN {run}");
    std::thread::scope(|scope| {
        let applying = scope.spawn(|| server.connect().say(&apply));
        wait_until("the second order is being served", || {
            gate.came.load(Ordering::Relaxed) == 2
        });
        connection.say(&format!("BACKLOG.CANCEL {run}"));
        gate.let_through(None);
        let told = applying.join().unwrap();
        assert_eq!(field(&told, "state").as_str(), Some("done"), "{told:?}");
        assert!(field(&told, "why").as_str().unwrap().contains("given"));
        assert_eq!(results(&told), [("moved".to_owned(), 4)]);
    });
    assert_eq!(gate.moved.lock().unwrap().len(), 2, "the others wait");
    let told = connection.say(&apply);
    assert_eq!(field(&told, "state").as_str(), Some("applied"), "{told:?}");
    let served = gate.moved.lock().unwrap().clone();
    assert_eq!(served.len(), 4, "{served:?}");
    assert!(served.values().all(|&times| times == 1), "{served:?}");
    server.assert_sound();
    server.stop();
}

#[test]
fn scenarios_are_compared_and_never_applied() {
    let clock = Clock::start();
    let mut server = TestServer::serving(crossed(&clock), clock, |_| {});
    let mut connection = server.connect();
    for (line, begins) in [
        (
            "BACKLOG.OPTIMIZE WHATIF open=1",
            "INVALID what-if is 'open=1'",
        ),
        ("BACKLOG.OPTIMIZE WHATIF close=NOWHERE", "NOTFOUND"),
        ("BACKLOG.OPTIMIZE WHATIF late=T-9:3", "NOTFOUND"),
        ("BACKLOG.OPTIMIZE WHATIF surge=NOPE:130", "NOTFOUND"),
        (
            "BACKLOG.OPTIMIZE WHATIF surge=130 APPLY",
            "INVALID argument is 'APPLY'",
        ),
    ] {
        let reply = connection.say(line);
        let refusal = refusal(&reply);
        assert!(refusal.starts_with(begins), "{line}: {refusal}");
    }
    let before = server.engine.state_hash(server.clock.now());
    let line = "BACKLOG.OPTIMIZE STRATEGY gain WHATIF close=WEST WHATIF surge=200,weight=late:0";
    let run = begin(&mut connection, line);
    wait_until("they are compared", || state(&mut connection) == "done");
    let status = connection.say(&format!("BACKLOG.STATUS {run}"));
    let Value::Array(told) = field(&status, "what_if") else {
        panic!("no scenarios: {status:?}");
    };
    let names: Vec<String> = told
        .iter()
        .map(|one| field(one, "scenario").as_str().unwrap().to_owned())
        .collect();
    let scenario = "surge=200,weight=late:0";
    assert_eq!(names, ["today", "plan", "close=WEST", scenario]);
    let total = |of: usize| match field(&told[of], "total_cents") {
        Value::Int(cents) => cents,
        other => panic!("{other:?}"),
    };
    assert!(total(1) < total(0), "each gets the unit that is near");
    assert!(total(2) > total(1), "one place less");
    assert_eq!(field(&told[2], "broken"), Value::Int(1));
    assert_eq!(field(&told[3], "surge_orders"), Value::Int(2));
    // The same as `allot reoptimize --what-if` comes to.
    let plan = connection.say(&format!("BACKLOG.PLAN {run}"));
    let compared = WhatIf::parse(plan.as_str().unwrap()).unwrap();
    let scenarios = names[2..].iter().map(|name| Scenario::parse(name).unwrap());
    let scenarios: Vec<Scenario> = scenarios.collect();
    let rules = Rules {
        strategy: Strategy::Gain,
        ..Rules::default()
    };
    let (engine, now) = (&server.engine, EpochMillis::parse(&compared.now).unwrap());
    let asked = (&Scope::default(), &rules);
    let hear = &mut |_: &str, _| ControlFlow::Continue(());
    let same = what_if(engine, asked, &scenarios, (1, now), hear, &|| true).unwrap();
    assert_eq!(same.columns, compared.columns);
    // Nothing of it can be applied, and nothing was changed.
    let refused = connection.say(&format!("BACKLOG.APPLY RUN {run}"));
    let refused = refusal(&refused);
    assert!(refused.starts_with("INVALID run is"), "{refused}");
    assert!(refused.contains("WHATIF"), "{refused}");
    let after = server.engine.state_hash(server.clock.now());
    assert_eq!(after, before);
    server.stop();
}
