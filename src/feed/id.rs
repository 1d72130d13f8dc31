//! The identity of an event: where in history it happened.
//!
//! Written `<fact>-<n>`: the number of the journal's fact that it follows from, and its place among
//! the events of that fact, from 0. Facts are numbered from 1 without gaps, so ids ascend, are the
//! same after every restart, and never depend on a clock.

use crate::model::Lsn;
use bincode::{Decode, Encode};
use std::fmt;

/// Where in history an event happened. Ascends strictly along every stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct EventId {
    /// Number of the fact that the event follows from.
    pub fact: u64,
    /// Its place among the events of that fact, from 0.
    pub n: u64,
}

impl EventId {
    /// Before every event.
    pub const ZERO: Self = Self { fact: 0, n: 0 };
    /// Not before any event.
    pub const MAX: Self = Self {
        fact: u64::MAX,
        n: u64::MAX,
    };

    /// The event `n` of the fact with this number.
    #[must_use]
    pub const fn new(fact: Lsn, n: u64) -> Self {
        Self { fact: fact.0, n }
    }

    /// The least id above this one; `None` at the end of all ids.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.n.checked_add(1), self.fact.checked_add(1)) {
            (Some(n), _) => Some(Self { fact: self.fact, n }),
            (None, Some(fact)) => Some(Self { fact, n: 0 }),
            (None, None) => None,
        }
    }

    /// The greatest id below this one; `None` at 0-0.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match (self.n.checked_sub(1), self.fact.checked_sub(1)) {
            (Some(n), _) => Some(Self { fact: self.fact, n }),
            (None, Some(fact)) => Some(Self { fact, n: u64::MAX }),
            (None, None) => None,
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.fact, self.n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_carry_over() {
        let id = |fact, n| EventId { fact, n };
        assert_eq!(id(3, 1).next(), Some(id(3, 2)));
        assert_eq!(id(3, u64::MAX).next(), Some(id(4, 0)));
        assert_eq!(id(4, 0).previous(), Some(id(3, u64::MAX)));
        assert_eq!(EventId::ZERO.previous(), None);
        assert_eq!(EventId::MAX.next(), None);
        assert_eq!(id(12, 5).to_string(), "12-5");
    }
}
