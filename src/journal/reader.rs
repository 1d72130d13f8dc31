//! Segments read back, batch by batch, each checked against the one before it.

use super::disk::Disk;
use super::error::JournalError;
use super::format::{
    BadHeader, Batch, SEGMENT_HEADER, SegmentHeader, VERSION, any_batch_after, read_batch,
    take_fact,
};
use crate::model::{EpochMillis, Fact, Lsn};
use std::ops::RangeInclusive;
use std::path::Path;

/// Numbers of segments and facts: far from where sums of them overflow.
const NUMBERS: RangeInclusive<u64> = 1..=1 << 62;

/// Where a batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Name of the segment.
    pub segment: &'a str,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// An end that was never whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Name of the segment.
    pub segment: String,
    /// Where the whole part ends.
    pub offset: u64,
    /// Bytes after it.
    pub bytes: u64,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// Name of the file.
    pub name: String,
    /// Number of its first fact, or of the next one when it has none.
    pub first: Lsn,
    /// Number of the last fact up to its end.
    pub last: Lsn,
    /// Batches in it.
    pub batches: u64,
    /// Facts in it.
    pub facts: u64,
    /// Bytes that are whole.
    pub bytes: u64,
    /// It ends with a clean stop.
    pub sealed: bool,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// All segments, in order.
    pub segments: Vec<SegmentReport>,
    /// An end that was never whole.
    pub cut: Option<Cut>,
}

/// Where the next batch would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tip {
    pub(super) directory: [u8; 16],
    /// Number of the last segment; 0 before the first.
    pub(super) segment: u64,
    /// Number of the next fact.
    pub(super) next: u64,
    /// Checksum of the last batch.
    pub(super) previous: u32,
}

/// Everything that reading found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) scan: Scan,
    /// After the last segment.
    pub(super) tip: Tip,
    /// Before the last segment, as its header says.
    pub(super) before_last: Tip,
}

/// Sees every fact: where its batch begins, its number, its time.
pub(super) type Visit<'v> =
    dyn FnMut(Place<'_>, Lsn, EpochMillis, Fact) -> Result<(), JournalError> + 'v;

/// Reads all segments of a folder without changing anything. `progress` hears of bytes done and
/// in all; `visit` of every fact.
///
/// # Errors
/// [`JournalError::Damaged`] and [`JournalError::Newer`] name the place; [`JournalError::Io`].
pub fn scan(
    disk: &dyn Disk,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
    visit: &mut dyn FnMut(Place<'_>, Lsn, EpochMillis, Fact),
) -> Result<Scan, JournalError> {
    let mut see = |place: Place<'_>, lsn, at, fact| {
        visit(place, lsn, at, fact);
        Ok(())
    };
    Ok(walk(disk, dir, None, progress, &mut see)?.scan)
}

/// What [`scan_after`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScannedAfter {
    /// Which directory this is; all 0 where there is no segment.
    pub directory: [u8; 16],
    /// Number of the last fact.
    pub last: Lsn,
}

/// Shows every fact after the one with number `after`, without changing anything.
///
/// # Errors
/// As [`scan`]; also when the facts from there on are not all there.
pub fn scan_after(
    disk: &dyn Disk,
    dir: &Path,
    after: Lsn,
    visit: &mut dyn FnMut(Lsn, EpochMillis, Fact),
) -> Result<ScannedAfter, JournalError> {
    let mut see = |_: Place<'_>, lsn, at, fact| {
        if lsn > after {
            visit(lsn, at, fact);
        }
        Ok(())
    };
    let walked = walk(disk, dir, Some(after), &mut |_, _| {}, &mut see)?;
    Ok(ScannedAfter {
        directory: walked.tip.directory,
        last: Lsn(walked.tip.next - 1),
    })
}

