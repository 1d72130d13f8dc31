//! Counts, adjustments, holds, safety stock, allocations, and what may be promised.

use super::Engine;
use super::desk::Note;
use super::error::{EngineError, Naming};
use super::facts::AsIs;
use crate::cut::Pass;
use crate::ledger::{Allocation, AtpQuery, Broken, Moved, PositionReport};
use crate::model::{
    AnswerKind, BrokenFact, Cause, EpochMillis, Fact, HoldReason, Invalid, LocationId, OrderKey,
    OwnerFact, Qty, SkuId, Subject, Topic, check_id,
};
use std::fmt::Write as _;
use std::sync::Arc;

/// A count of one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountReport<'a> {
    /// Text id of the item.
    pub sku: &'a str,
    /// Text id of the location.
    pub location: &'a str,
    /// Units that were counted.
    pub on_hand: Qty,
    /// When; refused when units moved since. Now when absent.
    pub as_of: Option<EpochMillis>,
    /// Orders whose units the sender has deducted already although they have not left.
    pub deducted: &'a [(&'a str, &'a str)],
}

/// One position of a bulk load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadRow<'a> {
    /// Text id of the item.
    pub sku: &'a str,
    /// Text id of the location.
    pub location: &'a str,
    /// Units that are there.
    pub on_hand: Qty,
}

/// Of what ATP is asked, by text ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtpRequest<'a> {
    /// Only at these locations; empty for all.
    pub at: &'a [&'a str],
    /// At this moment; now when absent.
    pub by: Option<EpochMillis>,
    /// As this channel sees it.
    pub channel: Option<&'a str>,
    /// Also the earliest date of this many units.
    pub quantity: Option<Qty>,
}

/// What may be promised of one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtpAnswer {
    /// Units.
    pub atp: u64,
    /// When a quantity was asked: the least time at which that many may be promised, if any.
    pub earliest: Option<EpochMillis>,
}

/// The first answer to a referenced command about stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StockAnswer {
    Moved(Moved),
    Loaded(usize, Vec<Broken>),
    Broken(Vec<Broken>),
    Released(Qty),
    Done,
}

impl Engine {
    /// Takes a count.
    ///
    /// # Errors
    /// `CONFLICT` for a stale count or a reference used for something else; `INVALID`, `NOTFOUND`.
    pub fn set_stock(
        &self,
        reference: &str,
        count: &CountReport<'_>,
        now: EpochMillis,
    ) -> Result<Moved, EngineError> {
        let sku = self.registry.sku("sku", count.sku)?;
        let location = self.registry.location("location", count.location)?;
        let mut content = format!(
            "STOCK.SET {} {} {}",
            count.sku, count.location, count.on_hand
        );
        let mut deducted = Vec::with_capacity(count.deducted.len());
        if let Some(as_of) = count.as_of {
            let _ = write!(content, " ASOF {as_of}");
        }
        for (source, order) in count.deducted {
            check_id("DEDUCTED source", source)?;
            check_id("DEDUCTED order", order)?;
            let _ = write!(content, " DEDUCTED {source} {order}");
            deducted.push(OwnerFact::Order(OrderKey::new(source, order)));
        }
        let answer = self.stock_references.once(reference, content, |content| {
            let pass = self.gate.enter();
            let log = self.referenced(&pass, reference, content, AnswerKind::Moved);
            let moved = self
                .ledger
                .count(
                    sku,
                    location,
                    count.on_hand,
                    count.as_of,
                    &deducted,
                    now,
                    &log,
                )
                .map_err(|e| Naming::stock(&e, "on_hand"))?;
            self.note_count(&moved);
            self.counted(&pass, now, (sku, location), &moved.broken);
            Ok((Arc::new(StockAnswer::Moved(moved)), pass))
        })?;
        let moved = moved(&answer);
        self.after_change(&moved.broken, &[sku], now);
        Ok(moved)
    }

    /// Adds units to a position, or takes away when negative.
    ///
    /// # Errors
    /// `INVALID` when fewer than none would be left; `CONFLICT`, `NOTFOUND`.
    pub fn adjust_stock(
        &self,
        reference: &str,
        sku: &str,
        location: &str,
        change: i64,
        reason: &str,
        now: EpochMillis,
    ) -> Result<Moved, EngineError> {
        let content = format!("STOCK.ADJUST {sku} {location} {change} {reason}");
        let sku = self.registry.sku("sku", sku)?;
        let location = self.registry.location("location", location)?;
        check_id("reason", reason)?;
        let answer = self.stock_references.once(reference, content, |content| {
            let pass = self.gate.enter();
            let log = self.referenced(&pass, reference, content, AnswerKind::Moved);
            let moved = self.ledger.adjust(sku, location, change, reason, now, &log);
            let moved = moved.map_err(|e| Naming::stock(&e, "change"))?;
            self.note_count(&moved);
            self.at_risk(&pass, now, Cause::StockCut, &moved.broken);
            Ok((Arc::new(StockAnswer::Moved(moved)), pass))
        })?;
        let moved = moved(&answer);
        self.after_change(&moved.broken, &[sku], now);
        Ok(moved)
    }

