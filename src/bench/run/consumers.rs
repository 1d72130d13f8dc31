//! Readers of the event feed that take their time, beside the load.

use crate::bench::profile::Consumers;
use crate::client::Client;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Readers that run until they are told to end.
pub(super) struct Readers {
    stop: Arc<AtomicBool>,
    events: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(address: SocketAddr, consumers: Consumers) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let events = Arc::new(AtomicU64::new(0));
        let threads = (0..consumers.count).map(|number| {
            let (stop, events) = (stop.clone(), events.clone());
            std::thread::spawn(move || {
                // A reader that loses its connection is one reader less; the report counts events.
                let _ = read(address, consumers, number, &stop, &events);
            })
        });
        Self {
            threads: threads.collect(),
            stop,
            events,
        }
    }

    /// Events that were read.
    pub(super) fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.thread().unpark();
            let _ = thread.join();
        }
        self.events.load(Ordering::Relaxed)
    }
}

/// Each reader is a group of its own, as a warehouse, a search index and a mailer would be.
fn read(
    address: SocketAddr,
    consumers: Consumers,
    number: u32,
    stop: &AtomicBool,
    events: &AtomicU64,
) -> anyhow::Result<()> {
    let mut client = Client::connect(&address.to_string())?.timeout(Duration::from_secs(10))?;
    let group = format!("bench-{number}");
    client.command(&["XGROUP", "CREATE", "events", &group, "$"])?;
    let batch = consumers.batch.to_string();
    while !stop.load(Ordering::Relaxed) {
        let read = [
            "XREADGROUP",
            "GROUP",
            &group,
            "one",
            "COUNT",
            &batch,
            "STREAMS",
            "events",
            ">",
        ];
        let reply = client.command(&read)?;
        let ids = ids(&reply);
        if !ids.is_empty() {
            let mut ack = vec!["XACK", "events", &group];
            ack.extend(ids.iter().map(String::as_str));
            client.command(&ack)?;
            events.fetch_add(ids.len() as u64, Ordering::Relaxed);
        }
        std::thread::park_timeout(Duration::from_millis(consumers.pause_ms));
    }
    Ok(())
}

/// The ids of the events of a reply: `[[stream, [[id, fields], ...]]]`.
fn ids(reply: &crate::wire::Value) -> Vec<String> {
    let stream = reply
        .as_slice()
        .and_then(|streams| streams.first()?.as_slice());
    let events = stream.and_then(|stream| stream.get(1)?.as_slice());
    let id = |event: &crate::wire::Value| Some(event.as_slice()?.first()?.as_str()?.to_owned());
    events.unwrap_or_default().iter().filter_map(id).collect()
}
