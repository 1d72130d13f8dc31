//! The same world over crashes: the engine is gone in the middle of random histories, also in the middle
//! of a step, and comes back from its journal, or from a snapshot and what came after.
//!
//! The journal is in `sync`. What was answered is there; of the one command that nobody was answered the
//! beginning of its facts may be, as far as they reached the disk: its order is then as it was or as it
//! would be, never something else. Beside the state stand the events of its facts, whose sum it is.

use super::disk::{FaultDisk, Files};
use super::engine_support::reader::{Reader, parts_of, positions_of};
use super::engine_support::{NOW, network, order, stocked, submit};
use super::{ORDERS, SKUS, STOCK, World, parts, shipped_of, wanted_by, wants};
use allot::bench::random::Random;
use allot::engine::{ClaimAsk, Engine, FactSink, Limits, PartName, Replay};
use allot::journal::{Durability, Journal, Options};
use allot::lifecycle::State;
use allot::model::{Change, ClaimMode, EpochMillis, Fact, Lsn, Millis};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Facts = Arc<Mutex<Vec<(EpochMillis, Fact)>>>;

/// A journal whose process dies after so many more steps of facts; the dead do not notice.
struct Mortal {
    journal: Journal,
    facts: Facts,
    left: Arc<AtomicU64>,
}

impl FactSink for Mortal {
    fn append(&self, at: EpochMillis, facts: &[Fact]) -> Lsn {
        let mut all = self.facts.lock();
        all.extend(facts.iter().map(|fact| (at, fact.clone())));
        let latest = Lsn(all.len() as u64);
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            assert_eq!(self.journal.append(at, facts), latest);
        }
        latest
    }
}

/// An engine on a disk.
struct Home {
    disk: FaultDisk,
    engine: Engine,
    journal: Journal,
    facts: Facts,
    left: Arc<AtomicU64>,
}

fn dir() -> &'static Path {
    Path::new("/data")
}

impl Home {
    /// Brings back what is on a disk. `known` are facts of which it has the first.
    fn start(files: Files, known: Facts, now: EpochMillis) -> Self {
        let disk = FaultDisk::of(files);
        let options = Options {
            durability: Durability::Sync,
            segment_bytes: 8_000,
        };
        let fresh = || Replay::new(network(), Limits::default());
        let opened = Replay::open(Arc::new(disk.clone()), dir(), options, &fresh, &|_| {}).unwrap();
        let (journal, last) = (opened.journal, opened.recovered.last);
        known.lock().truncate(usize::try_from(last.0).unwrap());
        let left = Arc::new(AtomicU64::new(u64::MAX));
        let sink = Mortal {
            journal: journal.clone(),
            facts: known.clone(),
            left: left.clone(),
        };
        let opening = stocked(&STOCK);
        let engine = opened
            .replay
            .finish(opening, Some(Box::new(sink)), last, now);
        Self {
            disk,
            engine: engine.unwrap(),
            journal,
            facts: known,
            left,
        }
    }

    /// Nobody is answered before it is on the disk.
    fn answer(&self) {
        self.journal.wait(self.engine.latest_fact()).unwrap();
    }

    /// Somebody who only reads events knows as much as the engine.
    fn check_events(&self, what: &str, now: EpochMillis) {
        let mut read = Reader::of(&self.engine, &self.facts.lock());
        let mut positions = positions_of(&self.engine, now);
        positions.retain(|_, units| *units != (0, 0, 0));
        read.positions.retain(|_, units| *units != (0, 0, 0));
        assert_eq!(read.positions, positions, "{what}");
        assert_eq!(read.parts, parts_of(&self.engine), "{what}");
    }
}

/// Where each part stands.
fn states(engine: &Engine) -> BTreeMap<(String, u32), State> {
    let ids = (0..ORDERS).map(|id| id.to_string());
    let placed = ids.filter(|id| engine.order("shop", id).is_ok());
    let each = placed.flat_map(|id| {
        let parts = parts(engine, &id).into_iter();
        parts.map(move |part| ((id.clone(), part.id.number), part.state))
    });
    each.collect()
}

impl World {
    /// Whether an order is as this world knows it.
    fn agrees(&self, engine: &Engine, id: &str) -> bool {
        let is = wanted_by(engine, id).map(|order| wants(&order));
        let units = |sku| {
            let unit = (id.to_owned(), sku);
            let units = self.left.iter().filter(|left| **left == unit).count();
            u32::try_from(units).unwrap()
        };
        let left = || (0..SKUS).all(|sku| shipped_of(engine, id, sku) == units(sku));
        self.wanted.get(id) == is.as_ref() && left()
    }

