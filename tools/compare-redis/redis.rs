//! Redis: one integer key a position, and `reserve.lua`.

use crate::servers::{Process, free_address};
use crate::{Args, Contender, Taken, location_names};
use allot::bench::workload::Orders;
use allot::client::Client;
use allot::wire::{Value, encode_command};
use anyhow::{Context as _, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

const SCRIPT: &str = include_str!("reserve.lua");
/// Positions set or read by one command.
const AT_ONCE: usize = 1_000;

/// How the report names it, and what Redis is told.
pub(crate) const DURABILITIES: [(&str, [&str; 2]); 2] = [
    ("Redis, in memory", ["no", "no"]),
    ("Redis, appendfsync always", ["yes", "always"]),
];

pub(crate) struct Redis {
    name: &'static str,
    address: SocketAddr,
    locations: Vec<String>,
    skus: u32,
    units: u32,
    /// How the server calls the script.
    digest: String,
    _process: Process,
}

impl Redis {
    /// A server with the stock; `None` where Redis is not installed.
    pub(crate) fn start(
        args: &Args,
        folder: &Path,
        (name, [append_only, fsync]): (&'static str, [&str; 2]),
    ) -> anyhow::Result<Option<Self>> {
        if !is_installed() {
            return Ok(None);
        }
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let address = free_address()?;
        let port = address.port().to_string();
        let mut process = Process::start(
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port, "--save", ""])
                .args(["--appendonly", append_only, "--appendfsync", fsync])
                .args([
                    "--auto-aof-rewrite-percentage",
                    "0",
                    "--loglevel",
                    "warning",
                ])
                .arg("--dir")
                .arg(folder)
                .stdout(Stdio::null()),
        )?;
        process.wait_until_listening(address)?;
        let mut client = Client::connect(&address.to_string())?;
        let digest = client.command(&["SCRIPT", "LOAD", SCRIPT])?;
        let digest = digest.as_str().context("SCRIPT LOAD answers text")?;
        let redis = Self {
            name,
            address,
            locations: location_names(args.locations)?,
            skus: args.skus,
            units: args.units,
            digest: digest.to_owned(),
            _process: process,
        };
        redis.set_stock(&mut client)?;
        Ok(Some(redis))
    }

    fn keys(&self) -> Vec<String> {
        let skus = 0..self.skus;
        skus.flat_map(|sku| self.locations.iter().map(move |l| key(sku, l)))
            .collect()
    }

    fn set_stock(&self, client: &mut Client) -> anyhow::Result<()> {
        let units = self.units.to_string();
        for keys in self.keys().chunks(AT_ONCE) {
            let mut command = vec!["MSET"];
            for key in keys {
                command.extend([key.as_str(), units.as_str()]);
            }
            let reply = client.command(&command)?;
            ensure!(!reply.is_error(), "MSET was answered {reply:?}");
        }
        Ok(())
    }
}

fn is_installed() -> bool {
    let version = Command::new("redis-server").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

fn key(sku: u32, location: &str) -> String {
    format!("SKU-{sku}:{location}")
}

impl Contender for Redis {
    fn name(&self) -> &str {
        self.name
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn encode(&self, orders: &Orders, index: usize, run: usize, out: &mut Vec<u8>) {
        let lines = orders.lines(index);
        let mut arguments = vec![
            "EVALSHA".to_owned(),
            self.digest.clone(),
            (lines.len() + 1).to_string(),
            format!("order-{run}-{index}"),
        ];
        let keys = lines
            .iter()
            .map(|l| key(l.sku.0, &self.locations[l.location.index()]));
        arguments.extend(keys);
        arguments.extend(lines.iter().map(|l| l.qty.0.to_string()));
        encode_command(&arguments, out);
    }

    fn taken(&self) -> anyhow::Result<Taken> {
        let mut client = Client::connect(&self.address.to_string())?;
        let mut taken = Taken {
            units: 0,
            oversold: 0,
        };
        for keys in self.keys().chunks(AT_ONCE) {
            let mut command = vec!["MGET"];
            command.extend(keys.iter().map(String::as_str));
            let reply = client.command(&command)?;
            for left in reply.as_slice().context("MGET answers a list")? {
                let left = Value::as_int(left).context("a position is a number")?;
                match u64::try_from(left) {
                    Ok(left) => taken.units += u64::from(self.units) - left,
                    Err(_) => taken.oversold += 1,
                }
            }
        }
        Ok(taken)
    }
}
