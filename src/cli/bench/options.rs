//! The options that say what is run and how.

use crate::bench::capacity::Target as Load;
use crate::bench::drive::Pacing;
use crate::bench::profile::{Profile, Shape, named};
use crate::bench::run::{Peer, Settings, Target, common_part};
use crate::journal::Durability;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// How long replies are waited for after the last command was due.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many commands a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rate {
    /// As many as the server answers: a closed loop.
    Most,
    /// So many, on average.
    PerSecond(f64),
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Most);
        }
        let rate: f64 = text.replace([',', '_'], "").parse().unwrap_or(f64::NAN);
        match rate > 0.0 && rate <= 1e8 {
            true => Ok(Self::PerSecond(rate)),
            false => Err(format!(
                "rate is '{text}'; expected commands a second, or max"
            )),
        }
    }
}

/// What `--target` names.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Aim {
    /// Another system.
    Peer(Peer),
    /// A load to come, for `allot bench capacity` alone.
    Load(Load),
}

impl FromStr for Aim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.contains("://") {
            true => text.parse().map(Self::Peer),
            false => text.parse().map(Self::Load),
        }
    }
}

/// What is run and how.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunOptions {
    /// A profile of the program (see `allot bench list`), or a TOML file.
    #[arg(long, default_value = "day")]
    pub(super) profile: String,
    /// Length of the run in seconds, the warm-up among them; the profile's when absent.
    #[arg(long)]
    pub(super) seconds: Option<u64>,
    /// Seconds at the beginning that are not counted; the profile's when absent.
    #[arg(long, value_name = "SECONDS")]
    pub(super) warm_up: Option<u64>,
    /// Commands a second on average, or `max` for a closed loop; the profile's when absent.
    #[arg(long)]
    pub(super) rate: Option<Rate>,
    /// When a reply to a write leaves: sync, interval:MS or none.
    #[arg(long, value_name = "MODE", default_value_t = Durability::Sync)]
    pub(super) durability: Durability,
    /// A server that runs already, with the profile's items and places; in place of one of its own.
    #[arg(long, value_name = "ADDR")]
    pub(super) connect: Option<SocketAddr>,
    /// Another system under the same load: redis://host:port (its data are lost), or
    /// postgres://user:password@host:port/database (tables allot_bench_* are made in it). For `capacity` also a load
    /// to come, such as "2000 orders/s at peak, 300k SKUs, 40 locations": instead of a search, what it needs.
    #[arg(long, value_name = "URL|LOAD", conflicts_with = "connect")]
    pub(super) target: Option<Aim>,
    /// Only the part of the profile that Redis and PostgreSQL can be asked for as well.
    #[arg(long)]
    pub(super) common: bool,
    /// Connections; the profile's when absent.
    #[arg(long)]
    pub(super) connections: Option<u32>,
    /// Most commands of a connection without a reply; the profile's when absent.
    #[arg(long)]
    pub(super) depth: Option<u32>,
    /// Threads of the driver.
    #[arg(long, default_value_t = 1)]
    pub(super) threads: usize,
    /// Number of items; the profile's when absent.
    #[arg(long)]
    pub(super) skus: Option<u32>,
    /// Number of places that hold every item; the profile's when absent.
    #[arg(long)]
    pub(super) warehouses: Option<u32>,
    /// Number of places that hold the best sellers; the profile's when absent.
    #[arg(long)]
    pub(super) stores: Option<u32>,
    /// Seed of the commands and of the moments at which they are due.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Events of each stream that the server keeps; 0 turns its event feed off.
    #[arg(long, value_name = "EVENTS")]
    pub(super) feed_keep: Option<usize>,
    /// Where the server of its own keeps its data: it decides which disk is measured. A folder in it is
    /// made and removed.
    #[arg(long, value_name = "DIR")]
    pub(super) scratch: Option<PathBuf>,
    /// The smallest sizes, for two seconds: to see that it works, not how fast.
    #[arg(long)]
    pub(super) tiny: bool,
}

