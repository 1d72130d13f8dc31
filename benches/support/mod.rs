//! What a user would write instead of the ledger: one concurrent map, position by position.
//!
//! It checks and takes every line under the entry's own lock. Unlike the ledger it keeps no
//! claims, and an order that fails at its second line has already taken the first: it must give
//! it back, and everybody could see it gone meanwhile.

use dashmap::DashMap;
use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

/// One SKU at one location.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) on_hand: u32,
    pub(crate) reserved: u32,
}

/// A map from some key to positions.
pub(crate) struct Naive<K: Eq + Hash, S>(pub(crate) DashMap<K, Position, S>);

impl<K: Eq + Hash, S: BuildHasher + Clone + Default> Naive<K, S> {
    pub(crate) fn new(keys: impl Iterator<Item = K>, on_hand: u32) -> Self {
        let reserved = 0;
        Self(
            keys.map(|key| (key, Position { on_hand, reserved }))
                .collect(),
        )
    }

    /// Takes one unit of every key, or gives back what it took.
    pub(crate) fn take<Q>(&self, keys: &[impl Borrow<Q>]) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        for (index, key) in keys.iter().enumerate() {
            let taken = self.0.get_mut(key.borrow()).is_some_and(|mut position| {
                let free = position.on_hand > position.reserved;
                position.reserved += u32::from(free);
                free
            });
            if !taken {
                self.give_back(&keys[..index]);
                return false;
            }
        }
        true
    }

    pub(crate) fn give_back<Q>(&self, keys: &[impl Borrow<Q>])
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        for key in keys {
            if let Some(mut position) = self.0.get_mut(key.borrow()) {
                position.reserved -= 1;
            }
        }
    }

    pub(crate) fn atp<Q>(&self, key: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let position = self.0.get(key);
        position.map_or(0, |p| p.on_hand.saturating_sub(p.reserved))
    }
}
