//! Rules that resolve exceptions without anybody: a scenario for each, and random histories against what
//! is obviously right.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{
    ClaimAsk, Engine, Exception, ExceptionFilter, FulfillmentOrder, Limits, PartName, Token,
};
use allot::lifecycle::State;
use allot::model::{
    Action, Cause, Change, ClaimMode, EpochMillis, ExceptionChange, Fact, Millis, Network, Opening,
    Order, OrderKey, Qty, RemedyRow, StockRow, Trigger,
};
use allot::model::{LocationId, SkuId};
use engine_support::commands::{command, opening};
use engine_support::kept::{Kept, recorded, restarted};
use engine_support::{MINUTE, NOW, item, network, no_backorder, order, rule, ruled, stocked};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const DAY: u64 = 24 * 60;

struct World {
    engine: Engine,
    kept: Kept,
    network: Network,
    opening: Opening,
}

/// `stock[sku][location]` units, and these rules.
fn world(stock: &[[u32; 3]], remedies: Vec<RemedyRow>) -> World {
    let network = Network {
        remedies,
        ..network()
    };
    begin(network, stocked(stock))
}

fn begin(network: Network, opening: Opening) -> World {
    let (engine, kept) = recorded(network.clone(), opening.clone());
    World {
        engine,
        kept,
        network,
        opening,
    }
}

impl World {
    /// The same after a stop.
    fn restarted(&self, now: EpochMillis) -> Engine {
        let facts = self.kept.facts();
        restarted(self.network.clone(), self.opening.clone(), &facts, now)
    }

    fn exception(&self, id: u64) -> Exception {
        self.engine.exception(id).unwrap()
    }

    /// By which rule an exception ended, and how.
    fn ended(&self, id: u64) -> (String, String) {
        let resolved = self.exception(id).resolved.unwrap();
        let rule = resolved.rule.map_or_else(String::new, |by| by.rule.into());
        (rule, resolved.how.into())
    }

    fn open(&self) -> usize {
        let all = self.engine.exceptions(&ExceptionFilter::default(), 0, 100);
        all.unwrap().len()
    }

    fn did(&self, name: &str) -> (u64, u64) {
        let counts = self.engine.rule_counts();
        let found = counts.iter().find(|(by, _)| &*by.rule == name).unwrap();
        (found.1.resolved, found.1.in_vain)
    }

    fn parts(&self, id: &str) -> Vec<FulfillmentOrder> {
        let parts = self.engine.fulfillments("shop", id).unwrap().into_iter();
        parts.map(|view| view.part).collect()
    }

    fn status(&self, id: &str) -> &'static str {
        self.engine.order("shop", id).unwrap().status.name()
    }

    fn submit(&self, order: Order, now: EpochMillis) -> Result<(), String> {
        let placed = self.engine.submit(Arc::new(order), now);
        placed.map(|_| ()).map_err(|e| e.to_string())
    }

    fn arrive(&self, reference: &str, sku: &str, place: &str, units: i64, now: EpochMillis) {
        let adjusted = self
            .engine
            .adjust_stock(reference, sku, place, units, "found", now);
        adjusted.unwrap();
    }

    fn claim(&self, id: &str) -> Token {
        let part = &self.parts(id)[0];
        let location = part.route.unwrap().location;
        let ask = ClaimAsk {
            location: self.engine.registry().location_name(location),
            holder: "wms",
            count: 1,
            lease: Millis(60_000),
            mode: ClaimMode::WorkAtOnce,
            order: Some(("shop", id)),
        };
        self.engine.claim(&ask, NOW).unwrap()[0].1.token
    }

    fn tell(&self, id: &str, token: &Token, change: &Change, now: EpochMillis) {
        let name = PartName {
            source: "shop",
            order: id,
            number: 1,
        };
        let told = self.engine.tell_fulfillment(name, Some(token), change, now);
        told.unwrap();
    }

    fn due(&self, now: EpochMillis) {
        while self.engine.due(now, 10) > 0 {}
    }
}

