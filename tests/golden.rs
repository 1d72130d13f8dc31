//! A data directory as an earlier program wrote it: every later one must bring it back.
//!
//! `data/golden/v1` was written with `ALLOT_WRITE_GOLDEN=data/golden/v1 cargo test --test golden`. A
//! change of the format gets a new number and a new folder; the old ones stay.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{Engine, FactSink, Limits, Replay};
use allot::journal::{Durability, Journal, Options, RealDisk};
use allot::model::EpochMillis;
use engine_support::commands::{command, opening};
use engine_support::{NOW, network};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/v1")
}

fn start(dir: &Path, now: EpochMillis) -> (Engine, Journal, Option<String>) {
    let fresh = || Replay::new(network(), Limits::default());
    let options = Options {
        durability: Durability::None,
        ..Options::default()
    };
    let opened = Replay::open(Arc::new(RealDisk), dir, options, &fresh, &|_| {}).unwrap();
    let sink: Box<dyn FactSink> = Box::new(opened.journal.clone());
    let last = opened.recovered.last;
    let engine = opened.replay.finish(opening(), Some(sink), last, now);
    (engine.unwrap(), opened.journal, opened.snapshot)
}

/// Its files, and the moment and the hash of its state.
fn write(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    let (engine, journal, _) = start(dir, NOW);
    let (mut random, clock) = (Random::new(1), AtomicI64::new(NOW.0));
    let now = || EpochMillis(clock.load(Ordering::Relaxed));
    for _ in 0..3 {
        for _ in 0..150 {
            command(&engine, &mut random, &clock);
        }
        engine
            .take_snapshot(&journal, &RealDisk, dir, now())
            .unwrap();
    }
    for _ in 0..50 {
        command(&engine, &mut random, &clock);
    }
    journal.close().unwrap();
    let state = format!("{} {:016x}\n", now().0, engine.state_hash(now()));
    std::fs::write(dir.join("state"), state).unwrap();
}

#[test]
fn a_directory_of_version_1_comes_back() {
    if let Ok(dir) = std::env::var("ALLOT_WRITE_GOLDEN") {
        write(Path::new(&dir));
    }
    let state = std::fs::read_to_string(golden().join("state")).unwrap();
    let (now, hash) = state.trim().split_once(' ').unwrap();
    let now = EpochMillis(now.parse().unwrap());
    let newest = allot::snapshot::found(&RealDisk, &golden()).unwrap();
    assert_eq!(newest.len(), 2);
    // From the newest snapshot, and from the one before it.
    for without in [None, Some(&newest[0].name)] {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(golden()).unwrap() {
            let file = file.unwrap();
            if without.is_none_or(|name| file.file_name() != name.as_str()) {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
        }
        let (engine, _, used) = start(copy.path(), now);
        assert_eq!(
            used.as_ref(),
            Some(&newest[usize::from(without.is_some())].name)
        );
        assert_eq!(format!("{:016x}", engine.state_hash(now)), hash);
        assert_eq!(engine.ledger().audit(now), []);
    }
}
