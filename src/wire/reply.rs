//! A reply as a value, for commands where building one reads better than writing it piece by
//! piece. Hot commands use [`ReplyWriter`] directly.

use std::borrow::Cow;

use super::writer::{Protocol, ReplyWriter};

/// One reply, of any shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A status such as `OK`.
    Simple(Cow<'static, str>),
    /// A refusal: a code in capitals, and what was wrong.
    Error(Cow<'static, str>, String),
    /// A count, quantity, amount or time.
    Int(i64),
    /// Text or bytes.
    Bulk(Cow<'static, [u8]>),
    /// Nothing there.
    Null,
    /// Values in order.
    Array(Vec<Reply>),
    /// Keys and values, in the order written.
    Map(Vec<(Reply, Reply)>),
    /// True or false.
    Bool(bool),
    /// Any reply that is bytes already, in the protocol of the session: one too large to be built
    /// as a value first.
    Written(Vec<u8>),
}

impl Reply {
    /// `+OK`.
    #[must_use]
    pub const fn ok() -> Self {
        Self::Simple(Cow::Borrowed("OK"))
    }

    /// A refusal.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::Error(Cow::Borrowed(code), message.into())
    }

    /// Text known at compile time, as a bulk string.
    #[must_use]
    pub const fn text(text: &'static str) -> Self {
        Self::Bulk(Cow::Borrowed(text.as_bytes()))
    }

    /// A map with text keys.
    pub fn map<const N: usize>(pairs: [(&'static str, Reply); N]) -> Self {
        Self::Map(
            pairs
                .into_iter()
                .map(|(key, value)| (Self::text(key), value))
                .collect(),
        )
    }

    /// Appends the reply to `out`.
    pub fn encode(&self, protocol: Protocol, out: &mut Vec<u8>) {
        self.write(&mut ReplyWriter::new(out, protocol));
    }

    /// Writes the reply where others have been written.
    pub fn write(&self, writer: &mut ReplyWriter<'_>) {
        match self {
            Self::Simple(text) => writer.simple(text),
            Self::Error(code, message) => writer.error(code, message),
            Self::Int(value) => writer.integer(*value),
            Self::Bulk(bytes) => writer.bulk(bytes),
            Self::Null => writer.null(),
            Self::Array(elements) => {
                writer.array(elements.len());
                elements.iter().for_each(|element| element.write(writer));
            }
            Self::Map(pairs) => {
                writer.map(pairs.len());
                for (key, value) in pairs {
                    key.write(writer);
                    value.write(writer);
                }
            }
            Self::Bool(value) => writer.boolean(*value),
            Self::Written(bytes) => writer.written(bytes),
        }
    }
}

impl From<i64> for Reply {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Reply {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::Bulk(Cow::Owned(text.into_bytes()))
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bulk(Cow::Owned(bytes))
    }
}

impl From<Vec<Reply>> for Reply {
    fn from(elements: Vec<Reply>) -> Self {
        Self::Array(elements)
    }
}

impl<R: Into<Reply>> From<Option<R>> for Reply {
    fn from(value: Option<R>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
