//! Snapshots: taken under load, read back, damaged, cut, interrupted. Whatever happens to the files,
//! the state that comes back is the state that was, or a clear refusal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "this program uses its part of it")]
#[path = "journal_support/disk.rs"]
mod disk;
mod engine_support;

use allot::bench::random::Random;
use allot::engine::{
    ClaimAsk, CountReport, Engine, FactSink, Limits, Opened, RecoveryError, Replay,
};
use allot::journal::{Durability, Journal, Options};
use allot::model::{ClaimMode, EpochMillis, Millis, Network, Qty};
use allot::snapshot::{Early, Glance, Snapshot, SnapshotError, found};
use disk::{FaultDisk, Files};
use engine_support::commands::{command, kept_by, opening};
use engine_support::{NOW, network, ruled};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

fn dir() -> &'static Path {
    Path::new("/data")
}

fn options() -> Options {
    Options {
        durability: Durability::None,
        segment_bytes: 4_000,
    }
}

fn open(disk: &FaultDisk) -> Result<Opened, RecoveryError> {
    open_with(disk, ruled)
}

fn open_with(disk: &FaultDisk, network: fn() -> Network) -> Result<Opened, RecoveryError> {
    let fresh = || Replay::new(network(), Limits::default());
    Replay::open(Arc::new(disk.clone()), dir(), options(), &fresh, &|_| {})
}

/// An engine on a disk, brought back or new.
fn start(disk: &FaultDisk, now: EpochMillis) -> (Engine, Journal, Option<String>) {
    start_with(disk, ruled, now)
}

fn start_with(
    disk: &FaultDisk,
    network: fn() -> Network,
    now: EpochMillis,
) -> (Engine, Journal, Option<String>) {
    let opened = open_with(disk, network).unwrap();
    let sink: Box<dyn FactSink> = Box::new(opened.journal.clone());
    let last = opened.recovered.last;
    let engine = opened.replay.finish(opening(), Some(sink), last, now);
    (engine.unwrap(), opened.journal, opened.snapshot)
}

fn take(engine: &Engine, journal: &Journal, disk: &FaultDisk, now: EpochMillis) -> String {
    let taken = engine.take_snapshot(journal, disk, dir(), now).unwrap();
    taken.file.name
}

fn count() -> CountReport<'static> {
    CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(11),
        as_of: None,
        deducted: &[],
    }
}

/// Names what differs rather than printing everything.
fn alike(left: &[String], right: &[String]) {
    let differs = left.iter().zip(right).find(|(l, r)| l != r);
    assert_eq!(differs, None);
    assert_eq!(left.len(), right.len());
}

fn without_sequence(kept: &str) -> String {
    match kept.split_once("sequence: ") {
        None => kept.to_owned(),
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}{rest}")
        }
    }
}

/// A folder with two snapshots and facts after each; the hash of its state.
fn sample(seed: u64, steps: usize) -> (Files, u64, EpochMillis) {
    let disk = FaultDisk::default();
    let (engine, journal, _) = start(&disk, NOW);
    let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
    for _ in 0..3 {
        for _ in 0..steps {
            command(&engine, &mut random, &clock);
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        take(&engine, &journal, &disk, now);
    }
    for _ in 0..steps {
        command(&engine, &mut random, &clock);
    }
    let now = EpochMillis(clock.load(Ordering::Relaxed));
    journal.close().unwrap();
    (disk.files(), engine.state_hash(now), now)
}

#[test]
fn a_snapshot_taken_under_load_and_the_facts_after_it_give_the_same_state() {
    for seed in 0..10 {
        let disk = FaultDisk::default();
        let (engine, journal, _) = start(&disk, NOW);
        let clock = AtomicI64::new(NOW.0);
        take(&engine, &journal, &disk, NOW);
        let busy = AtomicBool::new(true);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3)
                .map(|thread| {
                    let (engine, clock) = (&engine, &clock);
                    scope.spawn(move || {
                        let mut random = Random::new(seed * 100 + thread);
                        for _ in 0..600 {
                            command(engine, &mut random, clock);
                        }
                    })
                })
                .collect();
            let (engine, journal, disk, clock, busy) = (&engine, &journal, &disk, &clock, &busy);
            scope.spawn(move || {
                while busy.load(Ordering::Relaxed) {
                    let now = EpochMillis(clock.load(Ordering::Relaxed));
                    take(engine, journal, disk, now);
                }
            });
            for worker in workers {
                worker.join().unwrap();
            }
            busy.store(false, Ordering::Relaxed);
        });
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        engine.set_stock("last", &count(), now).unwrap();
        take(&engine, &journal, &disk, now);
        engine.set_stock("after", &count(), now).unwrap();
        journal.close().unwrap();
        let snapshots = found(&disk, dir()).unwrap();
        assert_eq!(snapshots.len(), 2, "the two newest are kept");

        // From the newest, and, as if that were damaged, from the one before it.
        for without in [None, Some(&snapshots[0].name)] {
            let mut files = disk.files();
            without.map(|name| files.remove(name));
            let (again, _, used) = start(&FaultDisk::of(files), now);
            let expected = &snapshots[usize::from(without.is_some())].name;
            assert_eq!(used.as_ref(), Some(expected));
            assert_eq!(again.ledger().audit(now), [], "seed {seed}");
            alike(&kept_by(&again, now), &kept_by(&engine, now));
            assert_eq!(again.state_hash(now), engine.state_hash(now), "seed {seed}");
            assert_eq!(again.latest_fact(), engine.latest_fact(), "seed {seed}");
            let (a, b) = (again.order_counts(), engine.order_counts());
            assert_eq!(
                (a.accepted, a.split, a.backordered, a.cancelled),
                (b.accepted, b.split, b.backordered, b.cancelled)
            );
        }
    }
}

