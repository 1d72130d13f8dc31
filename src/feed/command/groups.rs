//! `XGROUP` and `XACK`, and the bounds on what a client can make the feed remember.

use super::super::group::{Group, Groups};
use super::super::reply::Reply;
use super::arguments::{self, is, quoted};
use super::{Answer, Call, Refusal, subcommand, subcommand_error};
use crate::model::{EventId, GroupChange, StreamName};

/// Most groups of one stream.
pub(super) const GROUPS_MAX: usize = 10_000;
/// Most consumers of one group.
pub(super) const CONSUMERS_MAX: usize = 10_000;
/// Most events that may be pending in one group.
pub(super) const PENDING_MAX: usize = 4 << 20;
/// Longest name of a group or a consumer, in bytes.
const NAME_BYTES_MAX: usize = 1024;

const SUBCOMMANDS: [(&str, usize, bool); 6] = [
    ("create", 5, false),
    ("setid", 5, false),
    ("destroy", 4, true),
    ("createconsumer", 5, true),
    ("delconsumer", 5, true),
    ("help", 2, true),
];

const HELP: [&str; 17] = [
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
    "HELP",
    "    Prints this help.",
];

/// The options of `CREATE` and `SETID`.
#[derive(Default)]
struct Options {
    make_stream: bool,
    read: Option<u64>,
}

impl Call<'_> {
    pub(super) fn group(&mut self, words: &[&[u8]]) -> Answer {
        let verb = subcommand("XGROUP", words, &SUBCOMMANDS)?;
        if verb == "help" {
            return Ok(Reply::Array(HELP.map(Reply::Simple).into()));
        }
        let options = options(verb, words)?;
        let (key, name) = (words[2], words[3]);
        let Some(stream) = StreamName::find(key) else {
            return Err(no_such_key(key, options.make_stream));
        };
        let feed = self.feed;
        let mut groups = feed.groups(stream);
        let needs_group = matches!(verb, "setid" | "createconsumer" | "delconsumer");
        if needs_group && groups.get(name).is_none() {
            return Err(no_group_for_key(key, name));
        }
        // An option given twice: Redis finds it here, by the number of words.
        if words.len() > if verb == "setid" { 7 } else { 8 } {
            return Err(subcommand_error("XGROUP", words[1]));
        }
        match verb {
            "create" => self.create(stream, &mut groups, words, options.read),
            "setid" => {
                let last = self.place(stream, words[4], arguments::id_or_end)?;
                let read = options.read;
                let change = GroupChange::Moved { last, read };
                self.change(stream, &mut groups, name, change);
                Ok(Reply::Simple("OK"))
            }
            "destroy" => {
                let exists = groups.get(name).is_some();
                if exists {
                    self.change(stream, &mut groups, name, GroupChange::Destroyed);
                    drop(groups);
                    self.feed.wake(stream);
                }
                Ok(Reply::Int(i64::from(exists)))
            }
            "createconsumer" => self.create_consumer(stream, &mut groups, name, words[4]),
            _ => {
                let consumer = words[4];
                let known = groups.get(name).and_then(|g| g.consumers().get(consumer));
                let Some(pending) = known.map(|c| c.pending.len()) else {
                    return Ok(Reply::Int(0));
                };
                let consumer = consumer.into();
                let change = GroupChange::ConsumerDeleted { consumer };
                self.change(stream, &mut groups, name, change);
                Ok(Reply::count(pending))
            }
        }
    }

    fn create(
        &mut self,
        stream: StreamName,
        groups: &mut Groups,
        words: &[&[u8]],
        read: Option<u64>,
    ) -> Answer {
        let name = words[3];
        let last = self.place(stream, words[4], arguments::id)?;
        if groups.get(name).is_some() {
            return Err(Refusal::new("BUSYGROUP Consumer Group name already exists"));
        }
        check_name("group", name)?;
        if groups.len() >= GROUPS_MAX {
            return Err(Refusal::new(format!(
                "ERR stream '{}' has {GROUPS_MAX} groups, the most it may; remove one by XGROUP \
                 DESTROY first",
                stream.name()
            )));
        }
        let change = GroupChange::Created { last, read };
        self.change(stream, groups, name, change);
        Ok(Reply::Simple("OK"))
    }

    fn create_consumer(
        &mut self,
        stream: StreamName,
        groups: &mut Groups,
        name: &[u8],
        consumer: &[u8],
    ) -> Answer {
        let group = groups.get(name);
        if group.is_none_or(|g| g.consumers().contains_key(consumer)) {
            return Ok(Reply::Int(0));
        }
        if let Some(group) = group {
            check_consumer(group, name, consumer)?;
        }
        let change = GroupChange::ConsumerCreated {
            consumer: consumer.into(),
            at: self.now,
        };
        self.change(stream, groups, name, change);
        Ok(Reply::Int(1))
    }

    /// An id, or `$` for the last event of the stream.
    fn place(
        &self,
        stream: StreamName,
        word: &[u8],
        read: impl Fn(&[u8], u64) -> Result<EventId, Refusal>,
    ) -> Result<EventId, Refusal> {
        match word {
            b"$" => Ok(self.feed.events(stream).stats().last),
            other => read(other, 0),
        }
    }

    pub(super) fn ack(&mut self, words: &[&[u8]]) -> Answer {
        let (stream, name) = (StreamName::find(words[1]), words[2]);
        let feed = self.feed;
        let Some(stream) = stream else {
            return Ok(Reply::Int(0));
        };
        let mut groups = feed.groups(stream);
        let Some(group) = groups.get(name) else {
            return Ok(Reply::Int(0));
        };
        let asked: Result<Vec<EventId>, Refusal> =
            words[3..].iter().map(|w| arguments::id(w, 0)).collect();
        let mut ids = asked?;
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| group.pending().contains_key(id));
        let count = ids.len();
        if count > 0 {
            let change = GroupChange::Acknowledged { ids: ids.into() };
            self.change(stream, &mut groups, name, change);
        }
        Ok(Reply::count(count))
    }
}

