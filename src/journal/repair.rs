//! A copy of what is whole of a damaged journal.

use super::disk::Disk;
use super::error::JournalError;
use super::reader::{scan, segment_names};
use super::recover::sync_dir;
use crate::model::Lsn;
use std::path::Path;

/// What a repair did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repaired {
    /// Segments in the copy.
    pub segments: usize,
    /// Facts in the copy.
    pub facts: u64,
    /// Number of the first of them.
    pub first: Lsn,
    /// Number of the last of them.
    pub last: Lsn,
    /// Bytes that are not in the copy.
    pub left_out: u64,
}

/// Copies the segments of `dir` up to `offset` in `segment`, where a batch begins, into the empty
/// folder `into`. The original is only read.
///
/// # Errors
/// [`JournalError::Asked`] when there is no such place or `into` is not empty; else as [`scan`],
/// which reads the copy.
pub fn repair(
    disk: &dyn Disk,
    dir: &Path,
    (segment, offset): (&str, u64),
    into: &Path,
) -> Result<Repaired, JournalError> {
    let names = segment_names(disk, dir)?;
    if !names.iter().any(|name| name == segment) {
        let there = names.join(", ");
        return Err(JournalError::Asked(format!(
            "segment is '{segment}'; expected one of those in {}: {there}",
            dir.display()
        )));
    }
    let present = disk.list(into);
    let present = present.map_err(JournalError::io("list", into.display().to_string()))?;
    if !present.is_empty() {
        return Err(JournalError::Asked(format!(
            "{} holds {}; expected an empty folder",
            into.display(),
            present.join(", ")
        )));
    }
    let mut left_out = 0;
    for name in &names {
        let path = dir.join(name);
        let bytes = disk.read(&path);
        let bytes = bytes.map_err(JournalError::io("read", path.display().to_string()))?;
        let keep = match name.as_str().cmp(segment) {
            std::cmp::Ordering::Less => bytes.len(),
            std::cmp::Ordering::Equal => usize::try_from(offset).unwrap_or(usize::MAX),
            std::cmp::Ordering::Greater => 0,
        };
        let Some(kept) = bytes.get(..keep) else {
            return Err(JournalError::Asked(format!(
                "offset is {offset}; {segment} has {} bytes",
                bytes.len()
            )));
        };
        left_out += (bytes.len() - kept.len()) as u64;
        if kept.is_empty() {
            continue;
        }
        let copy = into.join(name);
        let written = disk.create(&copy).and_then(|mut file| {
            file.append(kept)?;
            file.sync()
        });
        written.map_err(JournalError::io("write", copy.display().to_string()))?;
    }
    sync_dir(disk, into)?;
    let found = scan(disk, into, &mut |_, _| {}, &mut |_, _, _, _| {})?;
    if let Some(cut) = found.cut {
        return Err(JournalError::Asked(format!(
            "offset is {offset}; no batch begins there, the last whole one ends at {}",
            cut.offset
        )));
    }
    Ok(Repaired {
        segments: found.segments.len(),
        facts: found.segments.iter().map(|s| s.facts).sum(),
        first: found.segments.first().map_or(Lsn(1), |s| s.first),
        last: found.segments.last().map_or(Lsn(0), |s| s.last),
        left_out,
    })
}