/// The rule that tries an order without stock again when some comes.
fn again() -> RemedyRow {
    let (no_stock, retry) = (Some(Cause::NoStock), Action::RetryRouting);
    rule("again", no_stock, None, Trigger::StockArrived, retry)
}

fn after(minutes: u64) -> Trigger {
    Trigger::After(Millis(MINUTE.0 * minutes))
}

fn at(minutes: u64) -> EpochMillis {
    NOW + Millis(MINUTE.0 * minutes)
}

#[test]
fn a_refused_order_is_placed_when_its_stock_arrives() {
    let w = world(&[[1, 0, 0], [9, 0, 0]], vec![again()]);
    let refused = w.submit(no_backorder(order("1", &[(0, 3), (1, 1)])), NOW);
    let refused = refused.unwrap_err();
    assert!(refused.contains("exception 1 keeps it"), "{refused}");
    w.arrive("a1", "SKU-0", "WEST", 1, at(1));
    assert_eq!((w.open(), w.did("again")), (1, (0, 0)), "it is not enough");
    w.arrive("a2", "SKU-0", "EAST", 2, at(2));
    let how = "rule again (retry_routing): the order was accepted";
    assert_eq!(w.ended(1), ("again".to_owned(), how.to_owned()));
    assert_eq!((w.status("1"), w.did("again")), ("routed", (1, 0)));
    // Its sender, who tries again, hears what became of it.
    w.submit(no_backorder(order("1", &[(0, 3), (1, 1)])), at(3))
        .unwrap();
}

#[test]
fn what_its_sender_said_last_is_what_is_placed() {
    let w = world(&[[0, 0, 0]], vec![again()]);
    w.submit(no_backorder(order("1", &[(0, 3)])), NOW)
        .unwrap_err();
    w.submit(no_backorder(order("1", &[(0, 2)])), NOW)
        .unwrap_err();
    assert_eq!(w.exception(1).kept.unwrap().lines[0].qty, Qty(2));
    // One that somebody has decided about is not placed any more.
    w.submit(no_backorder(order("2", &[(0, 1)])), NOW)
        .unwrap_err();
    w.engine
        .resolve_exception(2, "anna", "he bought it elsewhere", NOW)
        .unwrap();
    w.arrive("a1", "SKU-0", "EAST", 9, at(1));
    assert_eq!(
        w.engine.order("shop", "1").unwrap().order.lines[0].qty,
        Qty(2)
    );
    assert!(w.engine.order("shop", "2").is_err());
    assert_eq!(
        w.restarted(at(1)).state_hash(at(1)),
        w.engine.state_hash(at(1))
    );
}

#[test]
fn an_order_that_may_not_wait_waits_at_once_where_a_rule_says_so() {
    let wait = Action::Backorder;
    let waits = rule(
        "app-waits",
        Some(Cause::NoStock),
        Some("app"),
        Trigger::AtOnce,
        wait,
    );
    let w = world(&[[1, 0, 0]], vec![waits]);
    let of = |id: &str, channel: &str| Order {
        channel: channel.into(),
        ..no_backorder(order(id, &[(0, 3)]))
    };
    w.submit(of("1", "web"), NOW).unwrap_err();
    w.submit(of("2", "app"), NOW).unwrap();
    assert_eq!(w.status("2"), "backordered");
    assert_eq!(w.ended(2).0, "app-waits");
    let batch = [Arc::new(of("3", "app")), Arc::new(of("4", "web"))];
    let answers = w.engine.submit_batch(&batch, NOW);
    assert_eq!((answers[0].is_ok(), answers[1].is_ok()), (true, false));
    assert_eq!(w.did("app-waits"), (2, 0));
}

