//! Several clients at once: nobody takes what another has, nothing is lost, nothing happens twice.

use crate::engine_support::{NOW, atp, engine, no_backorder, order, submit};
use crate::{atp_at, counts, put, set};
use allot::engine::{ReservationPut, WantedLine};
use allot::model::{HoldReason, IncomingKind, Millis, Qty};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// C1, C40: two reserve calls at once both take the last unit, and the counter loses an update.
#[test]
fn c01_c40_concurrent_reservations_lose_no_update() {
    let engine = engine(&[[300, 0, 0]]);
    let granted = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (engine, granted) = (&engine, &granted);
            scope.spawn(move || {
                for n in 0..100 {
                    let id = format!("{thread}-{n}");
                    if put(engine, &id, &[("SKU-0", "EAST", 1)], None).is_ok() {
                        granted.fetch_add(1, Ordering::Relaxed);
                    }
                    if n % 4 == 0 && engine.cancel_reservation(&id, NOW) == Ok(true) {
                        granted.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let granted = granted.into_inner();
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (300, 0, granted));
    assert_eq!(atp(&engine, "SKU-0"), u64::from(300 - granted));
    assert_eq!(engine.ledger().audit(NOW), []);
}

/// C15: bursts of changes collide on an index between write and read; the loser leaves it stale.
#[test]
fn c15_what_was_written_is_read_at_once() {
    let engine = engine(&[[0, 0, 0], [0, 0, 0], [0, 0, 0]]);
    std::thread::scope(|scope| {
        for (sku, place) in [("SKU-0", "EAST"), ("SKU-1", "EAST"), ("SKU-0", "WEST")] {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..500u32 {
                    set(engine, &format!("{sku}-{place}-{n}"), sku, place, n);
                    assert_eq!(atp_at(engine, sku, place), u64::from(n));
                }
            });
        }
    });
    assert_eq!(atp(&engine, "SKU-0"), 998);
}

/// C32: deadlocks when orders are submitted in bulk, even for different items and warehouses.
#[test]
fn c32_orders_in_bulk_never_deadlock() {
    let engine = engine(&[[500; 3], [500; 3], [500; 3], [500; 3]]);
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..60 {
                    let first = (thread + n) % 4;
                    let lines: Vec<_> = (0..4).map(|k| ((first + k * 3) % 4, 1)).collect();
                    submit(engine, order(&format!("{thread}-{n}"), &lines)).unwrap();
                    if n % 3 == 0 {
                        let id = format!("{thread}-{n}");
                        engine.cancel_order("shop", &id, NOW).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(engine.ledger().totals(NOW).reserved, 4 * 40 * 4);
    assert_eq!(engine.ledger().audit(NOW), []);
}

/// C6, C37: two users confirm the same thing together and its effect is applied twice.
#[test]
fn c06_c37_a_write_told_by_several_at_once_counts_once() {
    let engine = engine(&[[100, 0, 0]]);
    let hold = HoldReason::QualityControl;
    for round in 0..50 {
        let name = |what: &str| format!("{what}-{round}");
        let (held, sent) = (name("hold"), name("po"));
        engine
            .place_hold(&held, "SKU-0", "EAST", Qty(2), hold, NOW)
            .unwrap();
        crate::supply::expect(&engine, &sent, 5, NOW);
        let together = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    let adjusted =
                        engine.adjust_stock(&name("a"), "SKU-0", "EAST", -3, "lost", NOW);
                    let released = engine.release_hold(&name("r"), &held, Some(Qty(2)), NOW);
                    let kind = IncomingKind::Purchase;
                    let received =
                        engine.receive_supply(&name("s"), kind, &sent, Qty(3), false, NOW);
                    assert_eq!(released, Ok(Qty(2)));
                    let (adjusted, received) = (adjusted.unwrap(), received.unwrap());
                    assert_eq!(adjusted.before.0, adjusted.after.0 + 3);
                    assert_eq!(received.moved.after.0, received.moved.before.0 + 3);
                });
            }
        });
        assert_eq!(counts(&engine, "SKU-0", "EAST"), (100, 0, 0), "{round}");
        let sent = engine.supply(&sent).unwrap();
        assert_eq!(sent.left, Qty(2), "{round}");
    }
    assert_eq!(engine.ledger().audit(NOW), []);
}

