//! What a server is told at its start.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A password that no log line can show.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Address, password and limits.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Asked of every client when set.
    pub password: Option<Password>,
    /// Most connections at once.
    pub connections_max: usize,
    /// Most connections at once that have not authenticated, when a password is set.
    pub unauthenticated_max: usize,
    /// How long a client may take to authenticate.
    pub authenticate_within: Duration,
    /// How long a command may take to arrive after its first byte.
    pub command_within: Duration,
    /// How long a client may take to read a reply.
    pub write_within: Duration,
    /// So many of the newest events of each stream are kept; 0 for no event feed.
    pub feed_keep: usize,
    /// Threads that route batches; one a core when absent.
    pub workers: Option<usize>,
    /// Threads that re-optimise the backlog.
    pub backlog_threads: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7411)),
            password: None,
            connections_max: 1024,
            unauthenticated_max: 256,
            authenticate_within: Duration::from_secs(5),
            command_within: Duration::from_secs(30),
            write_within: Duration::from_secs(10),
            feed_keep: 1_000_000,
            workers: None,
            backlog_threads: 1,
        }
    }
}
