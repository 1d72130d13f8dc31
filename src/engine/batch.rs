//! Many orders in one step: solved side by side against one view of the stock, then committed one
//! after the other, in the order given.
//!
//! A plan that was the cheapest on more stock and that the ledger still grants is the cheapest on
//! less, so only an order whose units somebody took meanwhile is solved again. Nothing that is
//! decided depends on how many threads there are: plans are made of the view alone, units are given
//! out by one thread in the order of the input, and whoever is solved again is chosen by what
//! happened to those before him.
//!
//! No lock is held while work is shared out: a thread that waits for others takes up their work,
//! and must not wait there for a lock of its own.

use super::Engine;
use super::days::limited_in;
use super::error::EngineError;
use super::orders::{OrderView, Resolved, TRIES_MAX};
use crate::ledger::{DayUse, StockView};
use crate::lifecycle::Submission;
use crate::model::{ChannelId, Decision, EpochMillis, Order, SkuId};
use crate::routing::Lanes;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Orders that are solved while those before them are committed.
const TOGETHER: usize = 256;
/// SKUs that one task looks at.
const SKUS_A_TASK: usize = 64;
/// How many orders are looked at again when the first one loses its stock.
const AGAIN_FIRST: usize = 8;

/// What is known of an order before its turn comes.
enum Outlook {
    /// It was accepted before.
    Known,
    /// What it names is not there, or no plan can serve it.
    Refused(EngineError),
    /// It has been looked up and not been solved.
    Open(Box<Resolved>),
    /// Its plan.
    Planned(Box<Resolved>, Arc<Decision>),
}

/// What may be promised of every SKU of a batch, and what the days of its locations have taken, at
/// its start: read once, so that no plan depends on what was committed meanwhile.
struct Stock {
    /// By channel and SKU.
    rows: Vec<(ChannelId, SkuId)>,
    /// By row: which view, and which line of it.
    places: Vec<(u32, u32)>,
    views: Vec<StockView>,
    /// Days of all locations with a limit that hold any of it, by location.
    days: Vec<DayUse>,
}

impl Engine {
    /// Submits many orders: the answer of each stands where it stands. What [`Engine::submit`] says
    /// of one order holds for each, those that come twice included.
    ///
    /// Solving is shared out over the threads of the `rayon` pool in which it is called; see the top
    /// of the file for why the answers are the same with any number of them.
    ///
    /// # Errors
    /// For each order those of [`Engine::submit`].
    pub fn submit_batch(
        &self,
        orders: &[Arc<Order>],
        now: EpochMillis,
    ) -> Vec<Result<OrderView, EngineError>> {
        let lanes = self.lanes.load_full();
        let looked_up = orders.par_iter().map(|order| self.look_up(order, &lanes));
        let mut outlooks: Vec<Outlook> = looked_up.collect();
        let stock = Stock::of(self, &outlooks, &lanes, now);
        let solve = |orders: &[Arc<Order>], outlooks: &mut [Outlook]| {
            let together = orders.par_iter().zip(outlooks);
            together.for_each(|(order, outlook)| {
                let see = |resolved: &Resolved, view: &mut StockView, days: &mut Vec<DayUse>| {
                    stock.see(resolved, &lanes, view, days);
                };
                self.plan(order, outlook, &lanes, now, &see);
            });
        };
        let mut answers = Vec::with_capacity(orders.len());
        let mut parts = orders
            .chunks(TOGETHER)
            .zip(outlooks.chunks_mut(TOGETHER))
            .peekable();
        if let Some((orders, outlooks)) = parts.peek_mut() {
            solve(orders, outlooks);
        }
        while let Some((orders, outlooks)) = parts.next() {
            let answers = &mut answers;
            rayon::join(
                || self.commit_all(orders, outlooks, &lanes, now, answers),
                || {
                    if let Some((orders, outlooks)) = parts.peek_mut() {
                        solve(orders, outlooks);
                    }
                },
            );
        }
        let answered = answers.into_iter().zip(orders.iter());
        answered
            .map(|(answer, order)| self.or_by_rule(answer, order, now))
            .collect()
    }

