//! Every kind of fact, and exactly what other systems are told of it.

use super::*;
use crate::feed::event::Event;
use crate::model::{
    AnswerKind, Cents, Coordinate, Day, Grams, HoldReason, LocationId, Objective, OrderLine, Plan,
    PolicyOverrides, Proof, ReservationAsked, ServiceId, ShipTo, ShipmentCents, ShortLine,
    WeekDays,
};
use std::sync::Arc;

struct Known;

impl Names for Known {
    fn sku_name(&self, sku: SkuId) -> &str {
        ["MUG", "CUP"].get(sku.index()).copied().unwrap_or_default()
    }
    fn location_name(&self, location: LocationId) -> &str {
        let names = ["EAST", "WEST"];
        names.get(location.index()).copied().unwrap_or_default()
    }
    fn channel_name(&self, _: ChannelId) -> &str {
        "web"
    }
    fn service_name(&self, _: ServiceId) -> &str {
        "ground"
    }
}

const SKU: SkuId = SkuId(0);
const EAST: LocationId = LocationId(0);
const WEST: LocationId = LocationId(1);
const WEB: ChannelId = ChannelId(0);
/// 1970-01-01T00:00:01Z.
const T: EpochMillis = EpochMillis(1000);
const T_TEXT: &str = "1970-01-01T00:00:01Z";

/// `id streams type name=value …` of one event, without its time.
fn line(event: &Event<'_>) -> String {
    let streams: Vec<&str> = event.streams.iter().map(|s| s.name()).collect();
    let mut fields = event.fields();
    let mut next = || {
        fields
            .next()
            .map(|(f, v)| (f, std::str::from_utf8(v).unwrap()))
    };
    let (kind, at) = (next().unwrap(), next().unwrap());
    assert_eq!((kind.0, at), (Field::Type, (Field::At, T_TEXT)));
    let mut text = format!("{} {} {}", event.id, streams[1..].join("+"), kind.1);
    while let Some((field, value)) = next() {
        text.push_str(&format!(" {}={value}", field.name()));
    }
    text
}

fn told(fact: &Fact) -> Vec<String> {
    let mut batch = Batch::new();
    from_fact(Lsn(5), T, fact, &Known, &mut batch);
    batch.iter().map(|event| line(&event)).collect()
}

fn order_owner() -> OwnerFact {
    OwnerFact::Order(OrderKey::new("shop", "1"))
}

fn claim(location: LocationId, qty: u32) -> ClaimFact {
    ClaimFact {
        sku: SKU,
        location,
        qty: Qty(qty),
        need_at: T,
    }
}

fn accepted() -> Fact {
    let bought = |line: &str, sku: &str, qty| OrderLine {
        together: None,
        line: line.into(),
        sku: sku.into(),
        qty: Qty(qty),
        may_split: true,
    };
    let order = Order {
        key: OrderKey::new("shop", "1"),
        channel: "web".into(),
        placed_at: T,
        priority: 2,
        ship_to: ShipTo {
            country: "US".into(),
            postal: "94107".into(),
            coordinate: None,
            ..ShipTo::default()
        },
        deliver_by: None,
        deliver_by_is_hard: false,
        policy: PolicyOverrides::default(),
        lines: vec![
            bought("1", "MUG", 2),
            bought("2", "MUG", 1),
            bought("3", "CUP", 4),
        ],
        ..Order::default()
    };
    let shipment = Shipment {
        location: EAST,
        service: ServiceId(0),
        need_at: T,
        ship_at: T,
        deliver_on: Day(1),
        parcels: 1,
        billable: Grams(900),
        lines: vec![ShipmentLine {
            demand: 0,
            qty: Qty(3),
        }],
        cents: ShipmentCents {
            postage: Cents(700),
            ..ShipmentCents::default()
        },
    };
    let plan = Plan {
        shipments: vec![shipment],
        short: vec![ShortLine {
            demand: 1,
            qty: Qty(4),
        }],
        objective: Objective {
            postage: Cents(700),
            short: Cents(10_000),
            ..Objective::default()
        },
    };
    let decision = Decision {
        basis: Box::default(),
        plan,
        proof: Proof {
            optimal: true,
            bound: Cents(10_700),
        },
        runner_up: None,
        rejected: Vec::new(),
    };
    Fact::OrderAccepted {
        order: Arc::new(order),
        decision: Arc::new(decision),
        channel: WEB,
        sequence: 9,
        accepted_at: T,
        claims: vec![claim(EAST, 3)],
    }
}

