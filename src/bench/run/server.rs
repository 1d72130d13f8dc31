//! `allot serve` as a child process that ends with its guard.

use crate::client::Client;
use anyhow::{Context as _, bail};
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers everything.
const READY_WITHIN: Duration = Duration::from_secs(600);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server that runs.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    address: SocketAddr,
    program: PathBuf,
    arguments: Vec<String>,
}

impl Serving {
    /// Starts `program serve` on a free port of loopback with the folder `network`, and its data in
    /// `folder/data`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(
        program: &Path,
        folder: &Path,
        network: &Path,
        durability: &str,
        more: &[String],
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut arguments = vec![
            "serve".to_owned(),
            "--data-dir".to_owned(),
            text(&folder.join("data")),
            "--network".to_owned(),
            text(network),
            "--durability".to_owned(),
            durability.to_owned(),
            "--listen".to_owned(),
            address.to_string(),
        ];
        arguments.extend_from_slice(more);
        let child = spawn(program, &arguments)?;
        Ok(Self {
            child,
            address,
            program: program.to_owned(),
            arguments,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a power cut would, and starts it again on the same folder and port.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn crash_and_restart(&mut self) -> anyhow::Result<()> {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait()?;
        self.child = spawn(&self.program, &self.arguments)?;
        Ok(())
    }

    /// Waits until it answers everything, and what it read at the start is written and in the feed.
    ///
    /// # Errors
    /// When it ends, or takes longer than ten minutes.
    pub fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended: {status}; its last words are above");
            }
            if is_ready(self.address) {
                return Ok(());
            }
            if since.elapsed() > READY_WITHIN {
                bail!("the server is not ready after {} s", READY_WITHIN.as_secs());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn spawn(program: &Path, arguments: &[String]) -> anyhow::Result<Child> {
    Command::new(program)
        .args(arguments)
        .env("ALLOT_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut client) = Client::connect(&address.to_string()) else {
        return false;
    };
    let Ok(info) = info(&mut client, &["persistence", "feed"]) else {
        return false;
    };
    let number = |key: &str| info.get(key).and_then(|v| v.parse::<u64>().ok());
    // Without a data directory there is no durable fact; without a feed no lag.
    number("loading") == Some(0)
        && number("durable_fact").unwrap_or(u64::MAX) >= number("latest_fact").unwrap_or(0)
        && number("feed_lag_facts").unwrap_or(0) == 0
        && number("feed_loading").unwrap_or(0) == 0
}

/// The fields of some sections of `INFO`.
pub(super) fn info(
    client: &mut Client,
    sections: &[&str],
) -> anyhow::Result<HashMap<String, String>> {
    let mut command = vec!["INFO"];
    command.extend_from_slice(sections);
    let reply = client.command(&command)?;
    let text = reply.as_str().context("INFO answers text")?;
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    Ok(fields
        .map(|(k, v)| (k.to_owned(), v.trim().to_owned()))
        .collect())
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody listens at.
///
/// # Errors
/// When there is none.
pub fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}
