//! Why a file of ours was refused. Every message is one line: where, what stands there, what was
//! expected.

use crate::model::Invalid;
use std::io;
use std::path::PathBuf;

/// A file that cannot be taken. Lines count from 1, the header included.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The operating system refused, or a compressed file is damaged.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder that must be there is not.
    #[error("{}: does not exist; expected {expected}", file.display())]
    MissingFile {
        /// Which file or folder.
        file: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// A file is larger than any that is read.
    #[error("{}: is too large; expected at most {bytes_max} bytes when uncompressed", file.display())]
    TooLarge {
        /// Which file.
        file: PathBuf,
        /// The limit.
        bytes_max: u64,
    },
    /// More rows than ids.
    #[error("{}:{line}: is one row too many; expected at most {rows_max} rows", file.display())]
    TooManyRows {
        /// Which file.
        file: PathBuf,
        /// The first row beyond the limit.
        line: u64,
        /// The limit.
        rows_max: usize,
    },
    /// A byte that is not UTF-8 text.
    #[error("{}:{line}: has the byte 0x{byte:02X} after '{after}'; expected UTF-8 text", file.display())]
    NotUtf8 {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: u64,
        /// The first byte that is not UTF-8.
        byte: u8,
        /// The text just before it.
        after: String,
    },
    /// A CSV file without a header.
    #[error("{}:1: is empty; expected a header line with the columns {columns}", file.display())]
    NoHeader {
        /// Which file.
        file: PathBuf,
        /// The columns that must be there.
        columns: String,
    },
    /// A column that must be there is not.
    #[error("{}:1: column {column} is missing; found {found}", file.display())]
    MissingColumn {
        /// Which file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// What the header has, and a hint.
        found: String,
    },
    /// A column is there twice.
    #[error("{}:1: column {column} is there twice; expected every column once", file.display())]
    DuplicateColumn {
        /// Which file.
        file: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A column that looks like a misspelt optional one, which would be ignored silently.
    #[error("{}:1: column '{found}' is not known; expected '{column}', or another name if it is meant to be ignored", file.display())]
    MisspeltColumn {
        /// Which file.
        file: PathBuf,
        /// What the header has.
        found: String,
        /// The column that it resembles.
        column: &'static str,
    },
    /// A row with more or fewer fields than the header.
    #[error("{}:{line}: has {found} fields; expected {expected} as in the header{hint}", file.display())]
    Ragged {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: u64,
        /// Fields of the row.
        found: usize,
        /// Fields of the header.
        expected: usize,
        /// A likely cause, or nothing.
        hint: &'static str,
    },
    /// A value that is not acceptable.
    #[error("{}:{line}: column {invalid}", file.display())]
    Value {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: u64,
        /// Column, value and what was expected.
        invalid: Box<Invalid>,
    },
    /// A key that must be unique is there twice.
    #[error("{}:{line}: {key} '{value}' is on line {first_line} already; expected it once", file.display())]
    Duplicate {
        /// Which file.
        file: PathBuf,
        /// The second line.
        line: u64,
        /// The columns of the key.
        key: &'static str,
        /// Their values.
        value: String,
        /// The first line.
        first_line: u64,
    },
    /// A value of a TOML file that is not acceptable, or a key that is not known.
    #[error("{}:{line}: key {invalid}", file.display())]
    Key {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: u64,
        /// Key, value and what was expected.
        invalid: Box<Invalid>,
    },
    /// Not TOML at all.
    #[error("{}:{line}: is not TOML: {message}", file.display())]
    NotToml {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: u64,
        /// What the parser said.
        message: String,
    },
}
