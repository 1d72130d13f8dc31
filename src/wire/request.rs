//! Requests: bytes in, borrowed arguments out.
//!
//! The caller owns the buffer and hands it over from the first byte of a command on, again and
//! longer while the answer is [`Decoded::Incomplete`]; the decoder remembers how far it has read.
//! The decoder keeps its two vectors from command to command, so a command costs no allocation.
//!
//! Limits are checked on headers: a command that announces too much is refused before its bytes
//! arrive. The caller's buffer therefore never needs more than `frame_bytes` for one command.
//!
//! ```
//! use allot::wire::{Decoded, Limits, RequestDecoder};
//!
//! let mut decoder = RequestDecoder::new();
//! let buffer = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\nPING\r\n*1\r\n$4";
//! let (mut taken, mut names) = (0, Vec::new());
//! loop {
//!     match decoder.decode(&buffer[taken..], &Limits::authenticated())? {
//!         Decoded::Command { args, consumed } => {
//!             names.push(args.name().to_vec());
//!             taken += consumed;
//!         }
//!         Decoded::Blank { consumed } => taken += consumed,
//!         Decoded::Incomplete => break, // drop `taken` bytes, read more, go on
//!     }
//! }
//! assert_eq!(names, [b"ECHO", b"PING"]);
//! # Ok::<(), allot::wire::WireError>(())
//! ```

use std::mem;

use super::error::{WireError, excerpt};
use super::inline;
use super::limits::Limits;
use super::number::{LengthLine, length_line};

/// Spans and unquoted bytes kept for the next command; what is larger is given back.
const SPANS_KEPT: usize = 1_024;
const UNQUOTED_KEPT: usize = 4_096;

/// The place of one argument, as offsets into the bytes of its command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "offsets are within a u32 limit"
    )]
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    #[inline]
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

pub(super) type Spans = Vec<Span>;

/// The outcome of one [`RequestDecoder::decode`].
#[derive(Debug)]
pub enum Decoded<'a> {
    /// One whole command, of at least one argument.
    Command {
        /// Its name and arguments.
        args: Args<'a>,
        /// Bytes it took from the start of the buffer.
        consumed: usize,
    },
    /// An empty line or an empty array: not a command, gets no reply.
    Blank {
        /// Bytes it took from the start of the buffer.
        consumed: usize,
    },
    /// Not enough bytes yet: come again with the same bytes and more.
    Incomplete,
}

/// The arguments of one command, borrowed from the buffer. The first is the command's name.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Number of arguments, the name included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether nothing is left, as after [`Args::skip`]. A decoded command is never empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The command's name as sent; empty if there is no argument.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.get(0).unwrap_or_default()
    }

    /// The argument at `index`; 0 is the name.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| span.of(self.bytes))
    }

    /// The arguments from `count` on; none if there are fewer.
    #[must_use]
    pub fn skip(&self, count: usize) -> Args<'a> {
        Args {
            bytes: self.bytes,
            spans: self.spans.get(count..).unwrap_or_default(),
        }
    }

    /// All arguments in order, the name first.
    #[must_use]
    pub fn iter(&self) -> ArgsIter<'a> {
        ArgsIter {
            bytes: self.bytes,
            spans: self.spans.iter(),
        }
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = &'a [u8];
    type IntoIter = ArgsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterates over [`Args`].
#[derive(Debug, Clone)]
pub struct ArgsIter<'a> {
    bytes: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
}

impl<'a> Iterator for ArgsIter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.spans.next().map(|span| span.of(self.bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for ArgsIter<'_> {}

/// Where the decoder stands in a command that has not all arrived.
#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    /// Before its first byte.
    #[default]
    Start,
    /// In an inline command; `position` bytes hold no line end.
    Line,
    /// Before the header of an argument, with `left` to go.
    Header { left: u32 },
    /// Before the payload of an argument, with `left` to go, this one included.
    Payload { left: u32, length: u32 },
}

/// What a command turned out to be.
enum Whole {
    Array { consumed: usize },
    Line { consumed: usize },
}

/// Decodes the commands of one connection.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    stage: Stage,
    /// Bytes of the current command already read.
    position: usize,
    spans: Spans,
    /// The arguments of an inline command, without quotes and escapes.
    unquoted: Vec<u8>,
}

