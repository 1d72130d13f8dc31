//! Bytes to protocol values and back: RESP2 and RESP3, the Redis protocol.
//!
//! | direction | who uses it | type |
//! | --- | --- | --- |
//! | request bytes → borrowed arguments | server | [`RequestDecoder`], [`Args`] |
//! | reply → bytes | server | [`ReplyWriter`] (hot), [`Reply`] (cold) |
//! | arguments → request bytes | client | [`encode_command`] |
//! | reply bytes → value | client | [`ReplyDecoder`], [`Value`] |
//!
//! Everything here is pure: slices in, values out. Both decoders keep their place between calls,
//! so a message that arrives in a thousand pieces is still read once, and both refuse a claimed
//! length before anything is allocated for it: memory grows only with bytes that have arrived.
//!
//! This room does not know that sockets, sessions, orders or a ledger exist, nor which commands do.

mod error;
mod inline;
mod limits;
mod number;
mod reply;
mod request;
mod value;
mod value_decoder;
mod writer;

pub use error::WireError;
pub use inline::split_line;
pub use limits::{Limits, ReplyLimits};
pub use reply::Reply;
pub use request::{Args, ArgsIter, Decoded, RequestDecoder};
pub use value::Value;
pub use value_decoder::ReplyDecoder;
pub use writer::{Protocol, ReplyWriter, encode_command};
