//! The codec against hostile and merely slow peers: every split of every frame, random bytes,
//! oversize headers, pipelines, and what is written reads back.

use allot::wire::{
    Decoded, Limits, Protocol, Reply, ReplyDecoder, ReplyLimits, RequestDecoder, Value, WireError,
    encode_command,
};
use proptest::prelude::*;

type Command = Vec<Vec<u8>>;

/// A connection in small: bytes are fed in pieces, as a socket would deliver them.
#[derive(Default)]
struct Session {
    decoder: RequestDecoder,
    buffer: Vec<u8>,
    commands: Vec<Command>,
}

impl Session {
    fn feed(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), WireError> {
        self.buffer.extend_from_slice(bytes);
        let mut taken = 0;
        loop {
            match self.decoder.decode(&self.buffer[taken..], limits)? {
                Decoded::Command { args, consumed } => {
                    self.commands
                        .push(args.iter().map(<[u8]>::to_vec).collect());
                    taken += consumed;
                }
                Decoded::Blank { consumed } => taken += consumed,
                Decoded::Incomplete => break,
            }
        }
        self.buffer.drain(..taken);
        Ok(())
    }
}

/// The commands of `bytes`, which arrive in `pieces`, and the error they end in, if any.
fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: &Limits,
) -> (Vec<Command>, Option<WireError>) {
    let mut session = Session::default();
    for piece in pieces {
        if let Err(error) = session.feed(piece, limits) {
            return (session.commands, Some(error));
        }
    }
    (session.commands, None)
}

fn read_whole(bytes: &[u8]) -> (Vec<Command>, Option<WireError>) {
    read([bytes], &Limits::authenticated())
}

