//! What needs a decision, until it has one.
//!
//! Invariants: of one subject at most one exception is open, so a finding that is found again opens
//! nothing; a number is never used again; the counts are those of everything ever opened and resolved,
//! also of what was forgotten since.
//!
//! Who may decide, and carrying a decision out, are left to the caller.

mod counts;
mod exception;
mod keep;
mod look;
#[cfg(test)]
mod tests;

pub use counts::{Counts, RuleCounts};
pub use exception::{Exception, Resolved};
pub use keep::ExceptionRecord;
pub use look::Filter;

use crate::model::{ByRule, Cause, EpochMillis, Finding, Invalid, Order, SkuId, Subject};
use exception::bytes_of;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many resolved exceptions are kept to be looked at, the newest numbers; more are forgotten.
pub const RESOLVED_MAX: usize = 100_000;

/// All exceptions. A clone is a look at one moment: it shares what has not changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions {
    last: u64,
    /// Kept apart from the resolved ones, so that looking at what is open stays cheap.
    open: BTreeMap<u64, Arc<Exception>>,
    resolved: BTreeMap<u64, Arc<Exception>>,
    /// The open ones, by what they are about.
    about: BTreeMap<Subject, u64>,
    /// The last resolved one about each subject.
    ended: BTreeMap<Subject, u64>,
    /// Open ones that wait for a SKU.
    waiting: BTreeSet<(SkuId, u64)>,
    counts: BTreeMap<Cause, Counts>,
    rules: BTreeMap<ByRule, RuleCounts>,
    /// Bytes of the orders that open ones keep, each counted as often as it is kept.
    kept_bytes: u64,
}

impl Exceptions {
    /// Opens an exception, or answers the open one about the same; `true` when it is new.
    pub fn open(&mut self, finding: Finding, at: EpochMillis) -> (&Exception, bool) {
        let known = self.about.get(&finding.subject).copied();
        let id = known.unwrap_or(self.last + 1);
        if known.is_none() {
            self.counts.entry(finding.subject.cause).or_default().opened += 1;
            self.keep(Exception {
                id,
                finding,
                opened: at,
                assigned_to: None,
                resolved: None,
                tried: None,
                kept: None,
            });
        }
        (&self.open[&id], known.is_none())
    }

    /// Keeps one that is open or resolved, without counting it.
    fn keep(&mut self, exception: Exception) {
        let id = exception.id;
        self.last = self.last.max(id);
        if exception.resolved.is_some() {
            let last = self.ended.entry(exception.finding.subject.clone());
            let last = last.or_insert(id);
            *last = id.max(*last);
            self.resolved.insert(id, Arc::new(exception));
            return;
        }
        self.kept_bytes += exception.bytes_kept();
        let finding = &exception.finding;
        self.about.insert(finding.subject.clone(), id);
        let waits = finding.waits_for.iter();
        self.waiting.extend(waits.map(|&sku| (sku, id)));
        self.open.insert(id, Arc::new(exception));
    }

    /// Gives it to somebody, or to nobody; `false` when that changed nothing.
    ///
    /// # Errors
    /// There is none, or it is resolved.
    pub fn assign(&mut self, id: u64, to: Option<&str>) -> Result<(&Exception, bool), Invalid> {
        if self.resolved.contains_key(&id) {
            let expected = "an open exception; this one is resolved";
            return Err(Invalid::new("exception", id, expected));
        }
        let exception = self.open.get_mut(&id).ok_or_else(|| unknown(id))?;
        let changes = exception.assigned_to.as_deref() != to;
        if changes {
            Arc::make_mut(exception).assigned_to = to.map(Into::into);
        }
        Ok((exception, changes))
    }

    /// A rule was to act at `due`, and did not resolve it; `false` when that is known or it is not
    /// open.
    pub fn tried(&mut self, id: u64, rule: &ByRule, due: EpochMillis) -> bool {
        let open = self.open.get_mut(&id);
        let Some(exception) = open.filter(|e| e.untried(due)) else {
            return false;
        };
        Arc::make_mut(exception).tried = Some(due);
        self.rules.entry(rule.clone()).or_default().in_vain += 1;
        true
    }