/// What a new engine does after a restart is what the old one would have done.
#[test]
fn life_goes_on_after_a_restart_as_without_it() {
    // Without rules: what is due at one moment is found in another order after a restart, so exceptions
    // have other numbers, and these commands decide by numbers which of them a rule leaves alone.
    for seed in 0..20 {
        let (disk, other) = (FaultDisk::default(), FaultDisk::default());
        let (mut engine, mut journal, _) = start_with(&disk, network, NOW);
        let (steady, steady_journal, _) = start_with(&other, network, NOW);
        let (mut random, mut same) = (Random::new(seed), Random::new(seed));
        let (clock, same_clock) = (AtomicI64::new(NOW.0), AtomicI64::new(NOW.0));
        for round in 0..4 {
            for _ in 0..150 {
                command(&engine, &mut random, &clock);
                command(&steady, &mut same, &same_clock);
            }
            let now = EpochMillis(clock.load(Ordering::Relaxed));
            if round % 2 == 0 {
                take(&engine, &journal, &disk, now);
            }
            journal.close().unwrap();
            (engine, journal, _) = start_with(&disk, network, now);
            // A server that starts does what a stop may have left undone, and what is due: so does the
            // other.
            for engine in [&engine, &steady] {
                engine.finish_steps(now);
                while engine.due(now, usize::MAX) > 0 {}
            }
            // A refusal takes a place in the order of creation, which a restart gives to the next.
            let here = |engine| -> Vec<String> {
                let all = kept_by(engine, now).into_iter();
                all.map(|kept| without_sequence(&kept)).collect()
            };
            alike(&here(&engine), &here(&steady));
        }
        journal.close().unwrap();
        steady_journal.close().unwrap();
    }
}

#[test]
fn what_no_snapshot_needs_is_removed() {
    let (files, hash, now) = sample(1, 200);
    let disk = FaultDisk::of(files.clone());
    let kept = found(&disk, dir()).unwrap();
    assert_eq!(kept.len(), 2);
    let first_segment = files.keys().find(|name| name.starts_with("journal-"));
    assert!(
        !first_segment
            .unwrap()
            .ends_with("00000000000000000001.allot"),
        "the first segments are gone: {:?}",
        files.keys()
    );
    // Without any snapshot the beginning is missed, and the refusal says so.
    let mut bare = files.clone();
    bare.retain(|name, _| name.starts_with("journal-"));
    let refused = open(&FaultDisk::of(bare)).err().unwrap().to_string();
    assert!(refused.contains("facts 1 to"), "{refused}");
    let (engine, ..) = start(&disk, now);
    assert_eq!(engine.state_hash(now), hash);
}

fn snapshot(files: &Files, index: usize) -> (String, Vec<u8>) {
    let mut names: Vec<_> = files
        .keys()
        .filter(|n| n.starts_with("snapshot-"))
        .collect();
    names.reverse();
    (names[index].clone(), files[names[index]].clone())
}