    /// The world after a crash in the middle of a step that led from `before` to this one. Nobody was
    /// answered, so nobody knows a new token, and whoever sent a message sends it again.
    fn found(&self, before: &Self, engine: &Engine, what: &str) -> Self {
        let ids: Vec<String> = (0..ORDERS).map(|id| id.to_string()).collect();
        let fits = |world: &Self| ids.iter().all(|id| world.agrees(engine, id));
        let is = match (fits(self), fits(before)) {
            (true, _) => self,
            (false, true) => before,
            (false, false) => panic!("{what}: neither as it was nor as it would be"),
        };
        Self {
            tokens: before.tokens.clone(),
            post: before.post.clone(),
            refused: self.refused.clone(),
            now: self.now,
            ..is.clone()
        }
    }
}

/// One crash: what was on the disk comes back; returns whether it was in the middle of a step.
fn crash(home: &mut Home, world: &mut World, random: &mut Random, what: &str) -> bool {
    home.answer();
    let before = world.clone();
    let safe = home.engine.latest_fact();
    let stood = states(&home.engine);
    let hash = home.engine.state_hash(world.now());
    // One more command, whose answer nobody gets: it dies after some of its facts.
    let reach = random.below(4);
    if reach > 0 {
        home.left.store(reach - 1, Ordering::Relaxed);
        world.step(&home.engine, random);
    }
    let files = match random.chance(50) {
        true => home.disk.after_power_cut(random),
        false => home.disk.files(),
    };
    let whole = home.engine.latest_fact();
    home.journal.close().unwrap();
    *home = Home::start(files, home.facts.clone(), world.now());
    let found = home.engine.latest_fact();
    assert!(
        safe <= found && found <= whole,
        "{what}: {safe:?} {found:?}"
    );
    if found == safe {
        let again = home.engine.state_hash(before.now());
        assert_eq!(again, hash, "{what}: it is as it was");
    }
    for (part, is) in states(&home.engine) {
        let was = stood.get(&part).copied().unwrap_or(State::Received);
        assert!(
            is >= was || !was.with_holder(),
            "{what}: {part:?} {was:?} {is:?}"
        );
    }
    home.check_events(what, world.now());
    // As a server does that starts.
    home.engine.finish_steps(world.now());
    *world = world.found(&before, &home.engine, what);
    safe < found && found < whole
}

#[test]
fn nothing_is_lost_shipped_twice_or_moved_back_by_a_crash() {
    let (mut crashes, mut halves) = (0, 0);
    for seed in 0..45 {
        let mut home = Home::start(Files::new(), Facts::default(), NOW);
        let (mut world, mut random) = (World::default(), Random::new(seed));
        for step in 0..200 {
            let what = format!("seed {seed}, step {step}");
            world.step(&home.engine, &mut random);
            match random.below(12) {
                0 => {
                    let Home {
                        engine,
                        journal,
                        disk,
                        ..
                    } = &home;
                    engine
                        .take_snapshot(journal, disk, dir(), world.now())
                        .unwrap();
                }
                1 => {
                    crashes += 1;
                    halves += u32::from(crash(&mut home, &mut world, &mut random, &what));
                }
                _ => {}
            }
            home.answer();
            world.check(&home.engine, &what);
        }
        home.check_events(&format!("seed {seed}"), world.now());
        home.journal.close().unwrap();
    }
    assert!(
        crashes > 200 && halves > 8,
        "{crashes} crashes, {halves} in a step"
    );
}

/// A rejection is one fact and the new place another: a process that dies in between comes back with the
/// first alone, and places the units when it starts.
#[test]
fn what_a_stop_in_the_middle_of_a_step_has_left_undone_is_done_at_the_start() {
    let home = Home::start(Files::new(), Facts::default(), NOW);
    submit(&home.engine, order("1", &[(0, 2)])).unwrap();
    let ask = ClaimAsk {
        location: "EAST",
        holder: "wms",
        count: 1,
        lease: Millis(60_000),
        mode: ClaimMode::WorkAtOnce,
        order: None,
    };
    let token = home.engine.claim(&ask, NOW).unwrap()[0].1.token;
    home.left.store(1, Ordering::Relaxed);
    let (name, reason) = (part_name("1"), "closed".into());
    let reject = Change::Reject { reason };
    let told = home
        .engine
        .tell_fulfillment(name, Some(&token), &reject, NOW);
    assert_eq!(told.unwrap().placed, [2], "who died had placed them");
    home.journal.close().unwrap();

    let home = Home::start(home.disk.files(), home.facts, NOW);
    assert_eq!(parts(&home.engine, "1").len(), 1);
    home.engine.finish_steps(NOW);
    let all = parts(&home.engine, "1");
    let states: Vec<State> = all.iter().map(|part| part.state).collect();
    assert_eq!(states, [State::Rejected, State::Routed]);
    let before = home.engine.latest_fact();
    home.engine.finish_steps(NOW);
    assert_eq!(home.engine.latest_fact(), before, "once");
    home.journal.close().unwrap();
}

fn part_name(order: &str) -> PartName<'_> {
    PartName {
        source: "shop",
        order,
        number: 1,
    }
}
