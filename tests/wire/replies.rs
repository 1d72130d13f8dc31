//! Replies: what a client reads is what a server wrote.

use allot::wire::{Protocol, Reply, ReplyDecoder, ReplyLimits, Value, WireError};
use proptest::prelude::*;

use super::{almost_resp, cut};

fn read_reply(bytes: &[u8]) -> Result<Option<(Value, usize)>, WireError> {
    ReplyDecoder::default().decode(bytes)
}

#[test]
fn replies_of_every_type() {
    let text = |text: &str| Value::Bulk(text.as_bytes().to_vec());
    let cases: Vec<(&str, Value)> = vec![
        ("+OK\r\n", Value::Simple("OK".into())),
        ("-ERR no\r\n", Value::Error("ERR no".into())),
        (":-5\r\n", Value::Int(-5)),
        ("$2\r\nhi\r\n", text("hi")),
        ("$0\r\n\r\n", text("")),
        ("$-1\r\n", Value::Null),
        ("*-1\r\n", Value::Null),
        ("_\r\n", Value::Null),
        ("#t\r\n", Value::Bool(true)),
        ("#f\r\n", Value::Bool(false)),
        (",-1.25\r\n", Value::Double(-1.25)),
        (",inf\r\n", Value::Double(f64::INFINITY)),
        (
            "(123456789012345678901\r\n",
            Value::BigNumber("123456789012345678901".into()),
        ),
        ("!6\r\nERR no\r\n", Value::Error("ERR no".into())),
        ("=6\r\ntxt:hi\r\n", text("hi")),
        ("*0\r\n", Value::Array(vec![])),
        (
            "*2\r\n:1\r\n*1\r\n:2\r\n",
            Value::Array(vec![Value::Int(1), Value::Array(vec![Value::Int(2)])]),
        ),
        (
            "%1\r\n+a\r\n:1\r\n",
            Value::Map(vec![(Value::Simple("a".into()), Value::Int(1))]),
        ),
        ("~1\r\n:1\r\n", Value::Set(vec![Value::Int(1)])),
        (">1\r\n:1\r\n", Value::Push(vec![Value::Int(1)])),
        ("|1\r\n+ttl\r\n:9\r\n:1\r\n", Value::Int(1)),
        (
            "*2\r\n|1\r\n+a\r\n%1\r\n:1\r\n:2\r\n:3\r\n|0\r\n:4\r\n",
            Value::Array(vec![Value::Int(3), Value::Int(4)]),
        ),
    ];
    for (bytes, value) in cases {
        assert_eq!(
            read_reply(bytes.as_bytes()),
            Ok(Some((value.clone(), bytes.len()))),
            "{bytes:?}"
        );
        let mut decoder = ReplyDecoder::default();
        for end in 0..bytes.len() {
            assert_eq!(
                decoder.decode(&bytes.as_bytes()[..end]),
                Ok(None),
                "{bytes:?} to {end}"
            );
        }
        assert_eq!(
            decoder.decode(bytes.as_bytes()),
            Ok(Some((value, bytes.len()))),
            "{bytes:?}"
        );
    }
}

#[test]
fn bad_replies_are_refused() {
    for (bytes, message) in [
        ("x\r\n", "Protocol error: unknown reply type 'x'"),
        (":1x\r\n", "Protocol error: invalid integer '1x'"),
        (
            ":9223372036854775808\r\n",
            "Protocol error: invalid integer '9223372036854775808'",
        ),
        (",one\r\n", "Protocol error: invalid double 'one'"),
        ("#x\r\n", "Protocol error: invalid boolean 'x'"),
        ("_x\r\n", "Protocol error: invalid null 'x'"),
        ("(1x\r\n", "Protocol error: invalid big number '1x'"),
        (
            "=2\r\nhi\r\n",
            "Protocol error: invalid verbatim string 'hi'",
        ),
        ("+OK\nmore", "Protocol error: invalid line end '+OK\\n'"),
        ("*-2\r\n", "Protocol error: invalid length '-'"),
        (
            "$3\r\nabcd\r\n",
            "Protocol error: expected CR LF after a bulk string, got 'd'",
        ),
        (
            "*9999999999\r\n",
            "Protocol error: reply of more than 1048576 values",
        ),
        (
            "$9999999999\r\n",
            "Protocol error: message of at least 10000000014 bytes, limit 268435456",
        ),
    ] {
        assert_eq!(
            read_reply(bytes.as_bytes()).unwrap_err().to_string(),
            message
        );
    }
    let nested = "*1\r\n".repeat(33);
    assert_eq!(
        read_reply(nested.as_bytes()),
        Err(WireError::TooDeep { limit: 32 })
    );
    assert_eq!(read_reply(&nested.as_bytes()[4..]), Ok(None));
    let narrow = ReplyLimits {
        line_bytes: 8,
        frame_bytes: 32,
        ..ReplyLimits::default()
    };
    let read = |text: &str| ReplyDecoder::new(narrow).decode(text.as_bytes());
    assert!(read("+12345\r\n").unwrap().is_some());
    assert_eq!(
        read("+1234567").unwrap_err(),
        WireError::FrameTooLong {
            length: 9,
            limit: 8
        }
    );
    assert!(matches!(
        read("*9\r\n:1000\r\n:1000\r\n:1000\r\n:1000\r\n:1000\r\n"),
        Err(WireError::FrameTooLong { limit: 32, .. })
    ));
}

