//! Values to bytes: replies in the protocol version of the session, and requests.
//!
//! [`ReplyWriter`] appends to a byte vector that the session owns and reuses. The caller announces
//! the length of an aggregate and then writes that many elements (twice as many for a map).
//! What has no RESP2 type takes the form that Redis gives it there:
//!
//! | value | RESP3 | RESP2 |
//! | --- | --- | --- |
//! | null | `_` | `$-1`; `*-1` in place of an array |
//! | boolean | `#t`, `#f` | `:1`, `:0` |
//! | double | `,1.5` | bulk string `1.5` |
//! | map of n pairs | `%n` | array of 2n |
//! | set, push of n | `~n`, `>n` | array of n |

use std::fmt::Write as _;

/// The protocol version of a session, as `HELLO` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// RESP2, in which every connection starts.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

impl Protocol {
    /// The protocol of `HELLO version`; `None` for a version that does not exist.
    #[must_use]
    pub const fn from_version(version: i64) -> Option<Self> {
        match version {
            2 => Some(Self::Resp2),
            3 => Some(Self::Resp3),
            _ => None,
        }
    }

    /// 2 or 3.
    #[must_use]
    pub const fn version(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// Writes replies to the end of a byte vector.
#[derive(Debug)]
pub struct ReplyWriter<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

impl<'a> ReplyWriter<'a> {
    /// A writer that appends to `out`.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        Self { out, protocol }
    }

    /// The protocol version written.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the version from the next value on, as `HELLO` does.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// All bytes written and not yet taken from the vector, those before this writer included.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.out.len()
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A simple string. Control characters are escaped.
    pub fn simple(&mut self, text: &str) {
        self.out.push(b'+');
        self.line(text);
        self.line_end();
    }

    /// An error: `code` is one word in capitals, `text` one line; control characters are escaped,
    /// so that text from outside can neither end the line nor drive a terminal.
    pub fn error(&mut self, code: &str, text: &str) {
        self.out.push(b'-');
        self.line(code);
        if !text.is_empty() {
            self.out.push(b' ');
            self.line(text);
        }
        self.line_end();
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        self.out.push(b':');
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.line_end();
    }

    /// A bulk string: any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.header(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.line_end();
    }

    /// A bulk string of text.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// No value.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// No value where an array would have been.
    pub fn null_array(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.out.extend_from_slice(b"*-1\r\n"),
            Protocol::Resp3 => self.null(),
        }
    }

    /// A value that was written elsewhere, in the same protocol.
    pub fn written(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
    }

    /// True or false.
    #[inline]
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// A floating-point number, in the shortest form that reads back the same; `inf`, `-inf` and
    /// `nan` for what is not a number. Not for money or quantities.
    pub fn double(&mut self, value: f64) {
        let text = if value.is_nan() {
            "nan".to_owned()
        } else {
            value.to_string()
        };
        match self.protocol {
            Protocol::Resp2 => self.text(&text),
            Protocol::Resp3 => {
                self.out.push(b',');
                self.out.extend_from_slice(text.as_bytes());
                self.line_end();
            }
        }
    }

    /// Opens an array; `length` elements follow.
    #[inline]
    pub fn array(&mut self, length: usize) {
        self.header(b'*', length);
    }

    /// Opens a map; `pairs` times a key and its value follow.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', pairs.saturating_mul(2)),
            Protocol::Resp3 => self.header(b'%', pairs),
        }
    }

    /// Opens a set; `length` elements follow.
    pub fn set(&mut self, length: usize) {
        self.aggregate(b'~', length);
    }

    /// Opens a message that answers no request; `length` elements follow, the first its kind.
    pub fn push(&mut self, length: usize) {
        self.aggregate(b'>', length);
    }

    fn aggregate(&mut self, resp3: u8, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', length),
            Protocol::Resp3 => self.header(resp3, length),
        }
    }

    #[inline]
    fn header(&mut self, kind: u8, length: usize) {
        header(self.out, kind, length);
    }

    #[inline]
    fn line_end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// Text for a line, without control characters.
    fn line(&mut self, text: &str) {
        if !text.contains(char::is_control) {
            self.out.extend_from_slice(text.as_bytes());
            return;
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            if character.is_control() {
                write!(escaped, "{}", character.escape_default()).expect("a String takes all");
            } else {
                escaped.push(character);
            }
        }
        self.out.extend_from_slice(escaped.as_bytes());
    }
}

/// Appends a command to `out` as an array of bulk strings, the form that all servers take.
pub fn encode_command<A: AsRef<[u8]>>(arguments: &[A], out: &mut Vec<u8>) {
    header(out, b'*', arguments.len());
    for argument in arguments {
        let bytes = argument.as_ref();
        header(out, b'$', bytes.len());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
}

/// `<kind><length>\r\n`.
#[inline]
fn header(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(protocol: Protocol, write: impl FnOnce(&mut ReplyWriter<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut ReplyWriter::new(&mut out, protocol));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_value_in_both_versions() {
        type Case = (fn(&mut ReplyWriter<'_>), &'static str, &'static str);
        let cases: [Case; 14] = [
            (|w| w.ok(), "+OK\r\n", "+OK\r\n"),
            (|w| w.simple("PONG"), "+PONG\r\n", "+PONG\r\n"),
            (|w| w.error("ERR", "no"), "-ERR no\r\n", "-ERR no\r\n"),
            (
                |w| w.integer(i64::MIN),
                ":-9223372036854775808\r\n",
                ":-9223372036854775808\r\n",
            ),
            (|w| w.bulk(b""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (|w| w.text("a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"),
            (|w| w.null(), "$-1\r\n", "_\r\n"),
            (|w| w.boolean(true), ":1\r\n", "#t\r\n"),
            (|w| w.boolean(false), ":0\r\n", "#f\r\n"),
            (|w| w.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
            (
                |w| w.double(f64::NEG_INFINITY),
                "$4\r\n-inf\r\n",
                ",-inf\r\n",
            ),
            (|w| w.map(2), "*4\r\n", "%2\r\n"),
            (|w| w.set(3), "*3\r\n", "~3\r\n"),
            (|w| w.push(1), "*1\r\n", ">1\r\n"),
        ];
        for (write, resp2, resp3) in cases {
            assert_eq!(written(Protocol::Resp2, write), resp2);
            assert_eq!(written(Protocol::Resp3, write), resp3);
        }
    }

    #[test]
    fn a_line_stays_one_line() {
        let got = written(Protocol::Resp2, |w| {
            w.error("INVALID", "sku 'a\r\n+OK\u{1b}[2J\u{9b}é'")
        });
        assert_eq!(got, "-INVALID sku 'a\\r\\n+OK\\u{1b}[2J\\u{9b}é'\r\n");
    }

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        encode_command(&["ECHO", ""], &mut out);
        assert_eq!(out, b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n");
    }
}