/// Names of the segments in a folder, in order.
pub(super) fn segment_names(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, JournalError> {
    let names = disk.list(dir);
    let mut names = names.map_err(JournalError::io("list", dir.display().to_string()))?;
    names.retain(|name| SegmentHeader::is_name(name));
    names.sort_unstable();
    Ok(names)
}

/// Reads all segments. With `after`, the history must go on from that fact or an earlier one, and
/// segments of nothing but earlier facts are left unread.
pub(super) fn walk(
    disk: &dyn Disk,
    dir: &Path,
    after: Option<Lsn>,
    progress: &mut dyn FnMut(u64, u64),
    visit: &mut Visit<'_>,
) -> Result<Walked, JournalError> {
    let mut names = segment_names(disk, dir)?;
    if let Some(after) = after {
        let needless = super::prune::needless(disk, dir, &names, after)?;
        names.drain(..needless);
    }
    let mut walked = Walked {
        tip: Tip {
            next: 1,
            ..Tip::default()
        },
        ..Walked::default()
    };
    let mut done = 0;
    for (index, name) in names.iter().enumerate() {
        let path = dir.join(name);
        let bytes = disk.read(&path);
        let bytes = bytes.map_err(JournalError::io("read", path.display().to_string()))?;
        let segment = Segment {
            name,
            bytes: &bytes,
            is_first: index == 0,
            after,
            is_last: index + 1 == names.len(),
        };
        segment.read(&mut walked, visit)?;
        done += bytes.len() as u64;
        // What is still to come is not known without asking for every size; a segment is close to
        // the others in size.
        let left = (names.len() - index - 1) as u64;
        progress(done, done + left * (done / (index as u64 + 1)));
    }
    match after {
        Some(Lsn(known)) if walked.tip.next <= known => Err(JournalError::Behind {
            last: walked.tip.next - 1,
            known,
        }),
        _ => Ok(walked),
    }
}

struct Segment<'a> {
    name: &'a str,
    bytes: &'a [u8],
    is_first: bool,
    after: Option<Lsn>,
    is_last: bool,
}

