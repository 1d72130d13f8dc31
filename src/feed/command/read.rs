//! `XRANGE`, `XREVRANGE`, `XREAD` and `XREADGROUP`.

use super::super::event::StreamSet;
use super::super::group::{Group, Groups};
use super::super::reply::Reply;
use super::super::streams::Feed;
use super::super::waiters::{Parked, Versions};
use super::arguments::{self, is, quoted};
use super::groups::{check_consumer, pending_room};
use super::read_options::{Reader, options};
use super::{Answer, Call, Outcome, Refusal, syntax_error};
use crate::model::{EpochMillis, EventId, GroupChange, GroupFact, StreamName};
use parking_lot::MutexGuard;

/// Most events of a stream that a parked reader is given when it named no count.
const PARKED_COUNT: usize = 1000;

/// What is asked of one stream.
#[derive(Debug, Clone)]
struct Source {
    /// The key as the client wrote it.
    key: Box<[u8]>,
    /// The stream of that key, if it is one.
    stream: Option<StreamName>,
    /// Only events after this one; the end of all ids is `>`, what is new to the group.
    after: EventId,
}

/// A reader that found nothing and wants to be parked.
///
/// Park it by [`Feed::park`], await that until [`Wait::until`], then [`Feed::resume`] it; when the
/// time is up, answer [`Wait::timed_out`].
#[derive(Debug)]
pub struct Wait {
    until: Option<EpochMillis>,
    sources: Vec<Source>,
    limit: usize,
    reader: Option<Reader>,
    read_at: Versions,
}

impl Wait {
    /// When the reader gives up; `None` for never.
    #[must_use]
    pub fn until(&self) -> Option<EpochMillis> {
        self.until
    }

    /// The streams it waits for.
    #[must_use]
    pub fn streams(&self) -> StreamSet {
        let mut streams = StreamSet::default();
        for stream in self.sources.iter().filter_map(|source| source.stream) {
            streams.insert(stream);
        }
        streams
    }

    /// After which event it reads each of its streams, in the order it named them; the end of all
    /// ids stands for what is new to its group.
    pub fn from(&self) -> impl Iterator<Item = (StreamName, EventId)> {
        let known = |source: &Source| source.stream.map(|stream| (stream, source.after));
        self.sources.iter().filter_map(known)
    }

    /// What it answers when nothing came in time.
    #[must_use]
    pub fn timed_out() -> Reply {
        Reply::NullArray
    }
}

impl Feed {
    /// Parks a reader. The future is ready at once when something came since it read.
    pub fn park(&self, wait: &Wait) -> Parked {
        self.park_readers(wait.streams(), &wait.read_at)
    }

    /// Reads again for a reader that was woken; it may find nothing and wait once more.
    pub fn resume(
        &self,
        wait: Wait,
        now: EpochMillis,
        record: &mut dyn FnMut(GroupFact),
    ) -> Outcome {
        let feed = self;
        let served = Call { feed, now, record }.serve_parked(wait);
        served.unwrap_or_else(|Refusal(line)| Outcome::Reply(Reply::Error(line)))
    }
}

/// Groups of the streams that a command names, all locked.
type Locked<'a> = [Option<MutexGuard<'a, Groups>>; StreamName::ALL.len()];

impl<'a> Call<'a> {
    pub(super) fn range(&self, words: &[&[u8]], reverse: bool) -> Answer {
        let (first, last) = if reverse { (3, 2) } else { (2, 3) };
        let from = arguments::interval_start(words[first])?;
        let to = arguments::interval_end(words[last])?;
        let mut limit = Some(usize::MAX);
        let mut options = words[4..].iter();
        while let Some(option) = options.next() {
            let Some(count) = options.next().filter(|_| is(option, "COUNT")) else {
                return Err(syntax_error());
            };
            let count = arguments::whole_or_refuse(count)?;
            limit = usize::try_from(count).ok().filter(|&c| c > 0);
        }
        let Some(stream) = StreamName::find(words[1]) else {
            return Ok(Reply::Array(Vec::new()));
        };
        Ok(match limit {
            None => Reply::NullArray,
            Some(limit) => Reply::Entries(self.feed.events(stream).range(from, to, limit, reverse)),
        })
    }

