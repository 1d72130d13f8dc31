//! An order that was refused: its sender has the error, and the desk hears of it too.
//!
//! A host is answered with the error at once, but an error that a script swallows is an order that
//! nobody looks after. So a refusal opens an exception for the order's identity, one for each cause,
//! and the order that is accepted later under that identity ends them. A conflict and a stampede open none: of the first
//! the order is there, the second only has to be sent again.

use super::Engine;
use super::error::EngineError;
use super::orders::{WORKSPACE, Workspace, request};
use crate::ledger::AtpQuery;
use crate::lifecycle::Topic;
use crate::model::{
    Cause, EpochMillis, ExceptionKind, Finding, Order, SkuId, Subject, check_id, numbered,
};
use crate::routing::fits_without_capacity;

impl Engine {
    /// Notes that an order was refused, while its identity is locked. What has no good identity cannot
    /// be named, so nothing is noted of it.
    pub(super) fn refused(&self, order: &Order, error: &EngineError, now: EpochMillis) {
        let named = check_id("source", order.key.source()).is_ok()
            && check_id("order", order.key.order()).is_ok();
        if !named {
            return;
        }
        let channel = self.registry.channel_asked("channel", &order.channel);
        let channel = channel.ok().filter(|c| super::Registry::is_introduced(*c));
        let causes = self.causes_of(order, error, now);
        // What was not kept has no cause: it is told with what the fields hold, which most of it is about.
        let of_fields = causes.iter().position(|(c, ..)| *c == Cause::FieldInvalid);
        let with = of_fields.unwrap_or(0);
        for (at, (cause, waits_for, found)) in causes.into_iter().enumerate() {
            let beyond = if at == with { error.beyond() } else { 0 };
            let finding = Finding {
                subject: Subject {
                    topic: Topic::order(&order.key),
                    cause,
                },
                channel,
                detail: numbered(&found, beyond).into(),
                waits_for,
            };
            self.note_refused(finding, now);
        }
    }

    /// What was found, by cause: each cause has its own owner, and he all that is his to mend.
    fn causes_of<'e>(
        &self,
        order: &Order,
        error: &'e EngineError,
        now: EpochMillis,
    ) -> Vec<(Cause, Vec<SkuId>, Vec<&'e EngineError>)> {
        let mut all: Vec<(Cause, Vec<SkuId>, Vec<&EngineError>)> = Vec::new();
        for found in error.findings() {
            let Some((cause, waits_for)) = self.cause_of(order, found, now) else {
                continue;
            };
            match all.iter_mut().find(|(known, ..)| *known == cause) {
                Some((.., same)) => same.push(found),
                None => all.push((cause, waits_for, vec![found])),
            }
        }
        all
    }

    /// Why an order was refused, and the arrival of which items would change that.
    fn cause_of(
        &self,
        order: &Order,
        error: &EngineError,
        now: EpochMillis,
    ) -> Option<(Cause, Vec<SkuId>)> {
        Some(match error {
            EngineError::NotFound { kind: "sku", .. } => (Cause::SkuUnknown, Vec::new()),
            EngineError::Invalid(invalid) if invalid.field.starts_with("ship_to") => {
                (Cause::AddressUnknown, Vec::new())
            }
            EngineError::Invalid(_) | EngineError::NotFound { .. } | EngineError::TooLarge(_) => {
                (Cause::FieldInvalid, Vec::new())
            }
            EngineError::Full(_) => (Cause::LocationFull, Vec::new()),
            EngineError::BackorderLimit { .. } => (Cause::NoStock, Vec::new()),
            EngineError::Unroutable { short, .. } => {
                let missing: Vec<SkuId> = short
                    .iter()
                    .filter(|(sku, _)| !self.is_there(order, *sku, now))
                    .map(|(sku, _)| *sku)
                    .collect();
                match (missing.is_empty(), order.deliver_by_is_hard) {
                    _ if self.lacks_room(order, now) => (Cause::LocationFull, Vec::new()),
                    (false, _) => (Cause::NoStock, missing),
                    (true, true) => (Cause::TooLate, Vec::new()),
                    (true, false) => (Cause::NoService, Vec::new()),
                }
            }
            _ => return None,
        })
    }

    /// Whether there would be a plan for an order if the days of locations had room for anything.
    fn lacks_room(&self, order: &Order, now: EpochMillis) -> bool {
        let lanes = self.lanes.load();
        let Some(resolved) = self.resolve(order, &lanes).ok().filter(|_| lanes.limited()) else {
            return false;
        };
        WORKSPACE.with_borrow_mut(|work| {
            let Workspace {
                view,
                days,
                scratch,
            } = work;
            self.see_stock(&resolved, now, view);
            self.list_days(&lanes, view, now, days);
            let request = request(order, &resolved, (view, days), now);
            fits_without_capacity(&lanes, &request, scratch)
        })
    }

    /// Whether all units that an order wants of an item may be promised somewhere: then it is not stock
    /// that was missing.
    fn is_there(&self, order: &Order, sku: SkuId, now: EpochMillis) -> bool {
        let name = self.registry.sku_name(sku);
        let lines = order.lines.iter().filter(|l| *l.sku == *name);
        let wanted: u64 = lines.map(|l| u64::from(l.qty.0)).sum();
        let channel = self.registry.channel_asked("channel", &order.channel).ok();
        let query = AtpQuery {
            locations: None,
            channel,
            by: None,
        };
        self.ledger.atp(sku, &query, now) >= wanted
    }
}

/// Whether an exception is one that a refused order has.
pub(super) fn of_refusal(cause: Cause) -> bool {
    matches!(
        cause.kind(),
        ExceptionKind::Validation | ExceptionKind::Unroutable | ExceptionKind::Capacity
    )
}
