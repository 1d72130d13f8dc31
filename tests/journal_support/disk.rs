//! A disk in memory that fails when told to, and forgets at a power cut what was not synced.
//!
//! A file is what the system shows of it (the page cache) and what the disk has. A sync that fails
//! leaves the two apart for good: the system believes its pages are written, shows them to whoever
//! reads, and no later sync writes them. Changes of names reach the disk in their order.

use allot::bench::random::Random;
use allot::journal::{Disk, DiskFile};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Bytes by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Index of a file by path.
type Names = BTreeMap<PathBuf, usize>;

#[derive(Clone, Default)]
struct File {
    /// As the system shows it.
    shown: Vec<u8>,
    /// What the disk has for sure: a beginning of what is shown, or other bytes where a sync failed.
    on_disk: Vec<u8>,
}

impl File {
    /// What a power cut leaves: beyond what the disk has, any sectors of what was still to be
    /// written, one of them possibly garbled.
    fn after_power_cut(&self, random: &mut Random) -> Vec<u8> {
        let safe = self.on_disk.len();
        let length = safe + random.index(self.shown.len() - safe + 1);
        let mut bytes = self.on_disk.clone();
        bytes.extend_from_slice(&self.shown[safe..length]);
        for at in safe..length {
            let begins = at == safe || at.is_multiple_of(SECTOR);
            if begins && random.chance(20) {
                let end = (at / SECTOR + 1) * SECTOR;
                bytes[at..end.min(length)].fill(0);
            }
        }
        if length > safe && random.chance(30) {
            bytes[safe + random.index(length - safe)] ^= 0x55;
        }
        bytes
    }
}

#[derive(Default)]
struct State {
    files: Vec<File>,
    /// Names as the disk has them, then after each change since; the last is what is shown.
    names: Vec<Names>,
    calls: u64,
    fail_at: Option<u64>,
    fail_on: bool,
    failed: bool,
    /// No sync goes on before it is let go.
    held: bool,
}

impl State {
    fn shown(&self) -> Names {
        self.names.last().cloned().unwrap_or_default()
    }

    fn rename_all(&mut self, change: impl FnOnce(&mut Names)) {
        let mut names = self.shown();
        change(&mut names);
        self.names.push(names);
    }

    /// Counts a change; fails when it is its turn.
    fn change(&mut self) -> io::Result<()> {
        self.calls += 1;
        let due = match self.fail_at {
            Some(at) if self.fail_on => self.calls >= at,
            Some(at) => self.calls == at,
            None => false,
        };
        if due {
            self.failed = true;
            return Err(io::Error::other("the test's disk fails"));
        }
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>, Arc<Condvar>);

impl Default for FaultDisk {
    fn default() -> Self {
        Self::of(Files::new())
    }
}

fn folder() -> PathBuf {
    PathBuf::from("/data")
}

impl FaultDisk {
    /// With synced files in `/data`.
    pub(crate) fn of(files: Files) -> Self {
        let mut state = State::default();
        let mut names = Names::new();
        for (name, bytes) in files {
            names.insert(folder().join(name), state.files.len());
            state.files.push(File {
                shown: bytes.clone(),
                on_disk: bytes,
            });
        }
        state.names = vec![names];
        Self(Arc::new(Mutex::new(state)), Arc::default())
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

    /// Nothing fails any more; what is lost stays lost.
    pub(crate) fn works_again(&self) {
        self.0.lock().fail_at = None;
    }

    /// A sync lasts until [`Self::let_go`] from now on.
    pub(crate) fn hold(&self) {
        self.0.lock().held = true;
    }

    /// Syncs go on.
    pub(crate) fn let_go(&self) {
        self.0.lock().held = false;
        self.1.notify_all();
    }

    pub(crate) fn failed(&self) -> bool {
        self.0.lock().failed
    }

    /// How many changes there were.
    pub(crate) fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    pub(crate) fn files(&self) -> Files {
        self.files_in(&folder())
    }

    pub(crate) fn files_in(&self, dir: &Path) -> Files {
        let state = self.0.lock();
        let all = state.shown().into_iter();
        all.filter(|(path, _)| path.parent() == Some(dir))
            .map(|(path, file)| (name(&path), state.files[file].shown.clone()))
            .collect()
    }

    /// What a power cut leaves in `/data`.
    pub(crate) fn after_power_cut(&self, random: &mut Random) -> Files {
        let state = self.0.lock();
        let names = &state.names[random.index(state.names.len())];
        let here = names
            .iter()
            .filter(|(p, _)| p.parent() == Some(folder().as_path()));
        here.map(|(path, file)| (name(path), state.files[*file].after_power_cut(random)))
            .collect()
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
        Ok(self.files_in(dir).into_keys().collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.0.lock();
        let file = *state.shown().get(path).ok_or_else(missing)?;
        Ok(state.files[file].shown.clone())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.change()?;
        if state.shown().contains_key(path) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let file = state.files.len();
        state.files.push(File::default());
        state.rename_all(|names| {
            names.insert(path.to_owned(), file);
        });
        Ok(Box::new(Handle {
            disk: self.clone(),
            file,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        let file = *state.shown().get(from).ok_or_else(missing)?;
        state.rename_all(|names| {
            names.remove(from);
            names.insert(to.to_owned(), file);
        });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        state.shown().get(path).ok_or_else(missing)?;
        state.rename_all(|names| {
            names.remove(path);
        });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        // The tests change names in one folder at a time.
        if dir == folder() {
            state.names = vec![state.shown()];
        }
        Ok(())
    }
}

struct Handle {
    disk: FaultDisk,
    file: usize,
}

impl DiskFile for Handle {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let done = state.change();
        // A write that fails has written a part.
        let written = match done {
            Ok(()) => bytes.len(),
            Err(_) => bytes.len() / 2,
        };
        state.files[self.file]
            .shown
            .extend_from_slice(&bytes[..written]);
        done
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        while state.held {
            self.disk.1.wait(&mut state);
        }
        let done = state.change();
        let file = &mut state.files[self.file];
        let safe = file.on_disk.len();
        match done {
            Ok(()) => file.on_disk.extend_from_slice(&file.shown[safe..]),
            Err(_) => file.on_disk.resize(file.shown.len(), 0),
        }
        done
    }
}
