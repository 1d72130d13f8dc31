//! `XPENDING`: what a group was given and has not acknowledged.

use super::super::group::Group;
use super::super::reply::Reply;
use super::Refusal;
use super::arguments::{self, is};
use super::{Answer, Call, no_such_group, syntax_error};
use crate::model::{EpochMillis, EventId, StreamName};

/// Which pending events are asked for.
struct Asked<'w> {
    from: EventId,
    to: EventId,
    limit: usize,
    /// Only those delivered at least so many milliseconds ago.
    idle: i64,
    consumer: Option<&'w [u8]>,
}

impl Call<'_> {
    pub(super) fn pending(&mut self, words: &[&[u8]]) -> Answer {
        let asked = match words.len() {
            3 => None,
            6..=9 => Some(asked(words)?),
            _ => return Err(syntax_error()),
        };
        let (key, name) = (words[1], words[2]);
        let stream = StreamName::find(key).ok_or_else(|| no_such_group(key, name))?;
        let groups = self.feed.groups(stream);
        let group = groups.get(name).ok_or_else(|| no_such_group(key, name))?;
        Ok(match asked {
            None => summary(group),
            Some(asked) => list(group, &asked, self.now),
        })
    }
}

fn asked<'w>(words: &[&'w [u8]]) -> Result<Asked<'w>, Refusal> {
    let (mut idle, mut at) = (0, 3);
    if is(words[3], "IDLE") {
        idle = arguments::whole_or_refuse(words[4])?;
        if words.len() < 8 {
            return Err(syntax_error());
        }
        at = 5;
    }
    let limit = arguments::whole_or_refuse(words[at + 2])?;
    Ok(Asked {
        from: arguments::interval_start(words[at])?,
        to: arguments::interval_end(words[at + 1])?,
        limit: usize::try_from(limit).unwrap_or(0),
        idle,
        consumer: words.get(at + 3).copied(),
    })
}

fn summary(group: &Group) -> Reply {
    let pending = group.pending();
    let (Some((&first, _)), Some((&last, _))) =
        (pending.first_key_value(), pending.last_key_value())
    else {
        return Reply::Array(vec![
            Reply::Int(0),
            Reply::Null,
            Reply::Null,
            Reply::NullArray,
        ]);
    };
    let busy = group
        .consumers()
        .iter()
        .filter(|(_, c)| !c.pending.is_empty());
    let consumers = busy.map(|(name, consumer)| {
        let count = consumer.pending.len().to_string().into_bytes();
        let name = Reply::Bulk(Box::from(&name[..]));
        Reply::Array(vec![name, Reply::Bulk(count.into())])
    });
    Reply::Array(vec![
        Reply::count(pending.len()),
        Reply::Id(first),
        Reply::Id(last),
        Reply::Array(consumers.collect()),
    ])
}

fn list(group: &Group, asked: &Asked<'_>, now: EpochMillis) -> Reply {
    if asked.from > asked.to {
        return Reply::Array(Vec::new());
    }
    let range = asked.from..=asked.to;
    let line = |id: EventId| {
        let pending = group.pending().get(&id)?;
        let idle = idle(now, pending.delivered_at);
        if asked.idle != 0 && idle_signed(now, pending.delivered_at) < asked.idle {
            return None;
        }
        Some(Reply::Array(vec![
            Reply::Id(id),
            Reply::Bulk(Box::from(&pending.consumer[..])),
            Reply::Int(idle),
            Reply::count(pending.deliveries),
        ]))
    };
    let lines = match asked.consumer {
        None => {
            let ids = group.pending().range(range).map(|(&id, _)| id);
            ids.filter_map(line).take(asked.limit).collect()
        }
        Some(name) => {
            let consumer = group.consumers().get(name);
            let ids = consumer
                .into_iter()
                .flat_map(|c| c.pending.range(range.clone()));
            ids.filter_map(|&id| line(id)).take(asked.limit).collect()
        }
    };
    Reply::Array(lines)
}

/// Milliseconds since a moment, which may lie ahead.
pub(super) fn idle_signed(now: EpochMillis, since: EpochMillis) -> i64 {
    now.0.saturating_sub(since.0)
}

/// Milliseconds since a moment, at least 0.
pub(super) fn idle(now: EpochMillis, since: EpochMillis) -> i64 {
    idle_signed(now, since).max(0)
}
