//! Why a journal cannot be read or written.

use std::io;

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
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
    /// Something is not what was written. Nothing was changed.
    #[error(
        "{segment} is damaged at offset {offset}: {found}. What follows may have been acknowledged, \
         so it is not cut by itself; to go on without it: \
         allot repair DIR --until {segment}:{offset} --into NEWDIR"
    )]
    Damaged {
        /// The file.
        segment: String,
        /// Where the damaged batch begins.
        offset: u64,
        /// What is wrong.
        found: String,
    },
    /// A file of a later version.
    #[error(
        "{segment} has format version {version}, this program reads up to {ours}; use a newer \
         program"
    )]
    Newer {
        /// The file.
        segment: String,
        /// Its version.
        version: u32,
        /// The newest that this program reads.
        ours: u32,
    },
    /// Files at the beginning are gone. Nothing was changed.
    #[error(
        "facts {from} to {} are missing: {segment} is the first file and begins with fact {begins}; \
         put the files before it back",
        begins - 1
    )]
    Missing {
        /// The first file that is there.
        segment: String,
        /// Number of the first missing fact.
        from: u64,
        /// Number of the first fact of that file.
        begins: u64,
    },
    /// The end is gone. Nothing was changed.
    #[error(
        "the journal ends with fact {last}, but facts up to {known} are known; put the files after \
         it back"
    )]
    Behind {
        /// Number of the last fact that is there.
        last: u64,
        /// Number of the last fact that was known already.
        known: u64,
    },
    /// A fact does not follow on those before it.
    #[error("fact {lsn} cannot be applied: {why}")]
    Fact {
        /// Its number.
        lsn: u64,
        /// Why.
        why: String,
    },
    /// Something asked for is not there.
    #[error("{0}")]
    Asked(String),
}

impl JournalError {
    pub(crate) fn io(
        what: &'static str,
        name: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Self {
        let name = name.into();
        move |error| Self::Io { what, name, error }
    }
}