impl Segment<'_> {
    fn read(&self, walked: &mut Walked, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        let header = match SegmentHeader::read(self.bytes) {
            Ok(header) => header,
            Err(BadHeader::Newer(version)) => {
                return Err(JournalError::Newer {
                    segment: self.name.to_owned(),
                    version,
                    ours: VERSION,
                });
            }
            Err(BadHeader::Wrong(found)) => return self.torn_header(walked, found),
        };
        self.check_header(&header, &walked.tip)?;
        walked.tip = Tip {
            directory: header.directory,
            segment: header.number,
            next: header.first,
            previous: header.previous,
        };
        walked.before_last = Tip {
            segment: header.number - 1,
            ..walked.tip
        };
        let mut report = SegmentReport {
            name: self.name.to_owned(),
            first: Lsn(header.first),
            last: Lsn(header.first - 1),
            batches: 0,
            facts: 0,
            bytes: SEGMENT_HEADER as u64,
            sealed: false,
        };
        let mut offset = SEGMENT_HEADER;
        while offset < self.bytes.len() {
            let batch = match read_batch(self.bytes, offset, &header.directory) {
                Ok(batch) => batch,
                Err(found) => {
                    walked.scan.cut = Some(self.torn_tail(offset, &header.directory, found)?);
                    break;
                }
            };
            self.check_batch(&batch, offset, &walked.tip, report.sealed)?;
            self.facts(&batch, visit)?;
            walked.tip.next += u64::from(batch.count);
            walked.tip.previous = batch.sum;
            report.batches += 1;
            report.facts += u64::from(batch.count);
            report.bytes += batch.bytes();
            report.sealed = batch.sealed;
            offset += usize::try_from(batch.bytes()).unwrap_or(usize::MAX);
        }
        report.last = Lsn(walked.tip.next - 1);
        walked.scan.segments.push(report);
        Ok(())
    }

    fn check_header(&self, header: &SegmentHeader, tip: &Tip) -> Result<(), JournalError> {
        let follows = (tip.directory, tip.segment + 1, tip.next, tip.previous);
        let is = (
            header.directory,
            header.number,
            header.first,
            header.previous,
        );
        // Earlier segments may have been removed because a snapshot holds what they said.
        let found = if *self.name != SegmentHeader::name(header.number) {
            "its name and its header name different segments"
        } else if !NUMBERS.contains(&header.first) || !NUMBERS.contains(&header.number) {
            "segments and facts are numbered from 1"
        } else if !self.is_first && is != follows {
            "it does not follow on the segment before it"
        } else {
            return self.check_beginning(header.first);
        };
        Err(self.damaged(0, found.to_owned()))
    }

    /// Nothing is missing between what is known from elsewhere and the first segment.
    fn check_beginning(&self, begins: u64) -> Result<(), JournalError> {
        match self.after {
            Some(Lsn(known)) if self.is_first && begins - 1 > known => Err(JournalError::Missing {
                segment: self.name.to_owned(),
                from: known + 1,
                begins,
            }),
            _ => Ok(()),
        }
    }

    fn check_batch(
        &self,
        batch: &Batch<'_>,
        offset: usize,
        tip: &Tip,
        sealed: bool,
    ) -> Result<(), JournalError> {
        let found = if batch.link.offset != offset as u64 {
            format!("the batch was written for offset {}", batch.link.offset)
        } else if batch.link.first != tip.next {
            let (is, expected) = (batch.link.first, tip.next);
            format!("the batch begins with fact {is}, expected {expected}")
        } else if batch.link.previous != tip.previous {
            "the batch does not follow on the one before it".to_owned()
        } else if sealed {
            "a batch follows a clean stop".to_owned()
        } else if batch.sealed && batch.count > 0 {
            "a clean stop has facts".to_owned()
        } else {
            return Ok(());
        };
        Err(self.damaged(offset as u64, found))
    }

    fn facts(&self, batch: &Batch<'_>, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        let mut body = batch.body;
        let offset = batch.link.offset;
        let place = Place {
            segment: self.name,
            offset,
        };
        for lsn in batch.link.first..batch.link.first + u64::from(batch.count) {
            let fact = take_fact(&mut body);
            let (at, fact) = fact.map_err(|found| self.damaged(offset, found))?;
            visit(place, Lsn(lsn), at, fact)?;
        }
        match body {
            [] => Ok(()),
            _ => Err(self.damaged(offset, "the batch has more than its facts".to_owned())),
        }
    }

    /// Nothing of a segment that was just being made is missed: its header is synced before its
    /// first batch is written.
    fn torn_header(&self, walked: &mut Walked, found: &str) -> Result<(), JournalError> {
        let directory = &walked.tip.directory;
        let empty = self.bytes.len() <= SEGMENT_HEADER
            || (!self.is_first && any_batch_after(self.bytes, 0, directory).is_none());
        // Its name is the only thing that it says of its place.
        let follows = *self.name == SegmentHeader::name(walked.tip.segment + 1);
        if !self.is_last || !empty || !follows {
            return Err(self.damaged(0, found.to_owned()));
        }
        walked.scan.cut = Some(Cut {
            segment: self.name.to_owned(),
            offset: 0,
            bytes: self.bytes.len() as u64,
        });
        Ok(())
    }

    /// A batch that is not whole was never acknowledged, if nothing whole comes after it.
    fn torn_tail(
        &self,
        offset: usize,
        directory: &[u8; 16],
        found: &str,
    ) -> Result<Cut, JournalError> {
        if !self.is_last || any_batch_after(self.bytes, offset + 1, directory).is_some() {
            return Err(self.damaged(offset as u64, found.to_owned()));
        }
        Ok(Cut {
            segment: self.name.to_owned(),
            offset: offset as u64,
            bytes: (self.bytes.len() - offset) as u64,
        })
    }

    fn damaged(&self, offset: u64, found: String) -> JournalError {
        JournalError::Damaged {
            segment: self.name.to_owned(),
            offset,
            found,
        }
    }
}
