//! Everything that may be read, compared with the oracle.

use super::command::CHANNELS;
use super::oracle::{Oracle, units};
use super::stock::hold_of;
use super::supply::supply_of;
use super::world::{World, spots};
use allot::ledger::{Allocation, AtpQuery, Step, StockView};
use allot::model::{ChannelId, EpochMillis, LocationId, SkuId};
use std::collections::BTreeSet;

impl World {
    /// Compares all reads. Every read is at the latest moment any command has seen.
    pub(crate) fn check(&mut self) {
        self.oracle.reads_follow();
        let times = times(&self.oracle);
        let skus: BTreeSet<SkuId> = spots().iter().map(|s| s.0).collect();
        for &sku in &skus {
            self.check_atp(sku, &times);
            self.check_shares(sku);
        }
        for channel in (0..CHANNELS).map(ChannelId) {
            self.check_view(&skus, channel, &times);
        }
        self.check_positions();
        self.check_records();
        self.check_totals();
        self.oracle.writes_follow();
    }

    fn check_atp(&self, sku: SkuId, times: &[EpochMillis]) {
        let (ledger, oracle, now) = (&self.ledger, &self.oracle, self.oracle.now);
        let places = || {
            oracle
                .locations
                .iter()
                .map(|&l| (l, oracle.atp((sku, l), now)))
        };
        let expected: Vec<(LocationId, u64)> = places()
            .map(|(l, atp)| (l, unsigned(atp)))
            .filter(|p| p.1 > 0)
            .collect();
        assert_eq!(ledger.atp_by_location(sku, None, now), expected);
        for &by in times {
            for place in oracle.locations.iter().map(Some).chain([None]) {
                for channel in (0..CHANNELS).map(|c| Some(ChannelId(c))).chain([None]) {
                    let query = AtpQuery {
                        locations: place.map(std::slice::from_ref),
                        channel,
                        by: Some(by),
                    };
                    let expected = oracle.answer(sku, place.copied(), channel, by.max(now));
                    let told = ledger.atp(sku, &query, now);
                    assert_eq!(told, unsigned(expected), "{sku:?} {query:?} at {now:?}");
                }
            }
            let by_location = ledger.atp_by_location(sku, Some(by), now);
            let sum: u64 = by_location.iter().map(|p| p.1).sum();
            assert_eq!(sum, unsigned(oracle.answer(sku, None, None, by.max(now))));
        }
        for qty in [1, 2, 4, 9, 20] {
            for (place, channel) in [
                (None, None),
                (Some(0), None),
                (None, Some(1)),
                (Some(1), Some(0)),
            ] {
                let place = place.map(|p: usize| oracle.locations[p]);
                let channel = channel.map(ChannelId);
                let query = AtpQuery {
                    locations: place.as_ref().map(std::slice::from_ref),
                    channel,
                    by: None,
                };
                let told = ledger.earliest(sku, &query, units(qty), now);
                let expected = oracle.earliest(sku, place, channel, qty, now);
                assert_eq!(
                    told, expected,
                    "earliest {qty} of {sku:?} {query:?} at {now:?}"
                );
            }
        }
    }

    fn check_shares(&self, sku: SkuId) {
        let mut told = self.ledger.allocations(sku);
        told.sort_by_key(|a| a.channel);
        let shares = self.oracle.shares.iter().filter(|s| s.sku == sku);
        let mut expected: Vec<Allocation> = shares
            .map(|s| Allocation {
                channel: s.channel,
                protected: units(s.protected),
                cap: s.cap.map(units),
                used: unsigned(self.oracle.used(sku, s.channel)),
            })
            .collect();
        expected.sort_by_key(|a| a.channel);
        assert_eq!(told, expected);
    }

