//! Writes `data/us/`, the sample network, from published facts and figures.
//!
//! Run `cargo run --release --example make-us-network`: the default arguments write what is in the
//! repository, byte for byte.

// Named by path so that the modules under it lie beside it, as they do for `tests/data_us.rs`.
#[path = "network.rs"]
mod network;

use anyhow::Context;
use clap::Parser;
use std::io::Write;
use std::path::PathBuf;

/// Writes a sample United States network: places, sites, carriers, items, stock and orders.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example: cargo run --release --example make-us-network -- --orders 50000 \
                        --out /tmp/big"
)]
struct Arguments {
    /// Folder to write into; made if it is not there. Files of the same names are replaced.
    #[arg(long, default_value = "data/us")]
    out: PathBuf,
    /// Seed of every random choice.
    #[arg(long, default_value_t = network::Recipe::default().seed)]
    seed: u64,
    /// Orders in the trace; stock follows them.
    #[arg(long, default_value_t = network::Recipe::default().orders,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    orders: u64,
}

fn main() -> anyhow::Result<()> {
    let Arguments { out, seed, orders } = Arguments::parse();
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let files =
        network::files(network::Recipe { seed, orders }).map_err(anyhow::Error::from_boxed)?;
    for (name, text) in files {
        let path = out.join(name);
        std::fs::write(&path, &text)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        writeln!(
            std::io::stdout(),
            "{:>9} bytes  {}",
            text.len(),
            path.display()
        )?;
    }
    Ok(())
}
