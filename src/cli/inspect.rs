//! `allot inspect` and `allot repair`: a data directory, looked at and mended from outside.

use super::{emit, folder_lock, progress};
use crate::journal::{Place, RealDisk, Scan, repair, scan};
use crate::model::{EpochMillis, Fact, Lsn};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `allot inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  allot inspect allot-data
  allot inspect allot-data --json | jq .facts
  allot inspect allot-data --order shop 1001      every fact about an order")]
pub(super) struct InspectArgs {
    /// The data directory of a server. It may be running; nothing is changed.
    dir: PathBuf,
    /// Print the facts about one order: its source and its id.
    #[arg(long, num_args = 2, value_names = ["SOURCE", "ORDER"])]
    order: Option<Vec<String>>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `allot repair`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  allot repair allot-data --until journal-00000000000000000001.allot:8192 --into repaired
  allot serve --data-dir repaired")]
pub(super) struct RepairArgs {
    /// The damaged data directory. It is only read.
    dir: PathBuf,
    /// Where to stop: the segment and the offset that the refusal named.
    #[arg(long, value_name = "SEGMENT:OFFSET")]
    until: String,
    /// A new directory for the repaired copy.
    #[arg(long, value_name = "NEWDIR")]
    into: PathBuf,
}

/// What the facts of a directory come to.
#[derive(Default)]
struct Counts {
    by_kind: BTreeMap<&'static str, u64>,
    about: Vec<String>,
}

pub(super) fn inspect(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    if !args.dir.is_dir() {
        bail!("{} is no directory", args.dir.display());
    }
    let mut counts = Counts::default();
    let order = args.order.as_deref();
    let mut visit = |place: Place, lsn: Lsn, at: EpochMillis, fact: Fact| {
        *counts.by_kind.entry(kind(&fact)).or_default() += 1;
        if let Some([source, id]) = order
            && is_about(&fact, source, id)
        {
            let Place { segment, offset } = place;
            let line = format!("fact {} at {at} ({segment}:{offset}): {fact:?}", lsn.0);
            counts.about.push(line);
        }
    };
    let bar = progress::bytes("checking the journal");
    let mut moved = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let found = scan(&RealDisk, &args.dir, &mut moved, &mut visit);
    bar.finish_and_clear();
    let found = found?;
    if args.json {
        emit(&format!("{}\n", as_json(&args.dir, &found, &counts)));
    } else {
        emit(&as_table(&args.dir, &found, &counts, order.is_some()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn mend(args: &RepairArgs) -> anyhow::Result<ExitCode> {
    let (segment, offset) = args
        .until
        .rsplit_once(':')
        .with_context(|| format!("--until is '{}'; expected SEGMENT:OFFSET", args.until))?;
    let offset: u64 = offset
        .parse()
        .with_context(|| format!("--until: the offset is '{offset}'; expected a whole number"))?;
    // A server that is writing would be copied in the middle of a batch.
    let _lock = folder_lock::take(&args.dir)?;
    std::fs::create_dir_all(&args.into)
        .with_context(|| format!("cannot make {}", args.into.display()))?;
    let report = repair(&RealDisk, &args.dir, (segment, offset), &args.into)?;
    emit(&format!(
        "{} facts in {} segments were copied to {}; {} bytes of {} were left out\n",
        report.facts,
        report.segments,
        args.into.display(),
        report.left_out,
        args.dir.display(),
    ));
    Ok(ExitCode::SUCCESS)
}

fn as_json(dir: &Path, found: &Scan, counts: &Counts) -> serde_json::Value {
    let segments: Vec<_> = found
        .segments
        .iter()
        .map(|s| {
            json!({
                "name": s.name, "first": s.first.0, "last": s.last.0, "batches": s.batches,
                "facts": s.facts, "bytes": s.bytes, "sealed": s.sealed,
            })
        })
        .collect();
    let cut = found.cut.as_ref();
    json!({
        "directory": dir.display().to_string(),
        "segments": segments,
        "facts": found.segments.iter().map(|s| s.facts).sum::<u64>(),
        "facts_by_kind": counts.by_kind,
        "torn_tail": cut.map(|c| json!({
            "segment": c.segment, "offset": c.offset, "bytes": c.bytes,
        })),
        "about": counts.about,
    })
}

fn as_table(dir: &Path, found: &Scan, counts: &Counts, asked: bool) -> String {
    let mut out = format!("{}\n\n", dir.display());
    let _ = writeln!(
        out,
        "{:<36} {:>12} {:>12} {:>9} {:>12}  end",
        "segment", "first fact", "last fact", "batches", "bytes"
    );
    for s in &found.segments {
        let end = if s.sealed { "sealed" } else { "open" };
        let _ = writeln!(
            out,
            "{:<36} {:>12} {:>12} {:>9} {:>12}  {end}",
            s.name, s.first.0, s.last.0, s.batches, s.bytes
        );
    }
    match &found.cut {
        Some(c) => {
            let _ = writeln!(
                out,
                "\ntorn tail: {} bytes from {}:{} on; the next start cuts them",
                c.bytes, c.segment, c.offset
            );
        }
        None => out.push_str("\nevery batch is whole\n"),
    }
    out.push_str("\nfacts\n");
    for (kind, count) in &counts.by_kind {
        let _ = writeln!(out, "{count:>12}  {kind}");
    }
    if asked {
        let _ = writeln!(out, "\n{} facts about the order", counts.about.len());
        for line in &counts.about {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

fn is_about(fact: &Fact, source: &str, id: &str) -> bool {
    let key = match fact {
        Fact::OrderAccepted { order, .. } => &order.key,
        Fact::OrderCancelled { key } => key,
        _ => return false,
    };
    (key.source(), key.order()) == (source, id)
}

fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::ItemPut { .. } => "item put",
        Fact::LocationPut { .. } => "location put",
        Fact::LocationPaused { .. } => "location paused or resumed",
        Fact::ChannelAdded { .. } => "channel added",
        Fact::OnHandMoved { .. } => "on hand moved",
        Fact::SafetyStockSet { .. } => "safety stock set",
        Fact::HoldPlaced { .. } => "hold placed",
        Fact::HoldReleased { .. } => "hold released",
        Fact::IncomingExpected(_) => "supply expected",
        Fact::IncomingDelayed { .. } => "supply delayed",
        Fact::IncomingReduced { .. } => "supply received",
        Fact::AllocationSet { .. } => "allocation set",
        Fact::Reserved { .. } => "reserved",
        Fact::ReservationPut { .. } => "reservation put",
        Fact::ReservationExtended { .. } => "reservation extended or confirmed",
        Fact::ReservationEnded { .. } => "reservation ended",
        Fact::ReservationCancelled { .. } => "reservation cancelled",
        Fact::OrderAccepted { .. } => "order accepted",
        Fact::OrderCancelled { .. } => "order cancelled",
        Fact::Referenced { .. } => "reference answered",
        Fact::LoadAnswered { .. } => "load answered",
        Fact::NetworkOpened { .. } => "network opened",
        Fact::PromiseRulesSet { .. } => "promise rules set",
        Fact::PositionOpened { .. } => "position opened",
        Fact::OpeningDone => "opening done",
        Fact::IncomingCancelled { .. } => "supply cancelled",
    }
}
