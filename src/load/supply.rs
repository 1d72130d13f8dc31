//! What is where and what is on its way: stock, incoming, allocations, scarcity prices. Every file
//! may be absent.

use super::LoadError;
use super::field::Field;
use super::names::Names;
use super::table::{Column, ROWS_MAX, Table, may, must};
use crate::model::{
    AllocationRow, HoldReason, IncomingKind, IncomingRow, Invalid, Item, Location, LocationId, Qty,
    ScarcityRow, SkuId, StockRow,
};
use std::path::Path;

const STOCK: [Column; 6] = [
    must("sku"),
    must("location"),
    must("on_hand"),
    may("safety_stock"),
    may("held"),
    may("hold_reason"),
];
const INCOMING: [Column; 7] = [
    must("id"),
    must("kind"),
    must("sku"),
    must("from"),
    must("to"),
    must("qty"),
    must("arrives_at"),
];
const ALLOCATION: [Column; 4] = [must("sku"), must("channel"), may("protected"), may("cap")];
const SCARCITY: [Column; 3] = [must("sku"), must("location"), must("cents")];

const INCOMING_KINDS: [(&str, IncomingKind); 2] = [
    ("transfer", IncomingKind::Transfer),
    ("purchase", IncomingKind::Purchase),
];

/// The items and locations that rows refer to.
#[derive(Debug)]
pub(super) struct Known<'a> {
    items: &'a [Item],
    locations: &'a [Location],
    pub(super) skus: Names<'a, SkuId>,
    pub(super) places: Names<'a, LocationId>,
}

impl<'a> Known<'a> {
    pub(super) fn new(items: &'a [Item], locations: &'a [Location]) -> Self {
        let skus = items.iter().map(|item| &*item.sku);
        let ids = locations.iter().map(|location| &*location.id);
        Self {
            items,
            locations,
            skus: Names::new("a sku of items.csv", skus, SkuId::from_index),
            places: Names::new("a location of locations.csv", ids, LocationId::from_index),
        }
    }

    fn show(&self, sku: SkuId, location: LocationId) -> String {
        format!(
            "{}, {}",
            self.items[sku.index()].sku,
            self.locations[location.index()].id
        )
    }

    /// Reads `stock.csv`.
    pub(super) fn stock(&self, file: &Path) -> Result<Vec<StockRow>, LoadError> {
        let Some(table) = Table::open_optional(file, &STOCK, ROWS_MAX)? else {
            return Ok(Vec::new());
        };
        let rows = table.rows(|[sku, location, on_hand, safety_stock, held, reason]| {
            let on_hand = on_hand.qty(0)?;
            Ok(StockRow {
                sku: self.skus.find(sku)?,
                location: self.places.find(location)?,
                on_hand,
                safety_stock: safety_stock.optional(|f| f.qty(0))?.unwrap_or_default(),
                held: hold(held, reason, on_hand)?,
            })
        })?;
        table.check_unique(
            "sku, location",
            rows.iter().map(|row| (row.sku, row.location)),
            |row| self.show(rows[row].sku, rows[row].location),
        )?;
        Ok(rows)
    }

    /// Reads `incoming.csv`.
    pub(super) fn incoming(&self, file: &Path) -> Result<Vec<IncomingRow>, LoadError> {
        let Some(table) = Table::open_optional(file, &INCOMING, ROWS_MAX)? else {
            return Ok(Vec::new());
        };
        let rows = table.rows(|[id, kind, sku, from, to, qty, arrives_at]| {
            let kind = kind.one_of(&INCOMING_KINDS)?;
            let to = self.places.find(to)?;
            Ok(IncomingRow {
                id: id.id()?.into(),
                kind,
                sku: self.skus.find(sku)?,
                from: self.origin(kind, from, to)?,
                to,
                qty: qty.qty(1)?,
                arrives_at: arrives_at.moment()?,
            })
        })?;
        table.check_unique("id", rows.iter().map(|row| &row.id), |row| {
            rows[row].id.to_string()
        })?;
        Ok(rows)
    }

    fn origin(
        &self,
        kind: IncomingKind,
        from: Field<'_>,
        to: LocationId,
    ) -> Result<Option<LocationId>, Invalid> {
        match kind {
            IncomingKind::Transfer => match self.places.find(from)? {
                origin if origin == to => Err(from.refuse("another location than in 'to'")),
                origin => Ok(Some(origin)),
            },
            IncomingKind::Purchase if from.is_absent() => Ok(None),
            IncomingKind::Purchase => Err(from.refuse("nothing: a purchase comes from outside")),
        }
    }

    /// Reads `allocations.csv`.
    pub(super) fn allocations(&self, file: &Path) -> Result<Vec<AllocationRow>, LoadError> {
        let Some(table) = Table::open_optional(file, &ALLOCATION, ROWS_MAX)? else {
            return Ok(Vec::new());
        };
        let rows = table.rows(|[sku, channel, protected, cap]| {
            Ok(AllocationRow {
                sku: self.skus.find(sku)?,
                channel: channel.id()?.into(),
                protected: protected.optional(|f| f.qty(0))?.unwrap_or_default(),
                cap: cap.optional(|f| f.qty(0))?,
            })
        })?;
        table.check_unique(
            "sku, channel",
            rows.iter().map(|row| (row.sku, &row.channel)),
            |row| {
                format!(
                    "{}, {}",
                    self.items[rows[row].sku.index()].sku,
                    rows[row].channel
                )
            },
        )?;
        Ok(rows)
    }

    /// Reads `scarcity.csv`.
    pub(super) fn scarcity(&self, file: &Path) -> Result<Vec<ScarcityRow>, LoadError> {
        let Some(table) = Table::open_optional(file, &SCARCITY, ROWS_MAX)? else {
            return Ok(Vec::new());
        };
        let rows = table.rows(|[sku, location, cents]| {
            Ok(ScarcityRow {
                sku: self.skus.find(sku)?,
                location: self.places.find(location)?,
                cents: cents.cents()?,
            })
        })?;
        table.check_unique(
            "sku, location",
            rows.iter().map(|row| (row.sku, row.location)),
            |row| self.show(rows[row].sku, rows[row].location),
        )?;
        Ok(rows)
    }
}

/// Units on hand that may not be promised, and why.
fn hold(
    held: Field<'_>,
    reason: Field<'_>,
    on_hand: Qty,
) -> Result<Option<(Qty, HoldReason)>, Invalid> {
    let qty = held.optional(|f| f.qty(0))?.unwrap_or_default();
    let why = reason.optional(|f| f.one_of(&HoldReason::ALL))?;
    if qty.is_zero() {
        return Ok(None);
    }
    if qty > on_hand {
        return Err(held.refuse(format!("at most {on_hand}, the units on hand")));
    }
    match why {
        Some(why) => Ok(Some((qty, why))),
        None => reason.one_of(&HoldReason::ALL).map(|why| Some((qty, why))),
    }
}
