//! What can be wrong with bytes from a peer. After any of these the framing is lost: answer with
//! the message once, then close the connection.
//!
//! Every message is one line of printable ASCII (what the peer sent is escaped) and opens with
//! `Protocol error:`, the words that Redis clients know. The error found does not depend on how
//! the bytes were split on their way here.

use std::fmt;

/// A breach of the protocol or of a limit. `Display` is one line that names what was wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// An argument of a command array is not a bulk string.
    #[error("Protocol error: expected '$', got '{}'", Shown(*.got))]
    ExpectedBulk {
        /// The byte found in place of `$`.
        got: u8,
    },
    /// The first byte can start neither an array nor an inline command.
    #[error("Protocol error: expected '*' or a command name, got '{}'", Shown(*.got))]
    UnexpectedStart {
        /// The byte found.
        got: u8,
    },
    /// The number of arguments is not a number.
    #[error("Protocol error: invalid multibulk length '{text}'")]
    InvalidCount {
        /// What was sent, escaped, up to the byte that is wrong.
        text: String,
    },
    /// More arguments than the session may send.
    #[error("Protocol error: invalid multibulk length: more than {limit} arguments")]
    TooManyArguments {
        /// Most arguments of one command.
        limit: u32,
    },
    /// The length of a bulk string is not a number.
    #[error("Protocol error: invalid bulk length '{text}'")]
    InvalidLength {
        /// What was sent, escaped, up to the byte that is wrong.
        text: String,
    },
    /// A bulk string longer than the session may send.
    #[error("Protocol error: invalid bulk length: {length} bytes, limit {limit}")]
    BulkTooLong {
        /// Bytes announced.
        length: u64,
        /// Most bytes of one bulk string.
        limit: u32,
    },
    /// A message longer in all than the limit.
    #[error("Protocol error: message of at least {length} bytes, limit {limit}")]
    FrameTooLong {
        /// Bytes announced so far.
        length: u64,
        /// Most bytes of one message.
        limit: u32,
    },
    /// A bulk string is longer than its header said.
    #[error("Protocol error: expected CR LF after a bulk string, got '{}'", Shown(*.got))]
    MissingTerminator {
        /// The byte found in place of CR or LF.
        got: u8,
    },
    /// An inline command that does not end.
    #[error("Protocol error: too big inline request: no line end within {limit} bytes")]
    InlineTooLong {
        /// Most bytes of one inline command.
        limit: u32,
    },
    /// A quote opened and not closed, or closed in the middle of a word.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// A web browser or HTTP client. Refused so that a page cannot smuggle commands in a body.
    #[error("Protocol error: this port speaks RESP, not HTTP")]
    Http,
    /// A reply of a type that RESP2 and RESP3 do not have.
    #[error("Protocol error: unknown reply type '{}'", Shown(*.got))]
    UnknownType {
        /// The type byte.
        got: u8,
    },
    /// The text of a reply is not what its type promises.
    #[error("Protocol error: invalid {kind} '{text}'")]
    InvalidScalar {
        /// `integer`, `double`, `boolean`, ...
        kind: &'static str,
        /// What was sent, escaped and shortened.
        text: String,
    },
    /// Replies nested beyond the limit.
    #[error("Protocol error: reply nested more than {limit} deep")]
    TooDeep {
        /// Deepest nesting.
        limit: u32,
    },
    /// A reply of more values than the limit.
    #[error("Protocol error: reply of more than {limit} values")]
    TooManyValues {
        /// Most values of one reply, at all depths together.
        limit: u32,
    },
}

/// A byte from a peer as printable ASCII.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", std::ascii::escape_default(self.0))
    }
}

/// At most 24 bytes of what a peer sent, as printable ASCII.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const MOST: usize = 24;
    match bytes.get(..MOST) {
        Some(start) if bytes.len() > MOST => format!("{}...", start.escape_ascii()),
        _ => bytes.escape_ascii().to_string(),
    }
}