#[test]
fn what_waits_for_too_long_is_cancelled_once_also_after_a_restart() {
    let cancel = Action::Cancel;
    let too_long = rule(
        "too-long",
        Some(Cause::NoSupply),
        None,
        after(2 * DAY),
        cancel,
    );
    let w = world(&[[1, 0, 0]], vec![too_long]);
    w.submit(order("1", &[(0, 3)]), NOW).unwrap();
    // Nobody has any of it after 14 days, and two days later nobody wants it any more.
    w.due(at(14 * DAY));
    let opened = w
        .engine
        .exceptions(&ExceptionFilter::default(), 0, 9)
        .unwrap();
    let id = opened
        .iter()
        .find(|e| e.cause() == Cause::NoSupply)
        .unwrap()
        .id;
    w.due(at(16 * DAY - 1));
    assert_eq!(w.status("1"), "backordered");
    let late = w.restarted(at(17 * DAY));
    while late.due(at(17 * DAY), 10) > 0 {}
    let ended = late.exception(id).unwrap().resolved.unwrap();
    assert_eq!(&*ended.rule.unwrap().rule, "too-long");
    w.due(at(16 * DAY));
    // What waits is cancelled; what nobody claims of it is another matter.
    let states: Vec<_> = w.parts("1").iter().map(|p| p.state).collect();
    let is = [State::Routed, State::Cancelled, State::Cancelled];
    assert_eq!((&states[..], w.did("too-long")), (&is[..], (1, 0)));
    let again = w.restarted(at(17 * DAY));
    let hash = again.state_hash(at(17 * DAY));
    while again.due(at(17 * DAY), 10) > 0 {}
    assert_eq!(again.state_hash(at(17 * DAY)), hash, "it is not done twice");
}

#[test]
fn nothing_that_is_handed_out_is_cancelled() {
    let cancel = Action::Cancel;
    let all = rule("give-up", None, None, after(60), cancel);
    let w = world(&[[9, 0, 0], [0, 0, 0]], vec![all]);
    w.submit(no_backorder(order("1", &[(0, 5)])), NOW).unwrap();
    w.submit(no_backorder(order("2", &[(0, 2)])), NOW).unwrap();
    let (first, second) = (w.claim("1"), w.claim("2"));
    let short = Change::Short {
        lines: vec![(0, Qty(2))],
    };
    w.tell("1", &first, &short, NOW);
    assert_eq!(w.status("1"), "unplaced");
    // One exception is about units that nobody has, the other about what the holder is silent on.
    w.due(at(61));
    let parts = w.parts("1");
    assert_eq!(parts[0].state, State::ShortPicked);
    assert_eq!(parts[0].lines[0].units.open(), Qty(3));
    assert_eq!(parts[1].state, State::Cancelled);
    assert_eq!(w.ended(1).0, "give-up");
    w.due(at(4 * DAY));
    assert_eq!(w.parts("2")[0].state, State::Sent);
    let (resolved, in_vain) = w.did("give-up");
    assert!(resolved == 1 && in_vain > 0, "{resolved} {in_vain}");
    // What is left ships.
    let shipped = Change::Ship { parcels: vec![] };
    w.tell("1", &first, &shipped, at(5 * DAY));
    w.tell("2", &second, &shipped, at(5 * DAY));
    assert_eq!(w.status("1"), "shipped");
    assert_eq!(w.engine.ledger().audit(at(5 * DAY)), []);
}

#[test]
fn an_order_that_nobody_has_is_cancelled_whole() {
    let cancel = Action::Cancel;
    let unclaimed = rule(
        "unclaimed",
        Some(Cause::NotClaimed),
        None,
        after(60),
        cancel,
    );
    let w = world(&[[9, 0, 0]], vec![unclaimed]);
    w.submit(order("1", &[(0, 5)]), NOW).unwrap();
    w.due(at(3 * DAY));
    w.due(at(4 * DAY));
    let order = w.engine.order("shop", "1").unwrap();
    assert_eq!(
        (order.status.name(), w.ended(1).0.as_str()),
        ("cancelled", "unclaimed")
    );
    let cancelled = |f: &(EpochMillis, Fact)| matches!(f.1, Fact::OrderCancelled { .. });
    assert_eq!(w.kept.facts().iter().filter(|f| cancelled(f)).count(), 1);
}