impl RequestDecoder {
    /// A decoder before the first byte of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one command from the start of `buf`, which must begin with the bytes given before
    /// if the last answer was [`Decoded::Incomplete`].
    ///
    /// # Errors
    /// The first breach of the protocol or of `limits`. The connection's framing is lost; the
    /// decoder itself is as new.
    #[inline]
    pub fn decode<'a>(
        &'a mut self,
        buf: &'a [u8],
        limits: &Limits,
    ) -> Result<Decoded<'a>, WireError> {
        let progress = self.advance(buf, limits);
        if !matches!(progress, Ok(None)) {
            self.stage = Stage::Start;
            self.position = 0;
        }
        let (bytes, consumed) = match progress? {
            None => return Ok(Decoded::Incomplete),
            Some(Whole::Array { consumed }) => (buf, consumed),
            Some(Whole::Line { consumed }) => (self.unquoted.as_slice(), consumed),
        };
        if self.spans.is_empty() {
            return Ok(Decoded::Blank { consumed });
        }
        Ok(Decoded::Command {
            args: Args {
                bytes,
                spans: &self.spans,
            },
            consumed,
        })
    }

    /// Bytes of memory this decoder holds beside its own size, to be counted to its connection.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>() + self.unquoted.capacity()
    }

    /// Goes on from where the last call stopped. `None`: not enough bytes yet.
    #[inline]
    fn advance(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<Whole>, WireError> {
        match self.stage {
            Stage::Start => self.start(buf, limits),
            Stage::Line => self.line(buf, limits),
            Stage::Header { left } => self.arguments(buf, limits, self.position, left),
            Stage::Payload { left, length } => {
                let Some(next) = self.payload(buf, self.position, left, length)? else {
                    return Ok(None);
                };
                self.arguments(buf, limits, next, left - 1)
            }
        }
    }

    #[inline]
    fn start(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<Whole>, WireError> {
        self.recycle();
        match buf.first() {
            None => Ok(None),
            Some(b'*') => {
                let Some((count, next)) = argument_count(buf, limits)? else {
                    return Ok(None);
                };
                self.arguments(buf, limits, next, count)
            }
            Some(&byte) if byte.is_ascii_graphic() || byte.is_ascii_whitespace() => {
                self.line(buf, limits)
            }
            Some(&got) => Err(WireError::UnexpectedStart { got }),
        }
    }

    /// Forgets the command before, and gives back memory that only a rare command needs.
    #[inline]
    fn recycle(&mut self) {
        self.spans.clear();
        self.unquoted.clear();
        if self.spans.capacity() > SPANS_KEPT {
            self.spans = Spans::new();
        }
        if self.unquoted.capacity() > UNQUOTED_KEPT {
            drop(mem::take(&mut self.unquoted));
        }
    }

    /// Reads `left` bulk strings from `position` on.
    #[inline]
    fn arguments(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        mut position: usize,
        mut left: u32,
    ) -> Result<Option<Whole>, WireError> {
        let window = short_window(buf, limits);
        while left > 0 {
            if let Some((start, end)) = short_bulk(window, position) {
                self.spans.push(Span::new(start, end));
                position = end + 2;
                left -= 1;
                continue;
            }
            let Some((length, start)) = bulk_header(buf, position, limits)? else {
                self.position = position;
                self.stage = Stage::Header { left };
                return Ok(None);
            };
            let Some(next) = self.payload(buf, start, left, length)? else {
                return Ok(None);
            };
            position = next;
            left -= 1;
        }
        Ok(Some(Whole::Array { consumed: position }))
    }

    /// Takes the payload at `start` as an argument; returns where the next header stands.
    #[inline]
    fn payload(
        &mut self,
        buf: &[u8],
        start: usize,
        left: u32,
        length: u32,
    ) -> Result<Option<usize>, WireError> {
        let end = start + length as usize;
        match buf.get(end..end + 2) {
            Some(b"\r\n") => {
                self.spans.push(Span::new(start, end));
                Ok(Some(end + 2))
            }
            Some(&[b'\r', got] | &[got, _]) => Err(WireError::MissingTerminator { got }),
            _ => {
                self.position = start;
                self.stage = Stage::Payload { left, length };
                Ok(None)
            }
        }
    }

    /// Reads an inline command, of which `position` bytes are known to hold no line end.
    #[inline(never)]
    fn line(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<Whole>, WireError> {
        let limit = limits.inline_bytes.min(limits.frame_bytes);
        let window = &buf[..buf.len().min(limit as usize)];
        let unread = window.get(self.position..).unwrap_or_default();
        let Some(found) = memchr::memchr(b'\n', unread) else {
            if window.len() == limit as usize {
                return Err(WireError::InlineTooLong { limit });
            }
            self.position = window.len();
            self.stage = Stage::Line;
            return Ok(None);
        };
        let end = self.position + found;
        let line = &window[..end];
        if inline::is_http(line) {
            return Err(WireError::Http);
        }
        inline::split_into(line, limits.arguments, &mut self.unquoted, &mut self.spans)?;
        Ok(Some(Whole::Line { consumed: end + 1 }))
    }
}

/// Longest bulk string that [`short_bulk`] takes.
const SHORT_BYTES: u32 = 99;

/// The part of `buf` in which a short bulk string breaks no limit.
#[inline]
fn short_window<'a>(buf: &'a [u8], limits: &Limits) -> &'a [u8] {
    let most = if limits.bulk_bytes < SHORT_BYTES {
        0
    } else {
        limits.frame_bytes as usize
    };
    &buf[..buf.len().min(most)]
}