fn options(verb: &str, words: &[&[u8]]) -> Result<Options, Refusal> {
    let mut options = Options::default();
    let mut rest = words.get(5..).unwrap_or_default();
    while let [word, more @ ..] = rest {
        match more {
            more if verb == "create" && is(word, "MKSTREAM") => {
                options.make_stream = true;
                rest = more;
            }
            [count, more @ ..] if matches!(verb, "create" | "setid") && is(word, "ENTRIESREAD") => {
                let count = arguments::whole_or_refuse(count)?;
                if count < -1 {
                    return Err(Refusal::new(
                        "ERR value for ENTRIESREAD must be positive or -1",
                    ));
                }
                options.read = u64::try_from(count).ok();
                rest = more;
            }
            _ => return Err(subcommand_error("XGROUP", words[1])),
        }
    }
    Ok(options)
}

/// Refuses a consumer that would be one too many, or whose name is too long.
pub(super) fn check_consumer(group: &Group, name: &[u8], consumer: &[u8]) -> Result<(), Refusal> {
    if group.consumers().contains_key(consumer) {
        return Ok(());
    }
    check_name("consumer", consumer)?;
    if group.consumers().len() >= CONSUMERS_MAX {
        return Err(Refusal::new(format!(
            "ERR group '{}' has {CONSUMERS_MAX} consumers, the most it may; remove one by XGROUP \
             DELCONSUMER first",
            quoted(name)
        )));
    }
    Ok(())
}

/// How many more events may be pending in a group.
///
/// # Errors
/// When it is none.
pub(super) fn pending_room(group: &Group, name: &[u8]) -> Result<usize, Refusal> {
    match PENDING_MAX.saturating_sub(group.pending().len()) {
        0 => Err(Refusal::new(format!(
            "ERR group '{}' has {PENDING_MAX} pending events, the most it may; acknowledge some \
             by XACK first",
            quoted(name)
        ))),
        room => Ok(room),
    }
}

fn check_name(what: &str, name: &[u8]) -> Result<(), Refusal> {
    if name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "ERR the name of a {what} has {} bytes; it may have {NAME_BYTES_MAX}",
        name.len()
    )))
}

fn no_such_key(key: &[u8], make_stream: bool) -> Refusal {
    if make_stream {
        return Refusal::new(format!(
            "DENIED stream '{}' cannot be made; the streams of the feed are events, orders, \
             stock and exceptions",
            quoted(key)
        ));
    }
    Refusal::new(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want \
         to use the MKSTREAM option to create an empty stream automatically.",
    )
}

/// As Redis says it where a stream is there but its group is not.
pub(super) fn no_group_for_key(key: &[u8], group: &[u8]) -> Refusal {
    Refusal::new(format!(
        "NOGROUP No such consumer group '{}' for key name '{}'",
        quoted(group),
        quoted(key)
    ))
}
