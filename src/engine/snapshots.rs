//! Snapshots of an engine taken while it works, and an engine brought back from a folder.

use super::error::EngineError;
use super::image::{Cut, Records};
use super::{Engine, Replay};
use crate::journal::{Disk, Journal, JournalError, Options, Recovered};
use crate::model::{EpochMillis, Lsn};
use crate::snapshot::{Found, Snapshot, SnapshotError, Writer, Written, found, remove_old};
use crossbeam::channel::unbounded;
use std::path::Path;
use std::sync::Arc;

/// A snapshot that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The file.
    pub file: Written,
    /// Number of the last fact that is in it.
    pub at: Lsn,
    /// Older snapshots and segments of the journal that were removed.
    pub removed: usize,
}

/// Why a folder could not be brought back.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The same, after every snapshot that could have helped was refused.
    #[error("{journal}; no snapshot can help: {}", refused.join("; "))]
    Snapshots {
        /// What the journal says.
        journal: JournalError,
        /// What every snapshot says.
        refused: Vec<String>,
    },
    /// A snapshot and the journal are not of one history.
    #[error(
        "{snapshot} belongs to another data directory than the journal beside it; put the files \
         that belong together into one directory"
    )]
    Stranger {
        /// The snapshot.
        snapshot: String,
    },
    /// The network.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The folder.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// A folder brought back.
pub struct Opened {
    /// All that was decided, applied.
    pub replay: Replay,
    /// Ready to append.
    pub journal: Journal,
    /// What was found in the journal.
    pub recovered: Recovered,
    /// The snapshot that it began with.
    pub snapshot: Option<String>,
    /// Snapshots that were refused, newest first, and why. A damaged one has been given another name,
    /// so that it is not counted among those that are kept.
    pub refused: Vec<String>,
    /// The latest moment of anything in it.
    pub last_at: EpochMillis,
}

/// How far bringing back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many parts of a snapshot, of so many.
    Snapshot(usize, usize),
    /// So many facts after it.
    Facts(u64),
}

impl Engine {
    /// Writes a snapshot of everything up to now into `dir`, where `journal` is, and removes what
    /// it makes needless. Others go on working meanwhile.
    ///
    /// # Errors
    /// [`SnapshotError`]; older snapshots and the journal are then as they were.
    pub fn take_snapshot(
        &self,
        journal: &Journal,
        disk: &dyn Disk,
        dir: &Path,
        now: EpochMillis,
    ) -> Result<Taken, SnapshotError> {
        let cut = self.cut(now);
        let at = cut.at();
        let mut writer = Writer::begin(disk, dir, journal.directory(), at)?;
        let written = write_all(&cut, &mut writer);
        // Commands need not copy anything any more.
        drop(cut);
        let written = written.and_then(|()| {
            // A snapshot must not tell of what a power cut could take out of the journal.
            let rotated = journal.rotate();
            rotated.map_err(|reason| SnapshotError::Journal(reason.to_string()))
        });
        let file = match written {
            Ok(()) => writer.finish()?,
            Err(error) => {
                writer.give_up();
                return Err(error);
            }
        };
        let removed = remove_old(disk, dir, journal.kept_from())?;
        Ok(Taken { file, at, removed })
    }
}

/// Writes everything that there was at a cut.
fn write_all(cut: &Cut<'_>, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
    writer.meta(cut.meta())?;
    // Shards first: the sooner all are copied, the fewer commands have to.
    cut.each_shard(|shard| writer.shard(shard))?;
    for hold in cut.holds() {
        writer.hold(&hold)?;
    }
    for supply in cut.supplies() {
        writer.supply(&supply)?;
    }
    let feed = cut.feed();
    for change in &feed.groups {
        writer.feed_group(change)?;
    }
    if let Some(marks) = &feed.marks {
        writer.feed_marks(marks)?;
    }
    for record in cut.exceptions() {
        writer.exception(&record)?;
    }
    for item in cut.items() {
        writer.item(&item)?;
    }
    // Whoever looks at the records holds their locks: he must not wait for the disk.
    let (send, receive) = unbounded();
    std::thread::scope(|scope| {
        scope.spawn(move || cut.each_record(|records| drop(send.send(records))));
        let written = receive.iter().try_for_each(|records| match records {
            Records::Orders(all) => all.iter().try_for_each(|o| writer.order(o)),
            Records::Reservations(all) => all.iter().try_for_each(|r| writer.reservation(r)),
            Records::References(all) => all.iter().try_for_each(|r| writer.reference(r)),
        });
        // When that failed, what is still to come is not wanted.
        drop(receive);
        written
    })
}

