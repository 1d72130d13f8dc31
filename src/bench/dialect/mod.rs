//! Commands of a load as bytes for a server, and the server's replies as what came of them.
//!
//! The driver knows no protocol: it hands an [`Operation`] to a [`Dialect`] and the bytes that come back
//! to the same. So Allot, Redis and PostgreSQL are measured by the same clock in the same loop.

mod allot;
mod postgres;
mod redis;
mod reply;
mod resp;

pub use allot::Allot;
pub use postgres::Postgres;
pub use redis::{Redis, stock as redis_stock};
pub use reply::{Scan, scan};

use super::profile::{Kind, Operation};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

/// What a reply says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// The shop would hear no: not enough stock, or not in this state. The code says which.
    Refused(Box<str>),
    /// The server cannot answer now (it reads its state, or others were faster): ask again.
    Again,
    /// What no run should see: the text of it.
    Failed(Box<str>),
}

/// One whole reply at the start of the bytes received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Bytes it took.
    pub consumed: usize,
    /// What it says.
    pub answer: Answer,
}

/// A server's language.
pub trait Dialect: Send + Sync {
    /// Appends `operation` as bytes.
    fn encode(&self, operation: &Operation, out: &mut Vec<u8>);

    /// Reads the reply to a command of `kind`; `None` when it is not whole yet. What follows from it is
    /// sent on the same connection and is due at once.
    ///
    /// # Errors
    /// When the bytes are no reply: the connection is of no more use.
    fn read(
        &self,
        kind: Kind,
        bytes: &[u8],
        follow: &mut Vec<Operation>,
    ) -> Result<Option<Read>, String>;

    /// The same language, with `prefix` before every identity: so that a run is no repeat of an earlier one.
    fn with_prefix(&self, prefix: &str) -> Arc<dyn Dialect>;

    /// Says what must be said on a new connection, which still blocks, before its first command.
    ///
    /// # Errors
    /// When the server does not let us in.
    fn hello(&self, _stream: &mut TcpStream) -> io::Result<()> {
        Ok(())
    }
}