impl RunOptions {
    /// The profile with what was asked to be different.
    pub(super) fn profile(&self) -> anyhow::Result<(String, Profile)> {
        let (name, mut profile) = read(&self.profile)?;
        if self.tiny {
            profile = profile.tiny();
        }
        let (size, run) = (&mut profile.catalogue, &mut profile.run);
        set(&mut size.skus, self.skus);
        set(&mut size.warehouses, self.warehouses);
        set(&mut size.stores, self.stores);
        size.skus_per_store = size.skus_per_store.min(size.skus);
        set(&mut run.connections, self.connections);
        set(&mut run.depth, self.depth);
        if let Some(seconds) = self.seconds {
            // A short run still has more than its warm-up.
            run.warm_up_seconds = run.warm_up_seconds.min(seconds / 4);
            run.seconds = seconds;
        }
        set(&mut run.warm_up_seconds, self.warm_up);
        if let Some(Rate::PerSecond(rate)) = self.rate {
            profile.arrivals.rate = rate;
        }
        if self.rate == Some(Rate::Most) {
            profile.arrivals.shape = Shape::Constant;
        }
        if self.common || matches!(self.target, Some(Aim::Peer(_))) {
            profile = common_part(profile).0;
        }
        profile.check(&name)?;
        Ok((name, profile))
    }

    /// Everything that a run needs; a server of its own lives in `folder`.
    pub(super) fn settings(
        &self,
        name: String,
        profile: Profile,
        folder: &Path,
    ) -> anyhow::Result<Settings> {
        let target = match (&self.connect, &self.target) {
            (Some(address), _) => Target::Running {
                address: *address,
                catalogue: true,
            },
            (None, Some(Aim::Peer(peer))) => Target::Peer(peer.clone()),
            (None, Some(Aim::Load(_))) => bail!(
                "--target is a load to come; expected redis:// or postgres:// here (what a load needs: allot bench \
                 capacity --target)"
            ),
            (None, None) => Target::Own {
                program: std::env::current_exe().context("cannot tell where this program is")?,
                folder: folder.to_owned(),
                network: None,
            },
        };
        Ok(Settings {
            name,
            profile,
            target,
            durability: self.durability.to_string(),
            server_arguments: self.server_arguments(),
            pacing: match self.rate {
                Some(Rate::Most) => Pacing::Closed,
                Some(Rate::PerSecond(_)) | None => Pacing::Open,
            },
            threads: self.threads,
            seed: self.seed,
            prefix: self.prefix(),
            patience: PATIENCE,
        })
    }

    /// A folder for the server, removed when dropped.
    pub(super) fn folder(&self) -> anyhow::Result<Folder> {
        let parent = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        Folder::new(&parent)
    }

    /// What the server is told beside the usual.
    pub(super) fn server_arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(keep) = self.feed_keep {
            arguments.extend(["--feed-keep".to_owned(), keep.to_string()]);
        }
        arguments
    }

    /// Before every identity: runs on one server must not be repeats of each other.
    pub(super) fn prefix(&self) -> String {
        match self.connect {
            None => String::new(),
            Some(_) => format!("{:x}-", jiff::Timestamp::now().as_millisecond()),
        }
    }
}

fn set<T: Copy>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// A profile by name or file.
pub(super) fn read(name: &str) -> anyhow::Result<(String, Profile)> {
    let path = Path::new(name);
    if !path.is_file() {
        return Ok((name.to_owned(), named(name)?));
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let short = path
        .file_stem()
        .map_or(name.into(), |s| s.to_string_lossy());
    Ok((short.into_owned(), Profile::parse(name, &text)?))
}

/// A folder of this process that is removed with it.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(parent: &Path) -> anyhow::Result<Self> {
        // The time keeps apart what the process id does not: a run that left its folder behind.
        for attempt in 0..100 {
            let now = jiff::Timestamp::now().as_microsecond();
            let path = parent.join(format!(
                "allot-bench-{}-{now}-{attempt}",
                std::process::id()
            ));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make {}", path.display()));
                }
            }
        }
        bail!("cannot make a folder in {}", parent.display())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left for the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
