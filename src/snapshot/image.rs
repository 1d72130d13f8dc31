//! What a snapshot says, piece by piece.

use crate::lifecycle::{Amendments, FulfillmentOrder, OrderState, PartCosts, Returns};
use crate::model::{
    AvailabilityLevel, BrokenFact, ChannelId, ClaimFact, Decision, EpochMillis, Location,
    LocationId, Order, PromiseRules, Qty, ReservationAsked, Watched,
};
use bincode::{Decode, Encode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What there is only one of.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Meta {
    /// Name of the network, for people.
    pub network: String,
    /// Text ids of its services: plans name them by place.
    pub services: Vec<Box<str>>,
    /// From which supply on its way may be promised.
    pub rules: PromiseRules,
    /// The next place in the order of creation.
    pub sequence: u64,
    /// Text ids of the channels, by id.
    pub channels: Vec<Box<str>>,
    /// Locations, by id.
    pub locations: Vec<Location>,
    /// Those that are paused.
    pub paused: Vec<LocationId>,
    /// Number of items.
    pub skus: u64,
    /// When the cut was, by the clock of whoever took it.
    pub now: EpochMillis,
    /// Thresholds of availability; `None` is one that was taken away.
    pub thresholds: Vec<(Watched, Option<Qty>)>,
    /// Where each that does not have plenty stood.
    pub levels: Vec<(Watched, AvailabilityLevel)>,
    /// What release tokens are made with. Whoever may read a data directory may release orders.
    pub release_secret: [u8; 16],
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OrderImage {
    /// What was bought.
    pub order: Arc<Order>,
    /// What was decided.
    pub decision: Arc<Decision>,
    /// When it was accepted.
    pub accepted_at: EpochMillis,
    /// Where it stands.
    pub state: OrderState,
    /// Its fulfilment orders; none while all are as planned.
    pub parts: Vec<FulfillmentOrder>,
    /// What its parts cost, by their numbers.
    pub costs: BTreeMap<u32, PartCosts>,
    /// What came back of it, or may.
    pub returns: Option<Box<Returns>>,
    /// What it holds.
    pub holding: Option<OrderHolding>,
    /// What it was before its sender changed it.
    pub amended: Option<Box<Amendments>>,
}

/// What an order holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OrderHolding {
    /// The selling channel.
    pub channel: ChannelId,
    /// Its place in the order of creation.
    pub sequence: u64,
    /// Its units.
    pub claims: Vec<ClaimFact>,
}

/// A reservation by its own id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReservationImage {
    /// Its id.
    pub id: Box<str>,
    /// What it holds; `None` when it was cancelled for good.
    pub holding: Option<ReservationHolding>,
}

/// What a reservation holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReservationHolding {
    /// What its sender asked.
    pub asked: ReservationAsked,
    /// Its place in the order of creation.
    pub sequence: u64,
    /// When it ends by itself.
    pub expires_at: EpochMillis,
    /// Its units.
    pub claims: Vec<ClaimFact>,
}

/// A reference with what was done under it and answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReferenceImage {
    /// The sender's reference.
    pub reference: Box<str>,
    /// What was done, in one readable line.
    pub content: Box<str>,
    /// The first answer.
    pub answer: AnswerImage,
}

/// The first answer to a write with a reference.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum AnswerImage {
    /// A movement of units on hand: before, after, and what it broke.
    Moved(Qty, Qty, Vec<BrokenFact>),
    /// A bulk load: its rows and what it broke.
    Loaded(u64, Vec<BrokenFact>),
    /// The promises that a change of stock broke.
    Broken(Vec<BrokenFact>),
    /// Units released from a hold.
    Released(Qty),
    /// That it is done.
    Done,
    /// Supply received: the movement as above, and the units that were written off.
    Received(Qty, Qty, Vec<BrokenFact>, Qty),
    /// The promises that a change of supply broke.
    SupplyBroken(Vec<BrokenFact>),
}
