//! A CSV file with a header line: its rows as named fields, and its errors with their lines.
//!
//! The whole file is read into memory (plain or gzip), so that a line number is computed only when
//! an error needs it. A byte order mark, CRLF and blank lines are accepted. Columns may stand in
//! any order; columns that nobody asked for are ignored unless they look like a misspelt one.

use super::LoadError;
use super::field::{Field, Raw};
use super::names::nearest;
use super::node::shown_key;
use super::text::{line_after, read_text};
use crate::model::Invalid;
use csv::StringRecord;
use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::path::{Path, PathBuf};

/// Most rows of a file whose rows have no ids.
pub(super) const ROWS_MAX: usize = u32::MAX as usize;

/// A column that a file must or may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    required: bool,
}

/// A column that must be there.
pub(super) const fn must(name: &'static str) -> Column {
    Column {
        name,
        required: true,
    }
}

/// A column that may be absent, as if all its cells were empty.
pub(super) const fn may(name: &'static str) -> Column {
    Column {
        name,
        required: false,
    }
}

/// A file with `N` columns of interest.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    file: PathBuf,
    text: String,
    names: [&'static str; N],
    /// Where each column stands in a row.
    places: [Option<usize>; N],
    /// Fields of the header, and so of every row.
    width: usize,
    rows_max: usize,
}

impl<const N: usize> Table<N> {
    /// Reads the file and its header.
    ///
    /// # Errors
    /// The file is absent, unreadable, not UTF-8 or without a header; a column is missing, twice
    /// or misspelt.
    pub(super) fn open(
        file: &Path,
        columns: &[Column; N],
        rows_max: usize,
    ) -> Result<Self, LoadError> {
        let names = columns.map(|column| column.name);
        let text = read_text(file, || {
            format!("a file with the columns {}", names.join(", "))
        })?;
        let mut table = Self {
            file: file.to_owned(),
            text,
            names,
            places: [None; N],
            width: 0,
            rows_max,
        };
        let mut header = StringRecord::new();
        if !table.next(&mut table.reader(), &mut header)? {
            return Err(LoadError::NoHeader {
                file: table.file,
                columns: list(columns.iter().filter(|c| c.required).map(|c| c.name)),
            });
        }
        table.width = header.len();
        table.places = table.find_columns(columns, &header)?;
        Ok(table)
    }

