//! Answers from a snapshot that nobody has decoded: from the map, as it lies there.

use super::error::SnapshotError;
use super::format::hash;
use super::format::{INDEX_ENTRY, Kind, u32_at, u64_at};
use super::image::OrderImage;
use super::read::Snapshot;
use super::write::{order_name, place_of};
use crate::ledger::{Position, row_of, shard_of};
use crate::model::{OrderKey, SkuId};

/// Looks single things up in a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'s> {
    snapshot: &'s Snapshot,
}

/// What a snapshot alone can say about the ATP of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// Units that may be promised.
    Units(u64),
    /// Nobody named such an item.
    Unknown,
    /// It takes more than the counts of its positions.
    Later,
}

impl<'s> Glance<'s> {
    /// Of a snapshot.
    #[must_use]
    pub const fn of(snapshot: &'s Snapshot) -> Self {
        Self { snapshot }
    }

    /// The id of an item.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn sku(&self, name: &str) -> Result<Option<SkuId>, SnapshotError> {
        let (table_at, table) = self.snapshot.only(Kind::SkuTable)?;
        let places = table.len() / 4;
        if !places.is_power_of_two() {
            let found = "the table of items has an odd size";
            return Err(self.snapshot.damaged(table_at, found));
        }
        let mut place = place_of(name, places);
        for _ in 0..places {
            let Some(id) = u32_at(table, 4 * place).checked_sub(1) else {
                return Ok(None);
            };
            if self.name(id)? == name.as_bytes() {
                return Ok(Some(SkuId(id)));
            }
            place = (place + 1) % places;
        }
        Ok(None)
    }

    fn name(&self, id: u32) -> Result<&'s [u8], SnapshotError> {
        let (ends_at, ends) = self.snapshot.only(Kind::SkuEnds)?;
        let (_, text) = self.snapshot.only(Kind::SkuText)?;
        let index = id as usize;
        let odd = || self.snapshot.damaged(ends_at, "the names of items are odd");
        let end_of = |index: usize| {
            let here = ends.get(8 * index..8 * index + 8)?;
            usize::try_from(u64_at(here, 0)).ok()
        };
        let start = match index {
            0 => Some(0),
            _ => end_of(index - 1),
        };
        let range = start.zip(end_of(index));
        let name = range.and_then(|(start, end)| text.get(start..end));
        name.ok_or_else(odd)
    }

    /// The positions of an item, and whether their counts say everything about its ATP.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn positions(&self, sku: SkuId) -> Result<(&'s [Position], bool), SnapshotError> {
        let Some(shard) = self.snapshot.shard(shard_of(sku))? else {
            return Ok((&[], true));
        };
        let row = row_of(sku);
        let Some(&end) = shard.row_ends.get(row as usize) else {
            return Ok((&[], true));
        };
        let start = match row {
            0 => 0,
            _ => shard.row_ends[row as usize - 1],
        };
        let positions = shard.positions.get(start as usize..end as usize);
        let odd = || {
            self.snapshot
                .meaning(format!("row {row} ends before it begins"))
        };
        let plain = shard.complex_rows.binary_search(&row).is_err();
        Ok((positions.ok_or_else(odd)?, plain))
    }

    /// What may be promised of an item, where its counts say so.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn atp(&self, name: &str) -> Result<Early, SnapshotError> {
        let Some(sku) = self.sku(name)? else {
            return Ok(Early::Unknown);
        };
        let (positions, plain) = self.positions(sku)?;
        if !plain {
            return Ok(Early::Later);
        }
        let free = positions.iter().map(|p| p.free().max(0).unsigned_abs());
        Ok(Early::Units(free.sum()))
    }

    /// An order as it was.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn order(&self, key: &OrderKey) -> Result<Option<OrderImage>, SnapshotError> {
        let (_, index) = self.snapshot.only(Kind::OrderIndex)?;
        let wanted = hash(&order_name(key));
        let pair = |i: usize| {
            let at = INDEX_ENTRY * i;
            (u64_at(index, at), u64_at(index, at + 8))
        };
        let (mut from, mut to) = (0, index.len() / INDEX_ENTRY);
        while from < to {
            let middle = from.midpoint(to);
            match pair(middle).0 < wanted {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        // Two orders may have the same hash.
        for i in from..index.len() / INDEX_ENTRY {
            let (hash, at) = pair(i);
            if hash != wanted {
                break;
            }
            let order: OrderImage = self.snapshot.record_at(Kind::Orders, at)?;
            if order.order.key == *key {
                return Ok(Some(order));
            }
        }
        Ok(None)
    }
}
