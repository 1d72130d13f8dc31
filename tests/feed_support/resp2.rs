//! RESP2 as a client reads it, and a sink that writes it.

use allot::feed::ReplySink;
use std::io::{BufRead, Write as _};

/// Moments closer than this are the same: commands set others hours apart.
const MOMENT_SLACK: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(String),
    Null,
    NullArray,
    Array(Vec<Value>),
}

pub(crate) fn read_value(input: &mut impl BufRead) -> Value {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).unwrap();
    assert!(line.ends_with(b"\r\n"), "{line:?}");
    let text = String::from_utf8(line[1..line.len() - 2].to_vec()).unwrap();
    match (line[0], text.as_str()) {
        (b'+', _) => Value::Simple(text),
        (b'-', _) => Value::Error(text),
        (b':', _) => Value::Int(text.parse().unwrap()),
        (b'$', "-1") => Value::Null,
        (b'*', "-1") => Value::NullArray,
        (b'$', _) => {
            let mut bytes = vec![0; text.parse::<usize>().unwrap() + 2];
            input.read_exact(&mut bytes).unwrap();
            bytes.truncate(bytes.len() - 2);
            Value::Bulk(String::from_utf8(bytes).unwrap())
        }
        (b'*', _) => {
            let length: usize = text.parse().unwrap();
            Value::Array((0..length).map(|_| read_value(input)).collect())
        }
        other => panic!("no RESP2: {other:?}"),
    }
}

/// The bytes that a RESP2 client gets.
#[derive(Default)]
pub(crate) struct Resp2(pub(crate) Vec<u8>);

impl Resp2 {
    fn line(&mut self, kind: char, text: impl std::fmt::Display) {
        write!(self.0, "{kind}{text}\r\n").unwrap();
    }
}

impl ReplySink for Resp2 {
    fn is_resp3(&self) -> bool {
        false
    }
    fn simple(&mut self, text: &str) {
        self.line('+', text);
    }
    fn error(&mut self, line: &str) {
        self.line('-', line);
    }
    fn integer(&mut self, value: i64) {
        self.line(':', value);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.line('$', bytes.len());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
    }
    fn null(&mut self) {
        self.line('$', -1);
    }
    fn null_array(&mut self) {
        self.line('*', -1);
    }
    fn array(&mut self, length: usize) {
        self.line('*', length);
    }
    fn map(&mut self, pairs: usize) {
        self.line('*', 2 * pairs);
    }
}

/// Equal, but for moments and the radix tree.
pub(crate) fn same(ours: &Value, theirs: &Value) -> bool {
    let (Value::Array(a), Value::Array(b)) = (ours, theirs) else {
        return ours == theirs;
    };
    let close = |a: &Value, b: &Value| match (a, b) {
        (Value::Int(a), Value::Int(b)) => (a - b).abs() < MOMENT_SLACK,
        _ => false,
    };
    let is_moment = |at: usize| match (a.as_slice(), at) {
        // A line of XPENDING; one of a consumer in XINFO STREAM FULL.
        ([Value::Bulk(_), Value::Bulk(_), Value::Int(_), Value::Int(_)], 2)
        | ([Value::Bulk(_), Value::Int(_), Value::Int(_)], 1) => true,
        (_, 0) => false,
        (all, at) => {
            let names = ["idle", "seen-time", "radix-tree-keys", "radix-tree-nodes"];
            matches!(&all[at - 1], Value::Bulk(name) if names.contains(&name.as_str()))
        }
    };
    let pair = |(at, (a, b))| same(a, b) || (is_moment(at) && close(a, b));
    a.len() == b.len() && a.iter().zip(b).enumerate().all(pair)
}