#[test]
fn every_flipped_bit_of_a_snapshot_is_found() {
    let (files, hash, now) = sample(2, 40);
    let (name, bytes) = snapshot(&files, 0);
    let whole = Snapshot::open(&name, bytes.clone().into()).unwrap();
    whole.verify(&mut |_, _| {}).unwrap();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let found = Snapshot::open(&name, flipped.into())
            .and_then(|snapshot| snapshot.verify(&mut |_, _| {}));
        assert!(found.is_err(), "bit {} of byte {}", bit % 8, bit / 8);
    }
    // And recovery goes back to the snapshot before it, and to the same state.
    let mut random = Random::new(3);
    for _ in 0..60 {
        let mut damaged = files.clone();
        let at = random.index(bytes.len());
        damaged.get_mut(&name).unwrap()[at] ^= 0x10;
        let disk = FaultDisk::of(damaged);
        let opened = open(&disk).unwrap();
        assert_eq!(opened.snapshot.as_ref(), Some(&snapshot(&files, 1).0));
        assert!(opened.refused[0].contains(&name), "{:?}", opened.refused);
        let engine = opened
            .replay
            .finish(opening(), None, opened.recovered.last, now);
        assert_eq!(engine.unwrap().state_hash(now), hash, "byte {at}");
        // It is set aside, so that it is not one of the two newest when the next one is kept.
        let left: Vec<_> = disk.files().into_keys().collect();
        assert!(left.contains(&format!("{name}.damaged")), "{left:?}");
        assert!(!left.contains(&name), "{left:?}");
    }
}

#[test]
fn every_cut_of_a_snapshot_is_found() {
    let (files, ..) = sample(4, 40);
    let (name, bytes) = snapshot(&files, 0);
    for length in 0..bytes.len() {
        let cut = Snapshot::open(&name, bytes[..length].to_vec().into());
        assert!(cut.is_err(), "cut to {length} bytes");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Snapshot::open(&name, longer.into()).is_err());
}

#[test]
fn when_both_snapshots_are_damaged_the_refusal_names_both() {
    let (mut files, ..) = sample(5, 100);
    let names = [snapshot(&files, 0).0, snapshot(&files, 1).0];
    for name in &names {
        files.get_mut(name).unwrap()[100] ^= 1;
    }
    let refused = open(&FaultDisk::of(files)).err().unwrap().to_string();
    for name in &names {
        assert!(refused.contains(name.as_str()), "{refused}");
    }
    assert!(refused.contains("facts 1 to"), "{refused}");
}

#[test]
fn a_snapshot_of_another_directory_or_under_another_name_is_refused() {
    let (files, ..) = sample(6, 60);
    let (other, ..) = sample(6, 60);
    let (name, _) = snapshot(&files, 0);
    let (theirs, bytes) = snapshot(&other, 0);
    let mut mixed = files.clone();
    mixed.remove(&name);
    mixed.insert(theirs, bytes.clone());
    let refused = open(&FaultDisk::of(mixed)).err().unwrap().to_string();
    assert!(refused.contains("another data directory"), "{refused}");
    let renamed = Snapshot::open("snapshot-00000000000000000007.allot", bytes.into());
    assert!(matches!(renamed, Err(SnapshotError::Damaged { .. })));
}

#[test]
fn a_newer_snapshot_is_refused_by_version() {
    let (files, ..) = sample(7, 20);
    let (name, mut bytes) = snapshot(&files, 0);
    bytes[8] = 9;
    let sum = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&sum.to_le_bytes());
    let refused = Snapshot::open(&name, bytes.into()).err().unwrap();
    assert!(matches!(
        refused,
        SnapshotError::Newer {
            version: 9,
            ours: 1,
            ..
        }
    ));
    assert!(
        refused.to_string().contains("use a newer program"),
        "{refused}"
    );
}