#[test]
fn units_that_a_location_refused_wait_where_a_rule_says_so() {
    let wait = Action::Backorder;
    let refused = rule(
        "refused",
        Some(Cause::LocationRejected),
        None,
        after(30),
        wait,
    );
    let w = world(&[[9, 0, 0]], vec![refused]);
    w.submit(no_backorder(order("1", &[(0, 5)])), NOW).unwrap();
    let token = w.claim("1");
    let reject = Change::Reject {
        reason: "dock closed".into(),
    };
    w.tell("1", &token, &reject, NOW);
    assert_eq!(w.status("1"), "unplaced");
    w.due(at(30));
    assert_eq!((w.status("1"), w.open()), ("backordered", 0));
    let how = "rule refused (backorder): it has a place, or waits for supply";
    assert_eq!(w.ended(1).1, how);
}

#[test]
fn what_is_tried_in_vain_is_tried_once() {
    let retry = Action::RetryRouting;
    let rules = vec![
        rule("first", Some(Cause::NoStock), None, Trigger::AtOnce, retry),
        rule("second", Some(Cause::NoStock), None, after(10), retry),
    ];
    let w = world(&[[0, 0, 0]], rules);
    w.submit(no_backorder(order("1", &[(0, 3)])), NOW)
        .unwrap_err();
    assert_eq!(w.did("first"), (0, 1));
    assert_eq!(w.engine.next_due(), Some(at(10)));
    w.due(at(10));
    assert_eq!((w.did("second"), w.open()), ((0, 1), 1));
    assert_eq!(w.engine.next_due(), None, "there is no other rule");
    let again = w.restarted(at(20));
    assert_eq!((again.next_due(), again.due(at(20), 9)), (None, 0));
    // Whoever asks for it is another matter.
    w.arrive("a1", "SKU-0", "EAST", 3, at(30));
    assert!(
        w.engine
            .retry_order(&OrderKey::new("shop", "1"), at(30))
            .unwrap()
    );
    assert_eq!(w.ended(1).1, "the order was accepted");
}

#[test]
fn a_location_that_was_left_out_for_a_while_is_tried_again_by_itself() {
    let w = world(&[[9, 0, 0]], vec![]);
    w.submit(no_backorder(order("1", &[(0, 5)])), NOW).unwrap();
    let token = w.claim("1");
    let reject = Change::Reject {
        reason: "no people today".into(),
    };
    w.tell("1", &token, &reject, NOW);
    w.due(at(DAY - 1));
    assert_eq!(w.status("1"), "unplaced");
    // A restart forgets nothing of it.
    let again = w.restarted(at(DAY));
    while again.due(at(DAY), 9) > 0 {}
    assert_eq!(again.order("shop", "1").unwrap().status.name(), "routed");
    w.due(at(DAY));
    assert_eq!((w.status("1"), w.open()), ("routed", 0));
    assert_eq!(again.state_hash(at(DAY)), w.engine.state_hash(at(DAY)));
}

