//! A journal opened: what is there is read, its end is made safe, and appending goes on.
//!
//! The last file is not appended to. What is whole of it is written anew, since the page cache may
//! hold what the disk never got, and appending goes on in the next segment. That it ends with a
//! clean stop proves nothing: the sync of that very stop may have failed. A crash while recovering
//! leaves either the old file or the new one, and the same facts.

use super::disk::Disk;
use super::error::JournalError;
use super::handle::Journal;
use super::options::Options;
use super::reader::{Cut, Place, Tip, Walked, walk};
use crate::model::{EpochMillis, Fact, Lsn};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Number of the first fact that is there; of the next one when there is none.
    pub first: Lsn,
    /// Number of the last fact.
    pub last: Lsn,
    /// The latest moment of any fact.
    pub last_at: EpochMillis,
    /// Facts that were handed over.
    pub facts: u64,
    /// Segments that were read.
    pub segments: usize,
    /// An end that was never whole, and is gone.
    pub cut: Option<Cut>,
    /// The last stop was clean.
    pub sealed: bool,
    /// Bytes that were read.
    pub bytes: u64,
    /// Which directory this is; all 0 when it was new.
    pub directory: [u8; 16],
}

impl Journal {
    /// Opens the journal in `dir`, a folder that is there and that the caller owns. Every fact with
    /// a number greater than `after` is handed to `replay`, in order; then the journal is ready to
    /// append.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] and [`JournalError::Newer`] name the place;
    /// [`JournalError::Missing`] and [`JournalError::Behind`] when facts between `after` and the
    /// beginning, or up to `after`, are not there; in all of these nothing was changed.
    /// [`JournalError::Fact`] when `replay` refuses; [`JournalError::Io`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        after: Lsn,
        replay: &mut dyn FnMut(Lsn, EpochMillis, Fact) -> Result<(), String>,
    ) -> Result<(Self, Recovered), JournalError> {
        let mut facts = 0;
        let mut last_at = EpochMillis::default();
        let mut visit = |_: Place<'_>, lsn: Lsn, at: EpochMillis, fact| {
            last_at = last_at.max(at);
            if lsn <= after {
                return Ok(());
            }
            facts += 1;
            replay(lsn, at, fact).map_err(|why| JournalError::Fact { lsn: lsn.0, why })
        };
        let walked = walk(&*disk, dir, Some(after), &mut |_, _| {}, &mut visit)?;
        let last = walked.scan.segments.last();
        let recovered = Recovered {
            first: walked.scan.segments.first().map_or(Lsn(1), |s| s.first),
            last: Lsn(walked.tip.next - 1),
            last_at,
            facts,
            segments: walked.scan.segments.len(),
            cut: walked.scan.cut.clone(),
            sealed: last.is_none_or(|s| s.sealed) && walked.scan.cut.is_none(),
            bytes: walked.scan.segments.iter().map(|s| s.bytes).sum(),
            directory: walked.tip.directory,
        };
        let tip = make_safe(&*disk, dir, &walked)?;
        let journal = Self::start(disk, dir, options, &tip)?;
        Ok((journal, recovered))
    }
}

/// Leaves only whole, synced segments; returns where the next one goes.
fn make_safe(disk: &dyn Disk, dir: &Path, walked: &Walked) -> Result<Tip, JournalError> {
    let names = disk.list(dir);
    let names = names.map_err(JournalError::io("list", dir.display().to_string()))?;
    for name in names.iter().filter(|n| n.ends_with(".tmp")) {
        remove(disk, dir, name)?;
    }
    let mut tip = walked.tip;
    if let Some(cut) = walked.scan.cut.as_ref().filter(|cut| cut.offset == 0) {
        remove(disk, dir, &cut.segment)?;
    }
    match walked.scan.segments.last() {
        // Its number is used again. There is never more than one such.
        Some(last) if last.facts == 0 => {
            remove(disk, dir, &last.name)?;
            tip = walked.before_last;
        }
        Some(last) => rewrite(disk, dir, &last.name, last.bytes)?,
        None => {}
    }
    sync_dir(disk, dir)?;
    if walked.tip.segment == 0 {
        tip = Tip {
            directory: random_id(),
            segment: 0,
            next: 1,
            previous: 0,
        };
    }
    Ok(tip)
}

fn rewrite(disk: &dyn Disk, dir: &Path, name: &str, whole: u64) -> Result<(), JournalError> {
    let (path, aside) = (dir.join(name), dir.join(format!("{name}.tmp")));
    let bytes = disk.read(&path);
    let bytes = bytes.map_err(JournalError::io("read", path.display().to_string()))?;
    let whole = usize::try_from(whole).ok().and_then(|w| bytes.get(..w));
    // It was that long a moment ago.
    let whole = whole.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof));
    let whole = whole.map_err(JournalError::io("read", path.display().to_string()))?;
    let written = disk.create(&aside).and_then(|mut file| {
        file.append(whole)?;
        file.sync()
    });
    written.map_err(JournalError::io("write", aside.display().to_string()))?;
    let renamed = disk.rename(&aside, &path);
    renamed.map_err(JournalError::io("rename", aside.display().to_string()))
}

fn remove(disk: &dyn Disk, dir: &Path, name: &str) -> Result<(), JournalError> {
    let path = dir.join(name);
    disk.remove(&path)
        .map_err(JournalError::io("remove", path.display().to_string()))
}

pub(super) fn sync_dir(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    disk.sync_dir(dir)
        .map_err(JournalError::io("sync", dir.display().to_string()))
}

/// Tells this folder's files from those of any other.
fn random_id() -> [u8; 16] {
    let half = || RandomState::new().build_hasher().finish().to_le_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&half());
    id[8..].copy_from_slice(&half());
    id
}
