//! Answers while state is still being read: from the map of a snapshot, as far as nothing after it
//! can have changed them.

use super::error::CommandError;
use super::table::Command;
use crate::journal::{Disk, scan_after};
use crate::model::{EpochMillis, Fact, SkuId};
use crate::snapshot::{Early as Said, Glance, Snapshot, SnapshotError, found};
use crate::wire::{Args, Reply};
use std::collections::HashSet;
use std::path::Path;

/// A snapshot and what the facts after it are about.
#[derive(Debug)]
pub struct Early {
    snapshot: Snapshot,
    touched: HashSet<SkuId>,
}

impl Early {
    /// Of the newest snapshot in a folder; `None` where nothing can be said from it, because there
    /// is none, or it is damaged, or a fact after it may be about any item.
    #[must_use]
    pub fn of(disk: &dyn Disk, dir: &Path) -> Option<Self> {
        let newest = found(disk, dir).ok()?.into_iter().next()?;
        let file = disk.map(&dir.join(&newest.name)).ok()?;
        let snapshot = Snapshot::open(&newest.name, file).ok()?;
        let sequence = snapshot.meta().ok()?.sequence;
        let mut touched = HashSet::new();
        let mut known = true;
        let mut see = |_, _: EpochMillis, fact: Fact| {
            known = known && note((&snapshot, sequence), &fact, &mut touched);
        };
        let scanned = scan_after(disk, dir, snapshot.at(), &mut see).ok()?;
        let mine = scanned.directory == snapshot.directory();
        (known && mine).then_some(Self { snapshot, touched })
    }

    /// Answers a command; `None` when that takes all state.
    pub(super) fn answer(&self, command: &Command, args: Args<'_>) -> Option<Reply> {
        if command.name != "ATP.GET" {
            return None;
        }
        let mut units = Vec::with_capacity(args.len() - 1);
        for name in args.iter().skip(1) {
            let atp = self.atp(std::str::from_utf8(name).ok()?).ok()??;
            units.push(Reply::Int(i64::try_from(atp).unwrap_or(i64::MAX)));
        }
        Some(Reply::Array(units))
    }

    fn atp(&self, name: &str) -> Result<Option<u64>, SnapshotError> {
        let glance = Glance::of(&self.snapshot);
        // It may have been introduced after the snapshot, and be a keyword of the command.
        let Some(sku) = glance.sku(name)? else {
            return Ok(None);
        };
        if self.touched.contains(&sku) {
            return Ok(None);
        }
        Ok(match glance.atp(name)? {
            Said::Units(units) => Some(units),
            Said::Unknown | Said::Later => None,
        })
    }
}

/// What is said to a command that has to wait.
pub(super) fn loading() -> Reply {
    let text = "the server is reading its state after a start; send the command again in a moment";
    CommandError::new("LOADING", text).into_reply()
}

/// Notes the items that a fact is about; `false` when that cannot be told. `next` is the place in the
/// order of creation that the snapshot would have given next.
fn note((snapshot, next): (&Snapshot, u64), fact: &Fact, touched: &mut HashSet<SkuId>) -> bool {
    match fact {
        Fact::ItemPut { .. }
        | Fact::LocationPut { .. }
        | Fact::LocationPaused { .. }
        | Fact::ChannelAdded { .. }
        | Fact::NetworkOpened { .. }
        | Fact::OpeningDone
        | Fact::Referenced { .. }
        | Fact::LoadAnswered { .. }
        | Fact::FeedGroup(_)
        | Fact::ExceptionChanged(_)
        // Of what runs out by itself the snapshot says that it does.
        | Fact::ReservationEnded { .. } => true,
        Fact::OnHandMoved { sku, .. }
        | Fact::SafetyStockSet { sku, .. }
        | Fact::HoldPlaced { sku, .. }
        | Fact::AllocationSet { sku, .. }
        | Fact::PositionOpened { sku, .. } => {
            touched.insert(*sku);
            true
        }
        Fact::IncomingExpected(supply) => {
            touched.insert(supply.sku);
            true
        }
        Fact::Reserved { claims, .. } | Fact::OrderAccepted { claims, .. } => {
            touched.extend(claims.iter().map(|c| c.sku));
            true
        }
        Fact::ReservationPut {
            claims, sequence, ..
        } => {
            touched.extend(claims.iter().map(|c| c.sku));
            // One from before the snapshot gives back what it held then, of which this says nothing.
            *sequence >= next
        }
        Fact::OrderCancelled { key } => match Glance::of(snapshot).order(key) {
            Ok(Some(order)) => {
                let claims = order.holding.into_iter().flat_map(|h| h.claims);
                touched.extend(claims.map(|c| c.sku));
                true
            }
            // It was accepted after the snapshot, and noted then.
            Ok(None) => true,
            Err(_) => false,
        },
        // What a return does to units is told by facts of its group.
        Fact::ReleaseKeyMade { .. } | Fact::ReturnChanged(_) | Fact::CostTold(_)
        | Fact::ThresholdSet { .. }
        | Fact::AvailabilityCrossed(_)
        | Fact::BacklogTold(_) => true,
        Fact::FulfillmentChanged(fact) => {
            touched.extend(fact.settled.iter().map(|s| s.sku));
            true
        }
        Fact::OrderReplanned(fact) => {
            touched.extend(fact.freed.iter().map(|f| f.sku));
            touched.extend(fact.granted.iter().map(|c| c.sku));
            true
        }
        Fact::HoldReleased { .. }
        | Fact::IncomingDelayed { .. }
        | Fact::IncomingReduced { .. }
        | Fact::IncomingCancelled { .. }
        | Fact::ReservationExtended { .. }
        | Fact::ReservationCancelled { .. }
        | Fact::PromiseRulesSet { .. } => false,
    }
}
