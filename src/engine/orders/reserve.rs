//! A plan found on a view of the stock, and granted by the ledger; found anew when somebody was faster.

use super::{Resolved, request, wants};
use crate::cut::Pass;
use crate::engine::Engine;
use crate::engine::backorders::Admission;
use crate::engine::error::EngineError;
use crate::engine::facts::Acceptance;
use crate::engine::remedies::Deed;
use crate::ledger::{DayUse, Owner, Reservation, StockView, Take};
use crate::lifecycle::OrderRecord;
use crate::model::{
    Change, Decision, EpochMillis, Order, OwnerFact, Plan, Qty, ReplanRules, SkuId,
};
use crate::routing::{Demand, Lanes, Scratch, Unroutable, pack, route};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often an order is routed anew when others took its stock. Each time somebody else got
/// his, so this many in a row means a stampede, and the sender should hear of it.
pub(in crate::engine) const TRIES_MAX: u32 = 1000;

/// What an order was granted.
pub(in crate::engine) struct Granted<'e> {
    pub(super) holding: Reservation,
    /// Since when all of it is on hold, and why; few orders are.
    pub(super) held: Option<(EpochMillis, Box<str>)>,
    /// What lasts until it is remembered: its place among those that wait, and the pass.
    pub(super) _until: (Admission<'e>, Pass<'e>),
}

#[derive(Default)]
pub(in crate::engine) struct Workspace {
    pub(in crate::engine) view: StockView,
    pub(in crate::engine) days: Vec<DayUse>,
    pub(in crate::engine) scratch: Scratch,
}

