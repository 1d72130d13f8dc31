//! Commands sent when they are due, and what their replies took.
//!
//! The load is *open*: a [`Schedule`] says when each command is due, whatever the server does, and a
//! command's latency counts from that moment, also while it waits for a free place in a pipeline. A driver that
//! sends the next command only after the last reply (a *closed* loop) stops asking while the server
//! stalls, and so records one slow command where customers would have met thousands.
//!
//! The [`driver`](drive) is a loop over a [`Wire`], which tells the time and moves bytes. The real
//! one is [`Sockets`]; the tests have one whose server and clock are simulated, so that what is recorded can
//! be compared with what must be recorded.

mod driver;
mod record;
mod schedule;
mod sockets;
mod wire;

#[cfg(test)]
mod over_tcp;
#[cfg(test)]
mod tests;

pub use driver::{DriveError, Pacing, Plan, Share, drive};
pub use record::{Interval, Record, Summary, Tally};
pub use schedule::{Arrivals, Nanos, Piece, SECOND, Schedule, Spacing};
pub use sockets::{Gauge, Hello, Sockets};
pub use wire::{Received, Wants, Wire};
