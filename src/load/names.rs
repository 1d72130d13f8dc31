//! Text ids that other files refer to, and the nearest one to a misspelt reference.

use super::field::Field;
use crate::model::Invalid;
use std::collections::HashMap;

/// Ids of one kind by their text.
#[derive(Debug)]
pub(super) struct Names<'a, Id> {
    /// What one is and where it stands, such as `a sku of items.csv`.
    what: &'static str,
    ids: HashMap<&'a str, Id, foldhash::fast::RandomState>,
}

impl<'a, Id: Copy> Names<'a, Id> {
    /// The ids of `texts`, which are distinct and no more than there are ids.
    pub(super) fn new(
        what: &'static str,
        texts: impl Iterator<Item = &'a str>,
        id: impl Fn(usize) -> Option<Id>,
    ) -> Self {
        let ids = texts
            .enumerate()
            .filter_map(|(row, text)| id(row).map(|id| (text, id)))
            .collect();
        Self { what, ids }
    }

    /// The id that a field refers to.
    ///
    /// # Errors
    /// An unknown id, with the nearest known one.
    pub(super) fn find(&self, field: Field<'_>) -> Result<Id, Invalid> {
        let text = field.words(self.what)?;
        if let Some(&id) = self.ids.get(text) {
            return Ok(id);
        }
        let hint = if self.ids.is_empty() {
            ", which has none".to_owned()
        } else {
            hint(text, self.ids.keys().copied()).unwrap_or_default()
        };
        Err(field.refuse(format!("{}{hint}", self.what)))
    }
}

/// ` (did you mean 'x'?)` for the known text nearest to `text`, if any is near enough.
pub(super) fn hint<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let most = (text.len() / 3).min(3);
    nearest(text, most, known).map(|near| format!(" (did you mean '{near}'?)"))
}

/// The known text nearest to `text`, if it takes at most `most` changes; the first in alphabetical
/// order of several.
pub(super) fn nearest<'a>(
    text: &str,
    most: usize,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .filter(|name| name.len().abs_diff(text.len()) <= most)
        .map(|name| (changes(text, name), name))
        .filter(|&(changes, _)| changes <= most)
        .min()
        .map(|(_, name)| name)
}

/// The least number of bytes to insert, delete or replace to make `b` of `a`, case aside.
fn changes(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(!x.eq_ignore_ascii_case(&y));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_takes_few_changes() {
        assert_eq!(changes("kitten", "sitting"), 3);
        assert_eq!(changes("", "abc"), 3);
        let known = || ["DC-ONT", "DC-DFW", "DC-ORD"].into_iter();
        assert_eq!(nearest("DC-0NT", 2, known()), Some("DC-ONT"));
        assert_eq!(nearest("dc-dfw", 0, known()), Some("DC-DFW"));
        assert_eq!(nearest("WAREHOUSE", 3, known()), None);
        let first_of_equals = nearest("DC-OXX", 2, known());
        assert_eq!(first_of_equals, Some("DC-ONT"));
        assert_eq!(nearest("", 0, known()), None);
    }
}
