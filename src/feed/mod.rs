//! The event feed: what was decided, as streams that stock Redis clients can follow.

mod event;
mod fields;
mod from_fact;
mod id;

pub use event::{Batch, Event, Names, StreamName, StreamSet};
pub use fields::{Field, Fields, FieldsWriter};
pub use from_fact::from_fact;
pub use id::EventId;