    /// The refused order that it is about is kept as it was sent the last time; `false` when that is
    /// known or it is not open.
    pub fn keep_order(&mut self, id: u64, order: &Arc<Order>) -> bool {
        let open = self.open.get_mut(&id);
        let Some(exception) = open.filter(|e| e.kept.as_ref() != Some(order)) else {
            return false;
        };
        self.kept_bytes = self.kept_bytes - exception.bytes_kept() + bytes_of(order);
        Arc::make_mut(exception).kept = Some(order.clone());
        true
    }

    /// Whether an order can be kept, instead of the one that is, with no more than `most` bytes in all.
    #[must_use]
    pub fn may_keep(&self, id: u64, order: &Order, most: u64) -> bool {
        let instead = self.open.get(&id).map_or(0, |e| e.bytes_kept());
        self.kept_bytes - instead + bytes_of(order) <= most
    }

    /// The refused order that it is about is kept no longer; `false` when none is.
    pub fn drop_order(&mut self, id: u64) -> bool {
        let open = self.open.get_mut(&id);
        let Some(exception) = open.filter(|e| e.kept.is_some()) else {
            return false;
        };
        self.kept_bytes -= exception.bytes_kept();
        Arc::make_mut(exception).kept = None;
        true
    }

    /// Ends it. The second time it is answered as it ended the first time, with `false`.
    ///
    /// # Errors
    /// There is none.
    pub fn resolve(
        &mut self,
        id: u64,
        by: Option<&str>,
        how: &str,
        at: EpochMillis,
    ) -> Result<(&Exception, bool), Invalid> {
        self.end(id, (by, None), how, at)
    }

    /// The same, by a rule of the network.
    ///
    /// # Errors
    /// There is none.
    pub fn resolve_by(
        &mut self,
        id: u64,
        rule: &ByRule,
        how: &str,
        at: EpochMillis,
    ) -> Result<(&Exception, bool), Invalid> {
        self.end(id, (None, Some(rule)), how, at)
    }

    fn end(
        &mut self,
        id: u64,
        (by, rule): (Option<&str>, Option<&ByRule>),
        how: &str,
        at: EpochMillis,
    ) -> Result<(&Exception, bool), Invalid> {
        let Some(mut exception) = self.open.remove(&id) else {
            let known = self.resolved.get(&id);
            return known.map(|e| (&**e, false)).ok_or_else(|| unknown(id));
        };
        self.kept_bytes -= exception.bytes_kept();
        let ended = Arc::make_mut(&mut exception);
        ended.resolved = Some(Resolved {
            at,
            by: by.map(Into::into),
            how: how.into(),
            rule: rule.cloned(),
        });
        // Nobody places it any more: its order, if it was kept, is not looked at again.
        ended.kept = None;
        if let Some(rule) = rule {
            self.rules.entry(rule.clone()).or_default().resolved += 1;
        }
        self.about.remove(&exception.finding.subject);
        for &sku in &exception.finding.waits_for {
            self.waiting.remove(&(sku, id));
        }
        let counts = self.counts.entry(exception.cause()).or_default();
        match by {
            Some(_) => counts.resolved += 1,
            None => counts.automatic += 1,
        }
        // Never this one: it would be answered as if there had been none.
        while self.resolved.len() >= RESOLVED_MAX {
            let Some((old, forgotten)) = self.resolved.pop_first() else {
                break;
            };
            let subject = &forgotten.finding.subject;
            if self.ended.get(subject) == Some(&old) {
                self.ended.remove(subject);
            }
        }
        self.ended.insert(exception.finding.subject.clone(), id);
        Ok((self.resolved.entry(id).or_insert(exception), true))
    }
}

fn unknown(id: u64) -> Invalid {
    Invalid::new("exception", id, "the number of an exception")
}
