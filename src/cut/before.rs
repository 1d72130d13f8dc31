//! What records were at a cut.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};

/// Copies of records as they were at a cut, of those that changed since; `None` for one that was
/// not there yet.
///
/// A writer saves before it changes, under the lock of the record. A looker reads the record
/// first and asks here afterwards: if what it read was new already, the old one is here by then.
#[derive(Debug)]
pub struct Before<K, V> {
    saving: AtomicBool,
    saved: Mutex<HashMap<K, Option<V>>>,
}

impl<K, V> Default for Before<K, V> {
    fn default() -> Self {
        Self {
            saving: AtomicBool::new(false),
            saved: Mutex::new(HashMap::new()),
        }
    }
}

impl<K: Hash + Eq, V> Before<K, V> {
    /// Begins to save. The gate is closed meanwhile.
    pub fn begin(&self) {
        // Somebody may have saved just after the last end.
        self.saved.lock().clear();
        self.saving.store(true, Ordering::Release);
    }

    /// Whether a looker may still come.
    #[must_use]
    pub fn is_saving(&self) -> bool {
        self.saving.load(Ordering::Acquire)
    }

    /// Saves what a record was, unless that was done since the cut or nobody will look.
    pub fn save(&self, key: impl FnOnce() -> K, was: impl FnOnce() -> Option<V>) {
        if self.is_saving() {
            self.saved.lock().entry(key()).or_insert_with(was);
        }
    }

    /// What a record was at the cut if that has been saved, else what was read of it.
    pub fn or_read(&self, key: &K, read: V) -> Option<V> {
        match self.saved.lock().get_mut(key) {
            // Everything is looked at once.
            Some(saved) => saved.take(),
            None => Some(read),
        }
    }

    /// Everything has been looked at.
    pub fn end(&self) {
        self.saving.store(false, Ordering::Release);
        *self.saved.lock() = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_looker_sees_what_was_at_the_cut() {
        let before: Before<&str, i32> = Before::default();
        before.save(|| "a", || Some(1));
        assert_eq!(before.or_read(&"a", 2), Some(2), "nobody was to look then");
        before.begin();
        before.save(|| "a", || Some(2));
        before.save(|| "a", || Some(3));
        before.save(|| "new", || None);
        assert_eq!(before.or_read(&"a", 4), Some(2));
        assert_eq!(before.or_read(&"new", 9), None);
        assert_eq!(before.or_read(&"same", 7), Some(7));
        before.end();
        assert!(!before.is_saving());
        assert_eq!(before.or_read(&"new", 9), Some(9));
    }
}
