//! The one room with unsafe code: files mapped into memory so that nobody can pull the ground away.
//!
//! A mapped file that somebody cuts short kills the process that reads it: there is no error to
//! return from a memory access. So a file is only mapped while the kernel holds its writers back
//! for us (a read lease: whoever opens it for writing or cuts it short waits until we are done), and
//! whoever wants to read asks first whether that still holds. Where there is no such lease
//! (another system, a file system that does not know them, a file that somebody has open for
//! writing) the file is read into memory instead.

#[cfg(target_os = "linux")]
mod lease;
mod mapped;

pub use mapped::Mapped;