impl Replay {
    /// Brings back what a folder holds: the newest snapshot that is whole, and the facts after it.
    /// `fresh` makes a replay that knows nothing; `step` hears how far it is.
    ///
    /// # Errors
    /// [`RecoveryError`]; nothing was changed then that is whole.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        fresh: &dyn Fn() -> Result<Self, EngineError>,
        step: &(dyn Fn(Step) + Sync),
    ) -> Result<Opened, RecoveryError> {
        let mut refused = Vec::new();
        for Found { name, .. } in found(&*disk, dir)? {
            let tried = Self::from_snapshot(&*disk, dir, &name, fresh, step);
            match tried {
                Ok(begun) => {
                    return Self::go_on(disk, dir, options, begun, &refused, step);
                }
                Err(RecoveryError::Snapshot(error)) => refused.push((name, error)),
                Err(other) => return Err(other),
            }
        }
        let begun = Begun {
            replay: fresh()?,
            at: Lsn(0),
            now: EpochMillis::default(),
            snapshot: None,
        };
        let none: Vec<String> = refused.iter().map(|(_, e)| e.to_string()).collect();
        Self::go_on(disk, dir, options, begun, &refused, step).map_err(|error| match error {
            RecoveryError::Journal(journal) if !none.is_empty() => RecoveryError::Snapshots {
                journal,
                refused: none,
            },
            other => other,
        })
    }

    fn from_snapshot(
        disk: &dyn Disk,
        dir: &Path,
        name: &str,
        fresh: &dyn Fn() -> Result<Self, EngineError>,
        step: &(dyn Fn(Step) + Sync),
    ) -> Result<Begun, RecoveryError> {
        let path = dir.join(name);
        let io = |error| {
            RecoveryError::from(SnapshotError::Io {
                what: "read",
                name: path.display().to_string(),
                error,
            })
        };
        let restore = |snapshot: Snapshot| -> Result<Begun, RecoveryError> {
            let mut replay = fresh()?;
            snapshot.verify(&mut |_, _| {})?;
            let parts = |done, of| step(Step::Snapshot(done, of));
            let (at, now) = replay.restore(&snapshot, &parts)?;
            Ok(Begun {
                replay,
                at,
                now,
                snapshot: Some((name.to_owned(), snapshot.directory())),
            })
        };
        match Snapshot::open(name, disk.map(&path).map_err(io)?)
            .map_err(RecoveryError::from)
            .and_then(restore)
        {
            // Somebody opened it for writing: what it is now is read into memory and looked at.
            Err(RecoveryError::Snapshot(SnapshotError::Wanted { .. })) => {
                let bytes = disk.read(&path).map_err(io)?;
                restore(Snapshot::open(name, bytes.into())?)
            }
            other => other,
        }
    }

    fn go_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        begun: Begun,
        refused: &[(String, SnapshotError)],
        step: &(dyn Fn(Step) + Sync),
    ) -> Result<Opened, RecoveryError> {
        let Begun {
            mut replay,
            at,
            now,
            snapshot,
        } = begun;
        if let Some((name, directory)) = &snapshot
            && crate::journal::directory_of(&*disk, dir)?.is_some_and(|is| is != *directory)
        {
            return Err(RecoveryError::Stranger {
                snapshot: name.clone(),
            });
        }
        let mut facts = 0u64;
        let mut apply = |_, at, fact| {
            facts += 1;
            if facts.is_multiple_of(10_000) {
                step(Step::Facts(facts));
            }
            replay.apply(at, fact)
        };
        let names = disk.clone();
        let (journal, recovered) = Journal::open(disk, dir, options, at, &mut apply)?;
        let refused = refused
            .iter()
            .map(|(name, why)| set_aside(&*names, dir, name, why));
        let refused = refused.collect();
        Ok(Opened {
            replay,
            last_at: recovered.last_at.max(now),
            journal,
            recovered,
            snapshot: snapshot.map(|(name, _)| name),
            refused,
        })
    }
}

/// Gives a damaged snapshot a name under which it is only kept to be looked at; else it would count
/// as one to fall back to, and a good one be removed in its place.
fn set_aside(disk: &dyn Disk, dir: &Path, name: &str, why: &SnapshotError) -> String {
    let damaged = matches!(
        why,
        SnapshotError::Damaged { .. } | SnapshotError::Meaning { .. }
    );
    if !damaged {
        return why.to_string();
    }
    let aside = format!("{name}.damaged");
    match disk.rename(&dir.join(name), &dir.join(&aside)) {
        Ok(()) => format!("{why}; it is kept as {aside}"),
        Err(error) => format!("{why}; it cannot be renamed: {error}"),
    }
}

/// A replay that a snapshot was taken over into.
struct Begun {
    replay: Replay,
    at: Lsn,
    now: EpochMillis,
    snapshot: Option<(String, [u8; 16])>,
}
