//! Transfers and purchases: announced, delayed, received, cancelled.

use super::Engine;
use super::error::{EngineError, Naming};
use super::facts::{AsIs, Referenced};
use crate::ledger::{Broken, Moved, Supply};
use crate::model::{
    AnswerKind, Cause, EpochMillis, IncomingFact, IncomingKind, Invalid, Qty, check_id,
};
use std::sync::Arc;

/// Supply to announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupplyPut<'a> {
    /// Its id, unique over transfers and purchases.
    pub id: &'a str,
    /// Text id of the item.
    pub sku: &'a str,
    /// Text id of the origin; `None` for a purchase.
    pub from: Option<&'a str>,
    /// Text id of the destination.
    pub to: &'a str,
    /// Units, at least 1.
    pub qty: Qty,
    /// When they are expected.
    pub arrives_at: EpochMillis,
    /// A transfer's units have left even if they were promised or held.
    pub force: bool,
}

/// What receiving did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The movement at the destination.
    pub moved: Moved,
    /// Units that were on their way and are not coming.
    pub written_off: Qty,
}

/// The first answer to a referenced command about supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SupplyAnswer {
    Received(Received),
    Broken(Vec<Broken>),
}

/// How a kind of supply is called in commands and errors.
pub(super) const fn field_of(kind: IncomingKind) -> &'static str {
    match kind {
        IncomingKind::Transfer => "transfer",
        IncomingKind::Purchase => "supply",
    }
}

impl Engine {
    /// Sends units from one location to another (with `from`), or expects a purchase. Saying the
    /// same again changes nothing. Returns promises that no longer hold.
    ///
    /// # Errors
    /// `CONFLICT` when the id stands for something else; `INVALID`, `NOTFOUND`.
    pub fn announce_supply(
        &self,
        put: &SupplyPut<'_>,
        now: EpochMillis,
    ) -> Result<Vec<Broken>, EngineError> {
        let kind = match put.from {
            Some(_) => IncomingKind::Transfer,
            None => IncomingKind::Purchase,
        };
        check_id(field_of(kind), put.id)?;
        check_qty(put.qty)?;
        let announced = IncomingFact {
            id: put.id.into(),
            kind,
            sku: self.registry.sku("sku", put.sku)?,
            from: put
                .from
                .map(|from| self.registry.location("from", from))
                .transpose()?,
            to: self.registry.location("to", put.to)?,
            qty: put.qty,
            arrives_at: put.arrives_at,
        };
        let pass = self.gate.enter();
        let log = AsIs(self, &pass);
        let done = match kind {
            IncomingKind::Transfer => self.ledger.dispatch(&announced, put.force, now, &log),
            IncomingKind::Purchase => self
                .ledger
                .expect_supply(&announced, now, &log)
                .map(|_| Vec::new()),
        };
        let broken = done.map_err(|e| Naming::supply(&e, field_of(kind), put.id))?;
        self.at_risk(&pass, now, Cause::StockCut, &broken);
        drop(pass);
        self.after_change(&broken, &[announced.sku], now);
        Ok(broken)
    }

    /// Takes units of a transfer or purchase in; `close` says that nothing more will come.
    ///
    /// # Errors
    /// `NOTFOUND`; `CONFLICT` when it is closed or the reference was used for something else.
    pub fn receive_supply(
        &self,
        reference: &str,
        kind: IncomingKind,
        id: &str,
        qty: Qty,
        close: bool,
        now: EpochMillis,
    ) -> Result<Received, EngineError> {
        if !close || !qty.is_zero() {
            check_qty(qty)?;
        }
        let field = field_of(kind);
        let content = format!(
            "receive {field} {id} {qty}{}",
            if close { " CLOSE" } else { "" }
        );
        let answer = self.supply_references.once(reference, content, |content| {
            let pass = self.gate.enter();
            let log = self.referenced(&pass, reference, content, AnswerKind::Received);
            let received = self.ledger.receive(id, kind, qty, close, now, &log);
            let (moved, written_off) = received.map_err(|e| Naming::supply(&e, field, id))?;
            self.note_count(&moved);
            self.at_risk(&pass, now, Cause::SupplySlipped, &moved.broken);
            let received = Received { moved, written_off };
            Ok((Arc::new(SupplyAnswer::Received(received)), pass))
        })?;
        match &*answer {
            SupplyAnswer::Received(received) => {
                self.after_supply(id, &received.moved.broken, now);
                Ok(received.clone())
            }
            SupplyAnswer::Broken(_) => unreachable!("the content says that it was received"),
        }
    }

