//! Requests: what a server reads.

use allot::wire::{Decoded, Limits, RequestDecoder, WireError, encode_command};
use proptest::prelude::*;

use super::{Command, Session, almost_resp, command, cut, read, read_whole};

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
}
