//! Exceptions out of facts, and into pieces for a file and back.

use super::{Counts, Exception, Exceptions, RuleCounts};
use crate::model::{ByRule, Cause, EpochMillis, ExceptionChange, ExceptionFact, Finding};
use bincode::{Decode, Encode};

/// A piece of all exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ExceptionRecord {
    /// The highest number that was ever given.
    Last(u64),
    /// How many there were for one reason.
    Counts(Cause, Counts),
    /// One of them.
    Kept(Box<Exception>),
    /// What a rule did.
    Rule(ByRule, RuleCounts),
}

impl Exceptions {
    /// Does what a fact says was done.
    ///
    /// # Errors
    /// A sentence that says why it cannot follow on what was before.
    pub fn apply(&mut self, at: EpochMillis, fact: &ExceptionFact) -> Result<(), String> {
        let ExceptionFact {
            id,
            subject,
            change,
        } = fact;
        if let ExceptionChange::Opened {
            channel,
            detail,
            waits_for,
        } = change
        {
            let finding = Finding {
                subject: subject.clone(),
                channel: *channel,
                detail: detail.clone(),
                waits_for: waits_for.clone(),
            };
            let (opened, new) = self.open(finding, at);
            return match new && opened.id == *id {
                true => Ok(()),
                false => Err(format!("{subject} is exception {}, not {id}", opened.id)),
            };
        }
        let known = self.get(*id).is_some_and(|e| e.finding.subject == *subject);
        if !known {
            return Err(format!("exception {id} is not about {subject}"));
        }
        let done = match change {
            ExceptionChange::Assigned { to } => {
                self.assign(*id, to.as_deref()).map(|(_, changed)| changed)
            }
            ExceptionChange::Resolved { by, how, rule } => {
                let ended = self.end(*id, (by.as_deref(), rule.as_ref()), how, at);
                ended.map(|(_, changed)| changed)
            }
            ExceptionChange::Tried { rule, due } => Ok(self.tried(*id, rule, *due)),
            ExceptionChange::Kept { order } => Ok(self.keep_order(*id, order)),
            ExceptionChange::Dropped => Ok(self.drop_order(*id)),
            ExceptionChange::Opened { .. } => unreachable!("done above"),
        };
        match done.map_err(|e| e.to_string())? {
            true => Ok(()),
            false => Err(format!("exception {id} was so already")),
        }
    }

    /// Everything that makes it: what to keep of it in a file.
    pub fn records(&self) -> impl Iterator<Item = ExceptionRecord> {
        let kept = self.resolved.values().chain(self.open.values());
        let kept = kept.map(|e| ExceptionRecord::Kept(Box::new(Exception::clone(e))));
        let counts = self
            .counts()
            .map(|(cause, counts)| ExceptionRecord::Counts(cause, counts));
        // Before anything there is nothing to keep.
        let last = (self.last > 0).then_some(ExceptionRecord::Last(self.last));
        let rules = self.rules.iter();
        let rules = rules.map(|(rule, &counts)| ExceptionRecord::Rule(rule.clone(), counts));
        last.into_iter().chain(counts).chain(rules).chain(kept)
    }

    /// Takes back what [`Exceptions::records`] gave.
    pub fn restore(&mut self, record: ExceptionRecord) {
        match record {
            ExceptionRecord::Last(last) => self.last = last,
            ExceptionRecord::Counts(cause, counts) => {
                self.counts.insert(cause, counts);
            }
            ExceptionRecord::Rule(rule, counts) => {
                self.rules.insert(rule, counts);
            }
            ExceptionRecord::Kept(exception) => self.keep(*exception),
        }
    }
}
