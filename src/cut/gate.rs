//! Through here goes everybody who changes state.

use crossbeam::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use std::sync::PoisonError;

/// Lets changes pass side by side, and can be closed for a moment between them.
///
/// A pass is taken after the identity that a change is about is locked and before any shard of
/// the ledger is, and never twice by one thread: a closing gate waits for all passes.
#[derive(Debug, Default)]
pub struct Gate(ShardedLock<()>);

/// The right to change state until it is dropped.
#[derive(Debug)]
#[must_use = "the change may only last as long as the pass"]
pub struct Pass<'g> {
    _open: ShardedLockReadGuard<'g, ()>,
}

/// Nobody changes anything until it is dropped.
#[derive(Debug)]
#[must_use = "the gate opens again when it is dropped"]
pub struct Closed<'g> {
    _shut: ShardedLockWriteGuard<'g, ()>,
}

impl Gate {
    /// Waits while the gate is closed.
    pub fn enter(&self) -> Pass<'_> {
        // The lock guards no data of its own, so a panic under it left none half changed.
        Pass {
            _open: self.0.read().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Waits for those who are passing and keeps everybody else out.
    pub fn close(&self) -> Closed<'_> {
        Closed {
            _shut: self.0.write().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
