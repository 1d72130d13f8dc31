//! Why a snapshot cannot be read or written.

use std::io;

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The system refused.
    #[error("cannot {what} {name}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// Something is not what was written.
    #[error("{name} is damaged at offset {offset}: {found}")]
    Damaged {
        /// The file.
        name: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        found: String,
    },
    /// A file of a later version.
    #[error(
        "{name} has format version {version}, this program reads up to {ours}; use a newer program"
    )]
    Newer {
        /// The file.
        name: String,
        /// Its version.
        version: u32,
        /// The newest that this program reads.
        ours: u32,
    },
    /// All bytes are what was written, and what they say cannot be.
    #[error("{name} says what cannot be: {why}")]
    Meaning {
        /// The file.
        name: String,
        /// What.
        why: String,
    },
    /// Somebody else wants to write to the file, so that it is not read through its map any more.
    #[error("{name} is being changed by another program")]
    Wanted {
        /// The file.
        name: String,
    },
    /// What it was waiting for will not come.
    #[error("the journal failed: {0}")]
    Journal(String),
}

impl SnapshotError {
    pub(super) fn io(
        what: &'static str,
        name: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Self {
        let name = name.into();
        move |error| Self::Io { what, name, error }
    }
}
