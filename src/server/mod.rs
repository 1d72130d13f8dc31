//! Sockets and sessions: commands of the Redis protocol in, replies out.
//!
//! `server` turns wire values into calls of the engine and answers into wire values. It does not
//! know how stock is kept or an order is routed. What any one client may hold of this process,
//! in memory, connections and time, is bounded before it has said who it is and after.

mod arguments;
mod backlog;
mod clock;
mod commands;
mod config;
mod connection;
mod cost_json;
mod delay_json;
mod early;
mod error;
mod exception_json;
mod feeder;
mod fulfillment_json;
mod info;
pub(crate) mod json;
mod later;
mod pricer;
mod protocol;
mod return_json;
mod session;
mod shared;
mod snapshots;
mod table;
mod timer;

pub use clock::Clock;
pub use config::{Password, ServerConfig};
pub use early::Early;
pub use protocol::protocol_commands;
pub use snapshots::SnapshotPlan;
pub use table::{Command, commands, reference};

use crate::engine::Engine;
use crate::journal::Journal;
use backlog::Runs;
use connection::Connection;
use feeder::Feeder;
use later::Workers;
use pricer::Pricer;
use session::Session;
use shared::{ClientEntry, Ready, Shared};
use snapshots::Snapshots;
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use timer::Timer;
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

/// Gives a server that listens its state.
#[derive(Clone)]
pub struct Opener(Arc<Shared>);

impl Opener {
    /// Lets the server answer from a snapshot, as far as that goes, until it is opened.
    pub fn early(&self, early: Early) {
        self.0.early.store(Some(Arc::new(early)));
    }

    /// Opens the server. The reply to a command that may have written leaves once `journal`, where
    /// the engine's facts go, has them as safely as its mode promises; at once without a journal.
    /// `clock` tells engine time.
    ///
    /// # Panics
    /// When it is open already.
    pub fn open(
        &self,
        engine: Arc<Engine>,
        journal: Option<Journal>,
        plan: Option<SnapshotPlan>,
        clock: Clock,
    ) {
        // What a stop in the middle of a step has left undone.
        engine.finish_steps(clock.now());
        let place = plan.as_ref().map(|p| (p.disk.clone(), p.dir.clone()));
        let threads = self.0.config.backlog_threads;
        let runs = Runs::start(engine.clone(), clock, place, threads);
        let snapshots = plan.zip(journal.clone()).map(|(plan, journal)| {
            let snapshots = Snapshots::new(plan, engine.clone(), journal);
            Arc::new(snapshots)
        });
        let keep = self.0.config.feed_keep;
        let started = match keep {
            0 => Ok(None),
            _ => Feeder::start(&engine, journal.clone(), keep),
        };
        let feeder = started.unwrap_or_else(|error| {
            tracing::error!(%error, "there is no event feed");
            None
        });
        let workers = Workers::start(self.0.config.workers)
            .inspect_err(|error| tracing::error!(%error, "there are no threads for batches"))
            .ok();
        let pricer = Pricer::start(engine.clone(), clock)
            .inspect_err(|error| tracing::error!(%error, "there is no thread for prices"))
            .ok();
        let timer = Timer::start(engine.clone(), clock)
            .inspect_err(|error| tracing::error!(%error, "there is no thread for deadlines"))
            .ok();
        self.0.open(Ready {
            timer,
            pricer,
            runs,
            workers,
            feeder,
            engine,
            journal,
            snapshots,
            clock,
        });
    }
}

impl Server {
    /// Begins to listen before there is any state: commands that need it are told to come again.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn listen(mut config: ServerConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        config.listen = listener.local_addr()?;
        Ok(Self {
            listener,
            shared: Arc::new(Shared::new(config, Clock::start())),
            stop: watch::Sender::new(false),
        })
    }

    /// Who gives it its state.
    #[must_use]
    pub fn opener(&self) -> Opener {
        Opener(self.shared.clone())
    }

    /// Begins to listen with all state there. The reply to a command that may have written leaves once `journal`, where
    /// the engine's facts go, has them as safely as its mode promises; at once without a journal.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        engine: Arc<Engine>,
        journal: Option<Journal>,
        config: ServerConfig,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let server = Self::listen(config).await?;
        server.opener().open(engine, journal, None, clock);
        Ok(server)
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
                    if let Some(ready) = self.shared.ready() {
                        let now = ready.clock.now();
                        ready.engine.sweep(now);
                        if let Some(snapshots) = &ready.snapshots {
                            snapshots.start_if_due(now);
                        }
                    }
                }
                () = async { let _ = stopping.wait_for(|stopping| *stopping).await; } => break,
            }
        }
        // First of all: who sees that nobody is let in any more knows that no further move is begun.
        if let Some(ready) = self.shared.ready() {
            ready.runs.end_moves();
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
        if let Some(ready) = self.shared.ready() {
            ready.runs.stop();
        }
        if let Some(workers) = self.shared.ready().and_then(|r| r.workers.as_ref()) {
            workers.stop().await;
        }
        if let Some(pricer) = self.shared.ready().and_then(|r| r.pricer.as_ref()) {
            pricer.stop();
        }
        if let Some(snapshots) = self.shared.ready().and_then(|r| r.snapshots.as_ref()) {
            snapshots.wait();
        }
        if let Some(feeder) = self.shared.ready().and_then(|r| r.feeder.as_ref()) {
            feeder.stop();
        }
        if let Some(timer) = self.shared.ready().and_then(|r| r.timer.as_ref()) {
            timer.stop();
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