#[test]
fn an_accepted_order_tells_of_its_shipments_its_shortage_and_its_units() {
    assert_eq!(
        told(&accepted()),
        [
            "5-0 orders order.accepted source=shop order=1 channel=web priority=2 sequence=9 \
             placed_at=1970-01-01T00:00:01Z lines=3 units=7 shipments=1 claims=1 cents=10700 \
             optimal=1",
            "5-1 orders shipment.planned source=shop order=1 shipment=1 location=EAST \
             service=ground units=3 parcels=1 need_at=1970-01-01T00:00:01Z \
             ship_at=1970-01-01T00:00:01Z deliver_on=1970-01-02 cents=700",
            "5-2 orders+exceptions order.short source=shop order=1 sku=CUP qty=4",
            "5-3 stock stock.claimed source=shop order=1 sku=MUG location=EAST qty=3 \
             need_at=1970-01-01T00:00:01Z",
        ]
    );
    let key = OrderKey::new("shop", "1");
    assert_eq!(
        told(&Fact::OrderCancelled { key }),
        ["5-0 orders order.cancelled source=shop order=1"]
    );
}

#[test]
fn a_reservation_tells_whose_it_is_and_where_its_units_are() {
    let reserved = |owner, expires_at| Fact::Reserved {
        owner,
        channel: WEB,
        priority: 0,
        sequence: 3,
        expires_at,
        claims: vec![claim(WEST, 2)],
    };
    assert_eq!(
        told(&reserved(order_owner(), EpochMillis::DISTANT_FUTURE)),
        [
            "5-0 stock reservation.put source=shop order=1 channel=web priority=0 sequence=3 \
             firm=1 claims=1",
            "5-1 stock stock.claimed source=shop order=1 sku=MUG location=WEST qty=2 \
             need_at=1970-01-01T00:00:01Z",
        ]
    );
    let put = Fact::ReservationPut {
        id: "cart".into(),
        asked: Box::new(ReservationAsked {
            channel: WEB,
            priority: -1,
            firm: false,
            need_at: None,
            lines: Vec::new(),
        }),
        sequence: 4,
        expires_at: T,
        claims: Vec::new(),
    };
    assert_eq!(
        told(&put),
        [
            "5-0 stock reservation.put reservation=cart channel=web priority=-1 sequence=4 firm=0 \
          expires_at=1970-01-01T00:00:01Z claims=0"
        ]
    );
}

#[test]
fn the_end_of_a_reservation_is_told_with_its_reason() {
    let cart = || OwnerFact::Reservation("cart".into());
    let extended = |expires_at| Fact::ReservationExtended {
        owner: cart(),
        expires_at,
    };
    let ended = |expired| Fact::ReservationEnded {
        owner: cart(),
        expired,
    };
    for (fact, want) in [
        (
            extended(EpochMillis::DISTANT_FUTURE),
            "extended reservation=cart firm=1",
        ),
        (
            extended(T),
            "extended reservation=cart firm=0 expires_at=1970-01-01T00:00:01Z",
        ),
        (ended(false), "ended reservation=cart"),
        (ended(true), "expired reservation=cart"),
        (
            Fact::ReservationCancelled { id: "cart".into() },
            "cancelled reservation=cart",
        ),
    ] {
        assert_eq!(told(&fact), [format!("5-0 stock reservation.{want}")]);
    }
}

#[test]
fn stock_facts_tell_of_one_position() {
    let (sku, location) = (SKU, EAST);
    let moved = Fact::OnHandMoved {
        sku,
        location,
        before: Qty(9),
        after: Qty(7),
        as_of: T,
        reason: "count".into(),
    };
    let opened = Fact::PositionOpened {
        sku,
        location,
        on_hand: Qty(9),
        safety: Qty(1),
    };
    let placed = Fact::HoldPlaced {
        hold: "h".into(),
        sku,
        location,
        qty: Qty(2),
        reason: HoldReason::Damaged,
    };
    let allocated = |cap| Fact::AllocationSet {
        sku,
        channel: WEB,
        protected: Qty(3),
        cap,
    };
    for (fact, want) in [
        (
            moved,
            "stock.moved sku=MUG location=EAST before=9 after=7 change=-2 reason=count \
             as_of=1970-01-01T00:00:01Z",
        ),
        (
            opened,
            "stock.opened sku=MUG location=EAST on_hand=9 safety_stock=1",
        ),
        (
            Fact::SafetyStockSet {
                sku,
                location,
                qty: Qty(4),
            },
            "stock.safety_set sku=MUG location=EAST qty=4",
        ),
        (
            placed,
            "hold.placed hold=h sku=MUG location=EAST qty=2 reason=damaged",
        ),
        (
            Fact::HoldReleased {
                hold: "h".into(),
                qty: Qty(1),
            },
            "hold.released hold=h qty=1",
        ),
        (
            allocated(None),
            "allocation.set sku=MUG channel=web protected=3",
        ),
        (
            allocated(Some(Qty(8))),
            "allocation.set sku=MUG channel=web protected=3 cap=8",
        ),
    ] {
        assert_eq!(told(&fact), [format!("5-0 stock {want}")]);
    }
}