/// One message contradicts what is known of a part, while another part waits for supply; and an order
/// that looks like another one waits too.
#[test]
fn a_rule_for_any_cause_leaves_alone_what_it_can_do_nothing_about() {
    for action in [Action::RetryRouting, Action::Backorder] {
        let mut network = network();
        network.remedies = vec![rule("any", None, None, after(10), action)];
        network.duplicates.window = Millis(MINUTE.0 * 30);
        let rows = |sku: u32, units: u32| StockRow {
            sku: SkuId(sku),
            location: LocationId(0),
            on_hand: Qty(units),
            safety_stock: Qty(0),
            held: None,
        };
        let opening = Opening {
            items: (0..2).map(item).collect(),
            stock: vec![rows(0, 9), rows(1, 9)],
            ..Opening::default()
        };
        let w = begin(network, opening);
        w.submit(order("1", &[(0, 12)]), NOW).unwrap();
        w.submit(order("2", &[(1, 1)]), NOW).unwrap();
        let (_, others) = (w.claim("1"), w.claim("2"));
        let shipped = Change::Ship { parcels: vec![] };
        let name = PartName {
            source: "shop",
            order: "1",
            number: 1,
        };
        let told = w
            .engine
            .tell_fulfillment(name, Some(&others), &shipped, NOW);
        told.unwrap_err();
        for id in ["3", "4"] {
            let mut twice = order(id, &[(0, 2)]);
            twice.customer = Some("anna".into());
            w.submit(twice, NOW).unwrap();
        }
        let causes = || {
            let open = w.engine.exceptions(&ExceptionFilter::default(), 0, 9);
            let open = open.unwrap().into_iter();
            open.map(|e| e.cause()).collect::<Vec<_>>()
        };
        let are = [Cause::MessageContradicts, Cause::LooksAlike];
        assert_eq!(causes(), are);
        let before = w.engine.state_hash(at(11));
        assert_eq!(w.engine.next_due().filter(|due| *due == at(10)), None);
        while w.engine.remedy_now(at(11)) > 0 {}
        assert_eq!(causes(), are, "{action:?}");
        assert_eq!(
            (w.did("any"), w.engine.state_hash(at(11))),
            ((0, 0), before)
        );
    }
}

#[test]
fn after_a_thousand_in_vain_arriving_stock_looks_no_further() {
    let w = world(&[[0, 0, 0]], vec![again()]);
    let refuse = |id: usize, qty: u32| {
        let refused = no_backorder(order(&id.to_string(), &[(0, qty)]));
        w.submit(refused, NOW).unwrap_err();
    };
    (0..999).for_each(|id| refuse(id, 3));
    refuse(999, 1);
    (1_000..2_000).for_each(|id| refuse(id, 3));
    refuse(2_000, 1);
    w.arrive("a1", "SKU-0", "EAST", 2, at(1));
    // After 999 in vain one has its unit; after 1,000 more nobody is asked.
    assert_eq!(w.did("again"), (1, 0));
    assert_eq!(w.status("999"), "routed");
    assert!(w.engine.order("shop", "2000").is_err());
}

#[test]
fn no_more_refused_orders_are_kept_than_there_is_room_for() {
    const MOST: u64 = 4_000;
    let mut w = world(&[[0, 0, 0]], vec![again()]);
    let limits = Limits {
        kept_bytes: MOST,
        ..Limits::default()
    };
    let (kept, network) = (Kept::default(), w.network.clone());
    let engine = Engine::new(network, w.opening.clone(), limits, kept.sink(), NOW);
    (w.engine, w.kept) = (engine.unwrap(), kept);
    let wants =
        |id: usize, lines: usize| no_backorder(order(&id.to_string(), &vec![(0, 1); lines]));
    let submit = |order: &Order| {
        w.submit(order.clone(), NOW)
            .unwrap_err()
            .contains("keeps it")
    };
    let bytes = |order: &Order| {
        let encoded = bincode::encode_to_vec(order, bincode::config::legacy());
        encoded.unwrap().len() as u64
    };
    // Those that fit are kept, and the first that does not is not.
    let mut sum = 0;
    let fit = (100..).find(|&id| {
        let one = wants(id, 1);
        sum += bytes(&one);
        let kept = submit(&one);
        assert_eq!(kept, sum <= MOST, "{id}: {sum}");
        !kept
    });
    let last = fit.unwrap();
    let known = |id: usize| w.exception(id as u64 - 99).kept;
    assert!(last > 103 && known(last).is_none());
    assert_eq!(known(101), Some(Arc::new(wants(101, 1))));
    // Sent again as one for which there is no room: what it was is not placed either.
    assert!(!submit(&wants(101, 100)));
    assert_eq!(known(101), None);
    assert!(submit(&wants(last, 1)), "there is room now");
    assert!(!submit(&wants(101, 1)), "and no more");
    w.engine
        .resolve_exception(1, "anna", "he has it", NOW)
        .unwrap();
    assert!(submit(&wants(101, 1)));
    // Replay does what was decided, whatever there is room for then.
    let hash = w.engine.state_hash(NOW);
    assert_eq!(w.restarted(NOW).state_hash(NOW), hash);
    w.arrive("a1", "SKU-0", "EAST", 500, at(1));
    assert_eq!(w.open(), 0);
    let placed = (100..=last).filter(|id| w.engine.order("shop", &id.to_string()).is_ok());
    assert_eq!(placed.count(), last - 100);
}

