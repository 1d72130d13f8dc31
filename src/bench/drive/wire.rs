//! What the driver needs of the world: the time, and bytes to and from some connections.

use super::schedule::Nanos;
use std::io;

/// What came of a look at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many bytes were appended.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// The other side has closed.
    Closed,
}

/// What a connection is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// For replies.
    Replies,
    /// For replies, and for room for more commands.
    Room,
    /// For nothing: it is lost.
    Nothing,
}

/// Time and connections.
pub trait Wire {
    /// Nanoseconds since the run began.
    fn now(&mut self) -> Nanos;

    /// Sends as many of `bytes` as go without waiting, and says how many.
    ///
    /// # Errors
    /// When the connection is lost.
    fn send(&mut self, link: usize, bytes: &[u8]) -> io::Result<usize>;

    /// Appends what has arrived.
    ///
    /// # Errors
    /// When the connection is lost.
    fn receive(&mut self, link: usize, into: &mut Vec<u8>) -> io::Result<Received>;

    /// Waits until `until`, or until a connection has what it is waited for.
    ///
    /// # Errors
    /// When the system does not wait.
    fn wait(&mut self, until: Nanos, wants: &[Wants]) -> io::Result<()>;

    /// Tries once to open a lost connection again.
    fn reconnect(&mut self, link: usize) -> bool;
}
