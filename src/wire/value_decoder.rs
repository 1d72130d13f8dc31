//! Replies: bytes in, values out.
//!
//! The nesting lives in a vector, not on the call stack, so depth costs memory that is counted and
//! a reply that arrives in pieces is read once. An aggregate of a claimed million elements
//! allocates nothing until its elements arrive.

use super::error::{WireError, excerpt};
use super::limits::ReplyLimits;
use super::number::{LengthLine, length_line};
use super::value::Value;

/// The types of RESP that hold other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Map,
    Set,
    Push,
    /// Facts about the value that follows. Read and dropped.
    Attribute,
}

/// An aggregate that has not all arrived.
#[derive(Debug)]
struct Open {
    kind: Kind,
    /// Values still to come; a pair counts two.
    left: u64,
    values: Vec<Value>,
}

impl Open {
    fn close(self) -> Option<Value> {
        match self.kind {
            Kind::Array => Some(Value::Array(self.values)),
            Kind::Set => Some(Value::Set(self.values)),
            Kind::Push => Some(Value::Push(self.values)),
            Kind::Map => Value::Array(self.values).into_pairs().map(Value::Map),
            Kind::Attribute => None,
        }
    }
}

/// What one header, with its payload, turned out to be.
enum Piece {
    Scalar(Value),
    Aggregate(Kind, u64),
}

/// Decodes the replies of one connection, in RESP2, RESP3 or both.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    limits: ReplyLimits,
    /// Bytes of the current reply already read.
    position: usize,
    /// Bytes after `position` known to hold no line end.
    scanned: usize,
    /// Values of the current reply so far.
    values: u32,
    open: Vec<Open>,
}

