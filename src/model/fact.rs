//! What was decided: the only thing that is ever written down.
//!
//! Facts are immutable and complete: replaying them needs no solver, no clock and no validation,
//! and gives the same state on every machine. Undoing something is a new, opposite fact. Text
//! that a fact introduces (an item, a location, a channel) is given its dense id by the fact.

use super::{
    AvailabilityFact, BacklogFact, Change, ChannelId, CostFact, Decision, EpochMillis,
    ExceptionFact, GroupFact, Item, Location, LocationId, Order, OrderKey, PromiseRules, Qty,
    ReplannedFact, ReturnFact, Settled, SkuId, State, Watched,
};
use bincode::{Decode, Encode};
use std::sync::Arc;

/// Why units on hand may not be promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum HoldReason {
    /// Broken or spoilt.
    Damaged,
    /// Waiting for quality control.
    QualityControl,
    /// Being counted.
    CountFreeze,
    /// Part of a fraud investigation.
    Fraud,
    /// Anything else.
    Other,
}

impl HoldReason {
    /// All reasons with their names in files and on the wire.
    pub const ALL: [(&'static str, Self); 5] = [
        ("damaged", Self::Damaged),
        ("quality_control", Self::QualityControl),
        ("count_freeze", Self::CountFreeze),
        ("fraud", Self::Fraud),
        ("other", Self::Other),
    ];

    /// The name in files and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What kind of supply is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum IncomingKind {
    /// In transit between two locations.
    Transfer,
    /// Inbound from outside.
    Purchase,
}

/// Supply that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct IncomingFact {
    /// Text id, unique over transfers and purchases.
    pub id: Box<str>,
    /// Transfer or purchase.
    pub kind: IncomingKind,
    /// The item.
    pub sku: SkuId,
    /// Where it left; `None` for a purchase.
    pub from: Option<LocationId>,
    /// Where it will arrive.
    pub to: LocationId,
    /// Units on the way.
    pub qty: Qty,
    /// When they are expected.
    pub arrives_at: EpochMillis,
}

/// Whose units are reserved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum OwnerFact {
    /// A reservation by its own id (a cart, usually).
    Reservation(Box<str>),
    /// An order.
    Order(OrderKey),
}

/// Units of one position that one owner was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ClaimFact {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// How many units.
    pub qty: Qty,
    /// When they must be there.
    pub need_at: EpochMillis,
}

/// What the sender of a reservation asked for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReservationAsked {
    /// The selling channel.
    pub channel: ChannelId,
    /// Higher keeps its promise longer when supply is cut.
    pub priority: i32,
    /// Whether it was to last until confirmed otherwise.
    pub firm: bool,
    /// When the units must be there; now when absent.
    pub need_at: Option<EpochMillis>,
    /// Item, place (`None` for any) and units of every line.
    pub lines: Vec<(SkuId, Option<LocationId>, Qty)>,
}

/// A promise that supply no longer covered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BrokenFact {
    /// Whose promise.
    pub owner: OwnerFact,
    /// Its priority.
    pub priority: i32,
    /// Its place in the order of creation.
    pub sequence: u64,
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// How many of its units were not covered.
    pub qty: Qty,
}

/// What kind of answer a write with a reference got; the facts before it in its group say which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum AnswerKind {
    /// A movement of units on hand, and the promises it broke.
    Moved,
    /// The promises it broke.
    Broken,
    /// Units released from a hold.
    Released,
    /// That it is done.
    Done,
    /// What receiving supply did.
    Received,
    /// The promises that a change of supply broke.
    SupplyBroken,
    /// That there was nothing to change in a supply.
    Nothing,
}

/// A change of a fulfilment order, and what it did to stock.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FulfillmentFact {
    /// The order.
    pub key: OrderKey,
    /// Which part of it, from 1.
    pub number: u32,
    /// What happened.
    pub change: Change,
    /// It came late: a repeat, or overtaken by a later message. Nothing moved.
    pub late: bool,
    /// Where that left it.
    pub state: State,
    /// What that meant for stock.
    pub settled: Vec<Settled>,
}

