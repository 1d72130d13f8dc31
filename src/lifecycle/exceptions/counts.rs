//! How many there were, and what rules did to them.

use super::Exceptions;
use crate::model::{ByRule, Cause, ExceptionKind};
use bincode::{Decode, Encode};

/// How many there were, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Counts {
    /// Ever opened.
    pub opened: u64,
    /// Of these: resolved by somebody.
    pub resolved: u64,
    /// Of these: resolved by a rule.
    pub automatic: u64,
}

impl Counts {
    /// Still open.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.opened - self.resolved - self.automatic
    }
}

/// What a rule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct RuleCounts {
    /// Exceptions that it resolved.
    pub resolved: u64,
    /// Times that it acted at its time, and the exception stayed open.
    pub in_vain: u64,
}

impl Exceptions {
    /// What every rule did that ever did something.
    pub fn rule_counts(&self) -> impl Iterator<Item = (&ByRule, RuleCounts)> {
        self.rules.iter().map(|(rule, &counts)| (rule, counts))
    }

    /// How many there were of every cause that ever occurred.
    pub fn counts(&self) -> impl Iterator<Item = (Cause, Counts)> {
        self.counts.iter().map(|(&cause, &counts)| (cause, counts))
    }

    /// How many there were of a type.
    #[must_use]
    pub fn counts_of(&self, kind: ExceptionKind) -> Counts {
        let of_kind = self.counts().filter(|(cause, _)| cause.kind() == kind);
        of_kind.fold(Counts::default(), |sum, (_, c)| Counts {
            opened: sum.opened + c.opened,
            resolved: sum.resolved + c.resolved,
            automatic: sum.automatic + c.automatic,
        })
    }
}
