//! The event feed: what was decided, as streams that stock Redis clients can follow.

mod block;
mod event;
mod fields;
mod from_fact;
mod group;
mod id;
mod stream;

pub use event::{Batch, Event, Names, StreamName, StreamSet};
pub use fields::{Field, Fields, FieldsWriter};
pub use from_fact::from_fact;
pub use group::{Claim, Consumer, Group, GroupChange, GroupFact, Groups, Pending};
pub use id::EventId;
pub use stream::{Entries, Entry, Limits, Stats, Stream};
