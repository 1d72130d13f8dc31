//! `allot inspect`: a data directory, looked at from outside; nothing is changed.
//!
//! Single items and orders are looked up in the map of the newest snapshot, without an engine.

mod facts;
mod lookup;
mod report;

use super::{emit, progress};
use crate::engine::{Limits, Replay};
use crate::journal::{Disk as _, Place, RealDisk, scan, scan_after};
use crate::model::{EpochMillis, Fact, Lsn, Network};
use crate::server::Clock;
use crate::snapshot::{Snapshot, found};
use anyhow::{Context as _, bail};
use facts::{is_about, kind};
use report::{Kept, Report};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `allot inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  allot inspect allot-data
  allot inspect allot-data --json | jq .facts
  allot inspect allot-data --verify               every byte, and the hash of the state
  allot inspect allot-data --sku SKU-00001        an item in the newest snapshot
  allot inspect allot-data --order shop 1001      an order there, and every fact about it")]
pub(super) struct InspectArgs {
    /// The data directory of a server. It may be running; nothing is changed.
    dir: PathBuf,
    /// Look an item up in the newest snapshot.
    #[arg(long, value_name = "SKU")]
    sku: Option<String>,
    /// Look an order up in the newest snapshot, and print the facts about it: its source and its id.
    #[arg(long, num_args = 2, value_names = ["SOURCE", "ORDER"])]
    order: Option<Vec<String>>,
    /// Compare every byte of every snapshot with its checksum, and print the hash that `INFO state`
    /// would print now.
    #[arg(long)]
    verify: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
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
    let (snapshots, newest) = open_snapshots(args)?;
    let looked_up = lookup::look(newest.as_ref(), args.sku.as_deref(), args.order.as_deref())?;
    if args.sku.is_some() && args.order.is_none() {
        // It is all in the snapshot.
        let text = match args.json {
            true => format!("{}\n", looked_up.json()),
            false => looked_up.text(),
        };
        emit(&text);
        return Ok(ExitCode::SUCCESS);
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
    let scanned = scan(&RealDisk, &args.dir, &mut moved, &mut visit);
    bar.finish_and_clear();
    let report = Report {
        dir: &args.dir,
        snapshots,
        scan: scanned?,
        counts,
        looked_up,
        state_hash: args
            .verify
            .then(|| state_hash(&args.dir, newest))
            .transpose()?,
        asked: order.is_some(),
    };
    emit(&match args.json {
        true => format!("{}\n", report.json()),
        false => report.table(),
    });
    Ok(match report.snapshots.iter().any(|s| s.refused.is_some()) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// What every snapshot is, newest first, and the newest that can be used.
fn open_snapshots(args: &InspectArgs) -> anyhow::Result<(Vec<Kept>, Option<Snapshot>)> {
    let mut all = Vec::new();
    let mut newest = None;
    for there in found(&RealDisk, &args.dir)? {
        let path = args.dir.join(&there.name);
        let file = RealDisk.map(&path);
        let file = file.with_context(|| format!("cannot read {}", path.display()))?;
        let opened = Snapshot::open(&there.name, file).and_then(|snapshot| {
            if args.verify {
                let bar = progress::bytes(&format!("checking {}", there.name));
                snapshot.verify(&mut |done, total| {
                    bar.set_length(total);
                    bar.set_position(done);
                })?;
                bar.finish_and_clear();
            }
            Ok(snapshot)
        });
        all.push(Kept::of(&there, opened.as_ref())?);
        newest = newest.or(opened.ok());
    }
    Ok((all, newest))
}

/// The hash of the state that a directory comes to, as a server on it would print now.
fn state_hash(dir: &Path, newest: Option<Snapshot>) -> anyhow::Result<u64> {
    let spinner = progress::spinner("bringing the state back");
    let mut replay = Replay::new(Network::default(), Limits::default())?;
    let (mut after, mut last_at) = (Lsn(0), EpochMillis::default());
    if let Some(snapshot) = newest {
        (after, last_at) = replay.restore(&snapshot, &|_, _| {})?;
    }
    let mut failed = None;
    let mut apply = |lsn: Lsn, at: EpochMillis, fact| {
        last_at = last_at.max(at);
        if failed.is_none() {
            let applied = replay.apply(at, fact);
            failed = applied.err().map(|why| format!("fact {}: {why}", lsn.0));
        }
    };
    scan_after(&RealDisk, dir, after, &mut apply)?;
    spinner.finish_and_clear();
    match failed {
        Some(why) => bail!("{why}"),
        None => Ok(replay.state_hash(Clock::start().not_before(last_at).now())?),
    }
}
