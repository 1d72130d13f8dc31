//! `X…`: the event feed, by the stream commands of Redis.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::feed::{self, Outcome, ReplySink};
use crate::wire::{Protocol, Reply, ReplyWriter};
use smallvec::SmallVec;

/// Their chapter of the reference.
const GROUP: &str = "Event feed";
const STREAM: (&str, &str) = ("stream", "`events`, `orders`, `stock` or `exceptions`");

/// Whether a command of the table hands out events of a group. Its reply does not wait for the disk:
/// a delivery that a crash takes back is made again.
pub(in super::super) fn delivers(command: &Command) -> bool {
    ["XREADGROUP", "XCLAIM", "XAUTOCLAIM"].contains(&command.name)
}

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "XREAD",
        group: GROUP,
        usage: "[COUNT count] [BLOCK ms] STREAMS stream... id...",
        summary: "Events after an id, of one or several streams. With BLOCK it waits for the next \
            ones when there are none; an id of `$` is the last there is now. An id that is no \
            longer kept reads on from the oldest event that is.",
        arguments: &[
            ("COUNT count", "most events of each stream"),
            (
                "BLOCK ms",
                "wait so many milliseconds; 0 for as long as it takes",
            ),
            STREAM,
            ("STREAMS", "begins the streams, and after them as many ids"),
            ("id", "`fact-n`, or `$`"),
        ],
        reply: "as in Redis: by stream its events; null when there are none; each event is its id \
            and a list of names and values",
        errors: &["ERR", "LOADING"],
        example: "XREAD COUNT 10 STREAMS orders 0",
        writes: false,
        least: 3,
        most: None,
        run,
    },
    Command {
        name: "XRANGE",
        group: GROUP,
        usage: "stream from to [COUNT count]",
        summary: "Events with ids from one to another, oldest first.",
        arguments: &[
            STREAM,
            ("from", "an id, `(id` without it, `-` for the oldest"),
            ("to", "an id, `(id` without it, `+` for the newest"),
            ("COUNT count", "most events"),
        ],
        reply: "array of events, each its id and a list of names and values",
        errors: &["ERR", "LOADING"],
        example: "XRANGE stock - + COUNT 10",
        writes: false,
        least: 3,
        most: Some(5),
        run,
    },
    Command {
        name: "XREVRANGE",
        group: GROUP,
        usage: "stream to from [COUNT count]",
        summary: "The same, newest first.",
        arguments: &[
            STREAM,
            ("to", "an id, `(id` without it, `+` for the newest"),
            ("from", "an id, `(id` without it, `-` for the oldest"),
            ("COUNT count", "most events"),
        ],
        reply: "array of events, each its id and a list of names and values",
        errors: &["ERR", "LOADING"],
        example: "XREVRANGE orders + - COUNT 1",
        writes: false,
        least: 3,
        most: Some(5),
        run,
    },
    Command {
        name: "XLEN",
        group: GROUP,
        usage: "stream",
        summary: "How many events of a stream are kept.",
        arguments: &[STREAM],
        reply: "integer",
        errors: &["LOADING"],
        example: "XLEN events",
        writes: false,
        least: 1,
        most: Some(1),
        run,
    },
    Command {
        name: "XGROUP",
        group: GROUP,
        usage: "verb [stream group [argument...]]",
        summary: "Consumer groups. CREATE and SETID say from where a group reads, DESTROY removes \
            it; CREATECONSUMER and DELCONSUMER are about one of its consumers. Groups survive a \
            restart.",
        arguments: &[
            (
                "verb",
                "`CREATE`, `SETID`, `DESTROY`, `CREATECONSUMER`, `DELCONSUMER`, `HELP`",
            ),
            STREAM,
            ("group", "its name"),
            (
                "argument",
                "as in Redis: the id from which on a group reads (`$`: what comes), or a consumer",
            ),
        ],
        reply: "as in Redis: `OK`, or an integer",
        errors: &["ERR", "BUSYGROUP", "NOGROUP", "LOADING"],
        example: "XGROUP CREATE orders billing $",
        writes: true,
        least: 1,
        most: None,
        run,
    },
    Command {
        name: "XREADGROUP",
        group: GROUP,
        usage: "GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS stream... id...",
        summary: "Events that nobody in the group was given yet (id `>`), or again those that this \
            consumer was given and has not acknowledged (any other id).",
        arguments: &[
            ("GROUP group", "the group"),
            ("consumer", "who reads; known from now on"),
            ("COUNT count", "most events of each stream"),
            (
                "BLOCK ms",
                "wait so many milliseconds; 0 for as long as it takes",
            ),
            ("NOACK", "given is acknowledged"),
            STREAM,
            ("STREAMS", "begins the streams, and after them as many ids"),
            ("id", "`>`, or `fact-n`"),
        ],
        reply: "as XREAD",
        errors: &["ERR", "NOGROUP", "LOADING"],
        example: "XREADGROUP GROUP billing a COUNT 10 STREAMS orders >",
        writes: true,
        least: 6,
        most: None,
        run,
    },
    Command {
        name: "XACK",
        group: GROUP,
        usage: "stream group id...",
        summary: "These events were dealt with. The reply leaves once that is on disk.",
        arguments: &[STREAM, ("group", "the group"), ("id", "of an event")],
        reply: "integer: how many were pending",
        errors: &["ERR", "LOADING"],
        example: "XACK orders billing 1-0",
        writes: true,
        least: 3,
        most: None,
        run,
    },
    Command {
        name: "XPENDING",
        group: GROUP,
        usage: "stream group [[IDLE ms] from to count [consumer]]",
        summary: "What a group was given and has not acknowledged: in all, or event by event.",
        arguments: &[
            STREAM,
            ("group", "the group"),
            ("IDLE ms", "only what was given so many milliseconds ago"),
            ("from", "an id, or `-`"),
            ("to", "an id, or `+`"),
            ("count", "most events"),
            ("consumer", "only what this one has"),
        ],
        reply: "as in Redis: count, least id, greatest id, count by consumer; or by event its id, \
            consumer, milliseconds since it was given, how often it was",
        errors: &["ERR", "NOGROUP", "LOADING"],
        example: "XPENDING orders billing - + 10",
        writes: false,
        least: 2,
        most: Some(8),
        run,
    },
    Command {
        name: "XCLAIM",
        group: GROUP,
        usage: "stream group consumer ms id... [option...]",
        summary: "Pending events go to another consumer.",
        arguments: &[
            STREAM,
            ("group", "the group"),
            ("consumer", "who gets them"),
            ("ms", "only those given so many milliseconds ago"),
            ("id", "of an event"),
            (
                "option",
                "as in Redis: `IDLE ms`, `TIME ms`, `RETRYCOUNT n`, `FORCE`, `JUSTID`, `LASTID id`",
            ),
        ],
        reply: "array of events, each its id and a list of names and values; with JUSTID of ids",
        errors: &["ERR", "NOGROUP", "LOADING"],
        example: "XCLAIM orders billing b 60000 1-0",
        writes: true,
        least: 5,
        most: None,
        run,
    },
    Command {
        name: "XAUTOCLAIM",
        group: GROUP,
        usage: "stream group consumer ms from [COUNT count] [JUSTID]",
        summary: "Events that were pending for so long go to another consumer.",
        arguments: &[
            STREAM,
            ("group", "the group"),
            ("consumer", "who gets them"),
            ("ms", "only those given so many milliseconds ago"),
            ("from", "an id; the first reply's next one, or `0`"),
            ("COUNT count", "most events; 100 when absent"),
            (
                "JUSTID",
                "only ids, and they do not count as given once more",
            ),
        ],
        reply: "as in Redis: the id to go on from, the events, ids that are no longer kept",
        errors: &["ERR", "NOGROUP", "LOADING"],
        example: "XAUTOCLAIM orders billing b 60000 0",
        writes: true,
        least: 5,
        most: Some(8),
        run,
    },
    Command {
        name: "XINFO",
        group: GROUP,
        usage: "verb [stream [argument...]]",
        summary: "What a stream (STREAM), its groups (GROUPS, with `lag`: events that a group was \
            not given yet) or a group's consumers (CONSUMERS) say of themselves.",
        arguments: &[
            ("verb", "`STREAM`, `GROUPS`, `CONSUMERS`, `HELP`"),
            STREAM,
            (
                "argument",
                "`FULL [COUNT count]` of a stream; the group of consumers",
            ),
        ],
        reply: "as in Redis",
        errors: &["ERR", "NOGROUP", "LOADING"],
        example: "XINFO GROUPS orders",
        writes: false,
        least: 1,
        most: None,
        run,
    },
];

