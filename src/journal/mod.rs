//! Append-only files of facts: what was decided, on disk before anybody hears of it.
//!
//! The engine hands facts over while it holds the locks of what they are about; that gives them
//! their number and a place in memory, nothing more. One thread writes what has gathered as one
//! batch, with one `write` and one `fdatasync` for everybody who waits (`writer.rs`). Whoever must
//! not answer before a fact is safe waits for [`Progress`].
//!
//! [`mod@format`] draws the bytes. `recover.rs` reads them back: a torn end is cut and reported, damage
//! anywhere else is refused with the place and the command that helps. After a failed write or
//! sync nothing is written any more: what the system then says of the file is not to be trusted
//! (the page cache may hold what the disk has not).
//!
//! Whoever tells others what was decided follows the journal (`follow.rs`): he sees a fact once it
//! is safe, and never keeps the writer waiting.
//!
//! Invariants: numbers are dense; the facts of one step are in one batch; a batch is chained to the
//! one before it, so that right bytes in the wrong place are found; nothing acknowledged is cut.

mod disk;
mod error;
mod follow;
pub mod format;
mod gathered;
mod handle;
mod options;
mod prune;
mod reader;
mod recover;
mod repair;
mod writer;

pub use disk::{Disk, DiskFile, RealDisk};
pub use error::JournalError;
pub use follow::Follower;
pub use handle::{Journal, Progress, Stats};
pub use options::{Durability, Options};
pub use prune::{directory_of, remove_segments};
pub use reader::{Cut, Place, Scan, ScannedAfter, SegmentReport, scan, scan_after};
pub use recover::Recovered;
pub use repair::{Repaired, repair};
