//! What a command of the feed answers, before anybody has made bytes of it.
//!
//! The shapes are those of Redis 7.0. Events are not copied into the tree: [`Reply::Entries`] shares
//! them with their stream, and [`Reply::write`] walks them into whatever encodes the protocol.

use super::fields::Fields;
use super::stream::{Entries, Entry};
use crate::model::EventId;

/// One answer, of any shape.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status such as `OK`.
    Simple(&'static str),
    /// A refusal: a code in capitals, and what was wrong. One line.
    Error(String),
    /// A count or a time.
    Int(i64),
    /// Text known at compile time.
    Text(&'static str),
    /// Text from outside.
    Bulk(Box<[u8]>),
    /// The id of an event, as text.
    Id(EventId),
    /// Nothing there.
    Null,
    /// Nothing there, where an array would have been.
    NullArray,
    /// Values in order.
    Array(Vec<Reply>),
    /// Names and values: a flat array in RESP2.
    Map(Vec<(&'static str, Reply)>),
    /// Keys and values: an array of pairs in RESP2, a map in RESP3.
    Keyed(Vec<(Box<[u8]>, Reply)>),
    /// One event: its id and its fields.
    Entry(Entry),
    /// Events in order.
    Entries(Entries),
}

/// What encodes an answer. A map of RESP2 is an array of twice its pairs.
pub trait ReplySink {
    /// Whether the client speaks RESP3.
    fn is_resp3(&self) -> bool;
    /// A status.
    fn simple(&mut self, text: &str);
    /// A refusal: its code and its text in one line.
    fn error(&mut self, line: &str);
    /// A whole number.
    fn integer(&mut self, value: i64);
    /// Bytes.
    fn bulk(&mut self, bytes: &[u8]);
    /// Nothing: `$-1` in RESP2.
    fn null(&mut self);
    /// Nothing in place of an array: `*-1` in RESP2, as [`ReplySink::null`] in RESP3.
    fn null_array(&mut self);
    /// `length` values follow.
    fn array(&mut self, length: usize);
    /// `pairs` names and values follow.
    fn map(&mut self, pairs: usize);
}

impl Reply {
    /// Walks the answer into a sink.
    pub fn write(&self, sink: &mut (impl ReplySink + ?Sized)) {
        match self {
            Self::Simple(text) => sink.simple(text),
            Self::Error(line) => sink.error(line),
            Self::Int(value) => sink.integer(*value),
            Self::Text(text) => sink.bulk(text.as_bytes()),
            Self::Bulk(bytes) => sink.bulk(bytes),
            Self::Id(id) => write_id(*id, sink),
            Self::Null => sink.null(),
            Self::NullArray => sink.null_array(),
            Self::Array(values) => {
                sink.array(values.len());
                values.iter().for_each(|value| value.write(sink));
            }
            Self::Map(pairs) => {
                sink.map(pairs.len());
                for (name, value) in pairs {
                    sink.bulk(name.as_bytes());
                    value.write(sink);
                }
            }
            Self::Keyed(pairs) => {
                let flat = sink.is_resp3();
                if flat {
                    sink.map(pairs.len());
                } else {
                    sink.array(pairs.len());
                }
                for (key, value) in pairs {
                    if !flat {
                        sink.array(2);
                    }
                    sink.bulk(key);
                    value.write(sink);
                }
            }
            Self::Entry(entry) => write_event(entry.read(), sink),
            Self::Entries(entries) => {
                sink.array(entries.len());
                entries.iter().for_each(|event| write_event(event, sink));
            }
        }
    }

    /// Whether it is a refusal.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// A whole number that may not fit into 63 bits; then the largest that does.
    pub(super) fn count(value: impl TryInto<i64>) -> Self {
        Self::Int(value.try_into().unwrap_or(i64::MAX))
    }
}

fn write_event((id, fields): (EventId, Fields<'_>), sink: &mut (impl ReplySink + ?Sized)) {
    sink.array(2);
    write_id(id, sink);
    sink.array(2 * fields.len());
    for (name, value) in fields {
        sink.bulk(name.name().as_bytes());
        sink.bulk(value);
    }
}

fn write_id(id: EventId, sink: &mut (impl ReplySink + ?Sized)) {
    // Two numbers of at most 20 digits and a dash.
    let mut text = [0u8; 41];
    let mut length = 0;
    let (mut fact, mut n) = (itoa::Buffer::new(), itoa::Buffer::new());
    for part in [fact.format(id.fact), "-", n.format(id.n)] {
        text[length..length + part.len()].copy_from_slice(part.as_bytes());
        length += part.len();
    }
    sink.bulk(&text[..length]);
}
