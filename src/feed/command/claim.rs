//! `XCLAIM` and `XAUTOCLAIM`: pending events change hands.

use super::super::group::{Group, Groups};
use super::super::reply::Reply;
use super::super::streams::Feed;
use super::arguments::{self, is, quoted};
use super::groups::{check_consumer, pending_room};
use super::pending::idle_signed;
use super::{Answer, Call, Refusal, no_such_group, syntax_error};
use crate::model::{EpochMillis, EventClaim as Claim, EventId, GroupChange, StreamName};
use std::collections::BTreeMap;

/// How many pending events `XAUTOCLAIM` looks at for each one that it may claim.
const ATTEMPTS_PER_CLAIM: usize = 10;
/// Largest `COUNT` of `XAUTOCLAIM`, as on a 64-bit Redis.
const AUTOCLAIM_MAX: i64 = i64::MAX / 16;

/// The words of `XCLAIM` behind its ids.
#[derive(Default)]
struct Options {
    delivered_at: Option<i64>,
    deliveries: Option<u64>,
    last: EventId,
    force: bool,
    only_ids: bool,
}

/// What one command claims, gathered before it takes effect.
#[derive(Default)]
struct Claimed {
    entries: BTreeMap<EventId, Claim>,
    dropped: Vec<EventId>,
    replies: Vec<Reply>,
}

impl Claimed {
    fn claim(&mut self, claim: Claim, reply: Reply) {
        self.entries.insert(claim.id, claim);
        self.replies.push(reply);
    }
}

impl Call<'_> {
    pub(super) fn claim(&mut self, words: &[&[u8]]) -> Answer {
        let (key, name, consumer) = (words[1], words[2], words[3]);
        let feed = self.feed;
        let stream = StreamName::find(key).ok_or_else(|| no_such_group(key, name))?;
        let mut groups = feed.groups(stream);
        let Some(group) = groups.get(name) else {
            return Err(no_such_group(key, name));
        };
        let min_idle = number(words[4], "Invalid min-idle-time argument for XCLAIM")?.max(0);
        let ids: Vec<EventId> = words[5..]
            .iter()
            .map_while(|word| arguments::id(word, 0).ok())
            .collect();
        let options = self.claim_options(&words[5 + ids.len()..])?;
        check_consumer(group, name, consumer)?;
        if options.force {
            // Every id that is not pending yet may become so.
            let room = pending_room(group, name)?;
            if ids.len() > room {
                return Err(Refusal::new(format!(
                    "ERR group '{}' has room for {room} more pending events, not for {}; \
                     acknowledge some by XACK first",
                    quoted(name),
                    ids.len()
                )));
            }
        }
        let mut claimed = Claimed::default();
        for id in ids {
            self.claim_one(stream, group, id, min_idle, &options, &mut claimed);
        }
        if options.last > group.last() {
            let (last, read) = (options.last, group.read());
            let change = GroupChange::Moved { last, read };
            self.change(stream, &mut groups, name, change);
        }
        Ok(Reply::Array(self.settle(
            stream,
            &mut groups,
            name,
            consumer,
            claimed,
        )))
    }

    fn claim_options(&self, words: &[&[u8]]) -> Result<Options, Refusal> {
        let mut options = Options::default();
        let mut rest = words;
        while let [word, more @ ..] = rest {
            rest = more;
            if is(word, "FORCE") {
                options.force = true;
                continue;
            }
            if is(word, "JUSTID") {
                options.only_ids = true;
                continue;
            }
            let [value, more @ ..] = more else {
                return Err(unrecognized(word));
            };
            if is(word, "IDLE") {
                let idle = number(value, "Invalid IDLE option argument for XCLAIM")?;
                options.delivered_at = Some(self.now.0.saturating_sub(idle));
            } else if is(word, "TIME") {
                let time = number(value, "Invalid TIME option argument for XCLAIM")?;
                options.delivered_at = Some(time);
            } else if is(word, "RETRYCOUNT") {
                let count = number(value, "Invalid RETRYCOUNT option argument for XCLAIM")?;
                options.deliveries = u64::try_from(count).ok();
            } else if is(word, "LASTID") {
                options.last = arguments::id(value, 0)?;
            } else {
                return Err(unrecognized(word));
            }
            rest = more;
        }
        Ok(options)
    }

    fn claim_one(
        &self,
        stream: StreamName,
        group: &Group,
        id: EventId,
        min_idle: i64,
        options: &Options,
        claimed: &mut Claimed,
    ) {
        let known = claimed.entries.get(&id).copied();
        let known = known.or_else(|| pending(group, id));
        let Some(reply) = event(self.feed, stream, id, options.only_ids) else {
            // The stream no longer keeps it, so nobody can deal with it.
            if known.is_some() {
                claimed.dropped.push(id);
            }
            return;
        };
        let deliveries = match known {
            Some(known) if is_idle(self.now, &known, min_idle) => known.deliveries,
            None if options.force => 1,
            _ => return,
        };
        // A moment that cannot be is taken as now, as clocks of clients differ.
        let at = options
            .delivered_at
            .filter(|at| (0..=self.now.0).contains(at));
        let again = deliveries.saturating_add(u64::from(!options.only_ids));
        let claim = Claim {
            id,
            delivered_at: at.map_or(self.now, EpochMillis),
            deliveries: options.deliveries.unwrap_or(again),
        };
        claimed.claim(claim, reply);
    }

    pub(super) fn autoclaim(&mut self, words: &[&[u8]]) -> Answer {
        let (key, name, consumer) = (words[1], words[2], words[3]);
        let min_idle = number(words[4], "Invalid min-idle-time argument for XAUTOCLAIM")?.max(0);
        let from = arguments::interval_start(words[5])?;
        let (count, only_ids) = autoclaim_options(&words[6..])?;
        let feed = self.feed;
        let stream = StreamName::find(key).ok_or_else(|| no_such_group(key, name))?;
        let mut groups = feed.groups(stream);
        let Some(group) = groups.get(name) else {
            return Err(no_such_group(key, name));
        };
        check_consumer(group, name, consumer)?;
        let mut claimed = Claimed::default();
        let mut attempts = count.saturating_mul(ATTEMPTS_PER_CLAIM);
        let mut ids = group.pending().range(from..).map(|(&id, _)| id);
        while attempts > 0 && claimed.replies.len() + claimed.dropped.len() < count {
            attempts -= 1;
            let Some(id) = ids.next() else {
                break;
            };
            let Some(reply) = event(feed, stream, id, only_ids) else {
                claimed.dropped.push(id);
                continue;
            };
            let known = pending(group, id).filter(|k| is_idle(self.now, k, min_idle));
            if let Some(known) = known {
                let claim = Claim {
                    id,
                    delivered_at: self.now,
                    deliveries: known.deliveries.saturating_add(u64::from(!only_ids)),
                };
                claimed.claim(claim, reply);
            }
        }
        let cursor = ids.next().unwrap_or(EventId::ZERO);
        let dropped = claimed.dropped.iter().map(|&id| Reply::Id(id)).collect();
        let replies = self.settle(stream, &mut groups, name, consumer, claimed);
        Ok(Reply::Array(vec![
            Reply::Id(cursor),
            Reply::Array(replies),
            Reply::Array(dropped),
        ]))
    }

    /// Makes what was gathered take effect.
    fn settle(
        &mut self,
        stream: StreamName,
        groups: &mut Groups,
        name: &[u8],
        consumer: &[u8],
        claimed: Claimed,
    ) -> Vec<Reply> {
        if !claimed.dropped.is_empty() {
            let ids = claimed.dropped.into();
            self.change(stream, groups, name, GroupChange::Dropped { ids });
        }
        if !claimed.entries.is_empty() {
            let change = GroupChange::Claimed {
                consumer: consumer.into(),
                at: self.now,
                entries: claimed.entries.into_values().collect(),
            };
            self.change(stream, groups, name, change);
        }
        claimed.replies
    }
}

