//! The event feed's part in the engine: its groups are state like any other.
//!
//! Events come from outside, from whoever knows what is safe of the journal ([`Engine::feed`]).
//! What changes a consumer group is a fact. The pass is taken before any group is locked: a cut
//! closes the gate and then looks at the groups.

use super::Engine;
use super::facts::FactSink;
use crate::feed::{Feed, GroupFact, Marks, Names, Outcome, StreamName, Wait};
use crate::model::{ChannelId, EpochMillis, Fact, LocationId, Lsn, ServiceId, SkuId};

/// What the feed is at a cut: its groups, as the fewest changes that make them, and its counts.
#[derive(Debug, Clone, Default)]
pub struct FeedImage {
    /// Changes that make the groups.
    pub groups: Vec<GroupFact>,
    /// How far it was; `None` when nothing was ever fed.
    pub marks: Option<Marks>,
}

impl Engine {
    /// The event feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Carries out a command of the feed, given as its words with its name first.
    pub fn feed_command(&self, words: &[&[u8]], now: EpochMillis) -> Outcome {
        self.with_record(now, |record| self.feed.execute(words, now, record))
    }

    /// Reads again for a reader that was parked and woken.
    pub fn feed_resume(&self, wait: Wait, now: EpochMillis) -> Outcome {
        self.with_record(now, |record| self.feed.resume(wait, now, record))
    }

    fn with_record<T>(
        &self,
        now: EpochMillis,
        act: impl FnOnce(&mut dyn FnMut(GroupFact)) -> T,
    ) -> T {
        let pass = self.gate.enter();
        act(&mut |change| {
            self.history
                .append(&pass, now, || [Fact::FeedGroup(Box::new(change))]);
        })
    }

    /// Gives an engine whose facts go nowhere a place for those from now on: `make` is told the
    /// number of the latest. Returns whether it did; an engine that has one keeps it.
    ///
    /// # Errors
    /// As `make`.
    pub fn keep_facts<E>(
        &self,
        make: impl FnOnce(Lsn) -> Result<Box<dyn FactSink>, E>,
    ) -> Result<bool, E> {
        let _closed = self.gate.close();
        if self.history.is_attached() {
            return Ok(false);
        }
        let latest = self.history.latest();
        self.history.attach(Some(make(latest)?), latest);
        Ok(true)
    }

    /// What the feed is while nobody passes the gate, cheaply: groups are shared until they change.
    pub(super) fn feed_at_cut(&self) -> FeedAtCut {
        FeedAtCut {
            groups: StreamName::ALL.map(|stream| (stream, self.feed.groups_image(stream))),
            marks: self.feed.marks(),
        }
    }
}

/// A feed's groups and counts at one moment.
pub(super) struct FeedAtCut {
    groups: [(StreamName, crate::feed::Groups); StreamName::ALL.len()],
    marks: Option<Marks>,
}

impl FeedAtCut {
    pub(super) fn image(&self) -> FeedImage {
        let groups = self.groups.iter().flat_map(|(stream, groups)| {
            groups.changes().map(|(group, change)| GroupFact {
                stream: *stream,
                group: group.into(),
                change,
            })
        });
        FeedImage {
            groups: groups.collect(),
            marks: self.marks,
        }
    }
}

impl Names for Engine {
    fn sku_name(&self, sku: SkuId) -> &str {
        self.registry.sku_name(sku)
    }

    fn location_name(&self, location: LocationId) -> &str {
        self.registry.location_name(location)
    }

    fn channel_name(&self, channel: ChannelId) -> &str {
        self.registry.channel_name(channel)
    }

    fn service_name(&self, service: ServiceId) -> &str {
        Engine::service_name(self, service)
    }
}
