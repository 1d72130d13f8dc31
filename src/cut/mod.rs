//! One moment of all state, looked at while changes go on.
//!
//! Whoever changes state passes the [`Gate`] for the short time in which facts are decided and
//! everything that remembers them is written. Closing the gate therefore finds a moment between
//! two steps: a cut. It is open again at once; from then on the first change of a record that the
//! cut has not been seen of leaves a copy of what it was in [`Before`], and the looker takes that
//! instead of what is there.

mod before;
mod gate;

pub use before::Before;
pub use gate::{Closed, Gate, Pass};
