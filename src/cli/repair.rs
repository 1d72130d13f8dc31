//! `allot repair`: a copy of what is whole of a damaged data directory.

use super::{emit, folder_lock};
use crate::journal::{Disk as _, RealDisk, repair};
use crate::snapshot::found;
use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Copies what is whole: the journal up to the place, and the snapshots that it goes on from.
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
    let mut snapshots = 0;
    for snapshot in found(&RealDisk, &args.dir)? {
        // One that tells of later facts would bring them back.
        if snapshot.at <= report.last {
            let to = args.into.join(&snapshot.name);
            let bytes = RealDisk.read(&args.dir.join(&snapshot.name))?;
            let mut file = RealDisk.create(&to)?;
            file.append(&bytes)
                .and_then(|()| file.sync())
                .with_context(|| format!("cannot write {}", to.display()))?;
            snapshots += 1;
        }
    }
    RealDisk.sync_dir(&args.into)?;
    if snapshots == 0 && report.first.0 > 1 {
        bail!(
            "the journal begins with fact {}, and no snapshot is old enough to go on from: {} is not \
             complete",
            report.first.0,
            args.into.display()
        );
    }
    emit(&format!(
        "{} facts in {} segments and {snapshots} snapshots were copied to {}; {} bytes of the journal in \
         {} were left out\n",
        report.facts,
        report.segments,
        args.into.display(),
        report.left_out,
        args.dir.display(),
    ));
    Ok(ExitCode::SUCCESS)
}
