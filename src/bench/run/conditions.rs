//! The machine and the program under which figures were taken: without them they mean nothing.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "sizes for people"
)]

use serde::{Deserialize, Serialize};
use std::fs;

/// Share of all cores that others may use before figures are doubted.
const OTHERS_MOST: f64 = 0.1;

/// What a reader needs to know to compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// When, RFC 3339.
    pub at: String,
    /// The processor's own name.
    pub cpu: String,
    /// Cores that this process may use; the server shares them when it is on the same machine.
    pub cores: usize,
    /// Memory of the machine in bytes.
    pub memory_bytes: u64,
    /// The operating system's kernel.
    pub system: String,
    /// How busy the machine was before: processes that ran, averaged over a minute.
    pub load_before: f64,
    /// Cores that others than driver and server used meanwhile, the kernel's own work among them; `None`
    /// where that cannot be told: of a server elsewhere, one that was restarted, or another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<f64>,
    /// Version of this program.
    pub version: String,
    /// Whether it was built with optimisation.
    pub optimised: bool,
    /// The server.
    pub target: String,
    /// When a reply to a write leaves.
    pub durability: String,
    /// Items.
    pub skus: u32,
    /// Places.
    pub locations: u32,
    /// Positions.
    pub positions: u64,
    /// Orders that were there at the beginning.
    pub orders_before: u64,
    /// Connections.
    pub connections: u32,
    /// Commands of a connection without a reply, at most.
    pub depth: u32,
    /// Threads of the driver.
    pub threads: usize,
    /// Seconds, the warm-up among them.
    pub seconds: u64,
    /// Seconds that do not count.
    pub warm_up_seconds: u64,
    /// Seed of the commands.
    pub seed: u64,
}

/// What is the same for all runs on this machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) memory_bytes: u64,
    pub(super) system: String,
    pub(super) load: f64,
}

impl Machine {
    /// Reads what the system tells; what it does not tell is said to be unknown.
    pub(super) fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, key: &str| -> Option<String> {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let kilobytes = value(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let load = read("/proc/loadavg");
        let load = load.split(' ').next().and_then(|text| text.parse().ok());
        let release = read("/proc/sys/kernel/osrelease");
        Self {
            cpu: value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kilobytes.unwrap_or(0) * 1024,
            system: format!("{} {}", std::env::consts::OS, release.trim()),
            load: load.unwrap_or(0.0),
        }
    }
}

impl Conditions {
    /// Why the figures are of a machine that did something else as well, if it did.
    #[must_use]
    pub fn disturbed(&self) -> Option<String> {
        let cores = self.cores as f64;
        // What was seen meanwhile says more than an average of the minute before, which a build that
        // has just ended still fills.
        if let Some(others) = self.others {
            return (others > OTHERS_MOST * cores).then(|| {
                format!(
                    "other programs used {others:.2} of {cores} cores meanwhile: read ratios, not figures"
                )
            });
        }
        let before = self.load_before;
        (before > 0.5 * cores).then(|| {
            format!("the machine was busy before (load {before:.1}): read ratios, not figures")
        })
    }

    /// In a few lines for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let gib = self.memory_bytes as f64 / (1u64 << 30) as f64;
        let build = if self.optimised {
            ""
        } else {
            " (NOT OPTIMISED: build with --release)"
        };
        vec![
            format!(
                "{} on {} cores, {gib:.0} GiB, {}",
                self.cpu, self.cores, self.system
            ),
            format!(
                "allot {}{build}, target {}, durability {}",
                self.version, self.target, self.durability
            ),
            format!(
                "{} SKUs x {} locations, {} positions, {} orders before",
                self.skus, self.locations, self.positions, self.orders_before
            ),
            format!(
                "{} connections, depth {}, {} driver thread(s), {} s of which {} s warm-up, seed {}, \
                 load before {:.1}{}",
                self.connections,
                self.depth,
                self.threads,
                self.seconds,
                self.warm_up_seconds,
                self.seed,
                self.load_before,
                self.others
                    .map_or_else(String::new, |cores| format!(", others {cores:.2} cores")),
            ),
        ]
    }
}
