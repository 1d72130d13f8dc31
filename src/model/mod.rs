//! The vocabulary: ids, units, time, money, orders, plans, the network and facts.
//!
//! Plain data. `model` does not know that a clock, a lock, a file or a socket exists; it only
//! says what a thing is and when a value is not one.

mod availability;
mod backlog;
mod causes;
mod change;
mod cost;
mod exception;
mod fact;
mod feed;
mod ids;
mod invalid;
mod network;
mod opening;
mod order;
mod plan;
mod policy;
mod remedy;
mod replan;
mod returns;
mod rules;
mod state;
mod units;

pub use availability::{AvailabilityFact, AvailabilityLevel, Watched};
pub use backlog::{BacklogFact, RunTold};
pub use causes::{Cause, ExceptionKind};
pub use change::{Change, ClaimMode, Parcel, Route, Settled, Tracking};
pub use cost::{CostFact, CostPlace, CostTold, ExtraCost, Prices};
pub use exception::{ExceptionChange, ExceptionFact, Finding, Subject, Topic};
pub use fact::{
    AnswerKind, BrokenFact, ClaimFact, Fact, FulfillmentFact, HoldReason, IncomingFact,
    IncomingKind, OwnerFact, ReservationAsked,
};
pub use feed::{EventClaim, EventId, EventIds, GroupChange, GroupFact, StreamName};
pub use ids::{ChannelId, ID_BYTES_MAX, LocationId, ServiceId, SkuId, check_id};
pub use invalid::{FINDINGS_KEPT_MAX, FINDINGS_SHOWN_MAX, Invalid, numbered};
pub use network::{
    Item, Location, LocationKind, Network, Place, RESIDENTIAL, RegionPart, Restriction,
    ScarcityRow, Service, Surcharge, TariffStep, WeekDays, Zone, ZonePair,
};
pub use opening::{AllocationRow, IncomingRow, Opening, StockRow};
pub use order::{CUSTOMER_BYTES_MAX, Order, OrderKey, OrderLine, ShipTo};
pub use plan::{
    Decision, Objective, Plan, Proof, Rejected, RejectedReason, Shipment, ShipmentCents,
    ShipmentLine, ShortLine,
};
pub use policy::{Policy, PolicyOverrides};
pub use remedy::{Action, ByRule, RemedyRow, Trigger};
pub use replan::{Amended, Freed, GivenUp, NewPart, ReplanReason, ReplannedFact};
pub use returns::{Booking, Grade, ReturnEvent, ReturnFact, ReturnStep};
pub use rules::{
    DeadlineRow, DuplicateRules, Limit, PricingRules, PromiseFrom, PromiseRules, ReplanRules,
    ThresholdRow,
};
pub use state::State;
pub use units::{Cents, Coordinate, Day, EpochMillis, Grams, Lsn, Millis, Qty};