    fn look_up(&self, order: &Order, lanes: &Lanes) -> Outlook {
        if self.orders.read(&order.key, |_| ()).is_some() {
            return Outlook::Known;
        }
        self.open(order, lanes)
    }

    fn open(&self, order: &Order, lanes: &Lanes) -> Outlook {
        match self.resolve(order, lanes) {
            Ok(resolved) => Outlook::Open(Box::new(resolved)),
            Err(first) => Outlook::Refused(self.with_all_findings(order, lanes, first)),
        }
    }

    /// Solves an order on the stock that `see` shows.
    fn plan(
        &self,
        order: &Order,
        outlook: &mut Outlook,
        lanes: &Lanes,
        now: EpochMillis,
        see: &(impl Fn(&Resolved, &mut StockView, &mut Vec<DayUse>) + Sync),
    ) {
        let open = match std::mem::replace(outlook, Outlook::Known) {
            Outlook::Open(resolved) | Outlook::Planned(resolved, _) => resolved,
            other => return *outlook = other,
        };
        *outlook = match self.route_on(order, &open, lanes, now, |view, days| {
            see(&open, view, days)
        }) {
            Ok(decision) => Outlook::Planned(open, Arc::new(decision)),
            Err(error) => Outlook::Refused(error),
        };
    }

    /// Commits orders one after the other. When one has lost its stock, those after it are looked at
    /// again together: the more of them the rarer that happens.
    fn commit_all(
        &self,
        orders: &[Arc<Order>],
        outlooks: &mut [Outlook],
        lanes: &Lanes,
        now: EpochMillis,
        answers: &mut Vec<Result<OrderView, EngineError>>,
    ) {
        let (mut again, mut looked_to) = (AGAIN_FIRST, 0);
        for at in 0..orders.len() {
            let mut tries = 0;
            let answer = loop {
                if let Some(answer) = self.commit(&orders[at], &mut outlooks[at], now) {
                    break answer;
                }
                tries += 1;
                if tries == TRIES_MAX {
                    break Err(EngineError::Busy { tries });
                }
                again = match at < looked_to {
                    true => (again / 2).max(1),
                    false => (again * 2).min(TOGETHER),
                };
                looked_to = orders.len().min(at + again);
                self.look_again(
                    &orders[at..looked_to],
                    &mut outlooks[at..looked_to],
                    lanes,
                    now,
                );
            };
            answers.push(answer);
        }
    }

    /// Solves the first order anew on the stock as it is, and of the others those whose plan it no
    /// longer has.
    fn look_again(
        &self,
        orders: &[Arc<Order>],
        outlooks: &mut [Outlook],
        lanes: &Lanes,
        now: EpochMillis,
    ) {
        let together = orders.par_iter().zip(outlooks).enumerate();
        together.for_each(|(at, (order, outlook))| {
            if at == 0 && matches!(outlook, Outlook::Known) {
                *outlook = self.open(order, lanes);
            }
            let lost = |resolved: &Resolved, decision: &Decision| {
                !self.has_stock(resolved, &decision.plan, now)
            };
            let stays = match &*outlook {
                Outlook::Known | Outlook::Refused(_) => true,
                Outlook::Open(_) => false,
                Outlook::Planned(resolved, decision) => at > 0 && !lost(resolved, decision),
            };
            if !stays {
                let see = |resolved: &Resolved, view: &mut StockView, days: &mut Vec<DayUse>| {
                    self.see_stock(resolved, now, view);
                    self.list_days(lanes, view, now, days);
                };
                self.plan(order, outlook, lanes, now, &see);
            }
        });
    }

