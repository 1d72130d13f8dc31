//! What a data directory holds, for people and for programs.

use super::Counts;
use super::lookup::LookedUp;
use crate::journal::Scan;
use crate::snapshot::{Found, SectionReport, Snapshot, SnapshotError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// One snapshot.
pub(super) struct Kept {
    name: String,
    at: u64,
    bytes: u64,
    mapped: bool,
    sections: Vec<SectionReport>,
    skus: u64,
    positions: u64,
    orders: u64,
    /// Why it cannot be used.
    pub(super) refused: Option<String>,
}

impl Kept {
    pub(super) fn of(
        found: &Found,
        opened: Result<&Snapshot, &SnapshotError>,
    ) -> Result<Self, SnapshotError> {
        let mut this = Self {
            name: found.name.clone(),
            at: found.at.0,
            bytes: 0,
            mapped: false,
            sections: Vec::new(),
            skus: 0,
            positions: 0,
            orders: 0,
            refused: None,
        };
        match opened {
            Err(error) => this.refused = Some(error.to_string()),
            Ok(snapshot) => {
                this.bytes = snapshot.bytes()?;
                this.mapped = snapshot.is_map();
                this.sections = snapshot.report();
                this.skus = snapshot.meta()?.skus;
                (this.positions, this.orders) = snapshot.counts()?;
            }
        }
        Ok(this)
    }

    fn json(&self) -> Value {
        let sections = self
            .sections
            .iter()
            .map(|s| json!({"kind": s.kind.name(), "sections": s.sections, "bytes": s.bytes}));
        json!({
            "name": self.name, "last_fact": self.at, "bytes": self.bytes, "mapped": self.mapped,
            "skus": self.skus, "positions": self.positions, "orders": self.orders,
            "sections": sections.collect::<Vec<_>>(), "refused": self.refused,
        })
    }
}

/// Everything that was found.
pub(super) struct Report<'a> {
    pub(super) dir: &'a Path,
    pub(super) snapshots: Vec<Kept>,
    pub(super) scan: Scan,
    pub(super) counts: Counts,
    pub(super) looked_up: LookedUp,
    pub(super) state_hash: Option<u64>,
    /// Whether an order was asked for.
    pub(super) asked: bool,
}

impl Report<'_> {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let segments = self.scan.segments.iter().map(|s| {
            json!({
                "name": s.name, "first": s.first.0, "last": s.last.0, "batches": s.batches,
                "facts": s.facts, "bytes": s.bytes, "sealed": s.sealed,
            })
        });
        let cut = self.scan.cut.as_ref();
        let looked_up = self.looked_up.json();
        json!({
            "directory": self.dir.display().to_string(),
            "snapshots": self.snapshots.iter().map(Kept::json).collect::<Vec<_>>(),
            "segments": segments.collect::<Vec<_>>(),
            "facts": self.scan.segments.iter().map(|s| s.facts).sum::<u64>(),
            "facts_by_kind": self.counts.by_kind,
            "torn_tail": cut.map(|c| json!({
                "segment": c.segment, "offset": c.offset, "bytes": c.bytes,
            })),
            "item": looked_up["item"],
            "order": looked_up["order"],
            "about": self.counts.about,
            "state_hash": self.state_hash.map(|hash| format!("{hash:016x}")),
        })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut out = format!("{}\n\n", self.dir.display());
        self.write_snapshots(&mut out);
        self.write_segments(&mut out);
        out.push_str("\nfacts in the journal\n");
        for (kind, count) in &self.counts.by_kind {
            let _ = writeln!(out, "{count:>12}  {kind}");
        }
        if self.asked {
            out.push_str(&self.looked_up.text());
            let _ = writeln!(out, "\n{} facts about the order", self.counts.about.len());
            for line in &self.counts.about {
                let _ = writeln!(out, "{line}");
            }
        }
        if let Some(hash) = self.state_hash {
            let _ = writeln!(out, "\nstate_hash {hash:016x}");
        }
        out
    }

    fn write_snapshots(&self, out: &mut String) {
        if self.snapshots.is_empty() {
            out.push_str("no snapshot\n\n");
            return;
        }
        let _ = writeln!(
            out,
            "{:<36} {:>12} {:>10} {:>10} {:>10} {:>14}",
            "snapshot", "last fact", "items", "positions", "orders", "bytes"
        );
        for s in &self.snapshots {
            let _ = writeln!(
                out,
                "{:<36} {:>12} {:>10} {:>10} {:>10} {:>14}",
                s.name, s.at, s.skus, s.positions, s.orders, s.bytes
            );
            match &s.refused {
                Some(why) => {
                    let _ = writeln!(out, "  cannot be used: {why}");
                }
                None => {
                    for section in &s.sections {
                        let name = section.kind.name();
                        let (count, bytes) = (section.sections, section.bytes);
                        let _ = writeln!(
                            out,
                            "  {name:<34} {count:>12} sections {:>23} {bytes:>14}",
                            ""
                        );
                    }
                }
            }
        }
        out.push('\n');
    }

    fn write_segments(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "{:<36} {:>12} {:>12} {:>9} {:>12}  end",
            "segment", "first fact", "last fact", "batches", "bytes"
        );
        for s in &self.scan.segments {
            let end = if s.sealed { "sealed" } else { "open" };
            let _ = writeln!(
                out,
                "{:<36} {:>12} {:>12} {:>9} {:>12}  {end}",
                s.name, s.first.0, s.last.0, s.batches, s.bytes
            );
        }
        match &self.scan.cut {
            Some(c) => {
                let _ = writeln!(
                    out,
                    "\ntorn tail: {} bytes from {}:{} on; the next start cuts them",
                    c.bytes, c.segment, c.offset
                );
            }
            None => out.push_str("\nevery batch is whole\n"),
        }
    }
}
