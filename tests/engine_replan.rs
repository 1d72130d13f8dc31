//! Orders that lose their place and get another one, orders that wait, orders that are changed: what is
//! promised about them, one story each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::{
    AtpRequest, ClaimAsk, CountReport, Engine, EngineError, FulfillmentOrder, Limits, OrderView,
    PartName, SupplyPut, Token, Told,
};
use allot::lifecycle::State;
use allot::model::{
    Change, ClaimMode, EpochMillis, HoldReason, IncomingKind, Item, LocationId, Millis, Network,
    Opening, Order, PromiseFrom, Qty, ReplanRules, SkuId, StockRow,
};
use engine_support::{NOW, atp, engine, item, network, no_backorder, order, submit};
use std::sync::Arc;

const DAY: Millis = Millis(86_400_000);

fn part(engine: &Engine, id: &str, number: u32) -> FulfillmentOrder {
    let name = PartName {
        source: "shop",
        order: id,
        number,
    };
    engine.fulfillment(name).unwrap().part
}

fn parts(engine: &Engine, id: &str) -> Vec<FulfillmentOrder> {
    let all = engine.fulfillments("shop", id).unwrap().into_iter();
    all.map(|view| view.part).collect()
}

/// Where the parts are that are to ship, and how many units each has.
fn routed(engine: &Engine, id: &str) -> Vec<(u16, u32)> {
    let all = parts(engine, id).into_iter();
    let open = all.filter(|p| p.state == State::Routed);
    open.map(|p| (p.route.unwrap().location.0, units(&p)))
        .collect()
}

fn units(part: &FulfillmentOrder) -> u32 {
    let lines = part.lines.iter().map(|l| l.units);
    lines
        .map(|u| (u.ordered - u.rerouted - u.cancelled).0)
        .sum()
}

fn status(engine: &Engine, id: &str) -> &'static str {
    engine.order("shop", id).unwrap().status.name()
}

fn claim(engine: &Engine, id: &str, place: &str, now: EpochMillis) -> (u32, Token) {
    let ask = ClaimAsk {
        location: place,
        holder: "wms",
        count: 1,
        lease: Millis(60_000),
        mode: ClaimMode::WorkAtOnce,
        order: Some(("shop", id)),
    };
    let handed = engine.claim(&ask, now).unwrap();
    (handed[0].0.part.id.number, handed[0].1.token)
}

fn tell(
    engine: &Engine,
    id: &str,
    (number, token): &(u32, Token),
    change: &Change,
    now: EpochMillis,
) -> Result<Told, EngineError> {
    let name = PartName {
        source: "shop",
        order: id,
        number: *number,
    };
    engine.tell_fulfillment(name, Some(token), change, now)
}

fn reject() -> Change {
    Change::Reject {
        reason: "dock closed".into(),
    }
}

fn short(qty: u32) -> Change {
    Change::Short {
        lines: vec![(0, Qty(qty))],
    }
}

fn count(engine: &Engine, reference: &str, place: &str, units: u32, now: EpochMillis) {
    let count = CountReport {
        sku: "SKU-0",
        location: place,
        on_hand: Qty(units),
        as_of: None,
        deducted: &[],
    };
    engine.set_stock(reference, &count, now).unwrap();
}

fn expect(engine: &Engine, id: &str, place: &str, units: u32, at: EpochMillis) {
    let put = SupplyPut {
        id,
        sku: "SKU-0",
        from: None,
        to: place,
        qty: Qty(units),
        arrives_at: at,
        force: false,
    };
    engine.announce_supply(&put, NOW).unwrap();
}

fn amend(engine: &Engine, reference: &str, order: Order) -> Result<OrderView, EngineError> {
    engine.amend(reference, &Arc::new(order), NOW)
}

