//! The stream commands of Redis 7.0 on the feed: words in, an answer out.
//!
//! Answers, refusals and their wording are those of Redis 7.0, with these differences:
//! - The four streams always exist, and no other can be made.
//! - `XADD`, `XDEL`, `XTRIM` and `XSETID` are refused: the engine writes the streams.
//! - Groups, consumers, pending events and the length of names are bounded (`groups.rs`).
//! - A reader that was parked is given all of its streams that have something, not only one.
//! - `radix-tree-keys` and `radix-tree-nodes` of `XINFO STREAM` count our blocks.
//!
//! Time is handed in. Every change of a group is handed to `record` while the group is locked, so
//! that changes are written down in the order in which they took effect.

mod arguments;
mod claim;
mod groups;
mod info;
mod pending;
mod read;
mod read_options;
#[cfg(test)]
mod tests;

pub use read::Wait;

use super::group::Groups;
use super::reply::Reply;
use super::streams::Feed;
use crate::model::{EpochMillis, GroupChange, GroupFact, StreamName};

/// What a command came to.
#[derive(Debug)]
pub enum Outcome {
    /// The answer.
    Reply(Reply),
    /// Nothing to read yet: park the client.
    Wait(Wait),
}

/// A refusal: its code and its text.
#[derive(Debug)]
struct Refusal(String);

impl Refusal {
    fn new(line: impl Into<String>) -> Self {
        // An error is one line, and what it quotes comes from outside.
        let line: String = line.into();
        Self(line.replace(['\r', '\n'], " "))
    }
}

type Answer = Result<Reply, Refusal>;

/// One command while it is carried out.
struct Call<'a> {
    feed: &'a Feed,
    now: EpochMillis,
    record: &'a mut dyn FnMut(GroupFact),
}

/// Commands, and the least or exact number of words each takes, its name included.
const ARITIES: [(&str, usize, bool); 15] = [
    ("xlen", 2, true),
    ("xrange", 4, false),
    ("xrevrange", 4, false),
    ("xread", 4, false),
    ("xreadgroup", 7, false),
    ("xack", 4, false),
    ("xpending", 3, false),
    ("xclaim", 6, false),
    ("xautoclaim", 6, false),
    ("xgroup", 2, false),
    ("xinfo", 2, false),
    ("xadd", 5, false),
    ("xdel", 3, false),
    ("xtrim", 4, false),
    ("xsetid", 3, false),
];

impl Feed {
    /// Carries out a command, given as its words with its name first.
    ///
    /// `record` gets every change of a group, under the group's lock and in the order of the
    /// changes; it must not call the feed.
    pub fn execute(
        &self,
        words: &[&[u8]],
        now: EpochMillis,
        record: &mut dyn FnMut(GroupFact),
    ) -> Outcome {
        let feed = self;
        let outcome = Call { feed, now, record }.execute(words);
        outcome.unwrap_or_else(|Refusal(line)| Outcome::Reply(Reply::Error(line)))
    }
}

impl Call<'_> {
    fn execute(&mut self, words: &[&[u8]]) -> Result<Outcome, Refusal> {
        let name = words.first().copied().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let known = ARITIES.iter().find(|(known, ..)| *known == name);
        let Some(&(_, least, exact)) = known else {
            let text = format!("ERR unknown command '{name}', not one of the feed");
            return Err(Refusal::new(text));
        };
        if words.len() < least || (exact && words.len() > least) {
            return Err(wrong_number(&name));
        }
        let reply = match name.as_str() {
            "xlen" => self.len(words),
            "xrange" => self.range(words, false),
            "xrevrange" => self.range(words, true),
            "xread" => return self.read(words, false),
            "xreadgroup" => return self.read(words, true),
            "xack" => self.ack(words),
            "xpending" => self.pending(words),
            "xclaim" => self.claim(words),
            "xautoclaim" => self.autoclaim(words),
            "xgroup" => self.group(words),
            "xinfo" => self.info(words),
            _ => Err(Refusal::new(format!(
                "DENIED {} is refused: the engine writes the streams of the feed; to change \
                 stock or orders, use their own commands",
                name.to_ascii_uppercase()
            ))),
        };
        reply.map(Outcome::Reply)
    }

    fn len(&self, words: &[&[u8]]) -> Answer {
        let stream = StreamName::find(words[1]);
        let len = stream.map_or(0, |stream| self.feed.events(stream).stats().len);
        Ok(Reply::count(len))
    }

    /// Makes a change of a group and hands it on.
    fn change(
        &mut self,
        stream: StreamName,
        groups: &mut Groups,
        group: &[u8],
        change: GroupChange,
    ) {
        groups.apply(group, &change);
        (self.record)(GroupFact {
            stream,
            group: group.into(),
            change,
        });
    }
}

fn wrong_number(command: &str) -> Refusal {
    Refusal::new(format!(
        "ERR wrong number of arguments for '{command}' command"
    ))
}

fn syntax_error() -> Refusal {
    Refusal::new("ERR syntax error")
}

/// No such subcommand, or it takes other words.
fn subcommand_error(command: &str, word: &[u8]) -> Refusal {
    let word = arguments::quoted(&word[..word.len().min(128)]);
    Refusal::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{word}'. Try {command} HELP."
    ))
}

/// Finds a subcommand by its name, checks its number of words, and answers HELP.
///
/// # Errors
/// As Redis words them.
fn subcommand<'t>(
    command: &str,
    words: &[&[u8]],
    table: &'t [(&'t str, usize, bool)],
) -> Result<&'t str, Refusal> {
    let name = words[1];
    let known = table
        .iter()
        .find(|(known, ..)| name.eq_ignore_ascii_case(known.as_bytes()));
    let Some(&(known, least, exact)) = known else {
        let name = arguments::quoted(&name[..name.len().min(128)]);
        return Err(Refusal::new(format!(
            "ERR unknown subcommand '{name}'. Try {command} HELP."
        )));
    };
    if words.len() < least || (exact && words.len() > least) {
        let full = format!("{}|{known}", command.to_ascii_lowercase());
        return Err(wrong_number(&full));
    }
    Ok(known)
}

fn no_such_group(key: &[u8], group: &[u8]) -> Refusal {
    Refusal::new(format!(
        "NOGROUP No such key '{}' or consumer group '{}'",
        arguments::quoted(key),
        arguments::quoted(group)
    ))
}
