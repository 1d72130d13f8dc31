//! `--target`: what a load to come needs, from a model fitted to runs on this machine.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates and ratios for people"
)]

use super::super::bar::Bar;
use super::super::options::Rate;
use super::super::table::count;
use super::{CapacityArgs, orders_share};
use crate::bench::capacity::{Answered, Measured, Model, Target};
use crate::bench::drive::Pacing;
use crate::bench::report::Results;
use crate::bench::run::{Report, Session, Settings};
use anyhow::bail;
use comfy_table::{Table, presets};
use std::path::Path;
use std::process::ExitCode;

/// Most positions of a size that is measured: larger ones take long to read in.
const POSITIONS: f64 = 3e6;
/// Most commands a second of a run, unless `--rate` says more: what machines of two cores hold.
const RATE: f64 = 20_000.0;

/// Measures several sizes at two rates each, fits the model, and answers.
pub(super) fn run(args: &CapacityArgs, target: &Target) -> anyhow::Result<ExitCode> {
    args.out.only_once("capacity --target", false)?;
    let names = args.names();
    let name = &names[0];
    if names.len() > 1 || args.durabilities().len() > 1 {
        bail!("--target answers for one profile and one durability");
    }
    let sizes = match args.sizes.is_empty() {
        true => near(target).to_vec(),
        false => args.sizes.clone(),
    };
    let bar = Bar::new(false);
    let (mut measured, mut reports) = (Vec::new(), Vec::new());
    for (number, size) in sizes.iter().enumerate() {
        let folder = args.options.folder()?;
        let mut settings = settings(args, name, *size, folder.path())?;
        let share = orders_share(&settings.profile);
        if share <= 0.0 {
            bail!("profile '{name}' has no orders; a plan needs one that has");
        }
        let rate = match args.options.rate {
            Some(Rate::PerSecond(rate)) => rate,
            Some(Rate::Most) | None => (target.orders_per_second / share).min(RATE),
        };
        let mut session = Session::open(&settings, &bar)?;
        for (run, times) in [0.5, 1.0].into_iter().enumerate() {
            settings.profile.arrivals.rate = (rate * times).max(1.0);
            settings.prefix = format!("t{run}-");
            let report = session.run(&settings, &bar)?.report;
            bar.line(&format!(
                "[{}/{}] {} SKUs x {} locations, {:>7} commands/s: {}",
                number * 2 + run + 1,
                sizes.len() * 2,
                report.conditions.skus,
                report.conditions.locations,
                count(rate * times),
                cost(&report)
            ));
            measured.extend(of_run(&report));
            reports.push(report);
        }
    }
    bar.end();
    let Some(model) = Model::fit(&measured) else {
        bail!("no order was answered; see: allot bench --profile {name}");
    };
    let answer = model.answer(target, f64::from(args.busy_percent) / 100.0);
    if !args.out.is_quiet() {
        crate::cli::emit(&told(name, target, &model, &answer, &measured));
    }
    let good = reports.iter().all(super::super::is_good);
    let mut results = Results::of(reports);
    results.plan = Some(answer);
    args.out.write(&results, None)?;
    Ok(super::super::code(good))
}

fn settings(
    args: &CapacityArgs,
    name: &str,
    size: (u32, u32),
    folder: &Path,
) -> anyhow::Result<Settings> {
    let mut args = args.clone();
    args.options.target = None;
    let (name, profile) = args.steady(name, Some(size))?;
    let mut settings = args.options.settings(name, profile, folder)?;
    settings.durability = args.durabilities()[0].to_string();
    settings.pacing = Pacing::Open;
    settings.profile.before.orders = settings.profile.before.orders.min(1_000);
    Ok(settings)
}

/// Three sizes, none of them larger than can be read in soon: all of the target's places and half of them, and as
/// many items as fit, so that places and positions differ.
fn near(target: &Target) -> [(u32, u32); 3] {
    let locations = target.locations.clamp(2.0, 2_000.0);
    let skus = target.skus.min(POSITIONS / locations).max(4.0);
    let size = |skus: f64, locations: f64| (skus.ceil() as u32, locations.ceil() as u32);
    [
        size(skus / 2.0, locations / 2.0),
        size(skus / 2.0, locations),
        size(skus, locations),
    ]
}

fn cost(report: &Report) -> String {
    report.server.map_or_else(String::new, |server| {
        format!(
            "{:.2} cores, {:.1} µs an order with what is asked beside it",
            server.cores,
            server.cores * 1e6 / report.orders_per_second.max(1e-9)
        )
    })
}

fn of_run(report: &Report) -> Option<Measured> {
    let server = report.server?;
    let conditions = &report.conditions;
    Some(Measured {
        orders_per_second: report.orders_per_second,
        locations: f64::from(conditions.locations),
        positions: conditions.positions as f64,
        cores: server.cores,
        memory_before: server.memory_before as f64,
        memory_after: server.memory_after as f64,
        orders: report.orders as f64,
        journal_per_second: server.facts_per_second * server.bytes_per_fact,
        wire_per_second: report.wire_per_second,
        syncs_per_second: server.syncs_per_second,
    })
}

fn told(
    name: &str,
    target: &Target,
    model: &Model,
    answer: &Answered,
    measured: &[Measured],
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["need", "how much", "because", "beyond what was measured"]);
    for need in &answer.needs {
        let beyond = match need.beyond {
            b if b > 10.0 => format!("{} times", count(b)),
            b if b > 1.05 => format!("{b:.1} times"),
            _ => "no".to_owned(),
        };
        table.add_row([&need.what, &need.amount, &need.because, &beyond]);
    }
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    table.set_width(118);
    let of = |least: f64| {
        let far = answer.needs.iter().filter(|need| need.beyond > least);
        let names: Vec<&str> = far.map(|need| need.what.as_str()).collect();
        names.join(", ")
    };
    let caution = match (of(10.0), of(3.0)) {
        (far, _) if !far.is_empty() => format!(
            "A guess for {far}: a straight line drawn far beyond what was measured. Measure nearer to it (--sizes, \
             --rate, --trial-seconds) before you order machines."
        ),
        (_, far) if !far.is_empty() => format!(
            "An extrapolation for {far}: measure nearer to it (--sizes, --rate) before you rely on it."
        ),
        _ => "All of it lies near what was measured.".to_owned(),
    };
    let each: Vec<String> = measured.iter().map(|run| of_model(model, run)).collect();
    format!(
        "For {} orders/s at the peak with what profile '{name}' asks beside them, {} SKUs x {} locations:\n\
         {table}\n\
         fitted to {} runs on this machine: an order takes {:.1} µs of a core and {:.2} µs for each \
         location (± {:.1} µs; the runs lie at {} of it)\n{caution}\n",
        count(target.orders_per_second),
        count(target.skus),
        count(target.locations),
        measured.len(),
        model.cpu.base * 1e6,
        model.cpu.slope * 1e6,
        model.cpu.error * 1e6,
        each.join(", "),
    )
}

/// What a run took of a core, in percent of what the model says.
fn of_model(model: &Model, run: &Measured) -> String {
    let found = run.cores / run.orders_per_second.max(1e-9);
    let said = model.cpu.at(run.locations).max(1e-12);
    format!("{:.0} %", found * 100.0 / said)
}
