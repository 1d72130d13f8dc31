//! What needs a decision, as those see it who decide: lists, single exceptions, and who has resolved what.
//! How they come about and end by themselves is in `desk`.

use super::error::EngineError;
use super::{Engine, FulfillmentView, PartName};
use crate::lifecycle::{Counts, Exception, Filter};
use crate::model::{Cause, EpochMillis, ExceptionChange, ExceptionKind, Invalid, check_id};

/// Most exceptions of one list.
pub const EXCEPTIONS_LIST_MAX: usize = 1_000;

/// What stands still, each with its part as it is now.
pub type StuckParts = Vec<(Exception, Option<FulfillmentView>)>;

/// How many stand still for each reason.
pub type StuckCounts = Vec<(Cause, u64)>;

impl Engine {
    /// Exceptions that the filter lets through, numbers above `after`, oldest first, at most `count`.
    ///
    /// # Errors
    /// `INVALID` for a count that is not 1 to [`EXCEPTIONS_LIST_MAX`].
    pub fn exceptions(
        &self,
        filter: &Filter,
        after: u64,
        count: usize,
    ) -> Result<Vec<Exception>, EngineError> {
        if count == 0 || count > EXCEPTIONS_LIST_MAX {
            let expected = format!("1 to {EXCEPTIONS_LIST_MAX}");
            return Err(Invalid::new("COUNT", count, expected).into());
        }
        let all = self.desk.now();
        Ok(all
            .list(filter, after, count)
            .into_iter()
            .cloned()
            .collect())
    }

    /// What stands still for longer than it may, oldest first: the exception with the part as it is;
    /// and how many there are for each reason.
    ///
    /// # Errors
    /// As [`Engine::exceptions`].
    pub fn stuck(
        &self,
        cause: Option<Cause>,
        after: u64,
        count: usize,
    ) -> Result<(StuckParts, StuckCounts), EngineError> {
        let filter = Filter {
            kind: Some(ExceptionKind::Stuck),
            cause,
            ..Filter::default()
        };
        let found = self.exceptions(&filter, after, count)?;
        let parts = found.into_iter().map(|exception| {
            let topic = &exception.finding.subject.topic;
            let part = topic.order_key().zip(topic.fulfillment());
            let part = part.and_then(|(key, number)| {
                let name = PartName {
                    source: key.source(),
                    order: key.order(),
                    number,
                };
                self.fulfillment(name).ok()
            });
            (exception, part)
        });
        let parts = parts.collect();
        let counts = self.desk.now();
        let counts = counts.counts().map(|(cause, c)| (cause, c.open()));
        let stuck =
            |(cause, open): &(Cause, u64)| cause.kind() == ExceptionKind::Stuck && *open > 0;
        Ok((parts, counts.filter(stuck).collect()))
    }

    /// One exception.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn exception(&self, id: u64) -> Result<Exception, EngineError> {
        let found = self.desk.now().get(id).cloned();
        found.ok_or_else(|| no_exception(id))
    }

    /// Ends an exception: somebody has decided, and says what was done. The second time it is
    /// answered as it ended the first time, with `false`.
    ///
    /// # Errors
    /// `NOTFOUND`, `INVALID`.
    pub fn resolve_exception(
        &self,
        id: u64,
        by: &str,
        how: &str,
        now: EpochMillis,
    ) -> Result<(Exception, bool), EngineError> {
        check_id("by", by)?;
        check_text("how", how)?;
        let resolved = ExceptionChange::Resolved {
            by: Some(by.into()),
            how: how.into(),
            rule: None,
        };
        self.change_exception(id, resolved, now, |all| {
            let (after, new) = all.resolve(id, Some(by), how, now)?;
            Ok((after.clone(), new))
        })
    }

    /// Gives an exception to somebody, or to nobody. Answers whether that changed anything.
    ///
    /// # Errors
    /// `NOTFOUND`; `INVALID`, also for one that is resolved.
    pub fn assign_exception(
        &self,
        id: u64,
        to: Option<&str>,
        now: EpochMillis,
    ) -> Result<(Exception, bool), EngineError> {
        if let Some(to) = to {
            check_id("person", to)?;
        }
        let assigned = ExceptionChange::Assigned {
            to: to.map(Into::into),
        };
        self.change_exception(id, assigned, now, |all| {
            let (after, changed) = all.assign(id, to)?;
            Ok((after.clone(), changed))
        })
    }

    /// How many there were, by type.
    #[must_use]
    pub fn exception_counts(&self) -> Vec<(ExceptionKind, Counts)> {
        let all = self.desk.now();
        let kinds = ExceptionKind::ALL.into_iter();
        kinds.map(|(_, kind)| (kind, all.counts_of(kind))).collect()
    }
}

pub(super) fn no_exception(id: u64) -> EngineError {
    EngineError::not_found("exception", &id.to_string(), "exception")
}

/// Text for people: one line that is not too long.
fn check_text(field: &str, text: &str) -> Result<(), Invalid> {
    const MOST: usize = 1_000;
    let good = !text.trim().is_empty() && text.len() <= MOST && !text.contains(char::is_control);
    match good {
        true => Ok(()),
        false => Err(Invalid::new(field, text, "one line of 1 to 1000 bytes")),
    }
}
