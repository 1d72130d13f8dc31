//! `XINFO`: what a stream, its groups and their consumers say of themselves.

use super::super::group::{Consumer, Group, Groups};
use super::super::reply::Reply;
use super::super::stream::Stats;
use super::arguments::{self, is};
use super::groups::no_group_for_key;
use super::pending::idle;
use super::{Answer, Call, Refusal, subcommand, subcommand_error};
use crate::model::{EventId, StreamName};

const SUBCOMMANDS: [(&str, usize, bool); 4] = [
    ("consumers", 4, true),
    ("groups", 3, true),
    ("stream", 3, false),
    ("help", 2, true),
];

const HELP: [&str; 9] = [
    "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
    "HELP",
    "    Prints this help.",
];

/// How much of everything `FULL` shows when it names no count.
const FULL_COUNT: usize = 10;

impl Call<'_> {
    pub(super) fn info(&mut self, words: &[&[u8]]) -> Answer {
        let verb = subcommand("XINFO", words, &SUBCOMMANDS)?;
        if verb == "help" {
            return Ok(Reply::Array(HELP.map(Reply::Simple).into()));
        }
        let key = words[2];
        let stream = StreamName::find(key).ok_or_else(|| Refusal::new("ERR no such key"))?;
        let groups = self.feed.groups(stream);
        match verb {
            "consumers" => {
                let group = groups.get(words[3]);
                let group = group.ok_or_else(|| no_group_for_key(key, words[3]))?;
                Ok(self.consumers(group))
            }
            "groups" => {
                let stats = self.feed.events(stream).stats();
                Ok(Reply::Array(
                    groups
                        .iter()
                        .map(|(name, g)| group_line(name, g, &stats))
                        .collect(),
                ))
            }
            _ => self.stream_info(stream, &groups, words),
        }
    }

    fn consumers(&self, group: &Group) -> Reply {
        let line = |(name, consumer): (&std::sync::Arc<[u8]>, &Consumer)| {
            Reply::Map(vec![
                ("name", Reply::Bulk(Box::from(&name[..]))),
                ("pending", Reply::count(consumer.pending.len())),
                ("idle", Reply::Int(idle(self.now, consumer.seen_at))),
            ])
        };
        Reply::Array(group.consumers().iter().map(line).collect())
    }

    fn stream_info(&self, stream: StreamName, groups: &Groups, words: &[&[u8]]) -> Answer {
        let full = full_count(words)?;
        let events = self.feed.events(stream);
        let stats = events.stats();
        let mut lines = vec![
            ("length", Reply::count(stats.len)),
            ("radix-tree-keys", Reply::count(stats.blocks)),
            ("radix-tree-nodes", Reply::count(stats.blocks + 1)),
            ("last-generated-id", Reply::Id(stats.last)),
            // Events are never deleted, only trimmed from the front.
            ("max-deleted-entry-id", Reply::Id(EventId::ZERO)),
            ("entries-added", Reply::count(stats.added)),
            ("recorded-first-entry-id", Reply::Id(stats.first)),
        ];
        if let Some(count) = full {
            let shown = events.range(EventId::ZERO, EventId::MAX, count, false);
            drop(events);
            let group = |(name, group)| full_group(name, group, &stats, count);
            lines.push(("entries", Reply::Entries(shown)));
            lines.push(("groups", Reply::Array(groups.iter().map(group).collect())));
        } else {
            let edge = |id| events.get(id).map_or(Reply::Null, Reply::Entry);
            lines.push(("groups", Reply::count(groups.len())));
            lines.push(("first-entry", edge(stats.first)));
            lines.push(("last-entry", edge(stats.last)));
        }
        Ok(Reply::Map(lines))
    }
}

/// How much `FULL` shows; `None` without it.
fn full_count(words: &[&[u8]]) -> Result<Option<usize>, Refusal> {
    match &words[3..] {
        [] => Ok(None),
        [full] if is(full, "FULL") => Ok(Some(FULL_COUNT)),
        [full, count, value] if is(full, "FULL") && is(count, "COUNT") => {
            Ok(Some(match arguments::whole_or_refuse(value)? {
                ..0 => FULL_COUNT,
                0 => usize::MAX,
                count => usize::try_from(count).unwrap_or(usize::MAX),
            }))
        }
        _ => Err(subcommand_error("XINFO", words[1])),
    }
}

fn group_line(name: &[u8], group: &Group, stats: &Stats) -> Reply {
    Reply::Map(vec![
        ("name", Reply::Bulk(name.into())),
        ("consumers", Reply::count(group.consumers().len())),
        ("pending", Reply::count(group.pending().len())),
        ("last-delivered-id", Reply::Id(group.last())),
        (
            "entries-read",
            group.read().map_or(Reply::Null, Reply::count),
        ),
        ("lag", group.lag(stats).map_or(Reply::Null, Reply::Int)),
    ])
}

fn full_group(name: &[u8], group: &Group, stats: &Stats, count: usize) -> Reply {
    let pending = group.pending().iter().take(count).map(|(&id, pending)| {
        Reply::Array(vec![
            Reply::Id(id),
            Reply::Bulk(Box::from(&pending.consumer[..])),
            Reply::Int(pending.delivered_at.0),
            Reply::count(pending.deliveries),
        ])
    });
    let consumers = group.consumers().iter().map(|(name, consumer)| {
        let ids = consumer.pending.iter().take(count);
        let pending = ids.filter_map(|&id| {
            let pending = group.pending().get(&id)?;
            Some(Reply::Array(vec![
                Reply::Id(id),
                Reply::Int(pending.delivered_at.0),
                Reply::count(pending.deliveries),
            ]))
        });
        Reply::Map(vec![
            ("name", Reply::Bulk(Box::from(&name[..]))),
            ("seen-time", Reply::Int(consumer.seen_at.0)),
            ("pel-count", Reply::count(consumer.pending.len())),
            ("pending", Reply::Array(pending.collect())),
        ])
    });
    Reply::Map(vec![
        ("name", Reply::Bulk(name.into())),
        ("last-delivered-id", Reply::Id(group.last())),
        (
            "entries-read",
            group.read().map_or(Reply::Null, Reply::count),
        ),
        ("lag", group.lag(stats).map_or(Reply::Null, Reply::Int)),
        ("pel-count", Reply::count(group.pending().len())),
        ("pending", Reply::Array(pending.collect())),
        ("consumers", Reply::Array(consumers.collect())),
    ])
}
