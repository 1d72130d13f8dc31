//! An engine brought to where its history ended: facts in, state out, no decision taken again.

use super::duplicates::Entering;
use super::error::EngineError;
use super::stock::StockAnswer;
use super::supply::{Received, SupplyAnswer};
use super::{Engine, Limits};
use crate::ledger::{Broken, Grant, Hold, Moved, NoLog, Owner, SupplyState};
use crate::lifecycle::{OrderRecord, OrderState, Submission};
use crate::model::{
    AnswerKind, BrokenFact, ChannelId, ClaimFact, Decision, EpochMillis, Fact, Location,
    LocationId, Network, Order, OwnerFact, PromiseRules, Qty, SkuId,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the fact before did, as far as an answer is made of it.
#[derive(Debug)]
enum Effect {
    Nothing,
    Moved(Moved),
    Broken(Vec<Broken>),
    Released(Qty),
    Received(Moved, Qty),
}

/// An engine that takes facts instead of commands, until it is finished.
pub struct Replay {
    pub(super) engine: Engine,
    /// The locations of the history by id; the folder's are joined at the end.
    pub(super) locations: Vec<Location>,
    pub(super) paused: HashSet<LocationId>,
    pub(super) services: Option<Vec<Box<str>>>,
    pub(super) rules: PromiseRules,
    pub(super) opened: bool,
    /// The latest moment of anything in the history.
    pub(super) last_at: EpochMillis,
    effect: Effect,
}

type Applied = Result<(), String>;

impl Replay {
    /// Ready for the first fact. The network gives tariffs, services and policy; places and items
    /// come from the facts.
    ///
    /// # Errors
    /// `INVALID` naming what in the network cannot be used.
    pub fn new(network: Network, limits: Limits) -> Result<Self, EngineError> {
        Ok(Self {
            engine: Engine::blank(network, limits)?,
            locations: Vec::new(),
            paused: HashSet::new(),
            services: None,
            rules: PromiseRules::default(),
            opened: false,
            last_at: EpochMillis::default(),
            effect: Effect::Nothing,
        })
    }

    /// Applies the next fact, at the moment at which it was recorded.
    ///
    /// # Errors
    /// A sentence that says why it cannot follow on those before it.
    pub fn apply(&mut self, at: EpochMillis, fact: Fact) -> Applied {
        self.last_at = self.last_at.max(at);
        match fact {
            Fact::ItemPut { sku, item } => {
                let put = self
                    .engine
                    .registry
                    .put_item(*item, &self.engine.gate, |_, _| {});
                same("item", put.map(|(id, _)| id), &sku)
            }
            Fact::LocationPut { location, row } => self.put_location(location, *row),
            Fact::LocationPaused { location, paused } => {
                match paused {
                    true => self.paused.insert(location),
                    false => self.paused.remove(&location),
                };
                Ok(())
            }
            Fact::ChannelAdded { channel, id } => {
                let put =
                    self.engine
                        .registry
                        .channel("channel", &id, &self.engine.gate, |_, _| {});
                same("channel", put, &channel)
            }
            Fact::NetworkOpened { services, .. } => {
                self.services = Some(services);
                Ok(())
            }
            Fact::PromiseRulesSet { rules } => {
                self.engine.ledger.set_rules(&rules, at);
                self.rules = *rules;
                Ok(())
            }
            Fact::OpeningDone => {
                self.opened = true;
                Ok(())
            }
            Fact::Reserved { .. } => Err("claims without their owner's record".to_owned()),
            Fact::ReservationPut { .. }
            | Fact::ReservationExtended { .. }
            | Fact::ReservationEnded { .. }
            | Fact::ReservationCancelled { .. } => self.reservation(at, fact),
            Fact::OrderAccepted {
                order,
                decision,
                channel,
                sequence,
                accepted_at,
                claims,
            } => {
                let grant = (channel, sequence, &*claims);
                self.accept(at, order, decision, accepted_at, grant)
            }
            Fact::OrderCancelled { key } => {
                let cancelled = self
                    .engine
                    .cancel_order_alone(key.source(), key.order(), at)
                    .map_err(|e| e.to_string())?;
                match cancelled.repeated {
                    false => Ok(()),
                    true => Err(format!("order {key} is cancelled twice")),
                }
            }
            Fact::ReleaseKeyMade { secret } => match self.engine.release_secret.set(secret) {
                Ok(()) => Ok(()),
                Err(_) => Err("the release key is made twice".to_owned()),
            },
            Fact::FulfillmentChanged(fact) => self.engine.change_part_again(at, &fact),
            Fact::CostTold(fact) => {
                self.effect = Effect::Nothing;
                self.engine.tell_cost_again(&fact)
            }
            Fact::ThresholdSet { watched, low } => {
                self.effect = Effect::Nothing;
                self.engine.availability.lock().set(watched, low);
                Ok(())
            }
            Fact::AvailabilityCrossed(fact) => {
                self.engine.availability.lock().put(fact.watched, fact.is);
                Ok(())
            }
            // It only tells.
            Fact::BacklogTold(_) => Ok(()),
            Fact::ReturnChanged(fact) => self.engine.change_return_again(at, &fact),
            Fact::OrderReplanned(fact) => self.engine.replan_again(at, &fact),
            Fact::ExceptionChanged(fact) => self.engine.desk.restore(|all| all.apply(at, &fact)),
            Fact::Referenced {
                reference,
                content,
                answer,
            } => self.referenced(&reference, &content, answer),
            Fact::LoadAnswered {
                reference,
                content,
                rows,
                broken,
            } => {
                let rows = usize::try_from(rows).map_err(|e| e.to_string())?;
                let broken = broken.into_iter().map(broken_again).collect();
                let answer = Arc::new(StockAnswer::Loaded(rows, broken));
                self.engine
                    .stock_references
                    .restore(&reference, &content, answer);
                Ok(())
            }
            Fact::FeedGroup(change) => {
                self.engine.feed.apply(&change);
                Ok(())
            }
            stock => {
                self.effect = self.stock(at, stock)?;
                Ok(())
            }
        }
    }

    /// Facts of the ledger alone.
    fn stock(&self, at: EpochMillis, fact: Fact) -> Result<Effect, String> {
        let ledger = &self.engine.ledger;
        Ok(match fact {
            Fact::PositionOpened {
                sku,
                location,
                on_hand,
                safety,
            } => {
                ledger.reopen((sku, location), on_hand, safety, at);
                Effect::Nothing
            }
            Fact::OnHandMoved {
                sku,
                location,
                before,
                after,
                as_of,
                ..
            } => Effect::Moved(ledger.move_units((sku, location), (before, after), as_of, at)?),
            Fact::SafetyStockSet { sku, location, qty } => {
                Effect::Broken(ledger.set_safety_stock(sku, location, qty, at, &NoLog))
            }
            Fact::HoldPlaced {
                hold,
                sku,
                location,
                qty,
                reason,
            } => {
                let held = Hold {
                    sku,
                    location,
                    placed: qty,
                    qty,
                    reason,
                };
                let placed = ledger.rehold(&hold, held, at);
                Effect::Broken(placed.map_err(|e| format!("hold {hold}: {e}"))?)
            }
            Fact::HoldReleased { hold, qty } => {
                let released = ledger.release_hold(&hold, Some(qty), at, &NoLog);
                Effect::Released(released.map_err(|e| format!("hold {hold}: {e}"))?)
            }
            Fact::AllocationSet {
                sku,
                channel,
                protected,
                cap,
            } => {
                ledger.set_allocation(sku, channel, protected, cap, at, &NoLog);
                Effect::Nothing
            }
            Fact::IncomingExpected(announced) => {
                let new = ledger.expect_supply(&announced, at, &NoLog);
                match new.map_err(|e| format!("supply {}: {e}", announced.id))? {
                    true => Effect::Nothing,
                    false => return Err(format!("supply {} is announced twice", announced.id)),
                }
            }
            Fact::IncomingDelayed { id, arrives_at } => {
                let kind = ledger.supply_kind(&id);
                let kind = kind.ok_or_else(|| format!("supply {id} was never announced"))?;
                let delayed = ledger.delay(&id, kind, arrives_at, at, &NoLog);
                Effect::Broken(delayed.map_err(|e| format!("supply {id}: {e}"))?)
            }
            Fact::IncomingReduced { id, qty, closed } => {
                let state = match closed {
                    true => SupplyState::Received,
                    false => SupplyState::Open,
                };
                let reduced = ledger.reduce_supply(&id, qty, state, at);
                let (sku, to, written_off) = reduced.map_err(|e| format!("supply {id}: {e}"))?;
                let broken = ledger.broken_at(sku, to, at);
                match &self.effect {
                    Effect::Moved(moved) => {
                        let moved = Moved {
                            broken,
                            ..moved.clone()
                        };
                        Effect::Received(moved, written_off)
                    }
                    _ => Effect::Broken(broken),
                }
            }
            Fact::IncomingCancelled { id, qty, returned } => {
                let state = match returned {
                    true => SupplyState::Returned,
                    false => SupplyState::Cancelled,
                };
                let cancelled = ledger.reduce_supply(&id, qty, state, at);
                let (sku, to, _) = cancelled.map_err(|e| format!("supply {id}: {e}"))?;
                Effect::Broken(ledger.broken_at(sku, to, at))
            }
            other => return Err(format!("not a fact of the ledger: {other:?}")),
        })
    }

    fn referenced(&mut self, reference: &str, content: &str, answer: AnswerKind) -> Applied {
        let effect = std::mem::replace(&mut self.effect, Effect::Nothing);
        let (stock, supply) = self.answers(reference, content);
        match (answer, effect) {
            (AnswerKind::Moved, Effect::Moved(moved)) => stock(StockAnswer::Moved(moved)),
            (AnswerKind::Broken, Effect::Broken(broken)) => stock(StockAnswer::Broken(broken)),
            (AnswerKind::Released, Effect::Released(qty)) => stock(StockAnswer::Released(qty)),
            (AnswerKind::Done, Effect::Nothing) => stock(StockAnswer::Done),
            (AnswerKind::Received, Effect::Received(moved, written_off)) => {
                supply(SupplyAnswer::Received(Received { moved, written_off }));
            }
            (AnswerKind::SupplyBroken, Effect::Broken(broken)) => {
                supply(SupplyAnswer::Broken(broken));
            }
            (AnswerKind::Nothing, _) => supply(SupplyAnswer::Broken(Vec::new())),
            (_, effect) => {
                return Err(format!(
                    "reference {reference} answers '{content}' with {effect:?}"
                ));
            }
        }
        Ok(())
    }

    /// Remember what a write with a reference was answered, about stock and about supply.
    pub(super) fn answers<'r>(
        &'r self,
        reference: &'r str,
        content: &'r str,
    ) -> (impl Fn(StockAnswer) + 'r, impl Fn(SupplyAnswer) + 'r) {
        let engine = &self.engine;
        let stock = move |answer| {
            let known = &engine.stock_references;
            known.restore(reference, content, Arc::new(answer));
        };
        let supply = move |answer| {
            let known = &engine.supply_references;
            known.restore(reference, content, Arc::new(answer));
        };
        (stock, supply)
    }

    fn put_location(&mut self, id: LocationId, row: Location) -> Applied {
        let put = self
            .engine
            .registry
            .put_location(&row.id, &self.engine.gate, |_, _| {});
        same("location", put.map(|(id, _)| id), &id)?;
        match self.locations.get_mut(id.index()) {
            Some(known) => *known = row,
            None => self.locations.push(row),
        }
        Ok(())
    }

    fn reservation(&mut self, at: EpochMillis, fact: Fact) -> Applied {
        match fact {
            Fact::ReservationPut {
                id,
                asked,
                sequence,
                expires_at,
                claims,
            } => {
                self.saw_sequence(sequence);
                let owner = Arc::new(Owner {
                    id: OwnerFact::Reservation(id.clone()),
                    priority: asked.priority,
                    sequence,
                });
                let grant = Grant {
                    owner: &owner,
                    channel: asked.channel,
                    expires_at,
                    claims: &claims,
                };
                self.engine.restore_reservation(&id, *asked, &grant, at)
            }
            Fact::ReservationExtended {
                owner: OwnerFact::Reservation(id),
                expires_at,
            } => {
                let moved = self.engine.move_ending(&id, at, |_| expires_at);
                moved.map(|_| ()).map_err(|e| e.to_string())
            }
            Fact::ReservationEnded {
                owner: OwnerFact::Reservation(id),
                ..
            } => {
                self.engine.forget_reservation(&id, at);
                Ok(())
            }
            Fact::ReservationCancelled { id } => {
                let cancelled = self.engine.cancel_reservation_alone(&id, at);
                cancelled.map(|_| ()).map_err(|e| e.to_string())
            }
            other => Err(format!("not about a reservation: {other:?}")),
        }
    }

    fn accept(
        &mut self,
        at: EpochMillis,
        order: Arc<Order>,
        decision: Arc<Decision>,
        accepted_at: EpochMillis,
        (channel, sequence, claims): (ChannelId, u64, &[ClaimFact]),
    ) -> Applied {
        self.saw_sequence(sequence);
        let engine = &self.engine;
        let demands = self.demands_of(&order)?;
        let Submission::New(place) = engine.orders.submit(&order) else {
            return Err(format!("order {} is accepted twice", order.key));
        };
        let owner = Arc::new(Owner {
            id: OwnerFact::Order(order.key.clone()),
            priority: order.priority,
            sequence,
        });
        let grant = Grant {
            owner: &owner,
            channel,
            expires_at: EpochMillis::DISTANT_FUTURE,
            claims,
        };
        let holding = engine.ledger.regrant(&grant, at);
        engine.count(&decision.plan);
        let entering = Entering {
            order: &order,
            sequence,
            accepted_at,
        };
        engine.duplicates.remember(entering, accepted_at);
        let mut record = OrderRecord {
            state: OrderState::of(&decision.plan),
            order,
            demands: demands.into(),
            decision,
            accepted_at,
            parts: Vec::new(),
            costs: BTreeMap::new(),
            returns: None,
            holding: Some(holding),
            amended: None,
            waits: Box::default(),
            watched: crate::lifecycle::Watched::default(),
            counted: false,
        };
        engine.await_parts(&mut record);
        place.accept(record);
        Ok(())
    }

    /// The SKUs of an order, each once, in the order of its lines.
    pub(super) fn demands_of(&self, order: &Order) -> Result<Vec<SkuId>, String> {
        self.engine.demand_skus(order)
    }

    fn saw_sequence(&self, sequence: u64) {
        let next = sequence.saturating_add(1);
        self.engine.sequence.fetch_max(next, Ordering::Relaxed);
    }
}

fn same<I: PartialEq + std::fmt::Debug>(
    what: &str,
    got: Result<I, EngineError>,
    expected: &I,
) -> Applied {
    let got = got.map_err(|e| e.to_string())?;
    match got == *expected {
        true => Ok(()),
        false => Err(format!("the {what} has id {got:?}, not {expected:?}")),
    }
}

pub(super) fn broken_again(fact: BrokenFact) -> Broken {
    Broken {
        owner: Arc::new(Owner {
            id: fact.owner,
            priority: fact.priority,
            sequence: fact.sequence,
        }),
        sku: fact.sku,
        location: fact.location,
        qty: fact.qty,
    }
}
