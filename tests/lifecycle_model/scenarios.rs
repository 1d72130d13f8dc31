//! What the rules promise, one sentence and one test each.

use crate::{
    DELIVER, ROUTE, at, cancel, claimed, id, key, late, moved, parcel, refused, reject, routed,
    ship, short, tell, tracking,
};
use allot::lifecycle::{
    Applied, Cause, Change, ClaimMode, Deadlines, Exceptions, Finding, FulfillmentOrder,
    LeaseVerdict, Limits, OrderStatus, Phase, Refusal, ReleaseKey, State, Step, Subject, Topic,
    stuck,
};
use allot::model::{ChannelId, LocationId, Millis, Qty, SkuId};

const ACK: Change = Change::Acknowledge;

#[test]
fn an_order_goes_from_received_to_delivered_and_its_delay_is_known() {
    let mut order =
        FulfillmentOrder::new(id(1), &[(SkuId(0), Qty(2))], at(1_000), at(1_050)).unwrap();
    order.apply(&Change::Validate, at(1_060)).unwrap();
    order.apply(&Change::Route(ROUTE), at(1_070)).unwrap();
    let claim = order.claim(&key(), "wms", ClaimMode::WorkAtOnce, at(9_000), at(2_000));
    let token = claim.unwrap().token;
    let steps = [
        ACK,
        Change::Pick,
        Change::Pack,
        ship(&[parcel("1Z1", 900)]),
        DELIVER,
    ];
    for step in &steps {
        let applied = tell(&mut order, &token, step);
        assert!(matches!(applied, Ok(Applied::Moved { .. })), "{applied:?}");
    }
    assert_eq!(order.state, State::Delivered);
    assert_eq!(order.lines[0].units.delivered, Qty(2));
    let (at, delay) = order.times.sent().unwrap();
    let [validation, routing, .., transmission] = Phase::ALL.map(|(_, phase)| delay.of(phase));
    assert_eq!((validation, routing), (Millis(60), Millis(10)));
    assert_eq!(delay.waiting(), Millis(930));
    assert_eq!(delay.total(), Millis(1_000 + transmission.0));
    assert_eq!(at, order.times.placed + delay.total());
}

#[test]
fn an_illegal_move_is_refused_with_the_state_and_what_would_be_allowed() {
    let (mut order, token) = claimed(&[1]);
    tell(&mut order, &token, &ship(&[])).unwrap();
    let refusal = refused(&mut order, &token, &cancel());
    let Refusal::NotAllowed { state, allowed, .. } = &refusal else {
        panic!("{refusal}");
    };
    assert_eq!(*state, State::Shipped);
    assert!(allowed.contains(&Step::Deliver));
    assert_eq!(
        refusal.to_string(),
        "cancel is not allowed while shipped; allowed: short, add_parcel, deliver_parcel, \
         deliver, return_part"
    );
}

#[test]
fn a_picked_after_shipped_never_moves_back_and_is_counted() {
    let (mut order, token) = claimed(&[1]);
    tell(&mut order, &token, &ship(&[])).unwrap();
    for (count, message) in [ACK, Change::Pick, Change::Pack, ship(&[])]
        .iter()
        .enumerate()
    {
        let before = order.clone();
        assert_eq!(tell(&mut order, &token, message), late(State::Shipped));
        assert_eq!(order.late as usize, count + 1);
        assert_eq!((&order.lines, order.since), (&before.lines, before.since));
    }
}

#[test]
fn two_systems_ask_for_one_order_and_the_second_hears_who_has_it() {
    let (mut order, _) = claimed(&[1]);
    let other = order.claim(&key(), "3pl", ClaimMode::WorkAtOnce, at(1_000), at(2));
    let refusal = other.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "wms has it as release 1 (sent); only its token may speak for it"
    );
}

