//! Allot: the program itself, serving data/us with items and stock of the measurement's size.

use crate::servers::Process;
use crate::{Args, Contender, Taken, location_names};
use allot::bench::workload::Orders;
use allot::client::Client;
use allot::wire::encode_command;
use anyhow::{Context as _, ensure};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

/// Files of the sample network that do not depend on the size.
const COPIED: [&str; 6] = [
    "network.toml",
    "locations.csv",
    "services.csv",
    "zones.csv",
    "tariffs.csv",
    "places.csv",
];

/// How the report names it, and what the program is told; each beside the Redis of the same
/// promise.
pub(crate) const DURABILITIES: [(&str, &str); 2] =
    [("Allot, none", "none"), ("Allot, sync", "sync")];

pub(crate) struct Allot {
    name: &'static str,
    address: SocketAddr,
    locations: Vec<String>,
    _process: Process,
    /// Kept open: the server may have more to say.
    _output: BufReader<ChildStdout>,
}

impl Allot {
    pub(crate) fn start(
        args: &Args,
        folder: &Path,
        (name, durability): (&'static str, &str),
    ) -> anyhow::Result<Self> {
        let locations = location_names(args.locations)?;
        let network = folder.join("network");
        write_network(args, &locations, &network)?;
        let driver = std::env::current_exe()?;
        let release = driver.parent().and_then(Path::parent);
        let program = release.map(|dir| dir.join("allot")).unwrap_or_default();
        let mut process = Process::start(
            Command::new(program)
                .arg("serve")
                .arg("--data-dir")
                .arg(folder.join("data"))
                .arg("--network")
                .arg(&network)
                .args(["--durability", durability, "--listen", "127.0.0.1:0"])
                .stdout(Stdio::piped()),
        )?;
        let output = process.stdout().context("the output is piped")?;
        let mut output = BufReader::new(output);
        let address = read_address(&mut output)?;
        process.wait_until_listening(address)?;
        Ok(Self {
            name,
            address,
            locations,
            _process: process,
            _output: output,
        })
    }
}

fn read_address(output: &mut impl std::io::BufRead) -> anyhow::Result<SocketAddr> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some(address) = line.strip_prefix("listening ") {
            return Ok(address.trim().parse()?);
        }
        line.clear();
    }
    anyhow::bail!("allot serve ended before it listened")
}

fn write_network(args: &Args, locations: &[String], folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for name in COPIED {
        fs::copy(Path::new("data/us").join(name), folder.join(name))?;
    }
    let mut items = BufWriter::new(File::create(folder.join("items.csv"))?);
    let mut stock = BufWriter::new(File::create(folder.join("stock.csv"))?);
    writeln!(items, "sku,grams")?;
    writeln!(stock, "sku,location,on_hand")?;
    for sku in 0..args.skus {
        writeln!(items, "SKU-{sku},400")?;
        for location in locations {
            writeln!(stock, "SKU-{sku},{location},{}", args.units)?;
        }
    }
    items.flush()?;
    stock.flush()?;
    Ok(())
}

impl Contender for Allot {
    fn name(&self) -> &str {
        self.name
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn encode(&self, orders: &Orders, index: usize, run: usize, out: &mut Vec<u8>) {
        let head = [
            "RESERVATION.PUT",
            &format!("order-{run}-{index}"),
            "FIRM",
            "LINES",
        ];
        let mut arguments: Vec<String> = head.map(str::to_owned).into();
        for line in orders.lines(index) {
            arguments.push(format!("SKU-{}", line.sku.0));
            arguments.push(self.locations[line.location.index()].clone());
            arguments.push(line.qty.0.to_string());
        }
        encode_command(&arguments, out);
    }

    fn taken(&self) -> anyhow::Result<Taken> {
        let mut client = Client::connect(&self.address.to_string())?;
        let info = client.command(&["INFO", "ledger"])?;
        let text = info.as_str().context("INFO is text")?;
        let value = |key: &str| -> anyhow::Result<u64> {
            let line = text
                .lines()
                .find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
            Ok(line
                .with_context(|| format!("INFO has no {key}"))?
                .parse()?)
        };
        ensure!(value("units_held")? == 0);
        Ok(Taken {
            units: value("units_reserved")?,
            oversold: value("positions_oversold")?,
        })
    }
}
