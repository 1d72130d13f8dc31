//! Tests of the room as a whole; those of a single step are at the foot of its file.

mod bounds;
mod divided;
mod exact;
pub(super) mod kit;
mod large;
mod lessons;
mod oracle;
mod quotes;
mod time;
