//! The event feed: what was decided, as streams that stock Redis clients can follow.
//!
//! Facts become events ([`from_fact`]), events go to streams that keep the newest of them
//! ([`Feed::append`]), and commands of Redis read them ([`Feed::execute`]). Ids follow from the
//! numbers of the facts: the same history gives the same feed, so a client goes on after a restart
//! where it was, and one that finds the first kept id above its own knows that it has a gap.
//!
//! The room does not know that a socket, a protocol's bytes, a journal or a clock exists. A server
//! encodes answers through a [`ReplySink`], parks clients through a future ([`Feed::park`]), hands
//! in the time, and keeps [`GroupFact`]s wherever it keeps what must survive.
//!
//! | stream | what it carries |
//! | --- | --- |
//! | `events` | every event |
//! | `orders` | orders and their shipments |
//! | `stock` | movements, holds, supply, reservations, allocations |
//! | `exceptions` | what needs a decision |

mod block;
mod command;
mod event;
mod fields;
mod from_fact;
mod group;
mod reply;
mod stream;
mod streams;
mod waiters;

pub use crate::model::{
    EventClaim as Claim, EventId, EventIds, GroupChange, GroupFact, StreamName,
};
pub use command::{Outcome, Wait};
pub use event::{Batch, Event, Names, StreamSet};
pub use fields::{Field, Fields, FieldsWriter};
pub use from_fact::from_fact;
pub use group::{Consumer, Group, Groups, Pending};
pub use reply::{Reply, ReplySink};
pub use stream::{Entries, Entry, Limits, Stats, Stream};
pub use streams::{Feed, Marks};
pub use waiters::{Parked, WAKE_MAX};
