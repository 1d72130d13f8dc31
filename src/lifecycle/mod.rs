//! Who owns an order: its identity, its state and the answer that was given for it.
//!
//! `lifecycle` does not know stock, prices or sockets. It keeps one record per
//! `(source, order id)`, so that the same order submitted again gets the first outcome.

mod book;

pub use book::{OrderBook, OrderRecord, OrderState, Submission};