    /// The same for a file that may be absent.
    pub(super) fn open_optional(
        file: &Path,
        columns: &[Column; N],
        rows_max: usize,
    ) -> Result<Option<Self>, LoadError> {
        match Self::open(file, columns, rows_max) {
            Err(LoadError::MissingFile { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// What `read` makes of every row, in order.
    ///
    /// # Errors
    /// The first row that is ragged or that `read` refuses.
    pub(super) fn rows<T>(
        &self,
        mut read: impl FnMut([Field<'_>; N]) -> Result<T, Invalid>,
    ) -> Result<Vec<T>, LoadError> {
        let mut rows = Vec::new();
        self.each(|fields| read(fields).map(|row| rows.push(row)))?;
        Ok(rows)
    }

    /// Hands every row to `read`, in order.
    ///
    /// # Errors
    /// The first row that is ragged or that `read` refuses.
    pub(super) fn each(
        &self,
        mut read: impl FnMut([Field<'_>; N]) -> Result<(), Invalid>,
    ) -> Result<(), LoadError> {
        let (mut reader, mut record) = (self.reader(), StringRecord::new());
        self.next(&mut reader, &mut record)?;
        let mut row = 0;
        while self.next(&mut reader, &mut record)? {
            if row == self.rows_max {
                let (file, line) = (self.file.clone(), self.line(&record));
                return Err(LoadError::TooManyRows {
                    file,
                    line,
                    rows_max: self.rows_max,
                });
            }
            if record.len() != self.width {
                return Err(self.ragged(&record));
            }
            read(self.fields(&record)).map_err(|invalid| LoadError::Value {
                file: self.file.clone(),
                line: self.line(&record),
                invalid: Box::new(invalid),
            })?;
            row += 1;
        }
        Ok(())
    }

    /// Refuses row `row` (counted from 0) after all rows were read.
    pub(super) fn refuse(&self, row: usize, invalid: Invalid) -> LoadError {
        LoadError::Value {
            file: self.file.clone(),
            line: self.line_of_row(row),
            invalid: Box::new(invalid),
        }
    }

    /// Checks that no two rows have the same key; `keys` are those of the rows in order.
    ///
    /// # Errors
    /// The first repeated key with both lines; `show` is its text.
    pub(super) fn check_unique<K: Hash + Eq>(
        &self,
        columns: &'static str,
        keys: impl ExactSizeIterator<Item = K>,
        show: impl Fn(usize) -> String,
    ) -> Result<(), LoadError> {
        let mut seen =
            HashMap::with_capacity_and_hasher(keys.len(), foldhash::fast::RandomState::default());
        for (row, key) in keys.enumerate() {
            if let Some(first) = seen.insert(key, row) {
                return Err(self.duplicate(columns, show(row), first, row));
            }
        }
        Ok(())
    }

    /// Two rows with the same key.
    pub(super) fn duplicate(
        &self,
        key: &'static str,
        value: String,
        first: usize,
        second: usize,
    ) -> LoadError {
        LoadError::Duplicate {
            file: self.file.clone(),
            line: self.line_of_row(second),
            key,
            value,
            first_line: self.line_of_row(first),
        }
    }

    /// The line on which row `row` begins: read again, because only errors need it.
    pub(super) fn line_of_row(&self, row: usize) -> u64 {
        let (mut reader, mut record) = (self.reader(), StringRecord::new());
        for _ in 0..=row + 1 {
            if !self.next(&mut reader, &mut record).unwrap_or(false) {
                break;
            }
        }
        self.line(&record)
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            // Ragged rows are refused here, where the line is known.
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(self.text.as_bytes())
    }

    fn next(
        &self,
        reader: &mut csv::Reader<&[u8]>,
        record: &mut StringRecord,
    ) -> Result<bool, LoadError> {
        reader
            .read_record(record)
            .map_err(|fault| LoadError::Unreadable {
                file: self.file.clone(),
                source: io::Error::other(fault),
            })
    }

    fn fields<'r>(&self, record: &'r StringRecord) -> [Field<'r>; N] {
        std::array::from_fn(|column| {
            let cell = self.places[column]
                .and_then(|place| record.get(place))
                .unwrap_or("");
            Field::new(self.names[column], Raw::Cell(cell))
        })
    }

    /// Where a record begins. Its position may still be on the line end before it.
    fn line(&self, record: &StringRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(0).min(self.text.len());
        let (before, rest) = self.text.as_bytes().split_at(start);
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        line_after(before) + line_after(&rest[..blank]) - 1
    }

    fn ragged(&self, record: &StringRecord) -> LoadError {
        let hint = if record.iter().any(|cell| cell.contains('\n')) {
            "; is a quote not closed?"
        } else if record.len() > self.width {
            "; a text with a comma needs quotes around it"
        } else {
            ""
        };
        LoadError::Ragged {
            file: self.file.clone(),
            line: self.line(record),
            found: record.len(),
            expected: self.width,
            hint,
        }
    }

    fn find_columns(
        &self,
        columns: &[Column; N],
        header: &StringRecord,
    ) -> Result<[Option<usize>; N], LoadError> {
        let mut places = [None; N];
        for (place, found) in header.iter().enumerate() {
            if let Some(at) = self.names.iter().position(|&name| name == found)
                && places[at].replace(place).is_some()
            {
                let (file, column) = (self.file.clone(), self.names[at]);
                return Err(LoadError::DuplicateColumn { file, column });
            }
        }
        let absent = |required: bool| {
            let columns = columns.iter().zip(&places);
            columns
                .filter(move |(column, place)| column.required == required && place.is_none())
                .map(|(column, _)| column.name)
        };
        if let Some(column) = absent(true).next() {
            let (file, found) = (self.file.clone(), found_columns(header));
            return Err(LoadError::MissingColumn {
                file,
                column,
                found,
            });
        }
        for found in header.iter().filter(|found| !self.names.contains(found)) {
            // Few changes only: another system's column may well resemble one of ours.
            let changes_max = usize::from(found.len() > 4);
            if let Some(column) = nearest(found, changes_max, absent(false)) {
                let (file, found) = (self.file.clone(), shown_key(found));
                return Err(LoadError::MisspeltColumn {
                    file,
                    found,
                    column,
                });
            }
        }
        Ok(places)
    }
}

/// What a header has, and the usual reason why it is not what was expected.
fn found_columns(header: &StringRecord) -> String {
    const SHOWN_MAX: usize = 24;
    let mut shown: Vec<String> = header.iter().take(SHOWN_MAX).map(shown_key).collect();
    if header.len() > SHOWN_MAX {
        shown.push(format!("{} more", header.len() - SHOWN_MAX));
    }
    let shown = shown.join(", ");
    match header.get(0) {
        Some(only) if header.len() == 1 && only.contains([';', '\t', '|']) => {
            format!("{shown}; expected commas between the columns")
        }
        _ => shown,
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
