//! The server over real sockets: an engine in this process, raw bytes in, replies out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod availability;
mod backlog;
mod bad_input;
mod batch;
mod costs;
mod deadlines;
mod delays;
mod duplicates;
#[path = "../engine_support/mod.rs"]
mod engine_support;
mod examples;
mod feed;
mod findings;
mod framing;
mod fulfillment;
mod greeting;
mod identity;
mod limits;
mod order_state;
mod remedies;
mod returns;
mod scarcity;
mod stopping;
mod support;
