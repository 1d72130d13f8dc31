//! Which snapshots are there, and which may go.

use super::error::SnapshotError;
use crate::journal::{Disk, remove_segments};
use crate::model::Lsn;
use std::path::Path;

/// So many snapshots are kept: when the newest is damaged there is one before it.
pub const KEPT: usize = 2;

/// A snapshot by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Number of the last fact that is in it, as its name says.
    pub at: Lsn,
    /// The name.
    pub name: String,
}

/// The name of the snapshot that holds all facts up to `at`.
#[must_use]
pub fn name_of(at: Lsn) -> String {
    format!("snapshot-{:020}.allot", at.0)
}

/// The snapshots in a folder, newest first.
///
/// # Errors
/// [`SnapshotError::Io`].
pub fn found(disk: &dyn Disk, dir: &Path) -> Result<Vec<Found>, SnapshotError> {
    let names = disk.list(dir);
    let names = names.map_err(SnapshotError::io("list", dir.display().to_string()))?;
    let numbered = names.into_iter().filter_map(|name| {
        let digits = name.strip_prefix("snapshot-")?.strip_suffix(".allot")?;
        let at = Lsn(digits.parse().ok()?);
        (name == name_of(at)).then_some(Found { at, name })
    });
    let mut found: Vec<Found> = numbered.collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// Removes all but the newest snapshots, and the segments of the journal that none of those kept
/// needs; those from the fact `keep` on stay in any case. Returns how many files went.
///
/// # Errors
/// [`SnapshotError::Io`]; what went until then is gone, and nothing that is needed.
pub fn remove_old(disk: &dyn Disk, dir: &Path, keep: Lsn) -> Result<usize, SnapshotError> {
    let found = found(disk, dir)?;
    let mut gone = 0;
    for old in found.iter().skip(KEPT) {
        let removed = disk.remove(&dir.join(&old.name));
        removed.map_err(SnapshotError::io("remove", old.name.clone()))?;
        gone += 1;
    }
    // With fewer there is nothing to fall back to but the whole journal.
    if let Some(oldest) = found.get(KEPT - 1) {
        let removed = remove_segments(disk, dir, oldest.at.min(Lsn(keep.0.saturating_sub(1))));
        gone += removed.map_err(|e| SnapshotError::Journal(e.to_string()))?;
    }
    if gone > 0 {
        let synced = disk.sync_dir(dir);
        synced.map_err(SnapshotError::io("sync", dir.display().to_string()))?;
    }
    Ok(gone)
}
