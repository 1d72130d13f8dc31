//! Whoever shares something, directly or through others, is in one group.

use std::collections::BTreeMap;

/// Things that some have in common, joined to groups: a forest whose roots are the least of each.
#[derive(Debug)]
pub(super) struct Groups {
    parent: Vec<u32>,
}

impl Groups {
    /// Of things with these numbers, each alone.
    pub(super) fn new(things: impl Iterator<Item = u32>) -> Self {
        let most = things.max().map_or(0, |most| most as usize + 1);
        Self {
            parent: (0..super::rows::count(most)).collect(),
        }
    }

    /// Joins all things that somebody has.
    pub(super) fn join(&mut self, things: &[u32]) {
        for pair in things.windows(2) {
            let (a, b) = (self.root(pair[0]), self.root(pair[1]));
            self.parent[a.max(b) as usize] = a.min(b);
        }
    }

    /// Those who have some of them, by group: their places in the list. Who has nothing is in none.
    pub(super) fn of<T: AsRef<[u32]>>(&mut self, having: &[T]) -> Vec<Vec<u32>> {
        let mut by_root: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (at, things) in (0u32..).zip(having) {
            if let Some(&first) = things.as_ref().first() {
                by_root.entry(self.root(first)).or_default().push(at);
            }
        }
        by_root.into_values().collect()
    }

    fn root(&mut self, of: u32) -> u32 {
        let mut at = of;
        while self.parent[at as usize] != at {
            let above = self.parent[self.parent[at as usize] as usize];
            self.parent[at as usize] = above;
            at = above;
        }
        at
    }
}