/// An engine with these rules and stock of SKU-0 by location; supply may only be promised where asked.
fn with_rules(stock: [u32; 3], rules: ReplanRules, from: PromiseFrom) -> Engine {
    let mut network: Network = network();
    network.replan = rules;
    network.promise.default = from;
    let rows = (0u16..).zip(stock).map(|(place, units)| StockRow {
        sku: SkuId(0),
        location: LocationId(place),
        on_hand: Qty(units),
        safety_stock: Qty(0),
        held: None,
    });
    let items: Vec<Item> = vec![item(0)];
    let opening = Opening {
        items,
        stock: rows.collect(),
        ..Opening::default()
    };
    Engine::new(network, opening, Limits::default(), None, NOW).unwrap()
}

#[test]
fn what_a_location_rejects_ships_from_another_by_itself() {
    let engine = engine(&[[5, 5, 0]]);
    submit(&engine, order("1", &[(0, 3)])).unwrap();
    assert_eq!(routed(&engine, "1"), [(0, 3)]);
    let held = claim(&engine, "1", "EAST", NOW);
    let told = tell(&engine, "1", &held, &reject(), NOW).unwrap();
    assert_eq!(told.placed, [2]);
    assert_eq!(routed(&engine, "1"), [(1, 3)]);
    assert_eq!(status(&engine, "1"), "routed");
    assert_eq!(atp(&engine, "SKU-0"), 7, "what was rejected is there");
    // The repeat of the rejection is late and moves nothing.
    let late = tell(&engine, "1", &held, &reject(), NOW).unwrap();
    assert!(late.placed.is_empty());
    // And the new part is handed out like any other.
    let (number, _) = claim(&engine, "1", "MID", NOW);
    assert_eq!(number, 2);
}

#[test]
fn a_location_that_rejected_is_left_out_for_a_while() {
    let rules = ReplanRules {
        exclude_hours: 2,
        ..ReplanRules::default()
    };
    let engine = with_rules([5, 0, 0], rules, PromiseFrom::Off);
    submit(&engine, order("1", &[(0, 3)])).unwrap();
    let held = claim(&engine, "1", "EAST", NOW);
    tell(&engine, "1", &held, &reject(), NOW).unwrap();
    assert_eq!(status(&engine, "1"), "backordered");
    let key = engine.order("shop", "1").unwrap().order.key.clone();
    let soon = NOW + Millis::from_hours(1);
    assert!(!engine.retry_order(&key, soon).unwrap());
    // Another order may have them meanwhile.
    submit(&engine, order("2", &[(0, 1)])).unwrap();
    assert_eq!(routed(&engine, "2"), [(0, 1)]);
    assert!(
        engine
            .retry_order(&key, NOW + Millis::from_hours(2))
            .unwrap()
    );
    assert_eq!(routed(&engine, "1"), [(0, 3)]);
}

#[test]
fn a_short_pick_moves_only_what_is_missing() {
    let engine = engine(&[[5, 5, 0]]);
    submit(&engine, order("1", &[(0, 3)])).unwrap();
    let held = claim(&engine, "1", "EAST", NOW);
    let told = tell(&engine, "1", &held, &short(1), NOW).unwrap();
    assert_eq!(told.placed, [2]);
    let (first, second) = (part(&engine, "1", 1), part(&engine, "1", 2));
    assert_eq!((first.state, units(&first)), (State::ShortPicked, 2));
    assert_eq!((second.state, units(&second)), (State::Routed, 1));
    assert_eq!(second.route.unwrap().location, LocationId(1));
    // A later message names the total: one more is missing, one more moves.
    let told = tell(&engine, "1", &held, &short(2), NOW).unwrap();
    assert_eq!(told.placed, [3]);
    assert_eq!(routed(&engine, "1"), [(1, 1), (1, 1)]);
    tell(&engine, "1", &held, &Change::Ship { parcels: vec![] }, NOW).unwrap();
    assert_eq!(status(&engine, "1"), "partly_shipped");
}

