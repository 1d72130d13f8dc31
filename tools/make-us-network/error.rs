//! What can be wrong with the tables that the tool was built with.

/// A mistake in a table, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Problem(pub(crate) String);
