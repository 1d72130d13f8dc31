//! Who owns an order: its identity, its state and the answer that was given for it.
//!
//! `lifecycle` does not know stock, prices or sockets. It keeps one record per
//! `(source, order id)`, so that the same order submitted again gets the first outcome.
//!
//! From routing on, an order is in parts, its fulfilment orders. What can happen to one is a table
//! (`states`, drawn by `drawing`); what happened is a list of changes (`change`) that are applied to
//! it (`fulfillment`); who may speak for it is decided by release tokens (`release`, `token`). What
//! is due is kept by moment (`deadlines`, `limits`), what needs a decision in `exceptions`, what comes
//! back in `returns`, what it costs in `cost`, where its time went in `times` and `delays`.
//!
//! All of it is plain data without clock, lock or file: time is handed in, and whoever calls keeps one
//! fulfilment order from being changed by two at once.

mod book;
mod change;
mod cost;
mod deadlines;
mod delays;
mod divide;
mod drawing;
mod exceptions;
mod fulfillment;
mod holding;
mod limits;
mod order_state;
mod parcels;
mod placing;
mod planned;
mod quantities;
mod release;
mod remedies;
mod returns;
mod settling;
mod states;
mod times;
mod token;

pub use crate::model::{
    Booking, Cause, Change, ClaimMode, CostPlace, ExceptionKind, Finding, Grade, Limit, Parcel,
    Prices, ReturnEvent, Route, Subject, Topic, Tracking,
};
pub use book::{
    Amendments, NewOrder, OrderBook, OrderRecord, OrderState, Several, Submission, Watched,
};
pub use change::{Applied, Refusal};
pub use cost::{CostBook, CostGroup, CostQuery, CostSums, Costs, Part, PartCosts};
pub use deadlines::{Deadlines, Timer};
pub use delays::{
    DELAY_DAYS_MAX, DelayBook, DelayGroup, DelayPlace, DelayQuery, DelaySums, MEASURES, Spans,
};
pub use drawing::{markdown, mermaid};
pub use exceptions::{
    Counts, Exception, ExceptionRecord, Exceptions, Filter, RESOLVED_MAX, Resolved, RuleCounts,
};
pub use fulfillment::{FulfillmentId, FulfillmentLine, FulfillmentOrder, Holder};
pub use limits::{LimitRule, Limits, stuck};
pub use order_state::OrderStatus;
pub use parcels::PARCELS_MAX;
pub use placing::place;
pub use planned::{planned, route};
pub use quantities::Units;
pub use release::{LeaseVerdict, Release};
pub use remedies::{Remedies, Remedy};
pub use returns::{Return, ReturnLine, Returns};
pub use states::{MOVES, Outcome, State, Step, allowed, step};
pub use times::{DelayBudget, Phase, Times};
pub use token::{ReleaseKey, Token};