#[test]
fn units_that_were_not_found_correct_the_count_and_hold_what_is_left() {
    let engine = engine(&[[5, 5, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    submit(&engine, order("2", &[(0, 1)])).unwrap();
    let held = claim(&engine, "1", "EAST", NOW);
    let told = tell(&engine, "1", &held, &short(1), NOW).unwrap();
    let here = engine.stock("SKU-0", "EAST", NOW).unwrap().unwrap();
    assert_eq!(here.position.on_hand, 4, "one was not there");
    assert_eq!(here.held, [(HoldReason::CountFreeze, Qty(2))]);
    assert_eq!(
        here.position.reserved, 2,
        "what was promised stays promised"
    );
    assert_eq!(here.atp, 0);
    // Whoever has counted lets it go.
    let hold = &told.holds[0];
    engine.release_hold("counted", hold, None, NOW).unwrap();
    let here = engine.stock("SKU-0", "EAST", NOW).unwrap().unwrap();
    assert_eq!(here.atp, 2);
}

#[test]
fn the_promise_date_is_kept_where_possible() {
    // WEST is in time and MID, where it could ship from what arrives, is not.
    let engine = engine(&[[3, 0, 3]]);
    let mut far = order("0", &[(0, 1)]);
    far.exclude = vec!["EAST".into()];
    let far = submit(&engine, far).unwrap();
    let in_time = far.decision.plan.delivered_on().unwrap();
    engine.cancel_order("shop", "0", NOW).unwrap();
    let mut wanted = order("1", &[(0, 1)]);
    wanted.deliver_by = Some(in_time);
    // Being late costs nothing, yet a plan in time is taken where there is one.
    wanted.policy.late_per_day = Some(allot::model::Cents(0));
    submit(&engine, wanted).unwrap();
    let held = claim(&engine, "1", "EAST", NOW);
    tell(&engine, "1", &held, &reject(), NOW).unwrap();
    let moved = part(&engine, "1", 2).route.unwrap();
    assert_eq!((moved.location, moved.deliver_on), (LocationId(2), in_time));
    // And where there is none, it ships later rather than never.
    let held = claim(&engine, "1", "WEST", NOW);
    expect(&engine, "po-1", "MID", 5, NOW + Millis(20 * DAY.0));
    tell(&engine, "1", &held, &reject(), NOW).unwrap();
    let moved = part(&engine, "1", 3).route.unwrap();
    assert_eq!(moved.location, LocationId(1));
    assert!(moved.deliver_on > in_time);
}

#[test]
fn with_no_other_place_it_waits_or_has_no_place_as_its_policy_says() {
    let engine = engine(&[[5, 0, 0]]);
    submit(&engine, order("waits", &[(0, 2)])).unwrap();
    submit(&engine, no_backorder(order("not", &[(0, 2)]))).unwrap();
    for id in ["waits", "not"] {
        let held = claim(&engine, id, "EAST", NOW);
        tell(&engine, id, &held, &reject(), NOW).unwrap();
    }
    assert_eq!(status(&engine, "waits"), "backordered");
    assert_eq!(status(&engine, "not"), "unplaced");
    // Stock elsewhere helps both, by itself.
    count(&engine, "c1", "WEST", 4, NOW);
    assert_eq!(routed(&engine, "waits"), [(2, 2)]);
    assert_eq!(routed(&engine, "not"), [(2, 2)]);
}

/// C25: splitting a shipment turned backordered units into on-hand units.
#[test]
fn c25_units_that_wait_stay_waiting_when_others_of_the_order_move() {
    let engine = engine(&[[2, 2, 0]]);
    submit(&engine, order("1", &[(0, 7)])).unwrap();
    let waiting = |engine: &Engine| engine.order("shop", "1").unwrap().waits.to_vec();
    assert_eq!(waiting(&engine), [(SkuId(0), Qty(3))]);
    let held = claim(&engine, "1", "EAST", NOW);
    tell(&engine, "1", &held, &short(1), NOW).unwrap();
    assert_eq!(waiting(&engine), [(SkuId(0), Qty(4))], "one more waits");
    // One arrives: one is placed, and the other three go on waiting.
    count(&engine, "c1", "WEST", 1, NOW);
    assert_eq!(waiting(&engine), [(SkuId(0), Qty(3))]);
    let all: u32 = parts(&engine, "1").iter().map(units).sum();
    assert_eq!(all, 7);
}

/// C26: the one who lost the last unit got an error although another location could have taken it.
#[test]
fn c26_who_loses_his_stock_is_routed_again_not_refused() {
    let engine = engine(&[[1, 0, 0]]);
    submit(&engine, order("1", &[(0, 1)])).unwrap();
    expect(&engine, "po-1", "MID", 1, NOW + DAY);
    count(&engine, "c1", "EAST", 0, NOW);
    assert_eq!(routed(&engine, "1"), [(1, 1)], "on what arrives tomorrow");
}

/// C27: merging three split shipments lost quantity.
#[test]
fn c27_units_are_conserved_when_an_order_is_split_moved_and_brought_together() {
    let engine = engine(&[[10, 10, 10]]);
    submit(&engine, order("1", &[(0, 30)])).unwrap();
    assert_eq!(routed(&engine, "1"), [(0, 10), (1, 10), (2, 10)]);
    // The two far ones have nothing any more, the near one everything.
    for (place, units) in [("EAST", 30), ("MID", 0), ("WEST", 0)] {
        count(&engine, &format!("count-{place}"), place, units, NOW);
    }
    let at_east = routed(&engine, "1")
        .iter()
        .filter(|p| p.0 == 0)
        .map(|p| p.1)
        .sum::<u32>();
    assert_eq!(at_east, 30);
    assert_eq!(atp(&engine, "SKU-0"), 0);
}

/// C29: editing an order left a ghost of its reservation.
#[test]
fn c29_a_changed_order_holds_what_it_needs_now_and_no_more() {
    let engine = engine(&[[9, 0, 0], [9, 0, 0]]);
    submit(&engine, order("1", &[(0, 5), (1, 2)])).unwrap();
    let view = amend(&engine, "edit", order("1", &[(1, 4)])).unwrap();
    assert_eq!((view.status.name(), view.repeated), ("routed", false));
    assert_eq!((atp(&engine, "SKU-0"), atp(&engine, "SKU-1")), (9, 5));
    assert_eq!(routed(&engine, "1"), [(0, 4)]);
    let again = amend(&engine, "edit", order("1", &[(1, 4)])).unwrap();
    assert!(again.repeated);
    assert_eq!(again.decision, view.decision);
    engine.cancel_order("shop", "1", NOW).unwrap();
    assert_eq!((atp(&engine, "SKU-0"), atp(&engine, "SKU-1")), (9, 9));
}

#[test]
fn a_change_happens_whole_or_not_at_all() {
    let engine = engine(&[[5, 0, 0], [1, 0, 0]]);
    submit(&engine, no_backorder(order("1", &[(0, 2)]))).unwrap();
    let more = no_backorder(order("1", &[(0, 5), (1, 2)]));
    let refused = amend(&engine, "edit", more).unwrap_err();
    assert_eq!(refused.code(), "NOSTOCK");
    assert_eq!(routed(&engine, "1"), [(0, 2)], "as it was");
    assert_eq!((atp(&engine, "SKU-0"), atp(&engine, "SKU-1")), (3, 1));
    // Its own units count for it: all five, although two of them are its own.
    amend(&engine, "edit", no_backorder(order("1", &[(0, 5)]))).unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 0);
}

#[test]
fn an_order_is_changed_only_while_nobody_has_a_part() {
    let engine = engine(&[[5, 0, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    let held = claim(&engine, "1", "EAST", NOW);
    let refused = amend(&engine, "edit", order("1", &[(0, 1)])).unwrap_err();
    assert_eq!(refused.code(), "HELD");
    assert!(refused.to_string().contains("wms"), "{refused}");
    tell(&engine, "1", &held, &Change::Ship { parcels: vec![] }, NOW).unwrap();
    let refused = amend(&engine, "edit", order("1", &[(0, 1)])).unwrap_err();
    assert_eq!(refused.code(), "STATE");
    submit(&engine, order("2", &[(0, 2)])).unwrap();
    engine.cancel_order("shop", "2", NOW).unwrap();
    let refused = amend(&engine, "edit", order("2", &[(0, 1)])).unwrap_err();
    assert_eq!(refused.code(), "STATE");
    let unknown = amend(&engine, "edit", order("3", &[(0, 1)])).unwrap_err();
    assert_eq!(unknown.code(), "NOTFOUND");
}

#[test]
fn every_content_that_an_order_had_is_a_repeat_and_any_other_a_conflict() {
    let engine = engine(&[[9, 0, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    amend(&engine, "a", order("1", &[(0, 3)])).unwrap();
    amend(&engine, "b", order("1", &[(0, 4)])).unwrap();
    for said in [2, 3, 4] {
        let answer = submit(&engine, order("1", &[(0, said)])).unwrap();
        assert!(answer.repeated);
        assert_eq!(answer.order.lines[0].qty, Qty(4), "as it stands");
    }
    let refused = submit(&engine, order("1", &[(0, 5)])).unwrap_err();
    assert_eq!(refused.code(), "CONFLICT");
    // A late repeat of the first change does not undo the second.
    let late = amend(&engine, "a", order("1", &[(0, 3)])).unwrap();
    assert!(late.repeated);
    assert_eq!(atp(&engine, "SKU-0"), 5);
    let other = amend(&engine, "a", order("1", &[(0, 1)])).unwrap_err();
    assert_eq!(other.code(), "CONFLICT");
    let mut moved = order("1", &[(0, 4)]);
    moved.channel = "app".into();
    assert_eq!(amend(&engine, "c", moved).unwrap_err().code(), "INVALID");
}

#[test]
fn what_is_on_hold_stays_on_hold_when_it_is_changed_or_moved() {
    let engine = engine(&[[5, 5, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    let name = PartName {
        source: "shop",
        order: "1",
        number: 1,
    };
    let fraud = Change::Hold {
        reason: "fraud".into(),
    };
    engine.tell_fulfillment(name, None, &fraud, NOW).unwrap();
    amend(&engine, "edit", order("1", &[(0, 3)])).unwrap();
    assert_eq!(status(&engine, "1"), "on_hold");
    count(&engine, "c1", "EAST", 0, NOW);
    assert_eq!(status(&engine, "1"), "on_hold");
    let moved = parts(&engine, "1").pop().unwrap();
    assert_eq!(moved.route.unwrap().location, LocationId(1));
    assert_eq!(moved.reason.as_deref(), Some("fraud"));
}

/// C31: a count was refused while anything was reserved.
#[test]
fn c31_a_count_is_taken_and_the_promises_that_it_breaks_move_newest_and_lowest_first() {
    let engine = engine(&[[6, 0, 0]]);
    for (id, priority) in [("old", 0), ("important", 5), ("new", 0)] {
        let mut order = order(id, &[(0, 2)]);
        order.priority = priority;
        submit(&engine, order).unwrap();
    }
    expect(&engine, "po-1", "MID", 2, NOW + DAY);
    // The new one moves to what arrives; the old one finds nothing left and waits.
    count(&engine, "c1", "EAST", 2, NOW);
    assert_eq!(routed(&engine, "new"), [(1, 2)]);
    assert_eq!(status(&engine, "old"), "backordered");
    assert_eq!(routed(&engine, "important"), [(0, 2)]);
    let here = engine.stock("SKU-0", "EAST", NOW).unwrap().unwrap();
    assert_eq!((here.position.on_hand, here.position.reserved), (2, 2));
}

/// Open exceptions about promises.
fn at_risk(engine: &Engine) -> u64 {
    let counts = engine.exception_counts().into_iter();
    let of_kind = counts.filter(|(kind, _)| kind.name() == "promise_at_risk");
    of_kind.map(|(_, counts)| counts.open()).sum()
}

#[test]
fn a_promise_that_no_plan_can_keep_is_raised_until_it_has_one() {
    let engine = engine(&[[2, 1, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    count(&engine, "c1", "EAST", 1, NOW);
    assert_eq!(routed(&engine, "1"), [(0, 1), (1, 1)]);
    assert_eq!(at_risk(&engine), 0, "it was promised anew");
    count(&engine, "c2", "EAST", 0, NOW);
    assert_eq!(status(&engine, "1"), "backordered");
    assert_eq!(at_risk(&engine), 1);
    count(&engine, "c3", "WEST", 1, NOW);
    assert_eq!((status(&engine, "1"), at_risk(&engine)), ("routed", 0));
}

#[test]
fn a_hold_breaks_promises_like_a_count() {
    let engine = engine(&[[2, 2, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    let reason = HoldReason::Damaged;
    let broken = engine.place_hold("h", "SKU-0", "EAST", Qty(1), reason, NOW);
    assert_eq!(broken.unwrap()[0].qty, Qty(1));
    assert_eq!(routed(&engine, "1"), [(0, 1), (1, 1)]);
}

#[test]
fn what_somebody_has_is_not_moved() {
    let engine = engine(&[[2, 2, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    claim(&engine, "1", "EAST", NOW);
    count(&engine, "c1", "EAST", 0, NOW);
    let held = part(&engine, "1", 1);
    assert_eq!((held.state, units(&held)), (State::Sent, 2));
    assert_eq!(parts(&engine, "1").len(), 1);
    assert_eq!(at_risk(&engine), 1, "it is raised");
}

#[test]
fn supply_that_slips_moves_the_promise_to_a_later_day_or_another_place() {
    let engine = engine(&[[0, 0, 0]]);
    expect(&engine, "po-1", "EAST", 2, NOW + DAY);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    let first = part(&engine, "1", 1).route.unwrap();
    let later = NOW + Millis(9 * DAY.0);
    let kind = IncomingKind::Purchase;
    engine.delay_supply("d1", kind, "po-1", later, NOW).unwrap();
    let second = part(&engine, "1", 2).route.unwrap();
    assert_eq!(second.location, LocationId(0), "the same place");
    assert!(second.ship_at > first.ship_at, "on a later day");
    // It is cancelled, and there is stock elsewhere.
    count(&engine, "c1", "WEST", 2, NOW);
    engine
        .cancel_supply("x1", kind, "po-1", false, NOW)
        .unwrap();
    assert_eq!(routed(&engine, "1"), [(2, 2)]);
}

#[test]
fn supply_that_arrives_short_breaks_what_counted_on_the_rest() {
    let engine = engine(&[[0, 0, 0]]);
    expect(&engine, "po-1", "EAST", 3, NOW + DAY);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    submit(&engine, order("2", &[(0, 1)])).unwrap();
    let kind = IncomingKind::Purchase;
    let received = engine.receive_supply("r1", kind, "po-1", Qty(2), true, NOW);
    assert_eq!(received.unwrap().written_off, Qty(1));
    assert_eq!(status(&engine, "1"), "routed");
    assert_eq!(status(&engine, "2"), "backordered");
}

#[test]
fn what_arrives_goes_at_once_to_who_waits_by_priority_and_age() {
    let engine = with_rules([0, 0, 0], ReplanRules::default(), PromiseFrom::Off);
    for (id, priority) in [("old", 0), ("new", 0), ("important", 3)] {
        let mut order = order(id, &[(0, 2)]);
        order.priority = priority;
        let view = submit(&engine, order).unwrap();
        assert_eq!(view.status.name(), "backordered");
    }
    expect(&engine, "po-1", "MID", 5, NOW + DAY);
    assert_eq!(
        status(&engine, "important"),
        "backordered",
        "not promisable"
    );
    let kind = IncomingKind::Purchase;
    engine
        .receive_supply("r1", kind, "po-1", Qty(3), false, NOW + DAY)
        .unwrap();
    assert_eq!(routed(&engine, "important"), [(1, 2)]);
    assert_eq!(routed(&engine, "old"), [(1, 1)]);
    assert_eq!(routed(&engine, "new"), []);
    let request = AtpRequest::default();
    assert_eq!(
        engine.atp(&["SKU-0"], &request, NOW + DAY).unwrap()[0].atp,
        0
    );
    engine
        .receive_supply("r2", kind, "po-1", Qty(2), false, NOW + DAY)
        .unwrap();
    assert_eq!(status(&engine, "old"), "routed");
    assert_eq!(routed(&engine, "new"), [(1, 1)]);
    // Units that another order gives back are as good.
    engine.cancel_order("shop", "old", NOW + DAY).unwrap();
    assert_eq!(status(&engine, "new"), "routed");
}

#[test]
fn everything_that_makes_units_promisable_reaches_who_waits() {
    let engine = engine(&[[4, 0, 0]]);
    let reason = HoldReason::Damaged;
    engine
        .place_hold("h", "SKU-0", "EAST", Qty(1), reason, NOW)
        .unwrap();
    engine
        .set_safety_stock("s1", "SKU-0", "EAST", Qty(1), NOW)
        .unwrap();
    let lines = [allot::engine::WantedLine {
        sku: "SKU-0",
        location: "*",
        qty: Qty(1),
    }];
    let cart = allot::engine::ReservationPut {
        id: "cart",
        ttl: Some(Millis(1_000)),
        channel: "web",
        priority: 0,
        need_at: None,
        lines: &lines,
    };
    engine.put_reservation(&cart, NOW).unwrap();
    submit(&engine, order("1", &[(0, 5)])).unwrap();
    let got = |engine: &Engine| routed(engine, "1").iter().map(|p| p.1).sum::<u32>();
    assert_eq!(got(&engine), 1);
    engine.release_hold("r", "h", None, NOW).unwrap();
    assert_eq!(got(&engine), 2);
    engine
        .set_safety_stock("s2", "SKU-0", "EAST", Qty(0), NOW)
        .unwrap();
    assert_eq!(got(&engine), 3);
    engine.sweep(NOW + Millis(1_000));
    assert_eq!(got(&engine), 4);
    engine
        .adjust_stock("a", "SKU-0", "EAST", 1, "found", NOW)
        .unwrap();
    assert_eq!(got(&engine), 5);
    assert_eq!(status(&engine, "1"), "routed");
}

#[test]
fn no_more_wait_than_supply_and_the_limit_allow() {
    let rules = ReplanRules {
        beyond_supply: Some(Qty(2)),
        ..ReplanRules::default()
    };
    let engine = with_rules([1, 0, 0], rules, PromiseFrom::Off);
    submit(&engine, order("1", &[(0, 3)])).unwrap();
    let refused = submit(&engine, order("2", &[(0, 1)])).unwrap_err();
    assert_eq!(refused.code(), "NOSTOCK");
    assert!(refused.to_string().contains("at most 2"), "{refused}");
    // What is on its way may be waited for, although policy does not let it be promised.
    expect(&engine, "po-1", "EAST", 2, NOW + DAY);
    submit(&engine, order("2", &[(0, 2)])).unwrap();
    assert_eq!(
        submit(&engine, order("3", &[(0, 1)])).unwrap_err().code(),
        "NOSTOCK"
    );
    // Who waits less makes room; who would wait more is refused and stays as he was.
    let more = amend(&engine, "more", order("2", &[(0, 3)])).unwrap_err();
    assert_eq!(more.code(), "NOSTOCK");
    amend(&engine, "less", order("2", &[(0, 1)])).unwrap();
    submit(&engine, order("3", &[(0, 1)])).unwrap();
}

#[test]
fn an_item_may_have_its_own_limit() {
    let rules = ReplanRules {
        skus: vec![(SkuId(0), Qty(0))],
        ..ReplanRules::default()
    };
    let engine = with_rules([1, 0, 0], rules, PromiseFrom::Off);
    assert_eq!(
        submit(&engine, order("1", &[(0, 2)])).unwrap_err().code(),
        "NOSTOCK"
    );
    submit(&engine, order("2", &[(0, 1)])).unwrap();
}

#[test]
fn who_waits_is_told_when_his_units_should_be_there() {
    let engine = with_rules([0, 0, 0], ReplanRules::default(), PromiseFrom::Off);
    expect(&engine, "po-1", "EAST", 2, NOW + DAY);
    expect(&engine, "po-2", "MID", 2, NOW + Millis(3 * DAY.0));
    let when = |id: &str| {
        let view = engine.order("shop", id).unwrap();
        let waiting = engine.waiting_of(&view, NOW);
        (waiting[0].ahead, waiting[0].expected_at)
    };
    for id in ["1", "2", "3"] {
        submit(&engine, order(id, &[(0, 2)])).unwrap();
    }
    assert_eq!(when("1"), (0, Some(NOW + DAY)));
    assert_eq!(when("2"), (2, Some(NOW + Millis(3 * DAY.0))));
    assert_eq!(when("3"), (4, None));
}

#[test]
fn a_preorder_is_promised_against_what_is_on_its_way() {
    let engine = with_rules([0, 0, 0], ReplanRules::default(), PromiseFrom::All);
    let waits = submit(&engine, order("1", &[(0, 2)])).unwrap();
    assert_eq!(waits.status.name(), "backordered");
    // As soon as supply is announced the order has a date.
    expect(&engine, "po-1", "EAST", 2, NOW + DAY);
    let route = part(&engine, "1", 2).route.unwrap();
    assert!(route.ship_at >= NOW + DAY);
    assert_eq!(status(&engine, "1"), "routed");
}

#[test]
fn an_order_that_ships_complete_waits_until_all_of_it_is_there() {
    let engine = engine(&[[2, 0, 0]]);
    let mut complete = order("1", &[(0, 4)]);
    complete.policy.ship_complete = Some(true);
    assert_eq!(
        submit(&engine, complete).unwrap().status.name(),
        "backordered"
    );
    count(&engine, "c1", "EAST", 3, NOW);
    assert_eq!(routed(&engine, "1"), []);
    count(&engine, "c2", "EAST", 4, NOW);
    assert_eq!(routed(&engine, "1"), [(0, 4)]);
    // A unit is lost: it waits again, all of it.
    count(&engine, "c3", "EAST", 3, NOW);
    assert_eq!(routed(&engine, "1"), []);
    assert_eq!(
        engine.order("shop", "1").unwrap().waits.to_vec(),
        [(SkuId(0), Qty(4))]
    );
    assert_eq!(atp(&engine, "SKU-0"), 3);
}

#[test]
fn a_part_taken_back_ships_from_where_it_is() {
    let engine = engine(&[[2, 2, 0]]);
    submit(&engine, order("1", &[(0, 2)])).unwrap();
    claim(&engine, "1", "EAST", NOW);
    let name = PartName {
        source: "shop",
        order: "1",
        number: 1,
    };
    let back = Change::TakeBack {
        vouched_by: Some("anna".into()),
    };
    engine.tell_fulfillment(name, None, &back, NOW).unwrap();
    assert_eq!(routed(&engine, "1"), [(0, 2)]);
    // One whose promise broke while somebody had it moves then.
    claim(&engine, "1", "EAST", NOW);
    count(&engine, "c1", "EAST", 1, NOW);
    assert_eq!(routed(&engine, "1"), []);
    engine.tell_fulfillment(name, None, &back, NOW).unwrap();
    assert_eq!(routed(&engine, "1"), [(0, 1), (1, 1)]);
    // The promise that broke meanwhile moves as soon as nobody has it.
}
