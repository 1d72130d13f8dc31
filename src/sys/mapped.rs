//! A file's bytes, mapped where that is safe and read where it is not.

#![allow(
    unsafe_code,
    reason = "mapping a file is unsafe unless nobody can change it"
)]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// All bytes of a file that is complete and that nobody is to change.
#[derive(Debug)]
pub struct Mapped {
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    #[cfg(target_os = "linux")]
    Map {
        // Fields are dropped in this order: the map before the lease that protects it.
        map: memmap2::Mmap,
        lease: super::lease::Lease,
    },
    Read(Vec<u8>),
}

impl Mapped {
    /// Maps a file, or reads it where it could be changed under the map.
    ///
    /// # Errors
    /// As the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(bytes) = map(path)? {
            return Ok(Self { bytes });
        }
        Self::read(path)
    }

    /// Reads a file into memory.
    ///
    /// # Errors
    /// As the system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Whether it is a map rather than a copy.
    #[must_use]
    pub fn is_map(&self) -> bool {
        !matches!(self.bytes, Bytes::Read(_))
    }

    /// The bytes; `None` once somebody wants to change the file: then the map must be dropped, and
    /// references into it with it, within the half minute or so that the kernel keeps him waiting.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.bytes {
            #[cfg(target_os = "linux")]
            Bytes::Map { map, lease } => lease.holds().then_some(map),
            Bytes::Read(bytes) => Some(bytes),
        }
    }
}

impl From<Vec<u8>> for Mapped {
    fn from(bytes: Vec<u8>) -> Self {
        let bytes = Bytes::Read(bytes);
        Self { bytes }
    }
}

/// `None` where the kernel gives no lease.
#[cfg(target_os = "linux")]
fn map(path: &Path) -> io::Result<Option<Bytes>> {
    let file = File::open(path)?;
    let Ok(lease) = super::lease::Lease::take(file.try_clone()?) else {
        return Ok(None);
    };
    // SAFETY: the lease was given, so nobody has the file open for writing, and whoever wants to
    // open or truncate it waits while `bytes` goes on handing the map out and for long after it
    // stopped doing so.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(Some(Bytes::Map { map, lease }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// A mapped file that is cut short kills whoever reads it. Here the one who cuts has to wait.
    #[test]
    fn a_mapped_file_cannot_be_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![7u8; 1 << 20]).unwrap();
        let mapped = Mapped::open(&path).unwrap();
        if !mapped.is_map() {
            eprintln!("this file system gives no leases: the file was read instead");
        }
        let cutter = std::thread::spawn({
            let path = path.clone();
            move || File::options().write(true).open(path)?.set_len(0)
        });
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Some(bytes) = mapped.bytes().filter(|_| mapped.is_map()) {
            assert_eq!(bytes.last(), Some(&7));
            assert!(
                Instant::now() < deadline,
                "the lease never says that it is wanted"
            );
        }
        if mapped.is_map() {
            assert!(!cutter.is_finished(), "it was cut while it was mapped");
        }
        drop(mapped);
        cutter.join().unwrap().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn a_file_that_is_open_for_writing_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"abc").unwrap();
        let writer = File::options().append(true).open(&path).unwrap();
        let mapped = Mapped::open(&path).unwrap();
        assert!(!mapped.is_map());
        assert_eq!(mapped.bytes(), Some(b"abc".as_slice()));
        drop(writer);
    }
}