fn run(call: &Call<'_>, args: Arguments<'_>) -> Result<Reply, CommandError> {
    call.feed.check()?;
    let words: SmallVec<[&[u8]; 16]> = args.all().iter().collect();
    match call.engine.feed_command(&words, call.now) {
        Outcome::Reply(reply) => Ok(written(&reply, call.feed.protocol)),
        Outcome::Wait(wait) => {
            call.feed.waiting.set(Some(wait));
            Ok(Reply::Null)
        }
    }
}

/// A reply of the feed as a reply of the server. Events are encoded at once.
pub(in super::super) fn written(reply: &feed::Reply, protocol: Protocol) -> Reply {
    if let feed::Reply::Error(line) = reply {
        let (code, text) = line.split_once(' ').unwrap_or((line, ""));
        return Reply::Error(code.to_owned().into(), text.to_owned());
    }
    let mut bytes = Vec::new();
    reply.write(&mut Sink(ReplyWriter::new(&mut bytes, protocol)));
    Reply::Written(bytes)
}

struct Sink<'a>(ReplyWriter<'a>);

impl ReplySink for Sink<'_> {
    fn is_resp3(&self) -> bool {
        self.0.protocol() == Protocol::Resp3
    }

    fn simple(&mut self, text: &str) {
        self.0.simple(text);
    }

    fn error(&mut self, line: &str) {
        self.0.error(line, "");
    }

    fn integer(&mut self, value: i64) {
        self.0.integer(value);
    }

    fn bulk(&mut self, bytes: &[u8]) {
        self.0.bulk(bytes);
    }

    fn null(&mut self) {
        self.0.null();
    }

    fn null_array(&mut self) {
        self.0.null_array();
    }

    fn array(&mut self, length: usize) {
        self.0.array(length);
    }

    fn map(&mut self, pairs: usize) {
        self.0.map(pairs);
    }
}