#[test]
fn what_cannot_be_a_rule_is_refused() {
    let cancel = Action::Cancel;
    let twice = rule(
        "one",
        Some(Cause::NoStock),
        None,
        Trigger::StockArrived,
        cancel,
    );
    for rules in [
        vec![rule("hasty", None, None, Trigger::AtOnce, cancel)],
        vec![rule(
            "other",
            Some(Cause::LooksAlike),
            None,
            after(1),
            Action::Backorder,
        )],
        vec![rule("never", None, None, Trigger::After(Millis(0)), cancel)],
        vec![twice.clone(), twice],
    ] {
        let network = Network {
            remedies: rules,
            ..network()
        };
        let engine = Engine::new(network, opening(), Limits::default(), None, NOW);
        assert!(engine.err().unwrap().to_string().starts_with("remedies["));
    }
}

/// Which rule fits an exception, and the moment from which on it may act.
fn fits(row: &RemedyRow, exception: &Exception, engine: &Engine) -> Option<EpochMillis> {
    let channel = exception.finding.channel;
    let channel = channel.map(|c| engine.registry().channel_name(c));
    let of_cause = row.cause.is_none_or(|cause| cause == exception.cause());
    let of_channel = row.channel.is_none() || row.channel.as_deref() == channel;
    let span = match row.trigger {
        Trigger::AtOnce | Trigger::StockArrived => Millis(0),
        Trigger::After(span) => span,
    };
    (of_cause && of_channel).then_some(exception.opened + span)
}

fn all(engine: &Engine) -> Vec<Exception> {
    let filter = ExceptionFilter {
        resolved_too: true,
        ..ExceptionFilter::default()
    };
    engine.exceptions(&filter, 0, 1_000).unwrap()
}

/// Every rule that was to act by now has, and what they did is what they may do.
fn agrees(world: &World, now: EpochMillis, what: &str) {
    let rules = &world.network.remedies;
    let mut resolved: BTreeMap<String, u64> = BTreeMap::new();
    for exception in all(&world.engine) {
        let acts = |row: &RemedyRow| fits(row, &exception, &world.engine);
        if let Some(ended) = &exception.resolved {
            let Some(by) = &ended.rule else { continue };
            let row = rules.iter().find(|row| row.name == by.rule).unwrap();
            assert!(
                acts(row).is_some_and(|from| from <= ended.at),
                "{what}: {exception:?}"
            );
            assert!(ended.how.contains(&*by.rule), "{what}: {exception:?}");
            *resolved.entry(by.rule.to_string()).or_default() += 1;
            continue;
        }
        for row in rules
            .iter()
            .filter(|row| row.trigger != Trigger::StockArrived)
        {
            let Some(from) = acts(row).filter(|from| *from <= now) else {
                continue;
            };
            let tried = exception.tried.is_some_and(|at| from <= at);
            assert!(tried, "{what}: {} did not act on {exception:?}", row.name);
        }
    }
    for (by, did) in world.engine.rule_counts() {
        let seen = resolved.get(&*by.rule).copied().unwrap_or(0);
        assert_eq!(did.resolved, seen, "{what}: {}", by.rule);
    }
}

/// No rule acts twice at one time, or on what is over.
fn acted_once(facts: &[(EpochMillis, Fact)]) {
    let mut last: BTreeMap<u64, EpochMillis> = BTreeMap::new();
    for (_, fact) in facts {
        let Fact::ExceptionChanged(fact) = fact else {
            continue;
        };
        match &fact.change {
            ExceptionChange::Tried { due, .. } => {
                let before = last.insert(fact.id, *due);
                assert!(before.is_none_or(|before| before < *due), "{fact:?}");
            }
            ExceptionChange::Resolved { .. } => {
                let end = EpochMillis::DISTANT_FUTURE;
                assert_ne!(last.insert(fact.id, end), Some(end), "{fact:?}");
            }
            _ => {}
        }
    }
}

