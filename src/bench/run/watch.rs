//! A look at the server every quarter of a second: memory, processor, disk, syncs, snapshots.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "seconds of processor time"
)]

use super::server::info;
use crate::client::Client;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// The kernel counts processor time in hundredths of a second, on every architecture.
const TICKS: f64 = 100.0;

/// A server that does nothing for so long is idle.
const IDLE_FOR: Duration = Duration::from_millis(200);
/// How long that is waited for.
const IDLE_WITHIN: Duration = Duration::from_secs(10);

/// What a look saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Memory of the process, bytes; 0 where it runs on another machine.
    pub memory_bytes: u64,
    /// Processor time it has used, seconds.
    pub cpu_seconds: f64,
    /// Bytes that it has had written to the disk.
    pub disk_bytes: u64,
    /// Syncs of the journal.
    pub syncs: u64,
    /// Facts of the journal.
    pub facts: u64,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Whether one is being taken.
    pub snapshot_running: bool,
    /// Facts that the event feed is behind.
    pub feed_lag: u64,
}

/// Looks until it is told to end.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Sample>>,
}

impl Watch {
    /// Begins to look at an Allot server; the run begins at `began`.
    pub(super) fn start(address: SocketAddr, began: Instant) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut samples, mut client) = (Vec::new(), None);
            while !stopped.load(Ordering::Relaxed) {
                // While it is being restarted there is nothing to see.
                match look(&mut client, address, began) {
                    Some(sample) => samples.push(sample),
                    None => client = None,
                }
                std::thread::park_timeout(EVERY);
            }
            samples.extend(look(&mut client, address, began));
            samples
        });
        Self { stop, thread }
    }

    /// What was seen.
    pub(super) fn end(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_default()
    }
}

fn look(client: &mut Option<Client>, address: SocketAddr, began: Instant) -> Option<Sample> {
    if client.is_none() {
        let connected = Client::connect(&address.to_string()).ok()?;
        *client = connected.timeout(Duration::from_secs(2)).ok();
    }
    let fields = info(client.as_mut()?, &["server", "persistence", "feed"]).ok()?;
    let number = |key: &str| fields.get(key).and_then(|v| v.parse().ok()).unwrap_or(0);
    let since = Instant::now().saturating_duration_since(began);
    let mut sample = Sample {
        at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        syncs: number("journal_syncs"),
        facts: number("journal_facts"),
        journal_bytes: number("journal_bytes"),
        snapshots: number("snapshots_taken"),
        snapshot_running: number("snapshot_in_progress") == 1,
        feed_lag: number("feed_lag_facts"),
        ..Sample::default()
    };
    if address.ip().is_loopback() {
        process(&fields, &mut sample);
    }
    Some(sample)
}

/// What the kernel says of the process.
fn process(fields: &HashMap<String, String>, sample: &mut Sample) {
    let Some(id) = fields
        .get("process_id")
        .and_then(|id| id.parse::<u32>().ok())
    else {
        return;
    };
    let usage = usage(id);
    (sample.memory_bytes, sample.cpu_seconds, sample.disk_bytes) = usage;
}

/// Memory, processor seconds and bytes written by a process of this machine; zeros where the kernel
/// does not tell.
pub(super) fn usage(id: u32) -> (u64, f64, u64) {
    let read = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    let field = |text: &str, key: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let word = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        word.unwrap_or(0)
    };
    // The second field is the program's name in brackets, which may hold spaces.
    let stat = read("stat");
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let words: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| {
        words
            .get(at)
            .and_then(|w| w.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let cpu = (ticks(11) + ticks(12)) as f64 / TICKS;
    let memory = field(&read("status"), "VmRSS:") * 1024;
    (memory, cpu, field(&read("io"), "write_bytes:"))
}

/// Processor seconds that a process of this machine has used, to the hundredth; 0 where the kernel does
/// not tell.
#[must_use]
pub fn cpu_seconds(id: u32) -> f64 {
    usage(id).1
}

/// Processor seconds of everything that runs on this machine; `None` where the kernel does not tell.
fn machine_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields
        .split_whitespace()
        .map_while(|w| w.parse().ok())
        .collect();
    // user, nice, system, idle, waiting for a disk, interrupts, soft ones, stolen; then guests, who are
    // users too.
    let busy = [0, 1, 2, 5, 6, 7].map(|at| ticks.get(at).copied().unwrap_or(0));
    Some(busy.iter().sum::<u64>() as f64 / TICKS)
}

/// How much of the machine was used by others than those who are measured.
pub(super) struct Others {
    processes: Vec<u32>,
    before: f64,
    began: Instant,
}

impl Others {
    /// Begins to count for everybody but this process and the one that serves at `address`. `None` where
    /// that is not on this machine, or cannot be told.
    pub(super) fn start(address: SocketAddr) -> Option<Self> {
        let mut others = Self {
            processes: vec![std::process::id(), process_at(address)?],
            before: 0.0,
            began: Instant::now(),
        };
        others.before = others.seconds()?;
        Some(others)
    }

    fn seconds(&self) -> Option<f64> {
        let known: f64 = self.processes.iter().map(|id| cpu_seconds(*id)).sum();
        Some(machine_seconds()? - known)
    }

    /// Cores that others used on average, the kernel's own work among them.
    pub(super) fn cores(&self) -> Option<f64> {
        let used = self.seconds()? - self.before;
        Some(used.max(0.0) / self.began.elapsed().as_secs_f64().max(1e-9))
    }
}

fn process_at(address: SocketAddr) -> Option<u32> {
    if !address.ip().is_loopback() {
        return None;
    }
    let client = Client::connect(&address.to_string()).ok()?;
    let mut client = client.timeout(Duration::from_secs(2)).ok()?;
    let fields = info(&mut client, &["server"]).ok()?;
    fields.get("process_id")?.parse().ok()
}

/// Waits until a server on this machine has done what it does after its replies have left (journal, feed,
/// memory given back), so that a run does not pay for the one before it. Gives up after ten seconds.
pub(super) fn wait_until_idle(address: SocketAddr) {
    let Some(id) = process_at(address) else {
        return;
    };
    let since = Instant::now();
    let mut before = cpu_seconds(id);
    while since.elapsed() < IDLE_WITHIN {
        std::thread::sleep(IDLE_FOR);
        let now = cpu_seconds(id);
        // At most one hundredth of a second, which is as exact as the kernel is.
        if now - before < 1.5 / TICKS {
            return;
        }
        before = now;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_others_use_is_seen() {
        let mut others = Others {
            processes: vec![std::process::id()],
            before: 0.0,
            began: Instant::now(),
        };
        others.before = others.seconds().unwrap();
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        while cpu_seconds(busy.id()) < 0.3 {
            std::thread::yield_now();
        }
        let used = others.cores().unwrap() * others.began.elapsed().as_secs_f64();
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(used > 0.2, "{used} seconds of another's 0.3");
    }
}
