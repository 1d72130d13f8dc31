//! Segments at the beginning that nobody needs any more.

use super::disk::Disk;
use super::error::JournalError;
use super::format::{SEGMENT_HEADER, SegmentHeader};
use super::reader::segment_names;
use crate::model::Lsn;
use std::path::Path;

/// How many of the first segments hold nothing but facts up to `after`.
pub(super) fn needless(
    disk: &dyn Disk,
    dir: &Path,
    names: &[String],
    after: Lsn,
) -> Result<usize, JournalError> {
    for (index, name) in names.iter().enumerate().rev() {
        let path = dir.join(name);
        let head = disk.read_head(&path, SEGMENT_HEADER);
        let head = head.map_err(JournalError::io("read", path.display().to_string()))?;
        // One that is damaged says nothing of those before it; whoever reads it says so.
        if SegmentHeader::read(&head).is_ok_and(|header| header.first <= after.0 + 1) {
            return Ok(index);
        }
    }
    Ok(0)
}

/// Which directory the segments of a folder belong to, as the last says that is whole; `None`
/// where there is none.
///
/// # Errors
/// [`JournalError::Io`].
pub fn directory_of(disk: &dyn Disk, dir: &Path) -> Result<Option<[u8; 16]>, JournalError> {
    for name in segment_names(disk, dir)?.iter().rev() {
        let path = dir.join(name);
        let head = disk.read_head(&path, SEGMENT_HEADER);
        let head = head.map_err(JournalError::io("read", path.display().to_string()))?;
        if let Ok(header) = SegmentHeader::read(&head) {
            return Ok(Some(header.directory));
        }
    }
    Ok(None)
}

/// Removes the segments of a folder that hold nothing but facts up to `after`, oldest first. The
/// last segment stays. Returns how many went.
///
/// # Errors
/// [`JournalError::Io`]; those that went are gone.
pub fn remove_segments(disk: &dyn Disk, dir: &Path, after: Lsn) -> Result<usize, JournalError> {
    let names = segment_names(disk, dir)?;
    let needless = needless(disk, dir, &names, after)?;
    for name in &names[..needless] {
        let path = dir.join(name);
        let removed = disk.remove(&path);
        removed.map_err(JournalError::io("remove", path.display().to_string()))?;
    }
    Ok(needless)
}