/// What somebody has, or had: no rule may change it.
fn handed_out(engine: &Engine) -> Vec<(String, State, Vec<Qty>)> {
    let orders = (0..80).filter_map(|id| engine.fulfillments("shop", &id.to_string()).ok());
    let parts = orders.flatten().map(|view| view.part);
    let out = parts.filter(|p| p.state.with_holder() || p.has_left());
    out.map(|p| {
        let units = p.lines.iter().map(|l| l.units.open());
        (p.id.to_string(), p.state, units.collect())
    })
    .collect()
}

/// Orders that must not wait and often cannot be placed, units that are missing or refused, and stock.
fn press(w: &World, random: &mut Random, step: u64, now: EpochMillis) {
    let units = |random: &mut Random, most| 1 + u32::try_from(random.below(most)).unwrap();
    let sku = random.index(4);
    let id = random.below(80).to_string();
    match random.below(6) {
        0..=1 => {
            let qty = units(random, 40);
            let mut placed = no_backorder(order(&id, &[(sku, qty)]));
            placed.channel = ["web", "app"][random.index(2)].into();
            let _ = w.submit(placed, now);
        }
        2 => {
            let place = ["EAST", "MID", "WEST"][random.index(3)];
            let found = i64::from(units(random, 30));
            w.arrive(
                &format!("found-{step}"),
                &format!("SKU-{sku}"),
                place,
                found,
                now,
            );
        }
        _ => {
            let handed = w
                .engine
                .register_fulfillment(("shop", &id), None, "direct", now);
            let Some((view, release)) = handed.ok().and_then(|all| all.into_iter().next()) else {
                return;
            };
            let change = match random.chance(50) {
                true => Change::Reject {
                    reason: "no people".into(),
                },
                false => Change::Short {
                    lines: vec![(0, Qty(1))],
                },
            };
            let name = PartName {
                source: "shop",
                order: &id,
                number: view.part.id.number,
            };
            let _ = w
                .engine
                .tell_fulfillment(name, Some(&release.token), &change, now);
        }
    }
}

#[test]
fn random_histories_agree_with_what_the_rules_say() {
    let mut did: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for seed in 0..10 {
        let w = begin(ruled(), opening());
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        for step in 1..=400 {
            let now = EpochMillis(clock.load(Ordering::Relaxed));
            match random.below(3) {
                0 => press(&w, &mut random, step, now),
                _ => command(&w.engine, &mut random, &clock),
            }
            let now = EpochMillis(clock.load(Ordering::Relaxed));
            let before = handed_out(&w.engine);
            while w.engine.remedy_now(now) > 0 {}
            assert_eq!(handed_out(&w.engine), before, "seed {seed}, step {step}");
            w.due(now);
            if step % 20 == 0 {
                agrees(&w, now, &format!("seed {seed}, step {step}"));
            }
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        acted_once(&w.kept.facts());
        assert_eq!(w.engine.ledger().audit(now), [], "seed {seed}");
        let again = w.restarted(now);
        assert_eq!(
            again.state_hash(now),
            w.engine.state_hash(now),
            "seed {seed}"
        );
        while again.due(now, 7) > 0 {}
        assert_eq!(
            again.state_hash(now),
            w.engine.state_hash(now),
            "seed {seed}"
        );
        assert_eq!(again.next_due(), w.engine.next_due(), "seed {seed}");
        for (by, counts) in w.engine.rule_counts() {
            let sum = did.entry(by.rule.into()).or_default();
            *sum = (sum.0 + counts.resolved, sum.1 + counts.in_vain);
        }
    }
    for row in &ruled().remedies {
        let (resolved, _) = did[&*row.name];
        assert!(resolved > 0, "{} never did anything: {did:?}", row.name);
    }
}