fn command(words: &[&str]) -> Command {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Good frames and what they say.
fn corpus() -> Vec<(Vec<u8>, Vec<Command>)> {
    let long = "x".repeat(300);
    let many: Vec<String> = (0..40).map(|i| format!("SKU-{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut many_bytes = Vec::new();
    encode_command(&many, &mut many_bytes);
    vec![
        (b"*1\r\n$4\r\nPING\r\n".to_vec(), vec![command(&["PING"])]),
        (b"PING\r\n".to_vec(), vec![command(&["PING"])]),
        (b"PING\n".to_vec(), vec![command(&["PING"])]),
        (
            b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n*1\r\n".to_vec(),
            vec![command(&["SET", "", "\r\n*1"])],
        ),
        (
            b"  SET \"a b\\x41\\n\"  'c \"d'\r\n".to_vec(),
            vec![command(&["SET", "a bA\n", "c \"d"])],
        ),
        (
            format!("*2\r\n$4\r\nECHO\r\n$300\r\n{long}\r\n").into_bytes(),
            vec![command(&["ECHO", &long])],
        ),
        (many_bytes, vec![command(&many)]),
        (
            b"\r\n\n*0\r\n*-1\r\n*1\r\n$1\r\na\r\nb c\r\n*1\r\n$1\r\nd\r\n".to_vec(),
            vec![command(&["a"]), command(&["b", "c"]), command(&["d"])],
        ),
    ]
}

/// Bad frames and the line each is answered with.
fn bad_corpus() -> Vec<(&'static [u8], &'static str)> {
    vec![
        (b"*1\r\nx", "Protocol error: expected '$', got 'x'"),
        (b"*1\r\n:5\r\n", "Protocol error: expected '$', got ':'"),
        (
            b"*2\r\n$4\r\nECHO\r\n\r\n",
            "Protocol error: expected '$', got '\\r'",
        ),
        (b"*x\r\n", "Protocol error: invalid multibulk length 'x'"),
        (b"*-2\r\n", "Protocol error: invalid multibulk length '-2'"),
        (
            b"*-1x\r\n",
            "Protocol error: invalid multibulk length '-1x'",
        ),
        (b"*01\r\n", "Protocol error: invalid multibulk length '01'"),
        (b"*1\n$", "Protocol error: invalid multibulk length '1\\n'"),
        (
            b"*4097\r\n",
            "Protocol error: invalid multibulk length: more than 4096 arguments",
        ),
        (
            b"*9999999999\r\n",
            "Protocol error: invalid multibulk length: more than 4096 arguments",
        ),
        (
            b"*99999999999",
            "Protocol error: invalid multibulk length '99999999999'",
        ),
        (b"*1\r\n$-1\r\n", "Protocol error: invalid bulk length '-'"),
        (b"*1\r\n$4x\r\n", "Protocol error: invalid bulk length '4x'"),
        (b"*1\r\n$\r\n", "Protocol error: invalid bulk length '\\r'"),
        (
            b"*1\r\n$8388609\r\n",
            "Protocol error: invalid bulk length: 8388609 bytes, limit 8388608",
        ),
        (
            b"*2\r\n$1\r\na\r\n$8388600\r\n",
            "Protocol error: message of at least 8388623 bytes, limit 8388608",
        ),
        (
            b"*1\r\n$4\r\nPINGS\r\n",
            "Protocol error: expected CR LF after a bulk string, got 'S'",
        ),
        (
            b"*1\r\n$4\r\nPING\rS",
            "Protocol error: expected CR LF after a bulk string, got 'S'",
        ),
        (
            b"SET \"a\r\n",
            "Protocol error: unbalanced quotes in request",
        ),
        (
            b"SET 'a'b\r\n",
            "Protocol error: unbalanced quotes in request",
        ),
        (
            b"\x16\x03\x01",
            "Protocol error: expected '*' or a command name, got '\\x16'",
        ),
        (
            b"\xff",
            "Protocol error: expected '*' or a command name, got '\\xff'",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "Protocol error: this port speaks RESP, not HTTP",
        ),
    ]
}

#[test]
fn good_frames_give_their_commands() {
    for (bytes, commands) in corpus() {
        assert_eq!(
            read_whole(&bytes),
            (commands, None),
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn every_split_gives_the_same_commands() {
    let limits = Limits::authenticated();
    let all: Vec<u8> = corpus().into_iter().flat_map(|(bytes, _)| bytes).collect();
    let expected: Vec<Command> = corpus()
        .into_iter()
        .flat_map(|(_, commands)| commands)
        .collect();
    for at in 0..=all.len() {
        let (head, tail) = all.split_at(at);
        assert_eq!(
            read([head, tail], &limits),
            (expected.clone(), None),
            "split at {at}"
        );
    }
    for (bytes, commands) in corpus() {
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(
                    read(pieces, &limits).0,
                    commands,
                    "split at {first} and {second}"
                );
            }
        }
        assert_eq!(read(bytes.chunks(1), &limits), (commands, None));
    }
}

#[test]
fn every_split_of_a_bad_frame_gives_the_same_error() {
    let limits = Limits::authenticated();
    for (bytes, message) in bad_corpus() {
        let (commands, error) = read_whole(bytes);
        let error = error.unwrap_or_else(|| panic!("accepted {}", bytes.escape_ascii()));
        assert_eq!(error.to_string(), message);
        assert!(commands.is_empty());
        assert_eq!(
            read(bytes.chunks(1), &limits),
            (vec![], Some(error.clone())),
            "{message}"
        );
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(
                read([head, tail], &limits),
                (vec![], Some(error.clone())),
                "{message}"
            );
        }
    }
}

#[test]
fn commands_before_a_bad_frame_still_count() {
    let (commands, error) = read_whole(b"PING\r\n*1\r\n$4\r\nQUIT\r\n*1\r\n!");
    assert_eq!(commands, [command(&["PING"]), command(&["QUIT"])]);
    assert_eq!(error, Some(WireError::ExpectedBulk { got: b'!' }));
}

#[test]
fn a_long_pipeline_gives_its_commands_in_order() {
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for number in 0..5_000 {
        let words = command(&["STOCK.SET", "SKU-1", "DC-1", &number.to_string()]);
        encode_command(&words, &mut bytes);
        expected.push(words);
    }
    assert_eq!(read_whole(&bytes), (expected.clone(), None));
    assert_eq!(
        read(bytes.chunks(4_093), &Limits::authenticated()),
        (expected, None)
    );
}

#[test]
fn a_large_bulk_in_small_pieces_is_one_command() {
    let bulk = vec![b'\n'; 4 << 20];
    let mut bytes = Vec::new();
    encode_command(&[b"STOCK.LOAD".as_slice(), &bulk], &mut bytes);
    let (commands, error) = read(bytes.chunks(1_000), &Limits::authenticated());
    assert_eq!(error, None);
    assert!(commands == [vec![b"STOCK.LOAD".to_vec(), bulk]]);
}

#[test]
fn limits_before_authentication() {
    let limits = Limits::unauthenticated();
    let hello = command(&["HELLO", "3", "AUTH", "user", "password", "SETNAME", "name"]);
    let mut bytes = Vec::new();
    encode_command(&hello, &mut bytes);
    assert_eq!(read([bytes.as_slice()], &limits), (vec![hello], None));

    let error = |bytes: &[u8]| read([bytes], &limits).1;
    assert_eq!(
        error(b"*11\r\n"),
        Some(WireError::TooManyArguments { limit: 10 })
    );
    assert_eq!(
        error(b"*2\r\n$1025\r\n"),
        Some(WireError::BulkTooLong {
            length: 1_025,
            limit: 1_024
        })
    );
    assert_eq!(error(&b"a".repeat(1_023)), None);
    assert_eq!(
        error(&b"a".repeat(1_024)),
        Some(WireError::InlineTooLong { limit: 1_024 })
    );
    assert_eq!(
        error(b"a b c d e f g h i j k\r\n"),
        Some(WireError::TooManyArguments { limit: 10 })
    );
}

#[test]
fn an_inline_command_may_fill_its_limit_and_not_more() {
    let limits = Limits {
        inline_bytes: 8,
        ..Limits::authenticated()
    };
    assert_eq!(
        read([b"abcdefg\n".as_slice()], &limits),
        (vec![command(&["abcdefg"])], None)
    );
    let too_big = Some(WireError::InlineTooLong { limit: 8 });
    assert_eq!(read([b"abcdefgh\n".as_slice()], &limits).1, too_big);
    assert_eq!(read(b"abcdefgh\n".chunks(1), &limits).1, too_big);
}

#[test]
fn memory_follows_bytes_that_arrived_and_is_given_back() {
    let limits = Limits::authenticated();
    let mut decoder = RequestDecoder::new();
    for header in [
        b"*4096\r\n".as_slice(),
        b"*4096\r\n$8000000\r\n",
        b"*4096\r\n$8000000\r\nabc",
    ] {
        assert!(matches!(
            decoder.decode(header, &limits),
            Ok(Decoded::Incomplete)
        ));
        assert_eq!(decoder.memory_bytes(), 0);
        decoder = RequestDecoder::new();
    }
    let mut large = Vec::new();
    encode_command(&vec!["a"; 4_096], &mut large);
    assert!(matches!(
        decoder.decode(&large, &limits),
        Ok(Decoded::Command { .. })
    ));
    assert!(decoder.memory_bytes() <= 64 << 10);
    let line = [b"a".repeat(60_000), b"\n".to_vec()].concat();
    assert!(matches!(
        decoder.decode(&line, &limits),
        Ok(Decoded::Command { .. })
    ));
    assert!(decoder.memory_bytes() <= 2 * line.len());
    assert!(matches!(
        decoder.decode(b"PING\n", &limits),
        Ok(Decoded::Command { .. })
    ));
    assert!(decoder.memory_bytes() <= 4_096);
}

#[test]
fn arguments_are_reached_by_index_in_order_and_from_a_point_on() {
    let limits = Limits::authenticated();
    let mut decoder = RequestDecoder::new();
    let Ok(Decoded::Command { args, consumed }) = decoder.decode(b"ATP.GET a b\r\n", &limits)
    else {
        panic!("one command");
    };
    assert_eq!((args.len(), consumed), (3, 13));
    assert_eq!(args.name(), b"ATP.GET");
    assert_eq!((args.get(2), args.get(3)), (Some(b"b".as_slice()), None));
    assert_eq!(args.skip(1).iter().collect::<Vec<_>>(), [b"a", b"b"]);
    assert!(args.skip(3).is_empty() && args.skip(9).is_empty());
    assert_eq!(args.skip(9).name(), b"");
}

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
        ("+OK\n", "Protocol error: invalid line end '+OK\\n'"),
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
    }
}

/// Bytes that look enough like the protocol to get far into a decoder.
fn almost_resp() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"*".to_vec()),
        Just(b"$".to_vec()),
        Just(b"*3\r\n".to_vec()),
        Just(b"$2\r\nab\r\n".to_vec()),
        Just(b"%1\r\n".to_vec()),
        Just(b"|1\r\n".to_vec()),
        Just(b"-1".to_vec()),
        Just(b":7\r\n".to_vec()),
        Just(b"_\r\n".to_vec()),
        Just(b"word \"quo".to_vec()),
        "[0-9]{1,11}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

/// Cuts `bytes` where `cuts` say.
fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_neither_panic_nor_outgrow_their_length(
        bytes in almost_resp(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        strict in any::<bool>(),
    ) {
        let limits = if strict { Limits::unauthenticated() } else { Limits::authenticated() };
        let whole = read([bytes.as_slice()], &limits);
        prop_assert_eq!(&read(cut(&bytes, &cuts), &limits), &whole);
        if let Some(error) = whole.1 {
            let line = error.to_string();
            prop_assert!(line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
        }
        let mut session = Session::default();
        for piece in cut(&bytes, &cuts) {
            let fed = session.feed(piece, &limits);
            prop_assert!(session.decoder.memory_bytes() <= 2 * bytes.len() + (64 << 10));
            if fed.is_err() {
                break;
            }
        }
    }

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
    fn requests_read_back(
        commands in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..30), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for words in &commands {
            encode_command(words, &mut bytes);
        }
        prop_assert_eq!(read(cut(&bytes, &cuts), &Limits::authenticated()), (commands, None));
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
