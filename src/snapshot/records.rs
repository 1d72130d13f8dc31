//! Records of a section, decoded one by one.

use super::format::take_record;
use bincode::Decode;
use std::marker::PhantomData;

/// Decodes the records of a section until one does not.
pub(super) struct Records<'a, T> {
    rest: &'a [u8],
    all: usize,
    of: PhantomData<T>,
}

impl<'a, T: Decode<()>> Records<'a, T> {
    pub(super) fn of(section: &'a [u8]) -> Self {
        Self {
            rest: section,
            all: section.len(),
            of: PhantomData,
        }
    }
}

impl<T: Decode<()>> Iterator for Records<'_, T> {
    /// A record, or where in the section one does not decode and why.
    type Item = Result<T, (u64, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let at = (self.all - self.rest.len()) as u64;
        let record = take_record(&mut self.rest);
        if record.is_err() {
            self.rest = &[];
        }
        Some(record.map_err(|found| (at, found)))
    }
}
