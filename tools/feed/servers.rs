//! Allot and Redis, each in a process of its own with its data in a temporary folder.

use crate::scan::Line;
use allot::bench::run::{Serving, free_address};
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How safe what a server answers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Nothing waits for the disk.
    Memory,
    /// Every answer to a write waits for it.
    Sync,
}

impl Safety {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "none",
            Self::Sync => "sync",
        }
    }
}

/// A server that ends when dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    process: u32,
    _running: Running,
    _folder: tempfile::TempDir,
}

enum Running {
    Allot(#[allow(dead_code, reason = "it ends with its owner")] Serving),
    Redis(Child),
}

/// Where the programs are, and the network of Allot.
pub(crate) struct Programs {
    pub(crate) allot: PathBuf,
    pub(crate) redis: Option<PathBuf>,
    pub(crate) network: PathBuf,
}

impl Programs {
    pub(crate) fn allot(&self, safety: Safety) -> anyhow::Result<Server> {
        let folder = tempfile::tempdir()?;
        let (program, network) = (&self.allot, &self.network);
        let mut serving = Serving::start(program, folder.path(), network, safety.name(), &[])?;
        serving.wait_until_ready()?;
        Ok(Server {
            name: "Allot",
            address: serving.address().to_string(),
            process: serving.process(),
            _running: Running::Allot(serving),
            _folder: folder,
        })
    }

    /// `None` where there is none.
    pub(crate) fn redis(&self, safety: Safety) -> anyhow::Result<Option<Server>> {
        let Some(program) = &self.redis else {
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let append = match safety {
            Safety::Memory => "no",
            Safety::Sync => "yes",
        };
        let child = Command::new(program)
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args([
                "--save",
                "",
                "--appendonly",
                append,
                "--appendfsync",
                "always",
            ])
            .args([
                "--auto-aof-rewrite-percentage",
                "0",
                "--loglevel",
                "warning",
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let server = Server {
            name: "Redis",
            address: address.to_string(),
            process: child.id(),
            _running: Running::Redis(child),
            _folder: folder,
        };
        let since = Instant::now();
        while Line::new(&server.address).is_err() {
            if since.elapsed() > Duration::from_secs(20) {
                bail!("redis-server does not listen");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(server))
    }
}

impl Server {
    pub(crate) fn connect(&self) -> anyhow::Result<Line> {
        Line::new(&self.address)
    }

    /// Processor time of all its threads so far.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        let threads = Path::new("/proc")
            .join(self.process.to_string())
            .join("task");
        for thread in std::fs::read_dir(threads)? {
            // One that has ended meanwhile did next to nothing.
            let spent = std::fs::read_to_string(thread?.path().join("schedstat"));
            let spent = spent.unwrap_or_default();
            let on_cpu = spent.split(' ').next().and_then(|n| n.parse::<u64>().ok());
            nanos += on_cpu.unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Redis(child) = self {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where a program is, looked for as a shell does.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