/// Whatever fails while a snapshot is taken: commands go on, and what was there before is there.
#[test]
fn a_snapshot_that_fails_at_any_call_or_is_cut_off_by_a_power_cut_costs_nothing() {
    for failing in 0.. {
        let disk = FaultDisk::default();
        let (engine, journal, _) = start(&disk, NOW);
        let (mut random, clock) = (Random::new(8), AtomicI64::new(NOW.0));
        for _ in 0..3 {
            for _ in 0..60 {
                command(&engine, &mut random, &clock);
            }
            take(&engine, &journal, &disk, NOW);
        }
        for _ in 0..60 {
            command(&engine, &mut random, &clock);
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        let hash = engine.state_hash(now);
        journal.rotate().unwrap();
        let calls = disk.calls();
        disk.fail_from(calls + 1 + failing);
        let taken = engine.take_snapshot(&journal, &disk, dir(), now);
        let works = engine.order("shop", "nobody's").is_err() && engine.state_hash(now) == hash;
        assert!(works, "call {failing}");
        for seed in 0..4 {
            let files = match seed {
                0 => disk.files(),
                seed => disk.after_power_cut(&mut Random::new(seed)),
            };
            let disk = FaultDisk::of(files);
            let (again, journal, _) = start(&disk, now);
            assert_eq!(again.state_hash(now), hash, "call {failing}, seed {seed}");
            // The next one can be taken, whatever the last one left behind.
            take(&again, &journal, &disk, now);
        }
        if taken.is_ok() && !disk.failed() {
            assert!(failing > 5, "{failing} calls");
            break;
        }
    }
}

/// The secret comes back from the facts and from a snapshot, so no holder loses what he has.
#[test]
fn a_release_token_survives_every_restart() {
    let disk = FaultDisk::default();
    let claim = |engine: &Engine, first: bool| {
        let ask = ClaimAsk {
            location: "EAST",
            holder: "wms",
            count: 1,
            lease: Millis(60_000),
            mode: ClaimMode::WorkAtOnce,
            order: None,
        };
        let (_, release) = engine.claim(&ask, NOW).unwrap().pop().unwrap();
        assert_eq!(release.repeat, !first);
        release.token.to_string()
    };
    let (engine, journal, _) = start(&disk, NOW);
    let order = engine_support::order("1", &[(0, 1)]);
    engine_support::submit(&engine, order).unwrap();
    let token = claim(&engine, true);
    journal.close().unwrap();
    for restart in 0..3 {
        let (engine, journal, snapshot) = start(&disk, NOW);
        assert_eq!(snapshot.is_some(), restart > 0);
        assert_eq!(claim(&engine, false), token);
        take(&engine, &journal, &disk, NOW);
        journal.close().unwrap();
    }
}

/// What the commands copied for a snapshot that failed must not get into the next one of the same life.
#[test]
fn a_snapshot_after_a_failed_one_is_of_its_own_moment() {
    let mut failures = 0;
    for failing in 0..30 {
        let disk = FaultDisk::default();
        let (engine, journal, _) = start(&disk, NOW);
        let (mut random, clock) = (Random::new(failing), AtomicI64::new(NOW.0));
        for _ in 0..60 {
            command(&engine, &mut random, &clock);
        }
        disk.fail_from(disk.calls() + 1 + failing);
        let taken = engine.take_snapshot(&journal, &disk, dir(), NOW);
        disk.fail_from(u64::MAX);
        for _ in 0..60 {
            command(&engine, &mut random, &clock);
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        if taken.is_ok() {
            continue;
        }
        failures += 1;
        // A rotation that failed ended the journal: then no snapshot can be taken in this life.
        if engine.take_snapshot(&journal, &disk, dir(), now).is_ok() {
            let hash = engine.state_hash(now);
            let names: Vec<_> = disk.files().into_keys().collect();
            assert!(!names.iter().any(|n| n.ends_with(".tmp")), "{names:?}");
            let (again, ..) = start(&FaultDisk::of(disk.files()), now);
            assert_eq!(again.state_hash(now), hash, "call {failing}");
        }
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn a_glance_says_what_the_engine_said() {
    let disk = FaultDisk::default();
    let (engine, journal, _) = start(&disk, NOW);
    let (mut random, clock) = (Random::new(9), AtomicI64::new(NOW.0));
    let mut plain = 0;
    for _ in 0..40 {
        for _ in 0..10 {
            command(&engine, &mut random, &clock);
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        let name = take(&engine, &journal, &disk, now);
        let bytes = disk.files().remove(&name).unwrap();
        let snapshot = Snapshot::open(&name, bytes.into()).unwrap();
        let glance = Glance::of(&snapshot);
        for sku in ["SKU-0", "SKU-1", "SKU-2", "SKU-3"] {
            if let Early::Units(units) = glance.atp(sku).unwrap() {
                assert_eq!(units, engine_support::atp(&engine, sku));
                plain += 1;
            }
        }
        assert_eq!(glance.atp("nobody's").unwrap(), Early::Unknown);
        for id in 0..80 {
            let id = id.to_string();
            let key = allot::model::OrderKey::new("shop", &id);
            let seen = glance.order(&key).unwrap();
            let known = engine.order("shop", &id).ok();
            assert_eq!(
                seen.map(|o| (o.order, o.decision, o.parts)),
                known.map(|o| (o.order, o.decision, o.parts))
            );
        }
    }
    assert!(plain > 10, "only {plain} items could be answered for");
}
