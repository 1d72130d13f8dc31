//! Sockets and sessions: commands of the Redis protocol in, replies out.
//!
//! `server` turns wire values into calls of the engine and answers into wire values. It does not
//! know how stock is kept or an order is routed. What any one client may hold of this process,
//! in memory, connections and time, is bounded before it has said who it is and after.

mod arguments;
mod clock;
mod commands;
mod config;
mod connection;
mod error;
mod info;
pub(crate) mod json;
mod protocol;
mod session;
mod shared;
mod table;

pub use clock::Clock;
pub use config::{Password, ServerConfig};
pub use protocol::protocol_commands;
pub use table::{Command, commands, reference};

use crate::engine::Engine;
use crate::journal::Journal;
use connection::Connection;
use session::Session;
use shared::{ClientEntry, Shared};
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// How often reservations that ran out are forgotten.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// How long clients get to take their last replies when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A server that listens and has not begun to serve.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// Stops a server from elsewhere.
#[derive(Debug, Clone)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    /// Lets the server finish what has arrived, and end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Begins to listen. The reply to a command that may have written leaves once `journal`, where
    /// the engine's facts go, has them as safely as its mode promises; at once without a journal.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        engine: Arc<Engine>,
        journal: Option<Journal>,
        mut config: ServerConfig,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        config.listen = listener.local_addr()?;
        let shared = Arc::new(Shared::new(engine, journal, config, clock));
        Ok(Self {
            listener,
            shared,
            stop: watch::Sender::new(false),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.config.listen
    }

    /// A handle that stops it.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Serves until stopped; then waits for the clients' last replies.
    pub async fn serve(self) {
        let mut stopping = self.stop.subscribe();
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.welcome(stream, peer),
                    Err(error) => {
                        // Out of file descriptors, mostly: others will close some.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                _ = sweep.tick() => {
                    self.shared.engine.sweep(self.shared.clock.now());
                }
                () = async { let _ = stopping.wait_for(|stopping| *stopping).await; } => break,
            }
        }
        drop(self.listener);
        let all_gone = async {
            while !self.shared.clients.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, all_gone).await.is_err() {
            tracing::warn!(
                left = self.shared.clients.len(),
                "clients did not take their last replies"
            );
        }
    }

    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        Shared::count(&self.shared.stats.connections);
        let config = &self.shared.config;
        let waiting = self.shared.unauthenticated.load(Ordering::Relaxed);
        let too_many = self.shared.clients.len() >= config.connections_max
            || (config.password.is_some() && waiting >= config.unauthenticated_max);
        if too_many {
            Shared::count(&self.shared.stats.refused_connections);
            // A fresh socket takes one line without waiting; if not, nothing is lost.
            let _ = stream.try_write(b"-ERR max number of clients reached\r\n");
            return;
        }
        set_options(&stream);
        let id = self.shared.next_client.fetch_add(1, Ordering::Relaxed);
        let kill = Arc::new(Notify::new());
        let entry = ClientEntry {
            peer,
            since_millis: self.shared.clock.uptime_millis(),
            name: String::new(),
            library: String::new(),
            kill: kill.clone(),
        };
        self.shared.clients.insert(id, entry);
        let session = Session::new(self.shared.clone(), id);
        let (shared, stop) = (self.shared.clone(), self.stop.subscribe());
        tokio::spawn(async move {
            Connection::new(stream, session).serve(kill, stop).await;
            shared.clients.remove(&id);
        });
    }
}

/// Replies leave at once; a peer that is gone is noticed.
fn set_options(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(6);
    let options = [
        stream.set_nodelay(true),
        SockRef::from(stream).set_tcp_keepalive(&keepalive),
    ];
    for error in options.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a socket option was refused");
    }
}
