//! The one door: a command goes in, an answer comes out, facts are recorded on the way.
//!
//! The engine names things ([`Registry`]), asks the router where an order should ship from, has
//! the ledger grant it, and remembers every identity with its first answer. It does not know that
//! a socket or a file exists, and it never reads a clock: `now` is handed in, so that a test or a
//! replay can own it.
//!
//! Locks are taken in one order: the id of a return, an identity (order, reservation, reference,
//! name), the gate of those who change state, what the ledger keeps by name (holds, supplies), the
//! ledger's shards, the days of locations, the orders that others may look like, the exceptions, when
//! rules act on them. Nobody takes one while he holds a later one.

mod amend;
mod arrivals;
mod availability;
mod backorders;
mod batch;
mod cancel;
mod claim;
mod copying;
mod cost;
mod days;
mod delays;
mod desk;
mod digest;
mod duplicates;
mod error;
mod exceptions;
mod facts;
mod feed;
mod findings;
mod fulfillment;
mod image;
mod moving;
mod opening;
mod orders;
mod part_notes;
mod promise;
mod references;
mod refused;
mod registry;
mod remedies;
mod replan;
mod replay;
mod rescue;
mod reservation_images;
mod reservations;
mod restore;
mod returns;
mod scarcity;
mod snapshots;
mod stock;
mod supply;
mod unfinished;
mod waiting;
mod watch;

pub use arrivals::WaitingUnits;
pub use claim::{CLAIM_MAX, ClaimAsk};
pub use cost::{CostAsk, OpenCosts};
pub use error::EngineError;
pub use exceptions::{EXCEPTIONS_LIST_MAX, StuckCounts, StuckParts};
pub use facts::FactSink;
pub use feed::FeedImage;
pub use fulfillment::{FulfillmentView, PartName, Told};
pub use image::{Cut, Records};
pub use moving::{Items, Layout, MoveOutcome, Moving, Planned, Unreleased};
pub use orders::{Counts, Explanation, OrderView, Quote};
pub use promise::PromiseAsk;
pub use registry::Registry;
pub use replay::Replay;
pub use reservations::{ReservationPut, ReservationView, WantedLine};
pub use returns::{GradeAsk, ReturnAsk, ReturnView};
pub use scarcity::Priced;
pub use snapshots::{Opened, RecoveryError, Step, Taken};
pub use stock::{AtpAnswer, AtpRequest, CountReport, LoadRow};
pub use supply::{Received, SupplyPut};

/// What the engine's answers are made of.
pub use crate::ledger::{Broken, Moved, PositionReport};
pub use crate::lifecycle::{
    Applied, CostGroup, CostQuery, CostSums, Counts as ExceptionCounts, DelayBudget, DelayGroup,
    DelayQuery, DelaySums, Exception, Filter as ExceptionFilter, FulfillmentOrder,
    MEASURES as DELAY_MEASURES, Part as CostPart, PartCosts, Phase, Release, RuleCounts,
    Spans as DelaySpans, Token,
};
pub use crate::routing::{Binding, Frontier, Goal};

use crate::cut::{Before, Gate, Pass};
use crate::feed::Feed;
use crate::ledger::{Ledger, Reservation};
use crate::lifecycle::{CostBook, DelayBook, OrderBook};
use crate::model::{
    AnswerKind, BacklogFact, ChannelId, EpochMillis, Fact, Invalid, Item, Location, LocationId,
    Lsn, Network, Opening, Order, OrderKey, PromiseRules, ReplanRules, ServiceId, SkuId,
};
use crate::routing::Lanes;
use crate::snapshot::OrderImage;
use arc_swap::ArcSwap;
use backorders::Backorders;
use duplicates::Duplicates;
use facts::History;
use parking_lot::Mutex;
use references::References;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use waiting::Waiting;

/// What one command may ask for at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lines of one order or reservation.
    pub lines: usize,
    /// Bytes, as they are encoded, of all refused orders together that are kept for the network's rules.
    pub kept_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lines: 200,
            kept_bytes: 256 << 20,
        }
    }
}