    /// Accepts an order with its plan, or says why not; `None` when its stock is no longer there.
    fn commit(
        &self,
        order: &Arc<Order>,
        outlook: &mut Outlook,
        now: EpochMillis,
    ) -> Option<Result<OrderView, EngineError>> {
        let place = match self.orders.submit(order) {
            Submission::New(place) => place,
            Submission::Known(record) => return Some(Ok(super::orders::view(&record, true))),
            Submission::Differs(fields) => {
                return Some(Err(super::orders::differs(order, &fields)));
            }
        };
        let refused = |error| {
            self.count_refused();
            self.refused(order, &error, now);
            Some(Err(self.keep_refused(order, error, now)))
        };
        let (resolved, decision) = match std::mem::replace(outlook, Outlook::Known) {
            Outlook::Planned(resolved, decision) => (resolved, decision),
            Outlook::Refused(error) => return refused(error),
            // It was there and is not: nobody forgets orders, but nothing depends on that here.
            unsolved => {
                *outlook = unsolved;
                return None;
            }
        };
        match self.reserve(order, &resolved, &decision, (now, None)) {
            Ok(Some(granted)) => {
                let demands = resolved.skus().collect();
                Some(Ok(self.accept(
                    place,
                    order.clone(),
                    demands,
                    decision,
                    granted,
                    now,
                )))
            }
            Ok(None) => {
                self.counts.rerouted.fetch_add(1, Ordering::Relaxed);
                *outlook = Outlook::Planned(resolved, decision);
                None
            }
            Err(error) => refused(error),
        }
    }
}

impl Stock {
    /// Looks at every SKU of a batch once a channel.
    fn of(engine: &Engine, outlooks: &[Outlook], lanes: &Lanes, now: EpochMillis) -> Self {
        let open = outlooks.iter().filter_map(|outlook| match outlook {
            Outlook::Open(resolved) => Some(resolved),
            _ => None,
        });
        let mut rows: Vec<(ChannelId, SkuId)> = open
            .flat_map(|resolved| resolved.skus().map(|sku| (resolved.channel, sku)))
            .collect();
        rows.par_sort_unstable();
        rows.dedup();
        let tasks: Vec<&[(ChannelId, SkuId)]> = rows
            .chunk_by(|a, b| a.0 == b.0)
            .flat_map(|of_channel| of_channel.chunks(SKUS_A_TASK))
            .collect();
        let views = tasks.par_iter().map(|task| {
            let mut view = StockView::default();
            let skus = task.iter().map(|&(_, sku)| sku);
            engine.ledger.view(skus, task[0].0, now, &mut view);
            view
        });
        let views: Vec<StockView> = views.collect();
        let places = (0u32..).zip(&tasks).flat_map(|(view, task)| {
            let lines = (0u32..).zip(*task);
            lines.map(move |(line, _)| (view, line))
        });
        let places = places.collect();
        let mut days = Vec::new();
        let mut of_view = Vec::new();
        for view in &views {
            engine.list_days(lanes, view, now, &mut of_view);
            days.append(&mut of_view);
        }
        days.sort_unstable_by_key(|used| (used.location, used.at));
        days.dedup_by_key(|used| (used.location, used.at));
        Self {
            rows,
            places,
            views,
            days,
        }
    }

    /// The part of it that an order is about.
    fn see(
        &self,
        resolved: &Resolved,
        lanes: &Lanes,
        view: &mut StockView,
        days: &mut Vec<DayUse>,
    ) {
        view.clear();
        for sku in resolved.skus() {
            match self.rows.binary_search(&(resolved.channel, sku)) {
                Ok(row) => {
                    let (from, line) = self.places[row];
                    view.push_copy(&self.views[from as usize], line as usize);
                }
                Err(_) => view.push_line(sku),
            }
        }
        days.clear();
        if self.days.is_empty() {
            return;
        }
        for location in limited_in(lanes, view) {
            let from = self.days.partition_point(|used| used.location < location);
            let of_it = self.days[from..].iter();
            days.extend(of_it.take_while(|used| used.location == location));
        }
    }
}
