//! Orders, plans and quotes as JSON, in the shapes that hosts hold on to.

use super::fulfillment_json;
use crate::engine::{
    Binding, Engine, EngineError, Explanation, FulfillmentOrder, Goal, OrderView, PromiseAsk, Quote,
};
use crate::model::{
    Cents, Decision, EpochMillis, FINDINGS_SHOWN_MAX, LocationId, Objective, Order, OrderKey, Plan,
    Qty, Shipment, ShipmentCents, SkuId,
};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
struct OrderJson<'a> {
    source: &'a str,
    order: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'a str>,
    state: &'static str,
    repeated: bool,
    accepted_at: String,
    #[serde(flatten)]
    decision: DecisionJson<'a>,
    waiting: Vec<WaitingJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fulfillments: Vec<PartJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<Value>,
}

#[derive(Serialize)]
struct WaitingJson<'a> {
    sku: &'a str,
    qty: u32,
    ahead: u64,
    expected_at: Option<String>,
}

#[derive(Serialize)]
struct PartJson<'a> {
    number: u32,
    state: &'static str,
    location: Option<&'a str>,
    deliver_at: Option<String>,
    lines: Vec<PartLineJson<'a>>,
}

#[derive(Serialize)]
struct PartLineJson<'a> {
    sku: &'a str,
    qty: u32,
}

#[derive(Serialize)]
struct RefusedJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a str>,
    error: ErrorJson<'a>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    code: &'a str,
    field: &'a str,
    value: &'a str,
    message: String,
}

#[derive(Serialize)]
struct DecisionJson<'a> {
    #[serde(flatten)]
    plan: PlanJson<'a>,
    proof: ProofJson,
    runner_up: Option<PlanJson<'a>>,
    rejected: Vec<RejectedJson<'a>>,
}

#[derive(Serialize)]
struct PlanJson<'a> {
    shipments: Vec<ShipmentJson<'a>>,
    backordered: Vec<LineJson<'a>>,
    objective: ObjectiveJson,
}

#[derive(Serialize)]
struct ShipmentJson<'a> {
    location: &'a str,
    service: &'a str,
    ship_at: String,
    deliver_at: String,
    parcels: u32,
    billable_grams: u64,
    lines: Vec<LineJson<'a>>,
    cents: ShipmentCentsJson,
}

#[derive(Serialize)]
struct LineJson<'a> {
    line: &'a str,
    sku: &'a str,
    qty: u32,
}

#[derive(Serialize)]
struct ShipmentCentsJson {
    postage: i64,
    surcharges: i64,
    handling: i64,
    late: i64,
    speed: i64,
    scarcity: i64,
    total: i64,
}

#[derive(Serialize)]
struct ObjectiveJson {
    postage: i64,
    surcharges: i64,
    handling: i64,
    split: i64,
    late: i64,
    speed: i64,
    scarcity: i64,
    short: i64,
    total: i64,
}

#[derive(Serialize)]
struct ProofJson {
    optimal: bool,
    bound_cents: i64,
}

#[derive(Serialize)]
struct RejectedJson<'a> {
    location: &'a str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_cents: Option<i64>,
}

#[derive(Serialize)]
struct QuoteJson<'a> {
    source: &'a str,
    order: &'a str,
    cheapest: Option<DecisionJson<'a>>,
    fastest: Option<DecisionJson<'a>>,
    balanced: Option<DecisionJson<'a>>,
    frontier: FrontierJson<'a>,
    binding: Vec<BindingJson>,
}

#[derive(Serialize)]
struct ExplanationJson<'a> {
    #[serde(flatten)]
    order: OrderJson<'a>,
    binding: Option<Vec<BindingJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_unknown: Option<String>,
    locations: Vec<ReasonJson<'a>>,
}

#[derive(Serialize)]
struct ReasonJson<'a> {
    location: &'a str,
    reason: &'static str,
}

#[derive(Serialize)]
struct BindingJson {
    constraint: &'static str,
    saves_cents: i64,
    proven: bool,
}

#[derive(Serialize)]
struct FrontierJson<'a> {
    complete: bool,
    plans: Vec<ChoiceJson<'a>>,
}