/// Any reply, three levels deep.
fn any_reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        "[^\\x00-\\x1f\\x7f-\\u{9f}]{0,12}".prop_map(|text| Reply::Simple(text.into())),
        "[a-z ]{0,12}".prop_map(|text| Reply::error("INVALID", text)),
        any::<i64>().prop_map(Reply::Int),
        any::<Vec<u8>>().prop_map(Reply::from),
        Just(Reply::Null),
        any::<bool>().prop_map(Reply::Bool),
    ];
    leaf.prop_recursive(3, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Reply::Array),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Reply::Map),
        ]
    })
}

/// What a reader must see of a reply.
fn seen(reply: &Reply, protocol: Protocol) -> Value {
    let all = |replies: &[Reply]| replies.iter().map(|reply| seen(reply, protocol)).collect();
    match (reply, protocol) {
        (Reply::Simple(text), _) => Value::Simple(text.to_string()),
        (Reply::Error(code, text), _) if text.is_empty() => Value::Error(code.to_string()),
        (Reply::Error(code, text), _) => Value::Error(format!("{code} {text}")),
        (Reply::Int(value), _) => Value::Int(*value),
        (Reply::Bulk(bytes), _) => Value::Bulk(bytes.to_vec()),
        (Reply::Null, _) => Value::Null,
        (Reply::Array(elements), _) => Value::Array(all(elements)),
        (Reply::Map(pairs), Protocol::Resp2) => Value::Array(
            pairs
                .iter()
                .flat_map(|(k, v)| [seen(k, protocol), seen(v, protocol)])
                .collect(),
        ),
        (Reply::Map(pairs), Protocol::Resp3) => Value::Map(
            pairs
                .iter()
                .map(|(k, v)| (seen(k, protocol), seen(v, protocol)))
                .collect(),
        ),
        (Reply::Bool(value), Protocol::Resp2) => Value::Int(i64::from(*value)),
        (Reply::Bool(value), Protocol::Resp3) => Value::Bool(*value),
        (Reply::Written(_), _) => panic!("bytes are no value"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_replies_neither_panic_nor_depend_on_splits(
        bytes in almost_resp(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let whole = read_reply(&bytes);
        let mut decoder = ReplyDecoder::default();
        let mut end = 0;
        let mut outcome = Ok(None);
        for piece in cut(&bytes, &cuts) {
            end += piece.len();
            outcome = decoder.decode(&bytes[..end]);
            if !matches!(outcome, Ok(None)) {
                break;
            }
        }
        // NaN differs from itself, so the text is compared.
        prop_assert_eq!(format!("{outcome:?}"), format!("{whole:?}"));
    }

    #[test]
    fn replies_read_back(replies in prop::collection::vec(any_reply(), 1..4)) {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut bytes = Vec::new();
            replies.iter().for_each(|reply| reply.encode(protocol, &mut bytes));
            let mut decoder = ReplyDecoder::default();
            let mut rest = bytes.as_slice();
            for reply in &replies {
                let (value, consumed) = decoder.decode(rest).unwrap().expect("a whole reply");
                prop_assert_eq!(value, seen(reply, protocol));
                rest = &rest[consumed..];
            }
            prop_assert!(rest.is_empty());
        }
    }
}