#[test]
fn supply_facts_name_the_supply() {
    let id = || "t1".into();
    let expected = |kind, from| {
        Fact::IncomingExpected(Box::new(IncomingFact {
            id: id(),
            kind,
            sku: SKU,
            from,
            to: WEST,
            qty: Qty(6),
            arrives_at: T,
        }))
    };
    for (fact, want) in [
        (
            expected(IncomingKind::Transfer, Some(EAST)),
            "expected incoming=t1 kind=transfer sku=MUG from=EAST location=WEST qty=6 \
             arrives_at=1970-01-01T00:00:01Z",
        ),
        (
            expected(IncomingKind::Purchase, None),
            "expected incoming=t1 kind=purchase sku=MUG location=WEST qty=6 \
             arrives_at=1970-01-01T00:00:01Z",
        ),
        (
            Fact::IncomingDelayed {
                id: id(),
                arrives_at: T,
            },
            "delayed incoming=t1 arrives_at=1970-01-01T00:00:01Z",
        ),
        (
            Fact::IncomingReduced {
                id: id(),
                qty: Qty(2),
                closed: true,
            },
            "reduced incoming=t1 qty=2 closed=1",
        ),
        (
            Fact::IncomingCancelled {
                id: id(),
                qty: Qty(2),
                returned: false,
            },
            "cancelled incoming=t1 qty=2 returned=0",
        ),
    ] {
        assert_eq!(told(&fact), [format!("5-0 stock incoming.{want}")]);
    }
}

#[test]
fn a_load_tells_of_every_promise_it_broke() {
    let load = Fact::LoadAnswered {
        reference: "feed-1".into(),
        content: "3 rows".into(),
        rows: 3,
        broken: vec![BrokenFact {
            owner: order_owner(),
            priority: 1,
            sequence: 8,
            sku: SKU,
            location: EAST,
            qty: Qty(2),
        }],
    };
    assert_eq!(
        told(&load),
        [
            "5-0 stock stock.loaded reference=feed-1 rows=3 broken=1",
            "5-1 stock+exceptions promise.broken source=shop order=1 priority=1 sequence=8 \
             sku=MUG location=EAST qty=2",
        ]
    );
    let reference = Fact::Referenced {
        reference: "r".into(),
        content: "c".into(),
        answer: AnswerKind::Done,
    };
    assert!(told(&reference).is_empty(), "its effect has been told");
}

#[test]
fn master_data_is_told_to_the_stream_of_everything_only() {
    let item = Item {
        sku: "NEW".into(),
        name: "New mug".into(),
        grams: 350,
        size_mm: [0; 3],
        class: "".into(),
        value: Cents(500),
        ..Item::default()
    };
    let row = Location {
        id: "NORTH".into(),
        name: "North".into(),
        kind: LocationKind::ThirdParty,
        country: "US".into(),
        postal: "1".into(),
        coordinate: Coordinate::default(),
        timezone: "UTC".into(),
        cutoff_minutes: 0,
        working_days: WeekDays(31),
        lead_hours: 0,
        shipments_per_day: None,
        units_per_day: None,
        handling_per_shipment: Cents(0),
        handling_per_unit: Cents(0),
        abilities: Vec::new(),
        ..Location::default()
    };
    let paused = |paused| Fact::LocationPaused {
        location: EAST,
        paused,
    };
    let opened = Fact::NetworkOpened {
        name: "us".into(),
        services: vec!["ground".into()],
    };
    let rules = PromiseRules {
        default: PromiseFrom::Transfers,
        buffer_hours: 12,
        ..PromiseRules::default()
    };
    for (fact, want) in [
        (
            Fact::ItemPut {
                sku: SkuId(7),
                item: Box::new(item),
            },
            "item.put sku=NEW name=New mug grams=350",
        ),
        (
            Fact::LocationPut {
                location: LocationId(7),
                row: Box::new(row),
            },
            "location.put location=NORTH name=North kind=3pl",
        ),
        (paused(true), "location.paused location=EAST"),
        (paused(false), "location.resumed location=EAST"),
        (
            Fact::ChannelAdded {
                channel: ChannelId(4),
                id: "shop".into(),
            },
            "channel.added channel=shop",
        ),
        (opened, "network.opened name=us"),
        (
            Fact::PromiseRulesSet {
                rules: Box::new(rules),
            },
            "promise_rules.set promise_from=transfers buffer_hours=12",
        ),
        (Fact::OpeningDone, "opening.done"),
    ] {
        assert_eq!(told(&fact), [format!("5-0  {want}")]);
    }
}

#[test]
fn the_same_facts_give_the_same_events() {
    let facts = [accepted(), Fact::OpeningDone, accepted()];
    let tell = || {
        let mut batch = Batch::new();
        for (lsn, fact) in (11..).zip(&facts) {
            from_fact(Lsn(lsn), T, fact, &Known, &mut batch);
        }
        batch.iter().map(|e| line(&e)).collect::<Vec<_>>()
    };
    let told = tell();
    assert_eq!(told, tell());
    let ids: Vec<&str> = told.iter().filter_map(|l| l.split(' ').next()).collect();
    assert_eq!(
        ids,
        [
            "11-0", "11-1", "11-2", "11-3", "12-0", "13-0", "13-1", "13-2", "13-3"
        ]
    );
}
