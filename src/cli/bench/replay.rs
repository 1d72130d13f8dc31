//! `allot bench replay`: a recorded journal, or a CSV of orders, with the arrivals it had.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "times divided by a speed"
)]

use super::Out;
use super::bar::Bar;
use super::options::RunOptions;
use super::table;
use crate::bench::drive::{Nanos, Pacing, Schedule};
use crate::bench::profile::{Kind, Load, Operation, Workload};
use crate::bench::report::Results;
use crate::bench::run::{Session, Target};
use crate::journal::{RealDisk, scan};
use crate::load;
use crate::model::{EpochMillis, Fact, LocationId, Order, SkuId};
use anyhow::{Context as _, bail};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `allot bench replay`.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// A data directory with a journal, or an order file with the columns of orders.csv.
    trace: PathBuf,
    /// How many times faster than it was, such as 10x.
    #[arg(long, default_value = "1x", value_parser = speed)]
    speed: f64,
    /// The network folder that it belongs to; the trace's own folder, or the sample, when absent.
    #[arg(long, value_name = "DIR")]
    network: Option<PathBuf>,
    /// Only the first so many commands.
    #[arg(long, value_name = "COMMANDS")]
    count: Option<usize>,
    #[command(flatten)]
    options: RunOptions,
    #[command(flatten)]
    out: Out,
}

fn speed(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches(['x', 'X'])
        .parse()
        .unwrap_or(f64::NAN);
    match number > 0.0 && number.is_finite() {
        true => Ok(number),
        false => Err(format!("speed is '{text}'; expected a factor, such as 10x")),
    }
}

/// Commands with the moments at which they were given.
struct Trace {
    commands: Vec<(EpochMillis, Operation)>,
}

impl Load for Trace {
    fn operation(&self, number: u64) -> Operation {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let found = self
            .commands
            .get(at)
            .map(|(_, operation)| operation.clone());
        found.unwrap_or(Operation::Recorded {
            kind: Kind::Atp,
            arguments: vec![b"PING".to_vec()],
        })
    }
}

impl Trace {
    /// By time: facts of two shards may be written in another order than they happened, and a file may have any.
    fn new(commands: impl IntoIterator<Item = (EpochMillis, Operation)>) -> Self {
        let mut commands: Vec<_> = commands.into_iter().collect();
        commands.sort_by_key(|(at, _)| *at);
        Self { commands }
    }

    fn schedule(&self, speed: f64) -> Schedule {
        let first = self.commands.first().map_or(0, |(at, _)| at.0);
        let due = |at: EpochMillis| ((at.0 - first) as f64 * 1e6 / speed) as Nanos;
        Schedule::Recorded(self.commands.iter().map(|(at, _)| due(*at)).collect())
    }
}

pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    args.out.only_once("replay", true)?;
    let mut trace = match args.trace.is_dir() {
        true => of_journal(&args.trace)?,
        false => of_orders(&args.trace)?,
    };
    trace.commands.truncate(args.count.unwrap_or(usize::MAX));
    if trace.commands.is_empty() {
        bail!(
            "{} holds no command that could be replayed",
            args.trace.display()
        );
    }
    let schedule = trace.schedule(args.speed);
    let (_, mut profile) = args.options.profile()?;
    profile.title = format!(
        "Replay of {} at {} times its speed",
        args.trace.display(),
        args.speed
    );
    profile.mix = [(Kind::Submit, 1)].into();
    (profile.before.orders, profile.consumers, profile.restart) = (0, None, None);
    profile.run.warm_up_seconds = args.options.warm_up.unwrap_or(0);
    profile.run.seconds = schedule.length() / 1_000_000_000 + 1;
    let folder = args.options.folder()?;
    let mut settings = args
        .options
        .settings("replay".into(), profile, folder.path())?;
    settings.pacing = Pacing::Open;
    match &mut settings.target {
        Target::Own { network, .. } => *network = Some(network_of(args)),
        Target::Running { catalogue, .. } => *catalogue = false,
        Target::Peer(_) => {}
    }
    let workload = Arc::new(Workload::new(&settings.profile, settings.seed));
    let bar = Bar::new(args.out.is_quiet());
    let mut session = Session::open(&settings, &bar)?;
    let outcome = session.run_load(&settings, &workload, &trace, &schedule, &bar)?;
    bar.end();
    if !args.out.is_quiet() {
        crate::cli::emit(&table::of(&outcome.report));
    }
    let good = super::is_good(&outcome.report);
    let results = Results::of(vec![outcome.report.clone()]);
    args.out.write(&results, Some(&outcome))?;
    Ok(super::code(good))
}

/// An order file mostly lies in the folder of its network.
fn network_of(args: &ReplayArgs) -> PathBuf {
    if let Some(network) = &args.network {
        return network.clone();
    }
    let beside = args
        .trace
        .parent()
        .filter(|dir| dir.join("locations.csv").is_file());
    let beside = beside.filter(|_| !args.trace.is_dir());
    beside.map_or_else(crate::cli::sample_network, Path::to_owned)
}

