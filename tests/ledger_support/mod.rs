//! What the ledger's tests share: a naive oracle, random commands, and logs of facts.
//!
//! Nothing here calls the ledger's own arithmetic: a rule is written twice, from the same text.

pub(crate) mod check;
pub(crate) mod command;
pub(crate) mod facts;
pub(crate) mod oracle;
mod reservations;
mod stock;
mod supply;
pub(crate) mod world;