#[derive(Serialize)]
struct ChoiceJson<'a> {
    cost_cents: i64,
    deliver_at: Option<String>,
    #[serde(flatten)]
    plan: PlanJson<'a>,
    proof: ProofJson,
}

#[derive(Serialize)]
struct PromiseJson<'a> {
    sku: &'a str,
    qty: u32,
    services: Vec<ServiceJson<'a>>,
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    service: &'a str,
    location: &'a str,
    ship_at: String,
    deliver_at: String,
    parcels: u32,
    billable_grams: u64,
    cents: ShipmentCentsJson,
}

/// Why one order of many was not accepted; without its identity where that could not be read.
pub(crate) fn refused(key: &OrderKey, error: &EngineError) -> String {
    let findings = error.findings().iter().take(FINDINGS_SHOWN_MAX);
    let findings = findings.filter_map(|found| {
        Some(FindingJson {
            code: found.code(),
            field: found.field()?,
            value: found.value()?,
            message: found.to_string(),
        })
    });
    to_text(&RefusedJson {
        source: Some(key.source()).filter(|id| !id.is_empty()),
        order: Some(key.order()).filter(|id| !id.is_empty()),
        error: ErrorJson {
            code: error.code(),
            message: error.to_string(),
            findings: findings.collect(),
        },
    })
}

/// An order with its plan, what of it waits, and its parts.
pub(crate) fn order(engine: &Engine, view: &OrderView, now: EpochMillis) -> String {
    let names = Names::new(engine, &view.order, &view.demands);
    to_text(&names.order(view, now))
}

/// The same with where its time went.
pub(crate) fn order_with_delay(engine: &Engine, view: &OrderView, now: EpochMillis) -> String {
    let names = Names::new(engine, &view.order, &view.demands);
    to_text(&OrderJson {
        delay: delay(view, now),
        ..names.order(view, now)
    })
}

/// Of the part that was sent last, or of the first that is not sent yet: the order is sent when all of
/// it is. Nothing where nothing of it will be.
fn delay(view: &OrderView, now: EpochMillis) -> Option<Value> {
    let parts = view.parts.iter();
    let last = parts
        .filter_map(|part| {
            let sent = part.times.sent();
            let counts = sent.is_some() || !part.state.is_closed();
            counts.then_some((part, sent.map(|(at, _)| at)))
        })
        .max_by_key(|(part, sent)| (sent.is_none(), *sent, std::cmp::Reverse(part.id.number)));
    let (part, sent) = last?;
    let mut shown = fulfillment_json::delay(&part.times.delay(part.state, now));
    shown["fulfillment"] = json!(part.id.number);
    shown["sent_at"] = json!(sent.map(|at| at.to_string()));
    Some(shown)
}

/// Why an order is fulfilled as it is.
pub(crate) fn explanation(engine: &Engine, explained: &Explanation, now: EpochMillis) -> String {
    let view = &explained.view;
    let names = Names::new(engine, &view.order, &view.demands);
    let decision = &view.decision;
    let chosen = |at: usize| {
        let mut shipments = decision.plan.shipments.iter();
        shipments.any(|s| s.location.index() == at)
    };
    let reason = |at: usize| {
        let rejected = &decision.rejected;
        let row = rejected.binary_search_by_key(&at, |r| r.location.index());
        match row {
            _ if chosen(at) => "chosen",
            Ok(row) => rejected[row].reason.name(),
            Err(_) => "holds_nothing",
        }
    };
    let all = (0..explained.locations).filter_map(LocationId::from_index);
    let locations = all.map(|location| ReasonJson {
        location: engine.registry().location_name(location),
        reason: reason(location.index()),
    });
    to_text(&ExplanationJson {
        order: names.order(view, now),
        binding: explained
            .binding
            .as_ref()
            .ok()
            .map(|found| found.iter().map(binding).collect()),
        binding_unknown: explained.binding.as_ref().err().map(ToString::to_string),
        locations: locations.collect(),
    })
}