    /// Expects a transfer or purchase at another time. Returns promises that no longer hold.
    ///
    /// # Errors
    /// `NOTFOUND`; `CONFLICT` when it is closed or the reference was used for something else.
    pub fn delay_supply(
        &self,
        reference: &str,
        kind: IncomingKind,
        id: &str,
        arrives_at: EpochMillis,
        now: EpochMillis,
    ) -> Result<Vec<Broken>, EngineError> {
        let content = format!("delay {} {id} {arrives_at}", field_of(kind));
        self.about_supply(reference, content, (kind, id), now, |log| {
            self.ledger.delay(id, kind, arrives_at, now, log)
        })
    }

    /// Nothing more will come of a transfer or purchase; a transfer's units are back on hand at
    /// its origin when `return_to_origin` says so. Returns promises that no longer hold.
    ///
    /// # Errors
    /// `NOTFOUND`; `CONFLICT` when it was received or cancelled in the other way, or the reference
    /// was used for something else. Cancelling again in the same way changes nothing.
    pub fn cancel_supply(
        &self,
        reference: &str,
        kind: IncomingKind,
        id: &str,
        return_to_origin: bool,
        now: EpochMillis,
    ) -> Result<Vec<Broken>, EngineError> {
        let back = if return_to_origin { " RETURNED" } else { "" };
        let content = format!("cancel {} {id}{back}", field_of(kind));
        self.about_supply(reference, content, (kind, id), now, |log| {
            self.ledger
                .cancel_supply(id, kind, return_to_origin, now, log)
        })
    }

    /// A transfer or purchase by its id.
    #[must_use]
    pub fn supply(&self, id: &str) -> Option<Supply> {
        self.ledger.supply(id)
    }

    fn about_supply(
        &self,
        reference: &str,
        content: String,
        (kind, id): (IncomingKind, &str),
        now: EpochMillis,
        act: impl FnOnce(&Referenced<'_>) -> Result<Vec<Broken>, crate::ledger::SupplyError>,
    ) -> Result<Vec<Broken>, EngineError> {
        let answer = self.supply_references.once(reference, content, |content| {
            let pass = self.gate.enter();
            let kind_of = AnswerKind::SupplyBroken;
            let done = act(&self.referenced(&pass, reference, content, kind_of));
            let broken = done.map_err(|e| Naming::supply(&e, field_of(kind), id))?;
            self.at_risk(&pass, now, Cause::SupplySlipped, &broken);
            Ok((Arc::new(SupplyAnswer::Broken(broken)), pass))
        })?;
        match &*answer {
            SupplyAnswer::Broken(broken) => {
                self.after_supply(id, broken, now);
                Ok(broken.clone())
            }
            SupplyAnswer::Received(_) => unreachable!("the content says what was done"),
        }
    }

    /// What a change of a supply means for who was promised its units, and for who waits for them.
    fn after_supply(&self, id: &str, broken: &[Broken], now: EpochMillis) {
        if let Some(supply) = self.ledger.supply(id) {
            self.after_change(broken, &[supply.announced.sku], now);
        }
    }
}

fn check_qty(qty: Qty) -> Result<(), EngineError> {
    if qty.is_zero() || qty > Qty::MAX {
        return Err(Invalid::new("qty", qty, "a whole number from 1 to 2000000000").into());
    }
    Ok(())
}
