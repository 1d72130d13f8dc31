//! `allot bench compare`: two results beside each other.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ratios and times for people"
)]

use super::table::time;
use crate::bench::report::{Comparison, Results, Verdict, compare};
use anyhow::{Context as _, anyhow};
use comfy_table::{CellAlignment, Table, presets};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `allot bench compare`.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// Results before, as `--json` writes them.
    a: PathBuf,
    /// Results after.
    b: PathBuf,
    /// Changes up to so many percent are let pass.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    threshold: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Only what became better or worse.
    #[arg(long)]
    changes: bool,
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let (mut found, doubts) = compare(&a, &b, args.threshold.max(0.0) / 100.0);
    let worse = found.iter().any(|c| c.verdict == Verdict::Worse);
    if args.changes {
        found.retain(|c| c.verdict != Verdict::Same);
    }
    if args.json {
        let json = serde_json::json!({"worse": worse, "comparisons": found, "doubts": doubts});
        crate::cli::emit(&format!("{}\n", serde_json::to_string_pretty(&json)?));
    } else {
        crate::cli::emit(&told(&found, &doubts, worse, args.threshold));
    }
    Ok(super::code(!worse))
}

fn read(path: &Path) -> anyhow::Result<Results> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    Results::parse(&text).map_err(|reason| anyhow!("{shown}: {reason}"))
}

fn told(found: &[Comparison], doubts: &[String], worse: bool, threshold: f64) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(["what", "A", "B", "B / A", "95 % interval", "verdict"]);
    for one in found {
        let is_time = one.what.ends_with(" p50") || one.what.ends_with(" p99");
        let side = |(mean, runs): (f64, usize)| match is_time {
            true => format!("{} ({runs})", time(mean as u64)),
            false => format!("{} ({runs})", short(mean)),
        };
        table.add_row([
            one.what.clone(),
            side(one.a),
            side(one.b),
            format!("{:.2}", one.ratio),
            format!("{:.2} to {:.2}", one.interval.0, one.interval.1),
            match one.verdict {
                Verdict::Better => "better".to_owned(),
                Verdict::Worse => "WORSE".to_owned(),
                Verdict::Same => "the same".to_owned(),
            },
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut out = format!("{table}\n");
    for doubt in doubts {
        out.push_str(&format!("doubt     {doubt}\n"));
    }
    out.push_str(&match worse {
        true => format!("something became worse by more than {threshold} % and noise\n"),
        false => format!("nothing became worse by more than {threshold} % and noise\n"),
    });
    out
}

/// Four digits or so.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e4 => format!("{:.1} k", v / 1e3),
        v if v >= 100.0 => format!("{v:.0}"),
        v => format!("{v:.2}"),
    }
}