/// Something that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Fact {
    /// An item is new or described anew.
    ItemPut {
        /// Its dense id.
        sku: SkuId,
        /// What it is.
        item: Box<Item>,
    },
    /// A location is new or described anew.
    LocationPut {
        /// Its dense id.
        location: LocationId,
        /// What it is.
        row: Box<Location>,
    },
    /// A location stops or resumes taking new shipments.
    LocationPaused {
        /// The place.
        location: LocationId,
        /// Whether it is paused from now on.
        paused: bool,
    },
    /// A selling channel was named for the first time.
    ChannelAdded {
        /// Its dense id.
        channel: ChannelId,
        /// Its text id.
        id: Box<str>,
    },
    /// Units on hand changed: the named movement.
    OnHandMoved {
        /// The item.
        sku: SkuId,
        /// The place.
        location: LocationId,
        /// Units before.
        before: Qty,
        /// Units after.
        after: Qty,
        /// As of when: a count may be older than its report.
        as_of: EpochMillis,
        /// Why: `opening`, `count`, `adjust`, `dispatch`, `receive`, `return-to-origin`, or the
        /// sender's own word.
        reason: Box<str>,
    },
    /// The units kept back by policy changed.
    SafetyStockSet {
        /// The item.
        sku: SkuId,
        /// The place.
        location: LocationId,
        /// Units kept back from now on.
        qty: Qty,
    },
    /// Units on hand may not be promised.
    HoldPlaced {
        /// Text id of the hold.
        hold: Box<str>,
        /// The item.
        sku: SkuId,
        /// The place.
        location: LocationId,
        /// How many units.
        qty: Qty,
        /// Why.
        reason: HoldReason,
    },
    /// Some or all units of a hold may be promised again.
    HoldReleased {
        /// Text id of the hold.
        hold: Box<str>,
        /// How many units.
        qty: Qty,
    },
    /// Supply was announced. Units of a transfer left their origin by an `OnHandMoved` in the same
    /// group.
    IncomingExpected(Box<IncomingFact>),
    /// Supply is expected at another time.
    IncomingDelayed {
        /// Text id of the supply.
        id: Box<str>,
        /// When it is expected now.
        arrives_at: EpochMillis,
    },
    /// Units arrived (an `OnHandMoved` says what was found); with `closed`, what is left of them is
    /// written off.
    IncomingReduced {
        /// Text id of the supply.
        id: Box<str>,
        /// Units no longer on the way.
        qty: Qty,
        /// Nothing more will come of it.
        closed: bool,
    },
    /// Units were kept for, or capped at, one channel.
    AllocationSet {
        /// The item.
        sku: SkuId,
        /// The selling channel.
        channel: ChannelId,
        /// Units kept for it.
        protected: Qty,
        /// Most units it may promise.
        cap: Option<Qty>,
    },
    /// An owner's claims are exactly these from now on; with no claims it holds nothing.
    Reserved {
        /// Whose.
        owner: OwnerFact,
        /// For which channel.
        channel: ChannelId,
        /// Higher keeps its promise longer when supply is cut.
        priority: i32,
        /// Ascending with creation: of two equal priorities the newer loses first.
        sequence: u64,
        /// When a soft reservation ends; `DISTANT_FUTURE` for a firm one.
        expires_at: EpochMillis,
        /// What it holds.
        claims: Vec<ClaimFact>,
    },
    /// The same for a reservation by its own id, with what its sender asked: enough to recognise
    /// a repeat.
    ReservationPut {
        /// Its id.
        id: Box<str>,
        /// What was asked.
        asked: Box<ReservationAsked>,
        /// As in [`Fact::Reserved`].
        sequence: u64,
        /// When a soft reservation ends; `DISTANT_FUTURE` for a firm one.
        expires_at: EpochMillis,
        /// What it holds.
        claims: Vec<ClaimFact>,
    },
    /// A reservation's end changed: later, or never (it became firm).
    ReservationExtended {
        /// Whose.
        owner: OwnerFact,
        /// When it ends now.
        expires_at: EpochMillis,
    },
    /// A reservation ended and its units are free.
    ReservationEnded {
        /// Whose.
        owner: OwnerFact,
        /// It ran out by itself rather than being cancelled.
        expired: bool,
    },
    /// A reservation was cancelled for good: a late repeat of its creation must not bring it back.
    ReservationCancelled {
        /// Its id.
        id: Box<str>,
    },
    /// An order was accepted with its plan; its claims are granted in the same step.
    OrderAccepted {
        /// What was bought.
        order: Arc<Order>,
        /// How it will be fulfilled.
        decision: Arc<Decision>,
        /// For which channel.
        channel: ChannelId,
        /// As in [`Fact::Reserved`].
        sequence: u64,
        /// When, by the clock of whoever accepted it.
        accepted_at: EpochMillis,
        /// What it holds.
        claims: Vec<ClaimFact>,
    },
    /// An order was cancelled; what it held is free in the same step.
    OrderCancelled {
        /// Which.
        key: OrderKey,
    },
    /// The facts before it in its group are the effect of a write with this reference: the same
    /// write again gets the answer that follows from them.
    Referenced {
        /// The sender's reference.
        reference: Box<str>,
        /// What was done, in one readable line.
        content: Box<str>,
        /// What kind of answer it got.
        answer: AnswerKind,
    },
    /// A bulk load of counts was answered; its movements are facts of their own before it.
    LoadAnswered {
        /// The sender's reference.
        reference: Box<str>,
        /// What was done, in one readable line.
        content: Box<str>,
        /// Rows it had.
        rows: u64,
        /// Promises that it broke.
        broken: Vec<BrokenFact>,
    },
    /// The network of the first start: plans name services by their number, so later starts must
    /// have the same ones at the same places.
    NetworkOpened {
        /// Its name.
        name: Box<str>,
        /// Text ids of its services, in order.
        services: Vec<Box<str>>,
    },
    /// From which supply on its way may be promised, from now on.
    PromiseRulesSet {
        /// All rules.
        rules: Box<PromiseRules>,
    },
    /// A position was filled by the opening stock.
    PositionOpened {
        /// The item.
        sku: SkuId,
        /// The place.
        location: LocationId,
        /// Units physically there.
        on_hand: Qty,
        /// Units kept back by policy.
        safety: Qty,
    },
    /// All of the opening stock is in: a later start does not read it again.
    OpeningDone,
    /// Supply was cancelled. Units that went back to their origin did so by an `OnHandMoved` in the
    /// same group.
    IncomingCancelled {
        /// Text id of the supply.
        id: Box<str>,
        /// Units that were still on the way.
        qty: Qty,
        /// They are back on hand at the origin.
        returned: bool,
    },
    /// A consumer group of the event feed changed.
    FeedGroup(Box<GroupFact>),
    /// The secret that release tokens are made with; once per data directory.
    ReleaseKeyMade {
        /// Never shown.
        secret: [u8; 16],
    },
    /// Something happened to one part of an order.
    FulfillmentChanged(Box<FulfillmentFact>),
    /// Something happened to a return. Units that are on hand again are so by an `OnHandMoved` in the
    /// same group, and those that may not be promised by a `HoldPlaced`.
    ReturnChanged(Box<ReturnFact>),
    /// Units of an order were placed anew.
    OrderReplanned(Box<ReplannedFact>),
    /// An exception was opened, assigned or resolved.
    ExceptionChanged(Box<ExceptionFact>),
    /// What a part of an order cost, or what was spent beside it.
    CostTold(Box<CostFact>),
    /// An item is to be watched, for one channel or all together; no longer when `low` is `None`.
    ThresholdSet {
        /// What.
        watched: Watched,
        /// Units at which it is low.
        low: Option<Qty>,
    },
    /// What may be promised of it crossed its threshold, or zero.
    AvailabilityCrossed(Box<AvailabilityFact>),
    /// How far a re-optimisation of the backlog is, or what came of it. It changes no state.
    BacklogTold(Box<BacklogFact>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_reads_back_as_it_was_written() {
        let config = bincode::config::legacy().with_limit::<1_000_000>();
        let fact = Fact::Reserved {
            owner: OwnerFact::Order(OrderKey::new("shop", "1")),
            channel: ChannelId(2),
            priority: -1,
            sequence: 4,
            expires_at: EpochMillis::DISTANT_FUTURE,
            claims: vec![ClaimFact {
                sku: SkuId(7),
                location: LocationId(3),
                qty: Qty(5),
                need_at: EpochMillis(1),
            }],
        };
        let bytes = bincode::encode_to_vec(&fact, config).unwrap();
        let (back, read): (Fact, usize) = bincode::decode_from_slice(&bytes, config).unwrap();
        assert_eq!((back, read), (fact, bytes.len()));
        assert!(bincode::decode_from_slice::<Fact, _>(&bytes[..bytes.len() - 1], config).is_err());
    }
}
