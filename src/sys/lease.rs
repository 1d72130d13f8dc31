//! A read lease on a file: while it is held, nobody can open the file for writing or truncate it.
//!
//! `fcntl(2)`, "Leases". A writer waits; we hear of it by a signal, for which one is chosen that is
//! ignored unless somebody asks for it, and by asking the lease. The kernel lets the writer go on
//! after `/proc/sys/fs/lease-break-time`, 45 seconds by default, whatever we do.

#![allow(unsafe_code, reason = "fcntl has no safe form for leases")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

/// From `fcntl.h` of the kernel; the `libc` crate does not name it.
const F_SETSIG: libc::c_int = 10;

/// Held until dropped.
#[derive(Debug)]
pub(super) struct Lease {
    file: File,
}

impl Lease {
    /// Takes a lease on a file that was opened for reading.
    pub(super) fn take(file: File) -> io::Result<Self> {
        let fd = file.as_raw_fd();
        // SAFETY: the descriptor is open; both calls take an integer and touch no memory of ours.
        let taken = unsafe {
            if libc::fcntl(fd, F_SETSIG, libc::SIGURG) == -1 {
                -1
            } else {
                libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK)
            }
        };
        match taken {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(Self { file }),
        }
    }

    /// Whether nobody waits to write. Once somebody does, there are seconds left to stop reading.
    pub(super) fn holds(&self) -> bool {
        // SAFETY: the descriptor is open, and the call touches no memory of ours.
        let state = unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_GETLEASE) };
        state == libc::F_RDLCK
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // SAFETY: as above. Closing the file would end the lease too, if no copy of the descriptor
        // were open anywhere.
        unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
}
