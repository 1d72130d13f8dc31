//! An engine of one's own in the state that another has at one moment.
//!
//! For work that takes long and must not be in anybody's way: it is done on the copy. Made from a cut,
//! as a snapshot is, but from memory to memory: orders and decisions are shared, quantities copied.
//! What a copy does is told to nobody.

use super::Engine;
use super::error::EngineError;
use super::image::{Cut, Records};
use super::replay::Replay;
use crate::model::{EpochMillis, Invalid, Item, Lsn, Network, Opening, ScarcityRow};
use crossbeam::channel::unbounded;
use std::sync::Arc;

impl Engine {
    /// A copy of all state at a moment between two steps; with the number of the last fact in it.
    /// References of writes and consumer groups are left out. Others go on working
    /// meanwhile, as while a snapshot is taken; one that is being taken is waited for.
    ///
    /// # Errors
    /// `INVALID` naming what cannot be copied, which nothing that was accepted is.
    pub fn copy(&self, now: EpochMillis) -> Result<(Self, Lsn), EngineError> {
        let (network, scarcity) = self.network_to_copy();
        let cut = self.cut(now);
        let at = cut.at();
        let mut replay = Replay::new(network, self.limits)?;
        let items = copy_all(&cut, &mut replay).map_err(impossible)?;
        drop(cut);
        let opening = Opening {
            // They are known: so every item keeps its number.
            items: items.into_iter().map(|item| (*item).clone()).collect(),
            ..Opening::default()
        };
        let copy = replay.finish(opening, None, at, now)?;
        copy.set_scarcity(scarcity)?;
        Ok((copy, at))
    }

    /// The network, its rules by the registry's numbers, and apart from it what units are worth.
    fn network_to_copy(&self) -> (Network, Vec<ScarcityRow>) {
        let mut network = self.network.lock().clone();
        let scarcity = std::mem::take(&mut network.scarcity);
        network.promise = self.ledger.rules();
        network.replan = self.replan_rules().clone();
        // Nobody asks a copy what is due, and these name places by their order in the folder.
        network.deadlines.clear();
        (network, scarcity)
    }
}

fn impossible(why: String) -> EngineError {
    Invalid::new("state", why, "state that can be copied").into()
}

/// Fills a replay with everything that there was at a cut; returns the items by their numbers.
fn copy_all(cut: &Cut<'_>, replay: &mut Replay) -> Result<Vec<Arc<Item>>, String> {
    let meta = cut.meta();
    replay.restore_names(meta)?;
    let items: Vec<Arc<Item>> = cut.items().collect();
    for item in &items {
        replay.restore_item((**item).clone())?;
    }
    replay.restore_rules(&meta.rules);
    let ledger = &replay.engine.ledger;
    cut.each_shard(|shard| {
        let (ends, positions) = (&shard.row_ends, &shard.positions);
        ledger.restore_shard(shard.number, shard.now, ends, positions, &shard.side)
    })?;
    for (id, supply) in cut.supplies() {
        ledger.restore_supply(&id, supply);
    }
    for (id, hold) in cut.holds() {
        ledger.restore_hold(&id, hold)?;
    }
    for record in cut.exceptions() {
        replay.engine.desk.restore(|all| all.restore(record));
    }
    copy_records(cut, replay)?;
    ledger.check_restored()?;
    replay.restore_rest(meta)?;
    Ok(items)
}

/// Whoever looks at the records holds their locks: making copies of them is left to another thread.
fn copy_records(cut: &Cut<'_>, replay: &Replay) -> Result<(), String> {
    let (send, receive) = unbounded();
    std::thread::scope(|scope| {
        scope.spawn(move || cut.each_record(|records| drop(send.send(records))));
        receive.iter().try_for_each(|records| match records {
            Records::Orders(all) => all.into_iter().try_for_each(|o| replay.restore_order(o)),
            Records::Reservations(all) => all.into_iter().try_for_each(|r| replay.restore_put(r)),
            Records::References(_) => Ok(()),
        })
    })
}