#[test]
fn a_claim_repeated_gets_the_same_token_from_another_start_of_the_program_too() {
    let (mut order, token) = claimed(&[1]);
    let same_key = ReleaseKey::new(*b"sixteen bytes it");
    let again = order.claim(&same_key, "wms", ClaimMode::WorkAtOnce, at(5_000), at(3));
    let again = again.unwrap();
    assert!(again.repeat && again.token.same(&token));
    assert_eq!((again.number, again.lease_end), (1, Some(at(1_000))));
    tell(&mut order, &token, &Change::Pick).unwrap();
    let again = order.claim(&key(), "wms", ClaimMode::WorkAtOnce, at(5_000), at(4));
    assert!(
        again.unwrap().token.same(&token),
        "also while he works on it"
    );
}

#[test]
fn without_the_live_token_nobody_speaks_for_an_order() {
    let (mut order, token) = claimed(&[1]);
    let forged = ReleaseKey::new([0; 16]).token(&id(1), 1);
    let of_another = key().token(&id(2), 1);
    for wrong in [forged, of_another] {
        let refusal = refused(&mut order, &wrong, &Change::Pick);
        let Refusal::Stale { holder, .. } = refusal else {
            panic!("{refusal}");
        };
        assert_eq!(holder.as_deref(), Some("wms"));
    }
    let missing = order.tell(&key(), None, &Change::Pick, at(5));
    assert!(matches!(missing, Err(Refusal::Held { .. })));
    let missing = order.tell(&key(), None, &cancel(), at(5));
    assert!(
        matches!(missing, Err(Refusal::Held { .. })),
        "he may be packing"
    );
    assert_eq!(
        tell(&mut order, &token, &cancel()),
        moved(State::Sent, State::Cancelled)
    );
    assert_eq!(order.lines[0].units.cancelled, Qty(1));
}

#[test]
fn a_claim_that_nobody_acknowledged_goes_back_only_if_its_holder_cannot_have_begun() {
    let mut careful = routed(&[1]);
    let first = careful
        .claim(&key(), "3pl", ClaimMode::AcknowledgeFirst, at(1_000), at(1))
        .unwrap();
    assert_eq!(careful.lease(at(999)), LeaseVerdict::Running);
    assert_eq!(careful.lease(at(1_000)), LeaseVerdict::MayGoBack);
    let second = careful.claim(&key(), "wms", ClaimMode::WorkAtOnce, at(3_000), at(2_000));
    let second = second.unwrap();
    assert_eq!((second.number, second.taken_back), (2, true));
    let refusal = refused(&mut careful, &first.token, &ACK);
    assert_eq!(
        refusal.to_string(),
        "the token is not that of release 2, which wms has; claim it again"
    );

    let (mut hasty, token) = claimed(&[1]);
    assert_eq!(hasty.lease(at(1_000)), LeaseVerdict::MayHaveBegun);
    let back = Change::TakeBack { vouched_by: None };
    let refusal = hasty.apply(&back, at(1_000)).unwrap_err();
    assert!(matches!(refusal, Refusal::MayHaveBegun { .. }));
    assert!(
        hasty
            .claim(&key(), "3pl", ClaimMode::WorkAtOnce, at(3_000), at(2_000))
            .is_err()
    );
    assert_eq!(
        tell(&mut hasty, &token, &ACK),
        moved(State::Sent, State::Acknowledged)
    );
}

#[test]
fn a_person_who_vouches_may_take_it_back_and_the_old_token_is_dead() {
    let (mut order, token) = claimed(&[1]);
    let back = Change::TakeBack {
        vouched_by: Some("ann".into()),
    };
    order.apply(&back, at(2_000)).unwrap();
    assert_eq!(order.state, State::Routed);
    let refusal = refused(&mut order, &token, &ship(&[]));
    let Refusal::Stale { holder, .. } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(holder, None);
}

#[test]
fn an_order_that_shopify_sent_directly_is_the_same_fulfilment_not_a_second() {
    let mut order = routed(&[1]);
    let direct = order.register(&key(), "3pl", at(1)).unwrap();
    assert_eq!((direct.number, direct.repeat), (1, false));
    assert!(order.register(&key(), "3pl", at(2)).unwrap().repeat);
    let claim = order
        .claim(&key(), "3pl", ClaimMode::WorkAtOnce, at(9), at(3))
        .unwrap();
    assert!(claim.repeat && claim.token.same(&direct.token));
    let other = order.claim(&key(), "wms", ClaimMode::WorkAtOnce, at(9), at(3));
    assert!(matches!(other, Err(Refusal::Held { .. })));
    assert!(matches!(
        order.register(&key(), "4pl", at(4)),
        Err(Refusal::Held { .. })
    ));
    assert_eq!(
        order.lease(at(i64::MAX)),
        LeaseVerdict::Running,
        "no lease to end"
    );
}