fn autoclaim_options(words: &[&[u8]]) -> Result<(usize, bool), Refusal> {
    let (mut count, mut only_ids, mut rest) = (100, false, words);
    while let [word, more @ ..] = rest {
        rest = more;
        match more {
            [value, more @ ..] if is(word, "COUNT") => {
                let asked = arguments::whole(value).filter(|c| (1..=AUTOCLAIM_MAX).contains(c));
                let asked = asked.ok_or_else(|| Refusal::new("ERR COUNT must be > 0"))?;
                count = usize::try_from(asked).unwrap_or(usize::MAX);
                rest = more;
            }
            _ if is(word, "JUSTID") => only_ids = true,
            _ => return Err(syntax_error()),
        }
    }
    Ok((count, only_ids))
}

/// What is known of a pending event.
fn pending(group: &Group, id: EventId) -> Option<Claim> {
    group.pending().get(&id).map(|pending| Claim {
        id,
        delivered_at: pending.delivered_at,
        deliveries: pending.deliveries,
    })
}

fn is_idle(now: EpochMillis, claim: &Claim, least: i64) -> bool {
    least == 0 || idle_signed(now, claim.delivered_at) >= least
}

/// The event or only its id, if the stream still keeps it.
fn event(feed: &Feed, stream: StreamName, id: EventId, only_id: bool) -> Option<Reply> {
    let events = feed.events(stream);
    if only_id {
        return events.contains(id).then_some(Reply::Id(id));
    }
    events.get(id).map(Reply::Entry)
}

fn number(word: &[u8], refusal: &str) -> Result<i64, Refusal> {
    arguments::whole(word).ok_or_else(|| Refusal::new(format!("ERR {refusal}")))
}

fn unrecognized(word: &[u8]) -> Refusal {
    let word = quoted(word);
    Refusal::new(format!("ERR Unrecognized XCLAIM option '{word}'"))
}