impl ReplyDecoder {
    /// A decoder before the first byte of a connection.
    #[must_use]
    pub fn new(limits: ReplyLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Reads one reply from the start of `buf`, which must begin with the bytes given before if
    /// the last answer was `None` (not enough bytes yet). Returns the value and the bytes it took.
    ///
    /// # Errors
    /// The first breach of the protocol or of the limits. The connection's framing is lost; the
    /// decoder itself is as new.
    pub fn decode(&mut self, buf: &[u8]) -> Result<Option<(Value, usize)>, WireError> {
        let outcome = self.advance(buf);
        match outcome {
            Ok(Some(value)) => {
                let consumed = self.position;
                *self = Self::new(self.limits);
                Ok(Some((value, consumed)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                *self = Self::new(self.limits);
                Err(error)
            }
        }
    }

    /// Reads pieces until the outermost value is whole or the bytes run out.
    fn advance(&mut self, buf: &[u8]) -> Result<Option<Value>, WireError> {
        loop {
            let Some((piece, next)) = self.piece(buf)? else {
                return Ok(None);
            };
            let limit = self.limits.frame_bytes;
            if next > limit as usize {
                return Err(WireError::FrameTooLong {
                    length: next as u64,
                    limit,
                });
            }
            self.position = next;
            self.scanned = 0;
            self.values += 1;
            if self.values > self.limits.values {
                return Err(WireError::TooManyValues {
                    limit: self.limits.values,
                });
            }
            match piece {
                Piece::Scalar(value) => {
                    if let Some(value) = self.place(value) {
                        return Ok(Some(value));
                    }
                }
                Piece::Aggregate(kind, left) => {
                    if self.open.len() >= self.limits.depth as usize {
                        return Err(WireError::TooDeep {
                            limit: self.limits.depth,
                        });
                    }
                    self.open.push(Open {
                        kind,
                        left,
                        values: Vec::new(),
                    });
                    if let Some(value) = self.close_full() {
                        return Ok(Some(value));
                    }
                }
            }
        }
    }

    /// Puts a whole value into the innermost open aggregate; returns it if there is none.
    fn place(&mut self, value: Value) -> Option<Value> {
        let Some(inner) = self.open.last_mut() else {
            return Some(value);
        };
        inner.left -= 1;
        inner.values.push(value);
        self.close_full()
    }

    /// Closes the aggregates that are complete, from the inside out.
    fn close_full(&mut self) -> Option<Value> {
        while let Some(full) = self.open.pop_if(|inner| inner.left == 0) {
            let Some(value) = full.close() else {
                continue;
            };
            let Some(outer) = self.open.last_mut() else {
                return Some(value);
            };
            outer.left -= 1;
            outer.values.push(value);
        }
        None
    }

    /// Reads one line, and the payload if it announces one; returns where the next begins.
    fn piece(&mut self, buf: &[u8]) -> Result<Option<(Piece, usize)>, WireError> {
        let start = self.position;
        let Some(&kind) = buf.get(start) else {
            return Ok(None);
        };
        match kind {
            b'*' => self.aggregate(buf, Kind::Array, 1),
            b'%' => self.aggregate(buf, Kind::Map, 2),
            b'~' => self.aggregate(buf, Kind::Set, 1),
            b'>' => self.aggregate(buf, Kind::Push, 1),
            b'|' => self.aggregate(buf, Kind::Attribute, 2),
            b'$' | b'=' | b'!' => self.payload(buf, kind),
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {
                let Some(end) = self.line_end(buf)? else {
                    return Ok(None);
                };
                let value = scalar(kind, &buf[start + 1..end])?;
                Ok(Some((Piece::Scalar(value), end + 2)))
            }
            got => Err(WireError::UnknownType { got }),
        }
    }

    /// The offset of the CR that ends the line at `position`.
    fn line_end(&mut self, buf: &[u8]) -> Result<Option<usize>, WireError> {
        let limit = self.limits.line_bytes;
        let line = &buf[self.position..];
        let window = &line[..line.len().min(limit as usize)];
        let from = self.scanned.min(window.len());
        match memchr::memchr(b'\n', &window[from..]) {
            Some(found) => match window.get(..from + found) {
                Some([.., b'\r']) => Ok(Some(self.position + from + found - 1)),
                _ => Err(WireError::InvalidScalar {
                    kind: "line end",
                    text: excerpt(&window[..=from + found]),
                }),
            },
            None if window.len() == limit as usize => Err(WireError::FrameTooLong {
                length: u64::from(limit) + 1,
                limit,
            }),
            None => {
                self.scanned = window.len();
                Ok(None)
            }
        }
    }

    /// Reads the header of an aggregate of `width` values per element; `-1` is RESP2's null.
    fn aggregate(
        &self,
        buf: &[u8],
        kind: Kind,
        width: u64,
    ) -> Result<Option<(Piece, usize)>, WireError> {
        let Some((length, next)) = self.length(buf)? else {
            return Ok(None);
        };
        let Some(length) = length else {
            return Ok(Some((Piece::Scalar(Value::Null), next)));
        };
        let left = length * width;
        if u64::from(self.values) + left > u64::from(self.limits.values) {
            return Err(WireError::TooManyValues {
                limit: self.limits.values,
            });
        }
        Ok(Some((Piece::Aggregate(kind, left), next)))
    }

    /// Reads a bulk string (`$`), verbatim string (`=`) or long error (`!`).
    fn payload(&self, buf: &[u8], kind: u8) -> Result<Option<(Piece, usize)>, WireError> {
        let Some((length, start)) = self.length(buf)? else {
            return Ok(None);
        };
        let Some(length) = length else {
            return Ok(Some((Piece::Scalar(Value::Null), start)));
        };
        let limit = self.limits.frame_bytes;
        let whole = start as u64 + length + 2;
        let Some(end) = usize::try_from(whole)
            .ok()
            .filter(|_| whole <= u64::from(limit))
        else {
            return Err(WireError::FrameTooLong {
                length: whole,
                limit,
            });
        };
        let Some(bytes) = buf.get(start..end) else {
            return Ok(None);
        };
        let (bytes, terminator) = bytes.split_at(bytes.len() - 2);
        if let Some((&got, _)) = terminator
            .iter()
            .zip(b"\r\n")
            .find(|(got, expected)| got != expected)
        {
            return Err(WireError::MissingTerminator { got });
        }
        let value = match kind {
            b'!' => Value::Error(text(bytes)),
            b'=' => Value::Bulk(verbatim(bytes)?.to_vec()),
            _ => Value::Bulk(bytes.to_vec()),
        };
        Ok(Some((Piece::Scalar(value), end)))
    }

    /// Reads `<type><length>\r\n` at `position`; a length of -1 is `None`.
    fn length(&self, buf: &[u8]) -> Result<Option<(Option<u64>, usize)>, WireError> {
        const NULL: &[u8] = b"-1\r\n";
        let digits = self.position + 1;
        let rest = &buf[digits..];
        match length_line(buf, digits) {
            LengthLine::Number { value, next } => Ok(Some((Some(value), next))),
            LengthLine::Incomplete => Ok(None),
            LengthLine::Bad { .. } if rest.starts_with(NULL) => {
                Ok(Some((None, digits + NULL.len())))
            }
            LengthLine::Bad { .. } if NULL.starts_with(rest) => Ok(None),
            LengthLine::Bad { end } => Err(WireError::InvalidScalar {
                kind: "length",
                text: excerpt(&buf[digits..end]),
            }),
        }
    }
}

/// The value of a one-line type.
fn scalar(kind: u8, line: &[u8]) -> Result<Value, WireError> {
    let invalid = |kind| WireError::InvalidScalar {
        kind,
        text: excerpt(line),
    };
    let ascii = std::str::from_utf8(line).unwrap_or_default();
    match kind {
        b'+' => Ok(Value::Simple(text(line))),
        b'-' => Ok(Value::Error(text(line))),
        b':' => ascii
            .parse()
            .map(Value::Int)
            .map_err(|_| invalid("integer")),
        b',' => ascii
            .parse()
            .map(Value::Double)
            .map_err(|_| invalid("double")),
        b'(' => {
            let digits = line.strip_prefix(b"-").unwrap_or(line);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(invalid("big number"));
            }
            Ok(Value::BigNumber(ascii.to_owned()))
        }
        b'#' => match line {
            b"t" => Ok(Value::Bool(true)),
            b"f" => Ok(Value::Bool(false)),
            _ => Err(invalid("boolean")),
        },
        _ if line.is_empty() => Ok(Value::Null),
        _ => Err(invalid("null")),
    }
}

/// The text of a verbatim string, which opens with a format of three letters and a colon.
fn verbatim(bytes: &[u8]) -> Result<&[u8], WireError> {
    match bytes {
        [_, _, _, b':', text @ ..] => Ok(text),
        _ => Err(WireError::InvalidScalar {
            kind: "verbatim string",
            text: excerpt(bytes),
        }),
    }
}

/// Text for people: what is not UTF-8 is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