#[test]
fn what_is_rejected_gets_another_place_once() {
    let (mut order, token) = claimed(&[2, 3]);
    tell(&mut order, &token, &reject()).unwrap();
    assert_eq!(OrderStatus::of([&order]).name(), "unplaced");
    let next = order.reroute(2, at(20)).unwrap();
    let units: Vec<_> = next.lines.iter().map(|l| l.units.ordered).collect();
    assert_eq!(
        (next.state, units),
        (State::Validated, vec![Qty(2), Qty(3)])
    );
    assert_eq!(order.reroute(3, at(21)), None);
    assert_eq!(tell(&mut order, &token, &reject()), late(State::Rejected));
    assert_eq!(OrderStatus::of([&order, &next]).name(), "validated");
}

#[test]
fn a_short_pick_ships_what_is_there_and_routes_the_rest() {
    let (mut order, token) = claimed(&[5]);
    tell(&mut order, &token, &ACK).unwrap();
    let applied = tell(&mut order, &token, &short(0, 2));
    assert_eq!(applied, moved(State::Acknowledged, State::ShortPicked));
    assert_eq!(
        tell(&mut order, &token, &short(0, 2)),
        late(State::ShortPicked)
    );
    let rest = order.reroute(2, at(20)).unwrap();
    assert_eq!(rest.lines[0].units.ordered, Qty(2));
    tell(&mut order, &token, &Change::Pick).unwrap();
    tell(&mut order, &token, &ship(&[])).unwrap();
    assert_eq!(order.lines[0].units.shipped, Qty(3));
    let too_many = refused(&mut order, &token, &short(0, 6));
    assert!(matches!(too_many, Refusal::Invalid(_)));
    assert_eq!(OrderStatus::of([&order, &rest]).name(), "partly_shipped");
}

#[test]
fn when_every_unit_is_short_it_is_rejected() {
    let (mut order, token) = claimed(&[1, 2]);
    let all = Change::Short {
        lines: vec![(0, Qty(1)), (1, Qty(2))],
    };
    assert_eq!(
        tell(&mut order, &token, &all),
        moved(State::Sent, State::Rejected)
    );
    assert_eq!(order.unplaced(), 3);
}

#[test]
fn a_shortage_that_a_shipment_overtook_corrects_units_and_not_the_state() {
    let (mut order, token) = claimed(&[3]);
    tell(&mut order, &token, &ship(&[])).unwrap();
    assert_eq!(
        tell(&mut order, &token, &short(0, 1)),
        moved(State::Shipped, State::Shipped)
    );
    let units = order.lines[0].units;
    assert_eq!((units.shipped, units.unplaced()), (Qty(2), Qty(1)));
    tell(&mut order, &token, &DELIVER).unwrap();
    assert!(matches!(
        refused(&mut order, &token, &short(0, 2)),
        Refusal::Invalid(_)
    ));
    assert_eq!(
        tell(&mut order, &token, &short(0, 1)),
        late(State::Delivered)
    );
}

#[test]
fn a_held_order_is_not_handed_out_and_goes_on_where_it_stood() {
    let hold = Change::Hold {
        reason: "fraud check".into(),
    };
    let mut order = routed(&[1]);
    order.apply(&hold, at(1)).unwrap();
    assert!(
        order
            .claim(&key(), "wms", ClaimMode::WorkAtOnce, at(9), at(2))
            .is_err()
    );
    order.apply(&Change::Resume, at(3)).unwrap();
    assert_eq!((order.state, order.route), (State::Routed, Some(ROUTE)));

    order.apply(&Change::Backorder, at(4)).unwrap();
    order.apply(&hold, at(5)).unwrap();
    order.apply(&Change::Resume, at(6)).unwrap();
    assert_eq!((order.state, order.route), (State::Backordered, None));
}