    pub(super) fn read(&mut self, words: &[&[u8]], grouped: bool) -> Result<Outcome, Refusal> {
        let options = options(words, grouped)?;
        // Before looking at any stream: what comes later must not be slept through.
        let read_at = self.feed.versions();
        let (keys, ids) = words[options.keys..].split_at((words.len() - options.keys) / 2);
        let mut locked = match &options.reader {
            Some(_) => lock(
                self.feed,
                keys.iter().filter_map(|key| StreamName::find(key)),
            ),
            None => Locked::default(),
        };
        let mut sources = Vec::with_capacity(keys.len());
        for (key, id) in keys.iter().zip(ids) {
            sources.push(self.source(key, id, options.reader.as_ref(), &locked)?);
        }
        let limit = options.limit.unwrap_or(usize::MAX);
        let served = self.serve(&sources, limit, options.reader.as_ref(), &mut locked)?;
        Ok(match (served, options.block) {
            (Some(reply), _) => Outcome::Reply(reply),
            (None, None) => Outcome::Reply(Reply::NullArray),
            (None, Some(block)) => Outcome::Wait(Wait {
                until: (block > 0).then(|| EpochMillis(self.now.0.saturating_add(block))),
                sources,
                limit: options
                    .limit
                    .filter(|&l| l < usize::MAX)
                    .unwrap_or(PARKED_COUNT),
                reader: options.reader,
                read_at,
            }),
        })
    }

    fn source(
        &self,
        key: &[u8],
        id: &[u8],
        reader: Option<&Reader>,
        locked: &Locked<'_>,
    ) -> Result<Source, Refusal> {
        let stream = StreamName::find(key);
        if let Some(reader) = reader
            && group_of(locked, stream, &reader.group).is_none()
        {
            return Err(Refusal::new(format!(
                "NOGROUP No such key '{}' or consumer group '{}' in XREADGROUP with GROUP option",
                quoted(key),
                quoted(&reader.group)
            )));
        }
        let after = match (id, reader.is_some()) {
            (b"$", true) => {
                return Err(Refusal::new(
                    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read \
                     the history of this consumer by specifying a proper ID, or use the > ID to \
                     get new messages. The $ ID would just return an empty result set.",
                ));
            }
            (b"$", false) => stream.map_or(EventId::ZERO, |s| self.feed.events(s).stats().last),
            (b">", false) => {
                return Err(Refusal::new(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP \
                     <group> <consumer> option.",
                ));
            }
            (b">", true) => EventId::MAX,
            (other, _) => arguments::id(other, 0)?,
        };
        Ok(Source {
            key: key.into(),
            stream,
            after,
        })
    }

    fn serve_parked(&mut self, mut wait: Wait) -> Result<Outcome, Refusal> {
        wait.read_at = self.feed.versions();
        let mut locked = Locked::default();
        if let Some(reader) = &wait.reader {
            locked = lock(self.feed, wait.sources.iter().filter_map(|s| s.stream));
            let gone = |s: &Source| group_of(&locked, s.stream, &reader.group).is_none();
            if wait.sources.iter().any(gone) {
                return Err(Refusal::new(
                    "NOGROUP the consumer group this client was blocked on no longer exists",
                ));
            }
        }
        let served = self.serve(&wait.sources, wait.limit, wait.reader.as_ref(), &mut locked)?;
        Ok(served.map_or(Outcome::Wait(wait), Outcome::Reply))
    }

    /// What can be read now; `None` when that is nothing.
    fn serve(
        &mut self,
        sources: &[Source],
        limit: usize,
        reader: Option<&Reader>,
        locked: &mut Locked<'_>,
    ) -> Result<Option<Reply>, Refusal> {
        let mut served: Vec<(Box<[u8]>, Reply)> = Vec::new();
        for source in sources {
            let Some(stream) = source.stream else {
                continue;
            };
            let reply = match (reader, &mut locked[stream as usize]) {
                (Some(reader), Some(groups)) if source.after == EventId::MAX => {
                    match self.deliver(stream, groups, reader, limit) {
                        // What went before has been handed out already and must be told.
                        Err(_) if !served.is_empty() => None,
                        other => other?,
                    }
                }
                (Some(reader), Some(groups)) => {
                    Some(self.history(stream, groups, reader, source.after, limit)?)
                }
                _ => self.after(stream, source.after, limit),
            };
            served.extend(reply.map(|reply| (source.key.clone(), reply)));
        }
        Ok((!served.is_empty()).then_some(Reply::Keyed(served)))
    }

