//! Bytes as a snapshot: taken over by an engine or refused, never a panic.
#![no_main]

use allot::engine::{Limits, Replay};
use allot::model::{Lsn, Network};
use allot::snapshot::{Glance, Snapshot, name_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.get(32..40).map_or(0, |n| u64::from_le_bytes(n.try_into().unwrap()));
    let Ok(snapshot) = Snapshot::open(&name_of(Lsn(at)), bytes.to_vec().into()) else {
        return;
    };
    let _ = Glance::of(&snapshot).atp("SKU-1");
    let mut replay = Replay::new(Network::default(), Limits::default()).unwrap();
    let _ = replay.restore(&snapshot, &|_, _| {});
});