thread_local! {
    pub(in crate::engine) static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

impl Engine {
    /// Routes on a view of the stock and has the ledger grant the plan; when somebody took the
    /// units in between, looks again. The pass lasts until the order is remembered.
    pub(in crate::engine) fn route_and_reserve(
        &self,
        order: &Arc<Order>,
        resolved: &Resolved,
        lanes: &Lanes,
        (now, deed): (EpochMillis, Option<&Deed>),
    ) -> Result<(Arc<Decision>, Granted<'_>), EngineError> {
        for _ in 0..TRIES_MAX {
            let see = |view: &mut StockView, days: &mut Vec<DayUse>| {
                self.see_stock(resolved, now, view);
                self.list_days(lanes, view, now, days);
            };
            let decision = Arc::new(self.route_on(order, resolved, lanes, now, see)?);
            if let Some(granted) = self.reserve(order, resolved, &decision, (now, deed))? {
                return Ok((decision, granted));
            }
            self.counts.rerouted.fetch_add(1, Ordering::Relaxed);
        }
        Err(EngineError::Busy { tries: TRIES_MAX })
    }

    /// The stock of an order's SKUs as it is.
    pub(in crate::engine) fn see_stock(
        &self,
        resolved: &Resolved,
        now: EpochMillis,
        view: &mut StockView,
    ) {
        self.ledger
            .view(resolved.skus(), resolved.channel, now, view);
    }

    /// Routes on the stock, and on the days of the locations that have any of it, that `see` shows.
    pub(in crate::engine) fn route_on(
        &self,
        order: &Order,
        resolved: &Resolved,
        lanes: &Lanes,
        now: EpochMillis,
        see: impl FnOnce(&mut StockView, &mut Vec<DayUse>),
    ) -> Result<Decision, EngineError> {
        let decided = WORKSPACE.with_borrow_mut(|work| {
            let Workspace {
                view,
                days,
                scratch,
            } = work;
            see(view, days);
            let request = request(order, resolved, (view, days), now);
            let mut decision = route(lanes, &request, scratch)?;
            decision.basis = pack(lanes, &request);
            Ok(decision)
        });
        decided.map_err(|error: Unroutable| {
            let skus: Vec<SkuId> = resolved.skus().collect();
            self.names().unroutable(&error, &skus)
        })
    }

    /// Whether the units of a plan may still be promised, each shipment looked at by itself.
    pub(in crate::engine) fn has_stock(
        &self,
        resolved: &Resolved,
        plan: &Plan,
        now: EpochMillis,
    ) -> bool {
        WORKSPACE.with_borrow_mut(|Workspace { view, .. }| {
            self.see_stock(resolved, now, view);
            let wants = wants(plan, &resolved.demands);
            wants.iter().all(|want| {
                let line = (0..view.len()).find(|&line| view.sku(line) == want.sku);
                let mut cells = line.map_or(&[][..], |line| view.cells(line)).iter();
                let cell = cells.find(|cell| Some(cell.location) == want.location);
                cell.is_some_and(|cell| {
                    let mut later = view.later(cell).iter().rev();
                    let due = later.find(|step| step.from <= want.need_at);
                    due.map_or(cell.now, |step| step.qty) >= want.qty
                })
            })
        })
    }

    /// Has the ledger grant a plan; `None` when somebody took its units.
    pub(in crate::engine) fn reserve(
        &self,
        order: &Arc<Order>,
        resolved: &Resolved,
        decision: &Arc<Decision>,
        (now, deed): (EpochMillis, Option<&Deed>),
    ) -> Result<Option<Granted<'_>>, EngineError> {
        let owner = Arc::new(Owner {
            id: OwnerFact::Order(order.key.clone()),
            priority: order.priority,
            sequence: self.next_sequence(),
        });
        let wants = wants(&decision.plan, &resolved.demands);
        let take = Take {
            owner: &owner,
            // Only now: a refused order leaves nothing behind, not even a channel's name.
            channel: self.channel("channel", &order.channel, now)?,
            expires_at: EpochMillis::DISTANT_FUTURE,
            wants: &wants,
        };
        let admitted = self.admit_short(&decision.plan, &resolved.demands, now)?;
        let pass = self.gate.enter();
        let log = Acceptance {
            engine: self,
            pass: &pass,
            now,
            order,
            decision,
            deed,
            held: RefCell::default(),
        };
        let rooms = self.rooms(&decision.plan);
        let taken = self.ledger.take_with_rooms(&take, &rooms, now, &log);
        let held = log.held.take();
        Ok(taken.ok().map(|holding| Granted {
            holding,
            held,
            _until: (admitted, pass),
        }))
    }

    /// All parts of an order that is being accepted are on hold; the facts of that are written.
    pub(super) fn hold_all(
        &self,
        record: &mut OrderRecord<Reservation>,
        reason: &str,
        at: EpochMillis,
    ) {
        for mut part in record.parts().into_owned() {
            let reason = reason.into();
            part.apply(&Change::Hold { reason }, at)
                .expect("what was just routed or backordered can be held");
            self.put_part(record, part);
        }
    }

    /// Lets what a plan leaves short wait, if no more waits then than may.
    fn admit_short(
        &self,
        plan: &Plan,
        demands: &[Demand],
        now: EpochMillis,
    ) -> Result<Admission<'_>, EngineError> {
        let short = plan.short.iter();
        let units: Vec<(SkuId, Qty)> = short
            .map(|s| (demands[usize::from(s.demand)].sku, s.qty))
            .collect();
        self.admit_waiting(&units, now)
    }

    /// Lets units wait, if no more wait then than may: as many as are on their way and nobody was
    /// promised, and those beyond supply that the network allows.
    pub(in crate::engine) fn admit_waiting(
        &self,
        units: &[(SkuId, Qty)],
        now: EpochMillis,
    ) -> Result<Admission<'_>, EngineError> {
        let rules = self.replan_rules();
        let coming = |sku| {
            self.ledger
                .coming(sku, now)
                .into_iter()
                .map(|(_, units)| units)
        };
        let most = |sku| {
            let beyond = rules.beyond_supply(sku)?;
            Some(u64::from(beyond.0) + coming(sku).sum::<u64>())
        };
        let admitted = self.backorders.admit(units, most);
        admitted.map_err(|(sku, waiting, most)| EngineError::BackorderLimit {
            sku: self.registry.sku_name(sku).to_owned(),
            waiting,
            most,
        })
    }

    /// How orders are placed anew and how many units may wait.
    pub(in crate::engine) fn replan_rules(&self) -> &ReplanRules {
        static DEFAULT: ReplanRules = ReplanRules::DEFAULT;
        self.replan_rules.get().unwrap_or(&DEFAULT)
    }
}