/// Plans that were asked for without placing the order.
pub(crate) fn quote(engine: &Engine, order: &Order, quote: &Quote) -> String {
    let names = Names::new(engine, order, &quote.demands);
    let plan_of = |wanted: Goal| {
        let found = quote.plans.iter().find(|(goal, _)| *goal == wanted);
        found.map(|(_, decision)| names.decision(decision))
    };
    to_text(&QuoteJson {
        source: order.key.source(),
        order: order.key.order(),
        cheapest: plan_of(Goal::Cheapest),
        fastest: plan_of(Goal::Fastest),
        balanced: plan_of(Goal::Balanced),
        frontier: FrontierJson {
            complete: quote.frontier.complete,
            plans: quote
                .frontier
                .plans
                .iter()
                .map(|d| names.choice(d))
                .collect(),
        },
        binding: quote.binding.iter().map(binding).collect(),
    })
}

/// What each carrier service could promise, the earliest first.
pub(crate) fn promise(engine: &Engine, ask: &PromiseAsk<'_>, found: &[Shipment]) -> String {
    let mut found: Vec<&Shipment> = found.iter().collect();
    found.sort_by_key(|s| (s.deliver_on, s.cents.total(), s.service));
    let services = found.iter().map(|shipment| ServiceJson {
        service: engine.service_name(shipment.service),
        location: engine.registry().location_name(shipment.location),
        ship_at: shipment.ship_at.to_string(),
        deliver_at: shipment.deliver_on.to_string(),
        parcels: shipment.parcels,
        billable_grams: shipment.billable.0,
        cents: shipment_cents(&shipment.cents),
    });
    to_text(&PromiseJson {
        sku: ask.sku,
        qty: ask.qty.0,
        services: services.collect(),
    })
}

fn to_text<T: Serialize>(value: &T) -> String {
    // A reply is a kilobyte or two, and growing to that by doubling would copy it several times.
    let mut text = Vec::with_capacity(TEXT_BYTES);
    serde_json::to_writer(&mut text, value).expect("text keys and plain values always serialise");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Room for most replies.
const TEXT_BYTES: usize = 2 << 10;

/// Puts names to ids, and units of demands back on the order's lines.
struct Names<'a> {
    engine: &'a Engine,
    order: &'a Order,
    demands: &'a [SkuId],
}

impl<'a> Names<'a> {
    fn new(engine: &'a Engine, order: &'a Order, demands: &'a [SkuId]) -> Self {
        Self {
            engine,
            order,
            demands,
        }
    }

    fn order(&self, view: &'a OrderView, now: EpochMillis) -> OrderJson<'a> {
        OrderJson {
            source: view.order.key.source(),
            order: view.order.key.order(),
            customer: view.order.customer.as_deref(),
            state: view.status.name(),
            repeated: view.repeated,
            accepted_at: view.accepted_at.to_string(),
            decision: self.decision(&view.decision),
            waiting: self.waiting(view, now),
            fulfillments: view.parts.iter().map(|part| self.part(part)).collect(),
            delay: None,
        }
    }

    fn location(&self, location: LocationId) -> &'a str {
        self.engine.registry().location_name(location)
    }

