//! One run of a profile against a server, from an empty folder to a report.
//!
//! [`measure`] starts a server of its own (`allot serve`, a child process on loopback) or takes one that is
//! there, submits what must have happened before, offers the load, watches the process meanwhile, and
//! checks the books afterwards.

mod audit;
mod conditions;
mod consumers;
mod exchange;
mod measure;
mod offer;
mod peer;
mod report;
mod server;
mod watch;

pub use audit::{Check, Checked};
pub use conditions::Conditions;
pub use measure::{Outcome, Progress, Session, Settings, Target, measure};
pub use offer::{Offer, offer};
pub use peer::{Peer, common, common_part};
pub use report::{DriverSide, FORMAT, Mark, Moment, Report, Row, Usage};
pub use server::{Serving, free_address};
pub use watch::{Sample, cpu_seconds};
