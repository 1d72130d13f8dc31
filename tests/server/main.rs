//! The server over real sockets: an engine in this process, raw bytes in, replies out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod examples;
mod feed;
mod framing;
mod greeting;
mod identity;
mod limits;
mod stopping;
mod support;
