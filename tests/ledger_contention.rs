//! Threads that fight for the last units: never oversold, never deadlocked, and what they were
//! granted adds up to what is gone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use allot::bench::random::Random;
use allot::ledger::{Ledger, NoLog, Owner, Reservation, Take, Want};
use allot::model::{
    ChannelId, EpochMillis, LocationId, OwnerFact, PromiseRules, Qty, SkuId, StockRow,
};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

const NOW: EpochMillis = EpochMillis(1_795_000_000_000);
const PLACE: LocationId = LocationId(0);

fn ledger(skus: u32, units: u32) -> Arc<Ledger> {
    let row = |sku| StockRow {
        sku: SkuId(sku),
        location: PLACE,
        on_hand: Qty(units),
        safety_stock: Qty::ZERO,
        held: None,
    };
    let rows: Vec<StockRow> = (0..skus).map(row).collect();
    let ledger = Ledger::new(PromiseRules::default());
    ledger.open(&rows, NOW, &NoLog);
    Arc::new(ledger)
}

fn take(ledger: &Ledger, number: u64, skus: &[u32]) -> Option<Reservation> {
    let id = OwnerFact::Reservation(number.to_string().into());
    let owner = Arc::new(Owner {
        id,
        priority: 0,
        sequence: number,
    });
    let want = |&sku: &u32| Want {
        sku: SkuId(sku),
        location: Some(PLACE),
        qty: Qty(1),
        need_at: NOW,
    };
    let wants: Vec<Want> = skus.iter().map(want).collect();
    let expires_at = EpochMillis::DISTANT_FUTURE;
    let take = Take {
        owner: &owner,
        channel: ChannelId(0),
        expires_at,
        wants: &wants,
    };
    ledger.take(&take, NOW, &NoLog).ok()
}

/// Runs `work` on `threads` threads and collects what they return; fails when they get stuck.
fn contend<T: Send + 'static>(
    threads: u64,
    work: impl Fn(u64) -> T + Send + Clone + 'static,
) -> Vec<T> {
    let (done, results) = mpsc::channel();
    for thread in 0..threads {
        let (done, work) = (done.clone(), work.clone());
        std::thread::spawn(move || done.send(work(thread)).unwrap());
    }
    let wait = || {
        results
            .recv_timeout(Duration::from_secs(120))
            .expect("nobody waits for ever")
    };
    (0..threads).map(|_| wait()).collect()
}

#[test]
fn ten_thousand_units_are_sold_ten_thousand_times_in_three_hundred_thousand_attempts() {
    let ledger = ledger(1, 10_000);
    let shared = ledger.clone();
    let sold: Vec<usize> = contend(6, move |thread| {
        let attempts = thread * 50_000..(thread + 1) * 50_000;
        attempts
            .filter(|&n| take(&shared, n, &[0]).is_some())
            .count()
    });
    assert_eq!(sold.iter().sum::<usize>(), 10_000);
    assert_eq!(ledger.totals(NOW).reserved, 10_000);
    assert!(ledger.audit(NOW).is_empty());
}

/// C11, C32: orders that share items in clashing order deadlock.
#[test]
fn clashing_orders_of_several_items_neither_deadlock_nor_take_a_part() {
    const SKUS: u32 = 12;
    let ledger = ledger(SKUS, 400);
    let shared = ledger.clone();
    let granted: Vec<Vec<u64>> = contend(6, move |thread| {
        let mut random = Random::new(thread);
        let mut sold = vec![0u64; SKUS as usize];
        let mut kept: Vec<(Vec<u32>, Reservation)> = Vec::new();
        for attempt in 0..5_000u64 {
            let count = 2 + random.index(5);
            let skus: Vec<u32> = (0..count)
                .map(|_| u32::try_from(random.below(SKUS.into())).unwrap())
                .collect();
            if let Some(reservation) = take(&shared, thread * 5_000 + attempt, &skus) {
                skus.iter().for_each(|&sku| sold[sku as usize] += 1);
                kept.push((skus, reservation));
            }
            if random.chance(40) && !kept.is_empty() {
                let (skus, reservation) = kept.swap_remove(random.index(kept.len()));
                shared.release(reservation, NOW, &NoLog);
                skus.iter().for_each(|&sku| sold[sku as usize] -= 1);
            }
        }
        sold
    });
    for sku in 0..SKUS {
        let sold: u64 = granted.iter().map(|g| g[sku as usize]).sum();
        let report = ledger.position(SkuId(sku), PLACE, NOW).unwrap();
        assert_eq!(
            u64::from(report.position.reserved),
            sold,
            "what was granted is gone"
        );
        assert!(sold <= 400, "SKU {sku} is oversold: {sold}");
    }
    assert!(ledger.audit(NOW).is_empty());
}