/// All state and everything that may be done with it.
pub struct Engine {
    limits: Limits,
    registry: Registry,
    ledger: Ledger,
    /// The network as it was loaded and changed since; `lanes` is made from it.
    network: Mutex<Network>,
    lanes: ArcSwap<Lanes>,
    /// Names of the carriers' services.
    services: Box<[Box<str>]>,
    orders: OrderBook<Reservation>,
    reservations: reservations::Book,
    stock_references: References<Arc<stock::StockAnswer>>,
    supply_references: References<Arc<supply::SupplyAnswer>>,
    history: History,
    /// Events made of facts, and who has read how far.
    feed: Feed,
    /// Through here goes everybody who changes state.
    gate: Gate,
    /// Orders as they were at a cut.
    orders_before: Before<OrderKey, OrderImage>,
    /// Carriers' names, by their services.
    carriers: Box<[Box<str>]>,
    /// Items that are watched.
    availability: Mutex<availability::Availability>,
    /// Sums of what the parts of orders cost.
    costs: Mutex<CostBook>,
    /// Where the time of what was sent went.
    delays: Mutex<DelayBook>,
    /// Which order a return is of.
    returns: returns::Ids,
    /// Parts of orders, by the location that ships them.
    waiting: Waiting,
    /// Orders that wait for supply, by SKU.
    backorders: Backorders,
    /// Orders that another one may look like.
    duplicates: Duplicates,
    /// How orders are placed anew and how many units may wait; by the registry's ids.
    replan_rules: OnceLock<ReplanRules>,
    /// What needs a decision.
    desk: desk::Desk,
    /// What is due when.
    watch: watch::Watch,
    /// What resolves exceptions by itself, and when.
    remedies: remedies::Rules,
    /// What release tokens are made with.
    release_secret: OnceLock<[u8; 16]>,
    /// One looks at a time.
    cutting: Mutex<()>,
    sequence: AtomicU64,
    /// Orders that stand for those to come, where some were given.
    expected: ArcSwap<Vec<Arc<Order>>>,
    /// Scarce units were priced since the start.
    priced: AtomicBool,
    /// Units that moved since the start.
    moved: AtomicU64,
    counts: orders::Counters,
}

impl Engine {
    /// An engine over a network and its opening stock. Facts go to `sink`, or nowhere.
    ///
    /// # Errors
    /// `INVALID` naming what in the network cannot be used.
    pub fn new(
        network: Network,
        opening: Opening,
        limits: Limits,
        sink: Option<Box<dyn FactSink>>,
        now: EpochMillis,
    ) -> Result<Self, EngineError> {
        Replay::new(network, limits)?.finish(opening, sink, Lsn(0), now)
    }

    /// An engine that knows no item and no place yet.
    fn blank(network: Network, limits: Limits) -> Result<Self, EngineError> {
        let lanes = Lanes::new(&network)?;
        Ok(Self {
            limits,
            registry: Registry::default(),
            ledger: Ledger::new(PromiseRules::default()),
            lanes: ArcSwap::from_pointee(lanes),
            carriers: network.services.iter().map(|s| s.carrier.clone()).collect(),
            services: network.services.iter().map(|s| s.id.clone()).collect(),
            duplicates: Duplicates::new(network.duplicates),
            network: Mutex::new(network),
            orders: OrderBook::default(),
            reservations: reservations::Book::default(),
            stock_references: References::new(),
            supply_references: References::new(),
            history: History::default(),
            feed: Feed::default(),
            gate: Gate::default(),
            orders_before: Before::default(),
            availability: Mutex::default(),
            costs: Mutex::default(),
            delays: Mutex::default(),
            returns: returns::Ids::with_shard_amount(256),
            waiting: Waiting::default(),
            backorders: Backorders::default(),
            replan_rules: OnceLock::new(),
            desk: desk::Desk::default(),
            watch: watch::Watch::default(),
            remedies: remedies::Rules::default(),
            release_secret: OnceLock::new(),
            cutting: Mutex::default(),
            sequence: AtomicU64::new(0),
            expected: ArcSwap::default(),
            priced: AtomicBool::new(false),
            moved: AtomicU64::new(0),
            counts: orders::Counters::default(),
        })
    }

    /// Names and ids.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Quantities, to read. Only the engine's commands change them.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The compiled network.
    #[must_use]
    pub fn lanes(&self) -> Arc<Lanes> {
        self.lanes.load_full()
    }

    /// Reads the network.
    pub fn with_network<T>(&self, read: impl FnOnce(&Network) -> T) -> T {
        read(&self.network.lock())
    }

