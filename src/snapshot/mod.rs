//! Files of all state at one moment, read through a memory map.
//!
//! A snapshot holds every fact up to one number, so that recovery replays only those after it.
//! It is written beside the old ones under a name that nobody reads, made safe, and renamed; the
//! two newest are kept, and with them the journal from the older one on. [`mod@format`] draws the
//! bytes.
//!
//! What is asked most is used from the map as it lies there: the table of items and the columns of
//! positions need no decoding, so that a server can answer from a snapshot before it has read it
//! ([`Glance`]). Every section has a checksum, which is compared before the section is used for the
//! first time; every byte between sections is 0.

mod error;
pub mod format;
mod glance;
mod image;
mod keep;
mod read;
mod records;
mod write;

pub use error::SnapshotError;
pub use glance::{Early, Glance};
pub use image::{
    AnswerImage, Meta, OrderHolding, OrderImage, ReferenceImage, ReservationHolding,
    ReservationImage,
};
pub use keep::{Found, KEPT, found, name_of, remove_old};
pub use read::{Part, SectionReport, ShardPart, Snapshot};
pub use write::{Writer, Written};