#[test]
fn several_parcels_are_delivered_one_by_one_in_any_order_of_messages() {
    let (mut order, token) = claimed(&[2, 1]);
    let only = |number| Change::Deliver {
        parcel: Some(tracking(number)),
    };
    // The carrier's word on the first comes before the warehouse's word on both.
    assert_eq!(
        tell(&mut order, &token, &only("B")),
        moved(State::Sent, State::Shipped)
    );
    let mut first = parcel("A", 500);
    first.contents = vec![(0, Qty(2))];
    let mut second = parcel("B", 700);
    second.contents = vec![(1, Qty(1))];
    let both = ship(&[first, second]);
    assert_eq!(
        tell(&mut order, &token, &both),
        moved(State::Shipped, State::Shipped)
    );
    assert_eq!(tell(&mut order, &token, &both), late(State::Shipped));
    let delivered: Vec<_> = order.lines.iter().map(|l| l.units.delivered.0).collect();
    assert_eq!(delivered, [0, 1]);
    assert_eq!(
        tell(&mut order, &token, &only("A")),
        moved(State::Shipped, State::Delivered)
    );
    let cents: Vec<_> = order.parcels.iter().map(|p| p.cents.unwrap().0).collect();
    assert_eq!(cents, [700, 500]);
    assert_eq!(tell(&mut order, &token, &only("A")), late(State::Delivered));
}

#[test]
fn a_parcel_cannot_hold_more_than_was_there() {
    let (mut order, token) = claimed(&[2]);
    let with = |line, qty| {
        let mut big = parcel("A", 500);
        big.contents = vec![(line, Qty(qty))];
        ship(&[big])
    };
    for wrong in [with(0, 3), with(1, 1)] {
        assert!(matches!(
            refused(&mut order, &token, &wrong),
            Refusal::Invalid(_)
        ));
    }
    let mut nameless = parcel("A", 500);
    nameless.tracking.number = "two words".into();
    refused(&mut order, &token, &ship(&[nameless]));
    refused(&mut order, &token, &ship(&[parcel("A", -1)]));
    tell(&mut order, &token, &with(0, 2)).unwrap();
}

#[test]
fn a_breach_comes_out_when_it_is_due_and_becomes_one_exception() {
    let limits = Limits::default();
    let mut deadlines = Deadlines::default();
    let mut exceptions = Exceptions::default();
    let (order, _) = claimed(&[1]);
    let place = Some(LocationId(3));
    let due = limits.due(
        order.state,
        ChannelId(0),
        place,
        order.since,
        |_, t, span| t + span,
    );
    let due = due.unwrap();
    deadlines.insert(due, 1_u64).unwrap();
    assert_eq!(deadlines.pop_due(at(due.0 - 1)), None);
    let breached: Vec<_> = deadlines.due(due).collect();
    assert_eq!(breached, [(due, 1)]);
    for repeat in [false, true] {
        let finding = Finding {
            subject: Subject {
                topic: Topic::part(&order.id.order, order.id.number),
                cause: stuck(order.state).unwrap(),
            },
            channel: Some(ChannelId(0)),
            detail: "".into(),
            waits_for: vec![],
        };
        let (exception, new) = exceptions.open(finding, due);
        assert_eq!((exception.id, new), (1, !repeat));
        assert_eq!(exception.cause(), Cause::NotAcknowledged);
    }
}

#[test]
fn a_fulfilment_order_reads_back_from_its_bytes() {
    let (mut order, token) = claimed(&[2, 1]);
    tell(&mut order, &token, &short(0, 1)).unwrap();
    tell(&mut order, &token, &ship(&[parcel("A", 5)])).unwrap();
    let config = bincode::config::legacy();
    let bytes = bincode::encode_to_vec(&order, config).unwrap();
    let (back, _): (FulfillmentOrder, usize) = bincode::decode_from_slice(&bytes, config).unwrap();
    assert_eq!(back, order);
}
