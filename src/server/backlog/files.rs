//! Where reports and plans of re-optimisations are kept: beside the journal, or in memory.
//!
//! `backlog-RUN.json` is a report, `backlog-RUN.plan.json` a plan as `allot plan` reads it. Of the newest
//! [`KEPT`] runs they stay.

use super::report::Report;
use crate::journal::Disk;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Runs of which reports and plans are kept.
pub(super) const KEPT: usize = 8;

/// Where they are.
pub(super) enum Files {
    /// In a data directory.
    Kept {
        /// The files.
        disk: Arc<dyn Disk>,
        /// The directory.
        dir: PathBuf,
    },
    /// Nowhere: only the plans of the newest runs are there, in memory.
    Memory(Mutex<BTreeMap<u64, Arc<str>>>),
}

/// So many plans are kept in memory.
const IN_MEMORY: usize = 2;

impl Files {
    /// All reports, oldest first. One that cannot be read is left out.
    pub(super) fn reports(&self) -> Vec<Report> {
        let Self::Kept { disk, dir } = self else {
            return Vec::new();
        };
        let names = disk.list(dir).unwrap_or_default();
        let read = |name: &String| {
            let bytes = disk.read(&dir.join(name)).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let known = names.iter().filter(|name| run_of(name).is_some());
        let mut reports: Vec<Report> = known
            .filter(|name| !name.ends_with(PLAN) && !name.ends_with(ASIDE))
            .filter_map(read)
            .collect();
        reports.sort_by_key(|report| report.run);
        reports
    }

    /// Keeps a report, instead of what was known of the run before.
    pub(super) fn put_report(&self, report: &Report) -> io::Result<()> {
        if !matches!(self, Self::Kept { .. }) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(report)?;
        self.write(&format!("{PREFIX}{}{REPORT}", report.run), &bytes)
    }

    /// Keeps a plan.
    pub(super) fn put_plan(&self, run: u64, text: String) -> io::Result<()> {
        if let Self::Memory(plans) = self {
            let mut plans = plans.lock();
            // A comparison does not displace the plan that is to be applied.
            while plans.len() >= IN_MEMORY {
                plans.pop_first();
            }
            plans.insert(run, text.into());
            return Ok(());
        }
        self.write(&format!("{PREFIX}{run}{PLAN}"), text.as_bytes())
    }

    /// The plan of a run.
    pub(super) fn plan(&self, run: u64) -> Option<Arc<str>> {
        match self {
            Self::Memory(plans) => plans.lock().get(&run).cloned(),
            Self::Kept { disk, dir } => {
                let bytes = disk.read(&dir.join(format!("{PREFIX}{run}{PLAN}"))).ok()?;
                String::from_utf8(bytes).ok().map(Into::into)
            }
        }
    }

    /// Forgets all but the newest runs.
    pub(super) fn forget_old(&self) {
        let Self::Kept { disk, dir } = self else {
            return;
        };
        let names = disk.list(dir).unwrap_or_default();
        let mut runs: Vec<u64> = names.iter().filter_map(|name| run_of(name)).collect();
        runs.sort_unstable();
        runs.dedup();
        runs.truncate(runs.len().saturating_sub(KEPT));
        for name in names {
            if run_of(&name).is_some_and(|run| runs.contains(&run)) {
                // What cannot be removed now is removed after the next run.
                let _ = disk.remove(&dir.join(name));
            }
        }
    }

    /// Writes a file aside and gives it its name, so that nobody sees half of one.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let Self::Kept { disk, dir } = self else {
            return Ok(());
        };
        let aside = dir.join(format!("{name}{ASIDE}"));
        let _ = disk.remove(&aside);
        let mut file = disk.create(&aside)?;
        file.append(bytes)?;
        file.sync()?;
        drop(file);
        disk.rename(&aside, &dir.join(name))?;
        disk.sync_dir(dir)
    }
}

const PREFIX: &str = "backlog-";
const REPORT: &str = ".json";
const PLAN: &str = ".plan.json";
const ASIDE: &str = ".new";

/// The run that a file is of.
fn run_of(name: &str) -> Option<u64> {
    let rest = name.strip_prefix(PREFIX)?;
    let rest = rest.strip_suffix(ASIDE).unwrap_or(rest);
    let number = rest.strip_suffix(PLAN).or(rest.strip_suffix(REPORT))?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::run_of;

    #[test]
    fn files_of_runs_are_known_by_their_names() {
        assert_eq!(run_of("backlog-17.json"), Some(17));
        assert_eq!(run_of("backlog-17.plan.json"), Some(17));
        assert_eq!(run_of("backlog-17.plan.json.new"), Some(17));
        for other in ["backlog-.json", "backlog-17", "plan.json", "backlog-x.json"] {
            assert_eq!(run_of(other), None, "{other}");
        }
    }
}
