//! A disk in memory that fails when told to, and forgets at a power cut what was not synced.

use allot::bench::random::Random;
use allot::journal::{Disk, DiskFile};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Default)]
struct File {
    bytes: Vec<u8>,
    /// How many of them survive a power cut.
    synced: usize,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, File>,
    /// The names as a power cut leaves them.
    synced_names: BTreeMap<PathBuf, PathBuf>,
    /// Files that lost their name and are still there as a synced name.
    kept: BTreeMap<PathBuf, File>,
    calls: u64,
    fail_at: Option<u64>,
    fail_on: bool,
    failed: bool,
    slow_sync: bool,
}

#[derive(Clone, Default)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

fn folder() -> PathBuf {
    PathBuf::from("/data")
}

impl FaultDisk {
    /// With synced files in `/data`.
    pub(crate) fn of(files: Files) -> Self {
        let disk = Self::default();
        {
            let mut state = disk.0.lock();
            for (name, bytes) in files {
                let path = folder().join(name);
                let synced = bytes.len();
                state.files.insert(path.clone(), File { bytes, synced });
                state.synced_names.insert(path.clone(), path);
            }
        }
        disk
    }

    /// Its `call`-th change fails, and a part of what it should do is done.
    pub(crate) fn failing(call: u64) -> Self {
        let disk = Self::default();
        disk.0.lock().fail_at = Some(call);
        disk
    }

    /// Every change from the `call`-th on fails.
    pub(crate) fn fail_from(&self, call: u64) {
        let mut state = self.0.lock();
        (state.fail_at, state.fail_on) = (Some(call), true);
    }

    /// A sync takes five milliseconds from now on.
    pub(crate) fn slow_down(&self) {
        self.0.lock().slow_sync = true;
    }

    pub(crate) fn failed(&self) -> bool {
        self.0.lock().failed
    }

    pub(crate) fn files(&self) -> Files {
        self.files_in(&folder())
    }

    pub(crate) fn files_in(&self, dir: &Path) -> Files {
        let state = self.0.lock();
        let here = state.files.iter().filter(|(p, _)| p.parent() == Some(dir));
        here.map(|(p, f)| (name(p), f.bytes.clone())).collect()
    }

    /// What a power cut leaves: synced bytes, and of the others any part, possibly garbled; names
    /// as of the last sync of the folder, or as they are.
    pub(crate) fn after_power_cut(&self, random: &mut Random) -> Files {
        let state = self.0.lock();
        let mut left = Files::new();
        let new_names = random.chance(50);
        let names: Vec<(PathBuf, File)> = if new_names {
            let now = state.files.iter();
            now.map(|(p, f)| (p.clone(), f.clone())).collect()
        } else {
            let before = state.synced_names.iter();
            let file = |p: &PathBuf| state.kept.get(p).or_else(|| state.files.get(p));
            before
                .filter_map(|(p, _)| Some((p.clone(), file(p)?.clone())))
                .collect()
        };
        for (path, file) in names {
            let unsynced = file.bytes.len() - file.synced;
            let keep = file.synced + random.index(unsynced + 1);
            let mut bytes = file.bytes[..keep].to_vec();
            if keep > file.synced && random.chance(50) {
                let at = file.synced + random.index(keep - file.synced);
                bytes[at] ^= 0x55;
            }
            left.insert(name(&path), bytes);
        }
        left
    }

    /// Counts a change; fails when it is its turn.
    fn change(state: &mut State) -> io::Result<()> {
        state.calls += 1;
        let due = match state.fail_at {
            Some(at) if state.fail_on => state.calls >= at,
            Some(at) => state.calls == at,
            None => false,
        };
        if due {
            state.failed = true;
            return Err(io::Error::other("the test's disk fails"));
        }
        Ok(())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Disk for FaultDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        let here = state.files.keys().filter(|p| p.parent() == Some(dir));
        Ok(here.map(|p| name(p)).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.0.lock();
        state
            .files
            .get(path)
            .map(|f| f.bytes.clone())
            .ok_or_else(missing)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        Self::change(&mut state)?;
        if state.files.contains_key(path) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        state.files.insert(path.to_owned(), File::default());
        let file = Handle {
            disk: self.clone(),
            path: path.to_owned(),
        };
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        Self::change(&mut state)?;
        let file = state.files.remove(from).ok_or_else(missing)?;
        if let Some(old) = state.files.insert(to.to_owned(), file) {
            state.kept.insert(to.to_owned(), old);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        Self::change(&mut state)?;
        let old = state.files.remove(path).ok_or_else(missing)?;
        state.kept.insert(path.to_owned(), old);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        Self::change(&mut state)?;
        let here: Vec<PathBuf> = {
            let all = state.files.keys();
            all.filter(|p| p.parent() == Some(dir)).cloned().collect()
        };
        state.synced_names = here.into_iter().map(|p| (p.clone(), p)).collect();
        state.kept.clear();
        Ok(())
    }
}

struct Handle {
    disk: FaultDisk,
    path: PathBuf,
}

impl DiskFile for Handle {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let done = FaultDisk::change(&mut state);
        let file = state.files.get_mut(&self.path).ok_or_else(missing)?;
        // A write that fails has written a part.
        let written = match done {
            Ok(()) => bytes.len(),
            Err(_) => bytes.len() / 2,
        };
        file.bytes.extend_from_slice(&bytes[..written]);
        done
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.disk.0.lock().slow_sync {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let mut state = self.disk.0.lock();
        FaultDisk::change(&mut state)?;
        let file = state.files.get_mut(&self.path).ok_or_else(missing)?;
        file.synced = file.bytes.len();
        Ok(())
    }
}
