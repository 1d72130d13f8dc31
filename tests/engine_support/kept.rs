//! A history in memory, and engines that begin with one or write one.

use super::NOW;
use allot::engine::{Engine, FactSink, Limits, Replay};
use allot::model::{EpochMillis, Fact, Lsn, Network, Opening};
use parking_lot::Mutex;
use std::sync::Arc;

/// The facts of one append: what a journal keeps whole or not at all.
pub(crate) type Step = Vec<(EpochMillis, Fact)>;

/// Keeps facts in memory, step by step, in the order in which they were numbered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Steps>>);

#[derive(Debug, Default)]
struct Steps {
    all: Vec<Step>,
    facts: u64,
}

impl FactSink for Kept {
    fn append(&self, at: EpochMillis, facts: &[Fact]) -> Lsn {
        let mut kept = self.0.lock();
        kept.facts += facts.len() as u64;
        kept.all
            .push(facts.iter().map(|fact| (at, fact.clone())).collect());
        Lsn(kept.facts)
    }
}

impl Kept {
    /// What an engine is given that is to write here.
    pub(crate) fn sink(&self) -> Option<Box<dyn FactSink>> {
        Some(Box::new(self.clone()))
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.0.lock().all.clone()
    }

    pub(crate) fn facts(&self) -> Vec<(EpochMillis, Fact)> {
        self.0.lock().all.iter().flatten().cloned().collect()
    }
}

/// A new engine, and what it writes.
pub(crate) fn recorded(network: Network, opening: Opening) -> (Engine, Kept) {
    let kept = Kept::default();
    let engine = Engine::new(network, opening, Limits::default(), kept.sink(), NOW);
    (engine.unwrap(), kept)
}

/// The state that facts give.
pub(crate) fn replay(network: Network, facts: &[(EpochMillis, Fact)]) -> Replay {
    let mut replay = Replay::new(network, Limits::default()).unwrap();
    for (number, (at, fact)) in facts.iter().enumerate() {
        let applied = replay.apply(*at, fact.clone());
        assert_eq!(
            applied,
            Ok(()),
            "fact {number} of {}: {fact:?}",
            facts.len()
        );
    }
    replay
}

/// The engine after a stop that left these facts.
pub(crate) fn restarted(
    network: Network,
    opening: Opening,
    facts: &[(EpochMillis, Fact)],
    now: EpochMillis,
) -> Engine {
    let latest = Lsn(facts.len() as u64);
    let replay = replay(network, facts);
    replay.finish(opening, None, latest, now).unwrap()
}
