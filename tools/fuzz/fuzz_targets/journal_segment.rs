//! Bytes as the only segment of a journal: read to the end or refused, never a panic; what is read
//! has dense numbers.
#![no_main]

use allot::journal::{Disk, DiskFile, scan};
use libfuzzer_sys::fuzz_target;
use std::io;
use std::path::Path;

struct One(Vec<u8>);

impl Disk for One {
    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(vec!["journal-00000000000000000001.allot".to_owned()])
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut last = None;
    let mut see = |_: allot::journal::Place<'_>, lsn: allot::model::Lsn, _, _| {
        assert!(last.is_none_or(|last: u64| lsn.0 == last + 1));
        last = Some(lsn.0);
    };
    let disk = One(bytes.to_vec());
    let _ = scan(&disk, Path::new("/"), &mut |_, _| {}, &mut see);
});