    /// The text id of a carrier's service, or that of collecting; empty for one that does not exist.
    #[must_use]
    pub fn service_name(&self, service: ServiceId) -> &str {
        if service == ServiceId::PICKUP {
            return ServiceId::PICKUP_NAME;
        }
        self.services.get(service.index()).map_or("", |name| name)
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The number of the latest fact.
    #[must_use]
    pub fn latest_fact(&self) -> Lsn {
        self.history.latest()
    }

    /// Identities that are remembered: orders, reservations, references.
    #[must_use]
    pub fn identity_counts(&self) -> (usize, usize, usize) {
        let references = self.stock_references.len() + self.supply_references.len();
        (self.orders.len(), self.reservations.len(), references)
    }

    /// Introduces an item or describes it anew; saying the same again changes nothing.
    ///
    /// # Errors
    /// `INVALID` naming the field.
    pub fn put_item(&self, item: Item, now: EpochMillis) -> Result<bool, EngineError> {
        let fact = item.clone();
        let (_, new) = self.registry.put_item(item, &self.gate, |sku, pass| {
            self.history.append(pass, now, || {
                [Fact::ItemPut {
                    sku,
                    item: Box::new(fact),
                }]
            });
        })?;
        Ok(new)
    }

    /// Introduces a location or describes it anew; orders already routed keep their plans.
    ///
    /// # Errors
    /// `INVALID` naming the field.
    pub fn put_location(&self, location: Location, now: EpochMillis) -> Result<bool, EngineError> {
        let mut network = self.network.lock();
        let known = network.locations.iter().position(|l| l.id == location.id);
        let mut changed = network.clone();
        match known {
            Some(at) => changed.locations[at] = location.clone(),
            None => changed.locations.push(location.clone()),
        }
        // Everything that can be refused is refused before the name is interned.
        let lanes = Lanes::new(&changed)?;
        let old = self.lanes.load();
        for index in 0..network.locations.len() {
            if let Some(id) = LocationId::from_index(index) {
                lanes.set_paused(id, old.paused(id));
            }
        }
        let text = location.id.clone();
        let limited = lanes.limited();
        let put = self.registry.put_location(&text, &self.gate, |id, pass| {
            self.history.append(pass, now, || {
                [Fact::LocationPut {
                    location: id,
                    row: Box::new(location),
                }]
            });
            *network = changed;
            self.lanes.store(Arc::new(lanes));
        });
        let new = put?.1;
        if limited {
            self.count_days(now);
        }
        Ok(new)
    }

    /// Stops or resumes new shipments from a location. Returns whether that changed anything.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn pause_location(
        &self,
        location: &str,
        paused: bool,
        now: EpochMillis,
    ) -> Result<bool, EngineError> {
        let id = self.registry.location("location", location)?;
        // The network's lock keeps this from getting lost when the lanes are made anew.
        let network = self.network.lock();
        let lanes = self.lanes.load();
        let changed = lanes.paused(id) != paused;
        let pass = self.gate.enter();
        lanes.set_paused(id, paused);
        if changed {
            self.history.append(&pass, now, || {
                [Fact::LocationPaused {
                    location: id,
                    paused,
                }]
            });
        }
        drop((pass, network));
        if changed && !paused {
            self.allocate_waiting(now);
        }
        Ok(changed)
    }

    /// Tells how far a re-optimisation of the backlog is; it changes no state.
    pub fn tell_backlog(&self, told: BacklogFact, now: EpochMillis) {
        let fact = Fact::BacklogTold(Box::new(told));
        self.history.append(&self.gate.enter(), now, || [fact]);
    }

    /// Gives units of these items that can be promised to the orders that wait for them: after moves
    /// that free some. Returns how many orders got something.
    pub fn serve_waiting(&self, skus: impl IntoIterator<Item = SkuId>, now: EpochMillis) -> usize {
        self.allocate_all(skus, now)
    }

    /// The channel of a text id; one that is new is introduced.
    fn channel(&self, field: &str, text: &str, now: EpochMillis) -> Result<ChannelId, EngineError> {
        self.registry
            .channel(field, text, &self.gate, |channel, pass| {
                self.history.append(pass, now, || {
                    let id = text.into();
                    [Fact::ChannelAdded { channel, id }]
                });
            })
    }

    /// A log for a write that carries a reference.
    fn referenced<'e>(
        &'e self,
        pass: &'e Pass<'e>,
        reference: &'e str,
        content: &'e str,
        answer: AnswerKind,
    ) -> facts::Referenced<'e> {
        facts::Referenced {
            engine: self,
            pass,
            reference,
            content,
            answer,
        }
    }

    fn note_moved(&self, units: u64) {
        self.moved.fetch_add(units, Ordering::Relaxed);
    }

    fn note_count(&self, moved: &Moved) {
        self.note_moved(u64::from(moved.after.0.abs_diff(moved.before.0)));
    }

    fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    fn check_lines(&self, lines: usize) -> Result<(), EngineError> {
        if lines == 0 {
            return Err(Invalid::new("lines", "", "at least one line").into());
        }
        if lines > self.limits.lines {
            let most = format!("at most {} lines", self.limits.lines);
            return Err(EngineError::TooLarge(Invalid::new("lines", lines, most)));
        }
        Ok(())
    }

    fn names(&self) -> error::Naming<'_> {
        error::Naming {
            registry: &self.registry,
        }
    }
}