    /// Takes many counts: all rows are checked before the first is taken. Returns how many rows
    /// there were and the promises that no longer hold.
    ///
    /// # Errors
    /// As [`Engine::set_stock`]; the field names the row.
    pub fn load_stock(
        &self,
        reference: &str,
        rows: &[LoadRow<'_>],
        now: EpochMillis,
    ) -> Result<(usize, Vec<Broken>), EngineError> {
        let mut content = String::from("STOCK.LOAD");
        let mut resolved = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let _ = write!(content, " {} {} {}", row.sku, row.location, row.on_hand);
            if row.on_hand > Qty::MAX {
                let field = format!("rows[{index}].on_hand");
                let expected = "a whole number from 0 to 2000000000";
                return Err(Invalid::new(field, row.on_hand, expected).into());
            }
            resolved.push((
                self.registry.sku(&format!("rows[{index}].sku"), row.sku)?,
                self.registry
                    .location(&format!("rows[{index}].location"), row.location)?,
                row.on_hand,
            ));
        }
        let skus: Vec<SkuId> = resolved.iter().map(|row| row.0).collect();
        let answer = self.stock_references.once(reference, content, |content| {
            let mut broken = Vec::new();
            for (sku, location, on_hand) in resolved {
                // Every row is a step of its own: nobody has to wait for all of them.
                let pass = self.gate.enter();
                let log = AsIs(self, &pass);
                let moved = self
                    .ledger
                    .count(sku, location, on_hand, None, &[], now, &log);
                let moved = moved.map_err(|e| Naming::stock(&e, "on_hand"))?;
                self.note_count(&moved);
                self.counted(&pass, now, (sku, location), &moved.broken);
                broken.extend(moved.broken);
            }
            let told = || Fact::LoadAnswered {
                reference: reference.into(),
                content: content.into(),
                rows: rows.len() as u64,
                broken: broken.iter().map(broken_fact).collect(),
            };
            let pass = self.gate.enter();
            self.history.append(&pass, now, || [told()]);
            let answer = StockAnswer::Loaded(rows.len(), broken);
            Ok((Arc::new(answer), pass))
        })?;
        match &*answer {
            StockAnswer::Loaded(rows, broken) => {
                self.after_change(broken, &skus, now);
                Ok((*rows, broken.clone()))
            }
            _ => unreachable!("the content says what was done"),
        }
    }

    /// Keeps units at a position back from promising. Returns promises that no longer hold.
    ///
    /// # Errors
    /// `CONFLICT`, `NOTFOUND`.
    pub fn set_safety_stock(
        &self,
        reference: &str,
        sku: &str,
        location: &str,
        qty: Qty,
        now: EpochMillis,
    ) -> Result<Vec<Broken>, EngineError> {
        let content = format!("STOCK.SAFETY {sku} {location} {qty}");
        let sku = self.registry.sku("sku", sku)?;
        let location = self.registry.location("location", location)?;
        let answer = self.stock_references.once(reference, content, |content| {
            let pass = self.gate.enter();
            let log = self.referenced(&pass, reference, content, AnswerKind::Broken);
            let broken = self.ledger.set_safety_stock(sku, location, qty, now, &log);
            self.at_risk(&pass, now, Cause::StockCut, &broken);
            Ok((Arc::new(StockAnswer::Broken(broken)), pass))
        })?;
        match &*answer {
            StockAnswer::Broken(broken) => {
                self.after_change(broken, &[sku], now);
                Ok(broken.clone())
            }
            _ => unreachable!("the content says what was done"),
        }
    }

    /// A count says what is there, whatever was thought before.
    fn counted(
        &self,
        pass: &Pass<'_>,
        now: EpochMillis,
        (sku, location): (SkuId, LocationId),
        broken: &[Broken],
    ) {
        let differ = Subject {
            topic: Topic::Position(sku, location),
            cause: Cause::CountsDiffer,
        };
        self.note(pass, now, &[Note::Clear(differ, "it was counted".into())]);
        self.at_risk(pass, now, Cause::StockCut, broken);
    }

