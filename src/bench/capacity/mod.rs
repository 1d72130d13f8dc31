//! How much load a server holds, and how large a server a load needs.
//!
//! A [`Search`] finds the highest rate that keeps an [`Objective`], whatever it is that is measured;
//! a [`Model`] fits what an order costs in processor time, memory, disk and bandwidth to measured runs, and
//! answers what a [`Target`] needs, with how far it looks beyond what was measured.

mod model;
mod objective;
mod search;
mod target;
mod trial;

pub use model::{Answered, Measured, Model, Need};
pub use objective::{Limit, Objective};
pub use search::{Found, Limits, Search, search};
pub use target::Target;
pub use trial::{Point, Purpose, Trial, knee};