    fn after(&self, stream: StreamName, after: EventId, limit: usize) -> Option<Reply> {
        let events = self.feed.events(stream);
        let found = events.range(after.next()?, EventId::MAX, limit, false);
        (!found.is_empty()).then_some(Reply::Entries(found))
    }

    /// Hands new events of a group to a consumer.
    fn deliver(
        &mut self,
        stream: StreamName,
        groups: &mut Groups,
        reader: &Reader,
        limit: usize,
    ) -> Result<Option<Reply>, Refusal> {
        let Some(group) = groups.get(&reader.group) else {
            return Ok(None);
        };
        let (found, stats) = {
            let events = self.feed.events(stream);
            let stats = events.stats();
            if stats.len == 0 || stats.last <= group.last() {
                // Not even a consumer is made of a read that finds nothing.
                return Ok(None);
            }
            check_consumer(group, &reader.group, &reader.consumer)?;
            let room = if reader.no_ack {
                usize::MAX
            } else {
                pending_room(group, &reader.group)?
            };
            let from = group.last().next().unwrap_or(EventId::MAX);
            (
                events.range(from, EventId::MAX, limit.min(room), false),
                stats,
            )
        };
        let (mut last, mut read) = (group.last(), group.read());
        let mut ids = Vec::with_capacity(if reader.no_ack { 0 } else { found.len() });
        for id in found.ids() {
            read = Group::read_after(read, id, &stats);
            last = id;
            if !reader.no_ack {
                ids.push(id);
            }
        }
        let change = GroupChange::Delivered {
            consumer: reader.consumer.clone(),
            at: self.now,
            ids: ids.into(),
            last,
            read,
        };
        self.change(stream, groups, &reader.group, change);
        Ok(Some(Reply::Entries(found)))
    }

    /// What a consumer was given before and has not acknowledged.
    fn history(
        &mut self,
        stream: StreamName,
        groups: &mut Groups,
        reader: &Reader,
        after: EventId,
        limit: usize,
    ) -> Answer {
        let Some(group) = groups.get(&reader.group) else {
            return Ok(Reply::NullArray);
        };
        let Some(consumer) = group.consumers().get(&reader.consumer[..]) else {
            check_consumer(group, &reader.group, &reader.consumer)?;
            let change = GroupChange::ConsumerCreated {
                consumer: reader.consumer.clone(),
                at: self.now,
            };
            self.change(stream, groups, &reader.group, change);
            return Ok(Reply::Array(Vec::new()));
        };
        let from = after.next().unwrap_or(EventId::MAX);
        let mut ids = Vec::new();
        let replies = consumer.pending.range(from..).take(limit).map(|&id| {
            match self.feed.events(stream).get(id) {
                Some(entry) => {
                    ids.push(id);
                    Reply::Entry(entry)
                }
                None => Reply::Array(vec![Reply::Id(id), Reply::NullArray]),
            }
        });
        let replies = replies.collect();
        if ids.is_empty() {
            self.seen(groups, reader);
        } else {
            let change = GroupChange::Repeated {
                consumer: reader.consumer.clone(),
                at: self.now,
                ids: ids.into(),
            };
            self.change(stream, groups, &reader.group, change);
        }
        Ok(Reply::Array(replies))
    }

    fn seen(&self, groups: &mut Groups, reader: &Reader) {
        if let Some(group) = groups.get_mut(&reader.group) {
            group.seen(&reader.consumer, self.now);
        }
    }
}

/// Locks the groups of several streams, in the order that everybody takes them.
fn lock(feed: &Feed, streams: impl Iterator<Item = StreamName>) -> Locked<'_> {
    let mut wanted = StreamSet::default();
    streams.for_each(|stream| wanted.insert(stream));
    StreamName::ALL.map(|stream| wanted.contains(stream).then(|| feed.groups(stream)))
}

fn group_of<'g>(
    locked: &'g Locked<'_>,
    stream: Option<StreamName>,
    group: &[u8],
) -> Option<&'g Group> {
    locked[stream? as usize].as_ref()?.get(group)
}