    fn choice(&self, decision: &Decision) -> ChoiceJson<'a> {
        let plan = &decision.plan;
        ChoiceJson {
            cost_cents: plan.objective.total().0,
            deliver_at: plan.delivered_on().map(|day| day.to_string()),
            plan: self.plan(plan),
            proof: proof(decision),
        }
    }

    fn decision(&self, decision: &Decision) -> DecisionJson<'a> {
        DecisionJson {
            plan: self.plan(&decision.plan),
            proof: proof(decision),
            runner_up: decision.runner_up.as_ref().map(|plan| self.plan(plan)),
            rejected: self.rejected(decision),
        }
    }

    /// What waits for supply, and until when by what is known now.
    fn waiting(&self, view: &OrderView, now: EpochMillis) -> Vec<WaitingJson<'a>> {
        let waiting = self.engine.waiting_of(view, now).into_iter();
        waiting
            .map(|waits| WaitingJson {
                sku: self.engine.registry().sku_name(waits.sku),
                qty: waits.qty.0,
                ahead: waits.ahead,
                expected_at: waits.expected_at.map(|at| at.to_string()),
            })
            .collect()
    }

    /// A part, with the units that it is for.
    fn part(&self, part: &FulfillmentOrder) -> PartJson<'a> {
        let lines = part.lines.iter().map(|line| PartLineJson {
            sku: self.engine.registry().sku_name(line.sku),
            qty: line.units.ordered.saturating_sub(line.units.rerouted).0,
        });
        PartJson {
            number: part.id.number,
            state: part.state.name(),
            location: part.route.map(|r| self.location(r.location)),
            deliver_at: part.route.map(|r| r.deliver_on.to_string()),
            lines: lines.filter(|line| line.qty > 0).collect(),
        }
    }

    /// One reason for every location that holds something of the order, or is paused, and is not in the
    /// plan. Those that hold nothing are not named: of two thousand stores that would be most of a reply.
    fn rejected(&self, decision: &Decision) -> Vec<RejectedJson<'a>> {
        let rejected = decision.rejected.iter();
        rejected
            .map(|row| RejectedJson {
                location: self.location(row.location),
                reason: row.reason.name(),
                extra_cents: row.extra().map(|c| c.0),
            })
            .collect()
    }

    fn plan(&self, plan: &Plan) -> PlanJson<'a> {
        // A demand is one or more lines of the same SKU: shipments take from them in their order.
        let mut open: Vec<u32> = self.order.lines.iter().map(|l| l.qty.0).collect();
        let shipments = plan
            .shipments
            .iter()
            .map(|s| self.shipment(s, &mut open))
            .collect();
        let mut backordered = Vec::new();
        for short in &plan.short {
            self.take(short.demand, short.qty, &mut open, &mut backordered);
        }
        PlanJson {
            shipments,
            backordered,
            objective: objective(&plan.objective),
        }
    }

    fn shipment(&self, shipment: &Shipment, open: &mut [u32]) -> ShipmentJson<'a> {
        let mut lines = Vec::with_capacity(shipment.lines.len());
        for line in &shipment.lines {
            self.take(line.demand, line.qty, open, &mut lines);
        }
        ShipmentJson {
            location: self.location(shipment.location),
            service: self.engine.service_name(shipment.service),
            ship_at: shipment.ship_at.to_string(),
            deliver_at: shipment.deliver_on.to_string(),
            parcels: shipment.parcels,
            billable_grams: shipment.billable.0,
            lines,
            cents: shipment_cents(&shipment.cents),
        }
    }

    fn take(&self, demand: u16, qty: Qty, open: &mut [u32], into: &mut Vec<LineJson<'a>>) {
        let Some(&sku) = self.demands.get(usize::from(demand)) else {
            return;
        };
        let sku = self.engine.registry().sku_name(sku);
        let mut rest = qty.0;
        for (line, open) in self.order.lines.iter().zip(open) {
            if rest > 0 && *open > 0 && *line.sku == *sku {
                let taken = rest.min(*open);
                (rest, *open) = (rest - taken, *open - taken);
                into.push(LineJson {
                    line: &line.line,
                    sku,
                    qty: taken,
                });
            }
        }
    }
}

fn binding(found: &Binding) -> BindingJson {
    BindingJson {
        constraint: found.constraint.name(),
        saves_cents: found.saves.0,
        proven: found.proven,
    }
}

fn proof(decision: &Decision) -> ProofJson {
    ProofJson {
        optimal: decision.proof.optimal,
        bound_cents: decision.proof.bound.0,
    }
}

fn shipment_cents(cents: &ShipmentCents) -> ShipmentCentsJson {
    ShipmentCentsJson {
        postage: cents.postage.0,
        surcharges: cents.surcharges.0,
        handling: cents.handling.0,
        late: cents.late.0,
        speed: cents.speed.0,
        scarcity: cents.scarcity.0,
        total: cents.total().0,
    }
}

fn objective(o: &Objective) -> ObjectiveJson {
    let Cents(total) = o.total();
    ObjectiveJson {
        postage: o.postage.0,
        surcharges: o.surcharges.0,
        handling: o.handling.0,
        split: o.split.0,
        late: o.late.0,
        speed: o.speed.0,
        scarcity: o.scarcity.0,
        short: o.short.0,
        total,
    }
}