/// C19: the cart runs out in the moment in which it is paid, and its unit is sold twice or to nobody.
#[test]
fn c19_a_cart_is_confirmed_or_over_never_both() {
    for round in 0..300 {
        let engine = engine(&[[1, 0, 0]]);
        put(&engine, "cart", &[("SKU-0", "EAST", 1)], Some(1_000)).unwrap();
        let together = Barrier::new(2);
        let (paid, bought) = std::thread::scope(|scope| {
            let paid = scope.spawn(|| {
                together.wait();
                engine.confirm_reservation("cart", NOW + Millis(999))
            });
            together.wait();
            // Whoever comes a millisecond later finds it over, if nobody has confirmed it.
            let line = WantedLine {
                sku: "SKU-0",
                location: "EAST",
                qty: Qty(1),
            };
            let other = ReservationPut {
                id: "other",
                ttl: None,
                channel: "web",
                priority: 0,
                need_at: None,
                lines: &[line],
            };
            let bought = engine.put_reservation(&other, NOW + Millis(1_000));
            (paid.join().unwrap(), bought)
        });
        assert_ne!(paid.is_ok(), bought.is_ok(), "{round}: {paid:?} {bought:?}");
        if let Err(refused) = paid {
            assert_eq!(refused.code(), "EXPIRED", "it is said, not swallowed");
        }
        assert_eq!(counts(&engine, "SKU-0", "EAST"), (1, 0, 1));
    }
}

/// C29: while a line is edited its units are free for a moment, and somebody else gets them.
#[test]
fn c29_an_edit_lets_nobody_in_between() {
    let engine = engine(&[[5, 5, 0]]);
    let whole = [("SKU-0", "EAST", 5), ("SKU-0", "MID", 5)];
    let halves = [
        ("SKU-0", "MID", 2),
        ("SKU-0", "EAST", 5),
        ("SKU-0", "MID", 3),
    ];
    put(&engine, "order", &whole, None).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2_000 {
                put(&engine, "order", &halves, None).unwrap();
                put(&engine, "order", &whole, None).unwrap();
            }
            over.store(true, Ordering::Relaxed);
        });
        let mut tried = 0;
        while !over.load(Ordering::Relaxed) || tried == 0 {
            assert!(put(&engine, "thief", &[("SKU-0", "*", 1)], None).is_err());
            assert_eq!(atp(&engine, "SKU-0"), 0);
            tried += 1;
        }
    });
    engine.cancel_reservation("order", NOW).unwrap();
    put(&engine, "thief", &[("SKU-0", "*", 10)], None).unwrap();
}

/// C38: retries that overtake the first try are refused for the units that it holds.
#[test]
fn c38_tries_of_one_reservation_at_once_hold_its_units_once() {
    let engine = engine(&[[3, 0, 0]]);
    for round in 0..100 {
        let id = format!("cart-{round}");
        let together = Barrier::new(4);
        let views: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        together.wait();
                        put(&engine, &id, &[("SKU-0", "EAST", 3)], None).unwrap()
                    })
                })
                .collect();
            tries.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(views.iter().all(|view| *view == views[0]), "{views:?}");
        assert_eq!(counts(&engine, "SKU-0", "EAST"), (3, 0, 3));
        assert_eq!(engine.cancel_reservation(&id, NOW), Ok(true));
    }
}

/// C16: an order that is accepted while others fight for the same units has no allocation.
#[test]
fn c16_what_accepted_orders_ship_is_what_is_reserved() {
    let engine = engine(&[[40, 30, 30], [30, 40, 30]]);
    let shipped: u64 = std::thread::scope(|scope| {
        let buyer = |thread: usize| {
            let engine = &engine;
            move || -> u64 {
                let orders = (0..40).map(|n| {
                    let lines = [(n % 2, 1), ((n + 1) % 2, 1)];
                    no_backorder(order(&format!("{thread}-{n}"), &lines))
                });
                let accepted = orders.filter_map(|order| submit(engine, order).ok());
                let lines = accepted.flat_map(|view| {
                    let shipments = view.decision.plan.shipments.clone();
                    shipments.into_iter().flat_map(|s| s.lines)
                });
                lines.map(|line| u64::from(line.qty.0)).sum()
            }
        };
        let buyers: Vec<_> = (0..4).map(|thread| scope.spawn(buyer(thread))).collect();
        buyers.into_iter().map(|b| b.join().unwrap()).sum()
    });
    assert_eq!(
        shipped, 200,
        "160 orders of two want 320, and there are 200"
    );
    assert_eq!(engine.ledger().totals(NOW).reserved, shipped);
    assert_eq!(atp(&engine, "SKU-0") + atp(&engine, "SKU-1"), 0);
}