    fn check_view(&self, skus: &BTreeSet<SkuId>, channel: ChannelId, times: &[EpochMillis]) {
        let (oracle, now) = (&self.oracle, self.oracle.now);
        let mut view = StockView::default();
        self.ledger
            .view(skus.iter().copied(), channel, now, &mut view);
        assert_eq!(view.len(), skus.len());
        for (line, &sku) in skus.iter().enumerate() {
            assert_eq!(view.sku(line), sku);
            let limit = view.limit(line);
            assert_eq!(limit.is_some(), oracle.limit(sku, channel, now).is_some());
            for cell in view.cells(line) {
                let first = Step {
                    from: now,
                    qty: cell.now,
                };
                let all: Vec<Step> = std::iter::once(first)
                    .chain(view.later(cell).iter().copied())
                    .collect();
                let grows = all
                    .windows(2)
                    .all(|w| w[0].from < w[1].from && w[0].qty < w[1].qty);
                assert!(grows && all.last().is_some_and(|s| s.qty.0 > 0), "{all:?}");
            }
            for &t in times.iter().filter(|&&t| t >= now) {
                let at = |steps: &[Step]| steps.iter().rfind(|s| s.from <= t).map(|s| s.qty);
                let cap = oracle.limit(sku, channel, t).map(|l| l.max(0));
                assert_eq!(limit.map(|l| at(l).expect("from now on")), cap.map(units));
                for &place in &oracle.locations {
                    let cell = view.cells(line).iter().find(|c| c.location == place);
                    let told = cell.map_or(units(0), |c| at(view.later(c)).unwrap_or(c.now));
                    let atp = oracle.atp((sku, place), t);
                    let expected = cap.map_or(atp, |c| c.min(atp));
                    assert_eq!(told, units(expected), "{sku:?} at {place:?} by {t:?}");
                }
            }
        }
    }

    fn check_positions(&self) {
        let (oracle, now) = (&self.oracle, self.oracle.now);
        for spot in spots() {
            let expected = (
                oracle.on_hand(spot),
                oracle.held(spot),
                oracle.safety(spot),
                oracle.reserved(spot),
                oracle.atp(spot, now),
            );
            let report = self.ledger.position(spot.0, spot.1, now);
            let told = report.as_ref().map_or((0, 0, 0, 0, 0), |r| {
                let p = r.position;
                let atp = i64::try_from(r.atp).expect("small");
                (
                    p.on_hand.into(),
                    p.held.into(),
                    p.safety.into(),
                    p.reserved.into(),
                    atp,
                )
            });
            assert_eq!(
                told, expected,
                "on hand, held, safety, reserved, ATP of {spot:?}"
            );
            if let Some(report) = &report {
                let coming = oracle.supplies.iter().filter(|s| s.spot() == spot);
                assert_eq!(report.incoming, unsigned(coming.map(|s| s.left).sum()));
                for &(reason, qty) in &report.held {
                    let here = oracle
                        .holds
                        .iter()
                        .filter(|h| h.spot == spot && h.reason == reason);
                    assert_eq!(qty, units(here.map(|h| h.left).sum()));
                }
                let by_reason: i64 = report.held.iter().map(|h| i64::from(h.1.0)).sum();
                assert_eq!(by_reason, oracle.held(spot));
            }
            let facts = &self.auditor;
            assert_eq!(
                facts.on_hand(spot),
                oracle.on_hand(spot),
                "on hand of {spot:?} by facts"
            );
            assert_eq!(facts.safety(spot), oracle.safety(spot));
            assert_eq!(facts.held(spot), oracle.held(spot));
            assert_eq!(
                facts.reserved(spot, now),
                oracle.reserved(spot),
                "{spot:?} by facts"
            );
        }
    }

    fn check_records(&self) {
        for row in &self.oracle.supplies {
            let id = &*row.first.id;
            assert_eq!(self.ledger.supply(id), Some(supply_of(row)));
            assert_eq!(self.auditor.supply(id), Some((row.left, row.arrives_at)));
        }
        for row in &self.oracle.holds {
            assert_eq!(self.ledger.hold(&row.id), Some(hold_of(row)));
        }
    }

    fn check_totals(&self) {
        let (oracle, now) = (&self.oracle, self.oracle.now);
        assert_eq!(self.ledger.audit(now), Vec::new(), "nothing drifts");
        let totals = self.ledger.totals(now);
        let sum = |of: &dyn Fn(super::oracle::Spot) -> i64| -> u64 {
            unsigned(spots().into_iter().map(of).sum())
        };
        assert_eq!(totals.on_hand, sum(&|s| oracle.on_hand(s)));
        assert_eq!(totals.held, sum(&|s| oracle.held(s)));
        assert_eq!(totals.reserved, sum(&|s| oracle.reserved(s)));
        assert_eq!(totals.claims, oracle.claims.len() as u64);
        assert_eq!(totals.expired, oracle.expired);
        assert_eq!(totals.oversold, oracle.oversold(&spots()) as u64);
    }
}

/// Moments at which something might differ: every change, and the millisecond before it.
fn times(oracle: &Oracle) -> Vec<EpochMillis> {
    let moments = oracle.moments();
    let before = moments.iter().map(|t| EpochMillis(t.0 - 1));
    let mut all: Vec<_> = before.chain(moments.iter().copied()).collect();
    all.push(EpochMillis::DISTANT_PAST);
    all.push(EpochMillis::DISTANT_FUTURE);
    all
}

fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).expect("the oracle's answers are not negative")
}