fn submit(order: &Order) -> Operation {
    let json = load::order_to_json(order).to_string();
    Operation::Recorded {
        kind: Kind::Submit,
        arguments: vec![b"ORDER.SUBMIT".to_vec(), json.into_bytes()],
    }
}

fn of_orders(path: &Path) -> anyhow::Result<Trace> {
    let file = load::orders_file(path, None, None)?;
    let commands = file
        .orders
        .iter()
        .map(|order| (order.placed_at, submit(order)));
    Ok(Trace::new(commands))
}

/// What was asked, as far as the facts tell it: orders, their cancelling, reservations and counts.
fn of_journal(dir: &Path) -> anyhow::Result<Trace> {
    let mut reader = Reader::default();
    let mut visit = |_: crate::journal::Place<'_>, _, at, fact: Fact| reader.fact(at, fact);
    scan(&RealDisk, dir, &mut |_, _| {}, &mut visit)
        .with_context(|| format!("cannot read the journal in {}", dir.display()))?;
    Ok(Trace::new(reader.commands))
}

#[derive(Default)]
struct Reader {
    commands: Vec<(EpochMillis, Operation)>,
    skus: HashMap<SkuId, Box<str>>,
    locations: HashMap<LocationId, Box<str>>,
    /// Whether the opening stock is in: counts before that are not commands.
    opened: bool,
}

impl Reader {
    fn fact(&mut self, at: EpochMillis, fact: Fact) {
        match fact {
            Fact::ItemPut { sku, item } => {
                self.skus.insert(sku, item.sku.clone());
            }
            Fact::LocationPut { location, row } => {
                self.locations.insert(location, row.id.clone());
            }
            Fact::OpeningDone => self.opened = true,
            Fact::OrderAccepted { order, .. } => self.commands.push((at, submit(&order))),
            Fact::OrderCancelled { key } => {
                let words = ["ORDER.CANCEL", key.source(), key.order()];
                self.push(at, Kind::OrderCancel, &words);
            }
            Fact::ReservationCancelled { id } => {
                self.push(at, Kind::Drop, &["RESERVATION.CANCEL", &id]);
            }
            Fact::ReservationPut {
                id,
                asked,
                expires_at,
                ..
            } => {
                let ttl = expires_at.0.saturating_sub(at.0).max(1).to_string();
                let mut words = vec!["RESERVATION.PUT", &id];
                match asked.firm {
                    true => words.push("FIRM"),
                    false => words.extend(["TTL", &ttl]),
                }
                words.push("LINES");
                let units: Vec<String> = asked.lines.iter().map(|l| l.2.0.to_string()).collect();
                for ((sku, location, _), units) in asked.lines.iter().zip(&units) {
                    let place = location.map_or("*", |l| self.locations.get(&l).map_or("?", |n| n));
                    words.extend([self.skus.get(sku).map_or("?", |n| n), place, units]);
                }
                let kind = if asked.firm {
                    Kind::Reserve
                } else {
                    Kind::Cart
                };
                let operation = recorded(kind, &words);
                self.commands.push((at, operation));
            }
            Fact::OnHandMoved {
                sku,
                location,
                after,
                reason,
                ..
            } if self.opened && &*reason == "count" => {
                let reference = format!("replay-{}", self.commands.len());
                let sku = self.skus.get(&sku).map_or("?", |n| n);
                let place = self.locations.get(&location).map_or("?", |n| n);
                let words = ["STOCK.SET", &reference, sku, place, &after.0.to_string()];
                let operation = recorded(Kind::StockSet, &words);
                self.commands.push((at, operation));
            }
            _ => {}
        }
    }

    fn push(&mut self, at: EpochMillis, kind: Kind, words: &[&str]) {
        self.commands.push((at, recorded(kind, words)));
    }
}

fn recorded(kind: Kind, words: &[&str]) -> Operation {
    Operation::Recorded {
        kind,
        arguments: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_due_in_its_turn_whatever_the_order_of_the_recording() {
        let command = |at, name: &str| (EpochMillis(at), recorded(Kind::OrderCancel, &[name]));
        let trace = Trace::new([
            command(5_000, "c"),
            command(1_000, "a"),
            command(9_000, "d"),
            command(1_000, "b"),
        ]);
        let due: Vec<Nanos> = trace.schedule(2.0).arrivals(1).collect();
        assert_eq!(due, [0, 0, 2_000_000_000, 4_000_000_000]);
        let names = (0..4).map(|number| match trace.operation(number) {
            Operation::Recorded { arguments, .. } => arguments[0].clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(names.collect::<Vec<_>>(), [b"a", b"b", b"c", b"d"]);
    }
}
