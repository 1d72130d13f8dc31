//! Units of one SKU kept for, or capped at, selling channels.

use crate::model::{ChannelId, Qty};
use bincode::{Decode, Encode};
use smallvec::SmallVec;

/// One channel's share of a SKU, over all locations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Allocation {
    /// The channel.
    pub channel: ChannelId,
    /// Units kept for it.
    pub protected: Qty,
    /// Most units it may promise; `None` is unlimited.
    pub cap: Option<Qty>,
    /// Units it was promised since the allocation was first set, less those it gave back. Units
    /// that shipped stay used.
    pub used: u64,
}

/// All allocations of one SKU.
#[derive(Debug, Clone, Default)]
pub(super) struct Allocations {
    entries: SmallVec<[Allocation; 2]>,
}

impl Allocations {
    /// Sets a channel's share. `used` counts only when the channel is new here.
    pub(super) fn set(&mut self, channel: ChannelId, protected: Qty, cap: Option<Qty>, used: u64) {
        match self.entries.iter_mut().find(|e| e.channel == channel) {
            Some(entry) => (entry.protected, entry.cap) = (protected, cap),
            None => self.entries.push(Allocation {
                channel,
                protected,
                cap,
                used,
            }),
        }
    }

    /// Counts units that were promised to the channel.
    pub(super) fn promised(&mut self, channel: ChannelId, units: u32) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.channel == channel) {
            entry.used += u64::from(units);
        }
    }

    /// Counts units that the channel gave back.
    pub(super) fn given_back(&mut self, channel: ChannelId, units: u32) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.channel == channel) {
            entry.used = entry.used.saturating_sub(u64::from(units));
        }
    }

    /// What the channel may promise of `total` units: less what is protected for other channels
    /// and not yet used by them, and at most what its own cap leaves. May be negative.
    pub(super) fn limit(&self, channel: ChannelId, total: i64) -> i64 {
        let mut limit = total;
        for entry in &self.entries {
            if entry.channel != channel {
                let kept = u64::from(entry.protected.0).saturating_sub(entry.used);
                limit = limit.saturating_sub_unsigned(kept);
            }
        }
        for entry in self.entries.iter().filter(|e| e.channel == channel) {
            if let Some(cap) = entry.cap {
                limit = limit.min(i64::from(cap.0).saturating_sub_unsigned(entry.used));
            }
        }
        limit
    }

    /// Shares as they were, with what was used of them.
    pub(super) fn restored(entries: &[Allocation]) -> Self {
        Self {
            entries: entries.into(),
        }
    }

    /// All shares.
    pub(super) fn entries(&self) -> &[Allocation] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_holds_back_only_what_is_not_yet_used() {
        let (web, store) = (ChannelId(0), ChannelId(1));
        let mut shares = Allocations::default();
        shares.set(store, Qty(10), Some(Qty(12)), 0);
        assert_eq!(shares.limit(web, 25), 15);
        assert_eq!(shares.limit(store, 25), 12);
        shares.promised(store, 4);
        assert_eq!(
            shares.limit(web, 21),
            15,
            "the store's units came out of its own protection"
        );
        assert_eq!(shares.limit(store, 21), 8);
        shares.set(store, Qty(2), None, 99);
        assert_eq!(
            shares.limit(web, 21),
            21,
            "use is kept when the share is set again"
        );
    }
}