/// The place of the payload of a bulk string at `at`, if it is whole and shorter than 100 bytes,
/// as nearly all are. Otherwise, and for whatever is wrong, the general way decides.
#[inline]
fn short_bulk(window: &[u8], at: usize) -> Option<(usize, usize)> {
    let (length, start) = match window.get(at..)? {
        [b'$', ones @ b'0'..=b'9', b'\r', b'\n', ..] => (ones - b'0', at + 4),
        [
            b'$',
            tens @ b'1'..=b'9',
            ones @ b'0'..=b'9',
            b'\r',
            b'\n',
            ..,
        ] => ((tens - b'0') * 10 + (ones - b'0'), at + 5),
        _ => return None,
    };
    let end = start + usize::from(length);
    (window.get(end..end + 2)? == b"\r\n").then_some((start, end))
}

/// Reads `*<count>\r\n` at the start of `buf`. Redis sends and takes `*0` and `*-1` as nothing.
#[inline]
fn argument_count(buf: &[u8], limits: &Limits) -> Result<Option<(u32, usize)>, WireError> {
    if let [b'*', digit @ b'1'..=b'9', b'\r', b'\n', ..] = buf {
        let count = u32::from(digit - b'0');
        if count <= limits.arguments {
            return Ok(Some((count, 4)));
        }
    }
    argument_count_general(buf, limits)
}

/// [`argument_count`] for counts of any length and for whatever is wrong.
#[inline(never)]
fn argument_count_general(buf: &[u8], limits: &Limits) -> Result<Option<(u32, usize)>, WireError> {
    const NOTHING: &[u8] = b"*-1\r\n";
    match length_line(buf, 1) {
        LengthLine::Number { value, next } => match u32::try_from(value) {
            Ok(count) if count <= limits.arguments => Ok(Some((count, next))),
            _ => Err(WireError::TooManyArguments {
                limit: limits.arguments,
            }),
        },
        LengthLine::Incomplete => Ok(None),
        LengthLine::Bad { .. } if buf.starts_with(NOTHING) => Ok(Some((0, NOTHING.len()))),
        LengthLine::Bad { .. } if NOTHING.starts_with(buf) => Ok(None),
        LengthLine::Bad { end } => {
            let wrong = buf
                .iter()
                .zip(NOTHING)
                .take_while(|(got, want)| got == want)
                .count()
                + 1;
            Err(WireError::InvalidCount {
                text: excerpt(&buf[1..end.max(wrong)]),
            })
        }
    }
}

/// Reads `$<length>\r\n` at `at`; returns the length and where the payload starts.
#[inline]
fn bulk_header(buf: &[u8], at: usize, limits: &Limits) -> Result<Option<(u32, usize)>, WireError> {
    match buf.get(at) {
        None => return Ok(None),
        Some(b'$') => {}
        Some(&got) => return Err(WireError::ExpectedBulk { got }),
    }
    match length_line(buf, at + 1) {
        LengthLine::Number { value, next } => {
            let length = match u32::try_from(value) {
                Ok(length) if length <= limits.bulk_bytes => length,
                _ => {
                    return Err(WireError::BulkTooLong {
                        length: value,
                        limit: limits.bulk_bytes,
                    });
                }
            };
            let whole = next as u64 + u64::from(length) + 2;
            if whole > u64::from(limits.frame_bytes) {
                return Err(WireError::FrameTooLong {
                    length: whole,
                    limit: limits.frame_bytes,
                });
            }
            Ok(Some((length, next)))
        }
        LengthLine::Incomplete => Ok(None),
        LengthLine::Bad { end } => Err(WireError::InvalidLength {
            text: excerpt(&buf[at + 1..end]),
        }),
    }
}
