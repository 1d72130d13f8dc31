//! Writes `scarcity.csv` for a network folder: what a unit is worth to the orders still to come.
//!
//! The orders of a file stand for those to come. The report replays an order file, one order after
//! the other on the folder's stock, with and without the prices, so that a shop sees whether they
//! pay before it uses them; give another file than the prices come from for an honest answer.

#![allow(clippy::print_stdout, reason = "a report for people")]
#![allow(
    clippy::float_arithmetic,
    reason = "prices are approximate until they are rounded to cents"
)]

mod live;
mod prices;
mod shop;
#[cfg(test)]
mod tests;

use allot::load::{network_folder, orders_file};
use allot::model::ScarcityRow;
use allot::routing::{Lanes, Scratch};
use anyhow::{Context as _, ensure};
use clap::Parser;
use shop::Shop;
use std::path::{Path, PathBuf};

/// Prices of scarce units, from a network folder and orders like those to come.
#[derive(Debug, Parser)]
struct Args {
    /// The network folder.
    #[arg(default_value = "data/us")]
    network: PathBuf,
    /// Orders like those to come; the folder's own by default.
    #[arg(long)]
    orders: Option<PathBuf>,
    /// How many times as many orders come before the next replenishment.
    #[arg(long, default_value_t = 1.0)]
    growth: f64,
    /// Steps of the pricing.
    #[arg(long, default_value_t = 60)]
    steps: u32,
    /// Orders to replay; those that the prices come from by default.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Instead: route the orders through the engine, and price again after every so many of them as a
    /// server with live prices does.
    #[arg(long, value_name = "ORDERS")]
    live: Option<usize>,
    /// Where the prices go; none are written without it.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What a replay came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    /// The objective without scarcity prices.
    cents: i64,
    shipments: usize,
    units_short: u64,
    /// Orders that nobody can ship.
    refused: u64,
}

/// Routes all orders one after the other on the opening stock.
fn replay(shop: &Shop, prices: &[ScarcityRow]) -> anyhow::Result<Totals> {
    let mut network = shop.network.clone();
    network.scarcity = prices.to_vec();
    let lanes = Lanes::new(&network)?;
    let (mut stock, mut scratch) = (shop.stock.clone(), Scratch::default());
    let mut totals = Totals::default();
    for wanted in &shop.orders {
        let decision = shop.route(&lanes, wanted, |held| held, &stock, &mut scratch);
        let Some(decision) = decision else {
            totals.refused += 1;
            continue;
        };
        let objective = decision.plan.objective;
        totals.cents += objective.total().0 - objective.scarcity.0;
        totals.shipments += decision.plan.shipments.len();
        totals.units_short += decision.plan.short_units();
        for (sku, location, qty) in Shop::drawn(wanted, &decision) {
            let mut cells = stock[sku.index()].iter_mut();
            let cell = cells.find(|(at, _)| *at == location);
            let (_, held) = cell.context("shipped from where nothing is")?;
            *held = held.checked_sub(qty).context("oversold")?;
        }
    }
    Ok(totals)
}

fn load(network: &Path, orders: &Path) -> anyhow::Result<Shop> {
    Shop::new(network_folder(network)?, orders_file(orders, None, None)?)
}

fn write(file: &Path, shop: &Shop, prices: &[ScarcityRow]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_path(file)?;
    csv.write_record(["sku", "location", "cents"])?;
    for row in prices {
        let location = &shop.network.locations[row.location.index()].id;
        let cents = row.cents.0.to_string();
        csv.write_record([&*shop.skus[row.sku.index()], &**location, cents.as_str()])?;
    }
    csv.flush()?;
    Ok(())
}

/// Prints what each way of pricing comes to.
fn live(network: &Path, orders: &Path, every: usize, steps: u32) -> anyhow::Result<()> {
    let (files, orders) = (network_folder(network)?, orders_file(orders, None, None)?);
    for (name, knows) in live::WAYS {
        let outcome = live::replay(&files, &orders, knows, every, steps)?;
        println!(
            "{name:>38}: {} orders cost {} cents, {} shipments, {} units short, {} refused; priced {} times",
            orders.orders.len(),
            outcome.cost.0,
            outcome.shipments,
            outcome.units_short,
            outcome.refused,
            outcome.pricings
        );
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(
        args.growth.is_finite() && args.growth > 0.0,
        "--growth {}: a number above 0 is expected",
        args.growth
    );
    ensure!(args.steps > 0, "--steps 0: at least 1 is expected");
    let orders = args
        .orders
        .unwrap_or_else(|| args.network.join("orders.csv"));
    if let Some(every) = args.live {
        return live(&args.network, &orders, every.max(1), args.steps);
    }
    let shop = load(&args.network, &orders)?;
    let prices = prices::prices(&shop, args.growth, args.steps)?;
    let other = args.replay.map(|file| load(&args.network, &file));
    let other = other.transpose()?;
    let replayed = other.as_ref().unwrap_or(&shop);
    let positions: usize = shop.stock.iter().map(Vec::len).sum();
    println!("{} of {positions} positions have a price", prices.len());
    for (name, prices) in [("without prices", &[][..]), ("with prices", &prices[..])] {
        let totals = replay(replayed, prices)?;
        println!(
            "{name:>15}: {} orders cost {} cents, {} shipments, {} units short, {} refused",
            replayed.orders.len(),
            totals.cents,
            totals.shipments,
            totals.units_short,
            totals.refused
        );
    }
    if let Some(file) = &args.out {
        write(file, &shop, &prices).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