    /// What is known of a position; `None` when the SKU never had stock there.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn stock(
        &self,
        sku: &str,
        location: &str,
        now: EpochMillis,
    ) -> Result<Option<PositionReport>, EngineError> {
        let sku = self.registry.sku("sku", sku)?;
        let location = self.registry.location("location", location)?;
        Ok(self.ledger.position(sku, location, now))
    }

    /// What is known of all positions of a SKU.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn stock_of(
        &self,
        sku: &str,
        now: EpochMillis,
    ) -> Result<Vec<PositionReport>, EngineError> {
        let sku = self.registry.sku("sku", sku)?;
        Ok(self.ledger.positions(sku, now))
    }

    /// Holds units under a new id. Returns promises that no longer hold.
    ///
    /// # Errors
    /// `CONFLICT` when the id stands for another hold; `INVALID`, `NOTFOUND`.
    pub fn place_hold(
        &self,
        id: &str,
        sku: &str,
        location: &str,
        qty: Qty,
        reason: HoldReason,
        now: EpochMillis,
    ) -> Result<Vec<Broken>, EngineError> {
        check_id("hold", id)?;
        if qty.is_zero() {
            return Err(Invalid::new("qty", qty, "a whole number from 1 to 2000000000").into());
        }
        let sku = self.registry.sku("sku", sku)?;
        let location = self.registry.location("location", location)?;
        let pass = self.gate.enter();
        let log = AsIs(self, &pass);
        let placed = self
            .ledger
            .place_hold(id, sku, location, qty, reason, now, &log);
        let broken = placed.map_err(|e| Naming::hold(&e, id))?;
        self.at_risk(&pass, now, Cause::StockCut, &broken);
        drop(pass);
        self.after_change(&broken, &[sku], now);
        Ok(broken)
    }

    /// Releases some units of a hold, or all. Returns how many.
    ///
    /// # Errors
    /// `NOTFOUND`; `INVALID` for more than it holds; `CONFLICT`.
    pub fn release_hold(
        &self,
        reference: &str,
        id: &str,
        qty: Option<Qty>,
        now: EpochMillis,
    ) -> Result<Qty, EngineError> {
        let units = qty.map_or_else(|| "all".to_owned(), |q| q.to_string());
        let content = format!("HOLD.RELEASE {id} {units}");
        let answer = self.stock_references.once(reference, content, |content| {
            let pass = self.gate.enter();
            let log = self.referenced(&pass, reference, content, AnswerKind::Released);
            let released = self.ledger.release_hold(id, qty, now, &log);
            let released = released.map_err(|e| Naming::hold(&e, id))?;
            Ok((Arc::new(StockAnswer::Released(released)), pass))
        })?;
        if let Some(hold) = self.ledger.hold(id) {
            self.allocate_all([hold.sku], now);
        }
        match *answer {
            StockAnswer::Released(qty) => Ok(qty),
            _ => unreachable!("the content says what was done"),
        }
    }

    /// Keeps units of a SKU for a channel (`protected`), or caps what it may promise (`cap`).
    ///
    /// # Errors
    /// `NOTFOUND`, `INVALID`, `CONFLICT`.
    pub fn set_allocation(
        &self,
        reference: &str,
        sku: &str,
        channel: &str,
        protected: Qty,
        cap: Option<Qty>,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        let limit = cap.map_or_else(|| "none".to_owned(), |c| c.to_string());
        let content = format!("ALLOCATION.SET {sku} {channel} {protected} {limit}");
        let sku = self.registry.sku("sku", sku)?;
        self.stock_references.once(reference, content, |content| {
            let channel = self.channel("channel", channel, now)?;
            let pass = self.gate.enter();
            let log = self.referenced(&pass, reference, content, AnswerKind::Done);
            self.ledger
                .set_allocation(sku, channel, protected, cap, now, &log);
            Ok((Arc::new(StockAnswer::Done), pass))
        })?;
        self.allocate_all([sku], now);
        Ok(())
    }

    /// The allocations of a SKU.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn allocations(&self, sku: &str) -> Result<Vec<Allocation>, EngineError> {
        Ok(self.ledger.allocations(self.registry.sku("sku", sku)?))
    }

    /// What may be promised of every SKU in `skus`, in their order.
    ///
    /// # Errors
    /// `NOTFOUND`, `INVALID`.
    pub fn atp(
        &self,
        skus: &[&str],
        request: &AtpRequest<'_>,
        now: EpochMillis,
    ) -> Result<Vec<AtpAnswer>, EngineError> {
        let mut at = Vec::with_capacity(request.at.len());
        for name in request.at {
            at.push(self.registry.location("AT", name)?);
        }
        at.sort_unstable();
        at.dedup();
        let channel = request
            .channel
            .map(|c| self.registry.channel_asked("CHANNEL", c))
            .transpose()?;
        let locations: Option<&[LocationId]> = (!at.is_empty()).then_some(&at);
        let query = AtpQuery {
            locations,
            channel,
            by: request.by,
        };
        let mut answers = Vec::with_capacity(skus.len());
        for name in skus {
            let sku = self.registry.sku("sku", name)?;
            let asked = request.quantity;
            answers.push(AtpAnswer {
                atp: self.ledger.atp(sku, &query, now),
                earliest: asked.and_then(|qty| self.ledger.earliest(sku, &query, qty, now)),
            });
        }
        Ok(answers)
    }
}

pub(super) fn broken_fact(broken: &Broken) -> BrokenFact {
    BrokenFact {
        owner: broken.owner.id.clone(),
        priority: broken.owner.priority,
        sequence: broken.owner.sequence,
        sku: broken.sku,
        location: broken.location,
        qty: broken.qty,
    }
}

fn moved(answer: &StockAnswer) -> Moved {
    match answer {
        StockAnswer::Moved(moved) => moved.clone(),
        _ => unreachable!("the content says what was done"),
    }
}
