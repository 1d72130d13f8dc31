//! Writes `scarcity.csv` for a network folder: what a unit is worth to the orders still to come.
//!
//! The orders of a file stand for those to come. The report replays an order file, one order after
//! the other on the folder's stock, with and without the prices, so that a shop sees whether they
//! pay before it uses them; give another file than the prices come from for an honest answer. With
//! `--live` it says instead what pricing again while orders come saves, and how much of the way to
//! what the orders cost in hindsight that is.

#![allow(clippy::print_stdout, reason = "a report for people")]
#![allow(
    clippy::float_arithmetic,
    reason = "prices are approximate until they are rounded to cents"
)]

mod hindsight;
mod live;
mod prices;
mod report;
mod shop;
#[cfg(test)]
mod tests;

use allot::bench::generate;
use allot::load::{NetworkFiles, OrderFile, network_folder_with, orders_file};
use allot::model::ScarcityRow;
use allot::routing::Scratch;
use anyhow::{Context as _, ensure};
use clap::Parser;
use live::Pace;
use shop::Shop;
use std::path::{Path, PathBuf};

/// Seed of stock that is made up.
const SEED: u64 = 1;

/// Prices of scarce units, from a network folder and orders like those to come.
#[derive(Debug, Parser)]
struct Args {
    /// The network folder.
    #[arg(default_value = "data/us")]
    network: PathBuf,
    /// Orders like those to come (CSV, plain or .gz); the folder's own by default.
    #[arg(long)]
    orders: Option<PathBuf>,
    /// Item file to take instead of the folder's.
    #[arg(long)]
    items: Option<PathBuf>,
    /// File with columns order, country, postal, which win over those of the order file.
    #[arg(long)]
    destinations: Option<PathBuf>,
    /// Take only the first orders. Where the folder brings no stock, it is made up to fit them.
    #[arg(long)]
    count: Option<usize>,
    /// Leave out orders of more items than this.
    #[arg(long)]
    items_most: Option<usize>,
    /// Prices come from every so manieth order only, each of which stands for as many.
    #[arg(long, default_value_t = 1)]
    known_every: u32,
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
    /// Steps of each pricing after the first of `--live`: it starts from good prices.
    #[arg(long, default_value_t = 20)]
    steps_again: u32,
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
    let lanes = shop.lanes.priced(prices)?;
    let (mut stock, mut scratch) = (shop.stock.clone(), Scratch::default());
    let mut totals = Totals::default();
    for wanted in &shop.orders {
        let decision = shop.route(&lanes, wanted, &stock, &mut scratch);
        let Some(decision) = decision else {
            totals.refused += 1;
            continue;
        };
        let objective = decision.plan.objective;
        totals.cents += objective.total().0 - objective.scarcity.0;
        totals.shipments += decision.plan.shipments.len();
        totals.units_short += decision.plan.short_units();
        for (sku, location, qty) in Shop::drawn(wanted, &decision.plan) {
            let mut cells = stock[sku.index()].iter_mut();
            let cell = cells.find(|(at, _)| *at == location);
            let (_, held) = cell.context("shipped from where nothing is")?;
            *held = held.checked_sub(qty).context("oversold")?;
        }
    }
    Ok(totals)
}

impl Args {
    /// The network, and some of the orders of a file.
    fn read(&self, orders: &Path) -> anyhow::Result<(NetworkFiles, OrderFile)> {
        let mut files = network_folder_with(&self.network, self.items.as_deref())?;
        let mut file = orders_file(orders, self.destinations.as_deref(), None)?;
        if let Some(most) = self.items_most {
            file.orders.retain(|order| order.lines.len() <= most);
        }
        file.orders.truncate(self.count.unwrap_or(usize::MAX));
        let opening = &mut files.opening;
        if opening.items.is_empty() {
            opening.items = generate::items_for(&file.orders);
        }
        if opening.stock.is_empty() {
            opening.stock = generate::stock_for(&files.network, &opening.items, &file.orders, SEED);
        }
        Ok((files, file))
    }

    /// The network and every so manieth order of a file.
    fn shop(&self, orders: &Path, every: u32) -> anyhow::Result<Shop> {
        let (files, mut file) = self.read(orders)?;
        let orders = file.orders.into_iter();
        file.orders = orders.step_by(every as usize).collect();
        Shop::new(files, file, false)
    }

    /// Prints what each way of pricing comes to, and what the orders cost in hindsight.
    fn live(&self, orders: &Path, every: usize) -> anyhow::Result<()> {
        let (files, file) = self.read(orders)?;
        let pace = Pace {
            every: every.max(1),
            steps: self.steps,
            steps_again: self.steps_again,
        };
        let outcomes = live::all(&files, &file, pace)?;
        let count = file.orders.len();
        let shop = Shop::new(files, file, true)?;
        let least = hindsight::hindsight(&shop, self.steps)?;
        print!("{}", report::live(count, &outcomes, least));
        Ok(())
    }
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

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(
        args.growth.is_finite() && args.growth > 0.0,
        "--growth {}: a number above 0 is expected",
        args.growth
    );
    ensure!(
        args.steps.min(args.steps_again).min(args.known_every) > 0,
        "--steps, --steps-again, --known-every: at least 1 is expected"
    );
    let folder = || args.network.join("orders.csv");
    let orders = args.orders.clone().unwrap_or_else(folder);
    if let Some(every) = args.live {
        return args.live(&orders, every);
    }
    let shop = args.shop(&orders, args.known_every)?;
    let growth = args.growth * f64::from(args.known_every);
    // Those that are replayed are the orders to come; others are only like them.
    let certain = args.replay.is_none() && (growth - 1.0).abs() < f64::EPSILON;
    let prices = prices::prices(&shop, growth, certain, args.steps)?;
    let other = args.replay.as_ref().unwrap_or(&orders);
    let same = args.replay.is_none() && args.known_every == 1;
    let other = (!same).then(|| args.shop(other, 1)).transpose()?;
    let replayed = other.as_ref().unwrap_or(&shop);
    let positions: usize = shop.stock.iter().map(Vec::len).sum();
    println!("{} of {positions} positions have a price", prices.len());
    let runs = [("without prices", &[][..]), ("with prices", &prices[..])];
    for (name, prices) in runs {
        let totals = replay(replayed, prices)?;
        println!("{}", report::replayed(name, replayed.orders.len(), &totals));
    }
    if let Some(file) = &args.out {
        write(file, &shop, &prices).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
