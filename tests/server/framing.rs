//! How bytes arrive changes nothing, and no bytes harm the server or another client.

use crate::support::{Connection, Random, SKUS, TestServer, UNITS, frame, refusal, state};
use allot::wire::Value;

/// A script whose replies are the same each time it is run: its writes carry identities.
fn script() -> Vec<Vec<u8>> {
    let far = "2030-01-01T00:00:00Z";
    let put = "RESERVATION.PUT cart-1 TTL 900000 LINES SKU-0 EAST 2 SKU-1 * 1";
    let lines = [
        "PING",
        "STOCK.SET count-1 SKU-0 EAST 120",
        "STOCK.GET SKU-0 EAST",
        put,
        "ATP.GET SKU-0 SKU-1 AT EAST MID BY 2030-01-02T00:00:00Z CHANNEL web FOR 5",
        "HOLD.PLACE hold-1 SKU-2 MID 3 damaged",
        "ECHO \r\n$3\r\n",
        "NO.SUCH command",
        "RESERVATION.GET cart-1",
        "STOCK.GET SKU-9",
    ];
    let mut frames: Vec<Vec<u8>> = lines
        .iter()
        .map(|line| frame(&line.split(' ').collect::<Vec<_>>()))
        .collect();
    frames.push(frame(&["SUPPLY.EXPECT", "po-1", "SKU-3", "WEST", "7", far]));
    frames.push(b"PING inline\r\n".to_vec());
    frames.push(b"\r\n".to_vec());
    frames.push(frame(&["STOCK.GET", "SKU-3", "WEST"]));
    frames
}

/// How many commands of `frames` lie whole in the first `length` bytes; an empty line is none.
fn whole(frames: &[Vec<u8>], length: usize) -> usize {
    let mut end = 0;
    let ends = frames.iter().map(|frame| {
        end += frame.len();
        (end, frame != b"\r\n")
    });
    ends.filter(|(end, answered)| *answered && *end <= length)
        .count()
}

#[test]
fn every_split_of_a_pipeline_gets_the_same_replies() {
    let server = TestServer::start();
    let frames = script();
    let bytes = frames.concat();
    let expected = whole(&frames, bytes.len());
    let mut first = server.connect();
    // The first run takes effect, so its reads see other things than those of all later runs.
    first.send(&bytes.repeat(2));
    let mut wanted: Vec<Value> = (0..2 * expected).map(|_| first.reply()).collect();
    wanted.drain(..expected);
    let before = state(&mut first);
    for split in 1..bytes.len() {
        let mut connection = server.connect();
        connection.send(&bytes[..split]);
        // These replies say that the server has read the first part.
        let early = whole(&frames, split);
        let mut got: Vec<Value> = (0..early).map(|_| connection.reply()).collect();
        connection.send(&bytes[split..]);
        got.extend((early..expected).map(|_| connection.reply()));
        assert_eq!(got, wanted, "split at byte {split}");
    }
    assert_eq!(state(&mut first), before);
}

#[test]
fn a_pipeline_sent_byte_by_byte_gets_the_same_replies() {
    let server = TestServer::start();
    let frames = script();
    let bytes = frames.concat();
    let expected = whole(&frames, bytes.len());
    let mut whole_at_once = server.connect();
    whole_at_once.send(&bytes.repeat(2));
    for _ in 0..expected {
        whole_at_once.reply();
    }
    let mut in_bytes = server.connect();
    for byte in &bytes {
        in_bytes.send(&[*byte]);
    }
    for _ in 0..expected {
        assert_eq!(in_bytes.reply(), whole_at_once.reply());
    }
}

#[test]
fn a_long_pipeline_is_answered_in_order() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let count = 20_000;
    let bytes: Vec<u8> = (0..count)
        .flat_map(|i| frame(&["ECHO", &format!("{i}")]))
        .collect();
    connection.send(&bytes);
    for i in 0..count {
        assert_eq!(connection.reply().as_str(), Some(i.to_string().as_str()));
    }
}

/// Sends what may be nonsense, reads whatever comes back to the end: each reply is whole, and each
/// refusal is one line with a code.
fn throw(connection: &mut Connection, bytes: &[u8]) {
    // The server may end the connection at any byte.
    let _ = connection.try_send(bytes);
    connection.finish();
    for reply in connection.replies_to_the_end() {
        if let Value::Error(text) = &reply {
            let code = text.split(' ').next().unwrap_or_default();
            assert!(
                !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase()),
                "{text}"
            );
        }
    }
}

#[test]
fn random_bytes_change_nothing_and_harm_nobody() {
    let server = TestServer::start();
    let mut witness = server.connect();
    let before = state(&mut witness);
    let mut random = Random(1);
    for round in 0..300 {
        let length = 1 + random.below(400);
        let mut bytes: Vec<u8> = (0..length)
            .map(|_| random.next().to_le_bytes()[0])
            .collect();
        // Plain noise dies at its first byte; half of the rounds open like a command.
        if round % 2 == 0 {
            let opening = [
                "*3\r\n$9\r\nSTOCK.GET\r\n",
                "*2\r\n$",
                "*-",
                "ATP.GET ",
                "*1\r\n$4\r\n",
            ];
            let opening = opening[random.below(opening.len())];
            bytes.splice(0..0, opening.bytes());
        }
        throw(&mut server.connect(), &bytes);
    }
    assert_eq!(witness.say("PING"), Value::Simple("PONG".into()));
    assert_eq!(state(&mut witness), before);
}

/// `bytes` with a few of them changed, removed, repeated or cut off.
fn mutate(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut mutant = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(mutant.len());
        match random.below(6) {
            0 => mutant[at] = random.next().to_le_bytes()[0],
            1 => drop(mutant.remove(at)),
            2 => mutant.insert(at, b"\r\n$*:-0123456789"[random.below(16)]),
            3 => mutant.truncate(at.max(1)),
            4 => {
                let end = (at + 1 + random.below(40)).min(mutant.len());
                let piece = mutant[at..end].to_vec();
                mutant.splice(at..at, piece);
            }
            _ => mutant[at] = b"*$\r\n\0\xff -9"[random.below(9)],
        }
    }
    mutant
}

#[test]
fn mutated_reads_change_nothing() {
    let server = TestServer::start();
    let mut witness = server.connect();
    let before = state(&mut witness);
    let reads = [
        frame(&["ATP.GET", "SKU-0", "SKU-1", "AT", "EAST", "FOR", "5"]),
        frame(&["STOCK.GET", "SKU-0", "EAST"]),
        frame(&["RESERVATION.GET", "none"]),
        frame(&["COMMAND", "DOCS", "ATP.GET"]),
        frame(&["HELLO", "3"]),
        b"INFO orders\r\n".to_vec(),
    ]
    .concat();
    let mut random = Random(2);
    for _ in 0..400 {
        let bytes = mutate(&mut random, &reads);
        throw(&mut server.connect(), &bytes);
    }
    assert_eq!(state(&mut witness), before);
}

#[test]
fn mutated_writes_never_break_the_ledger() {
    let server = TestServer::start();
    let mut witness = server.connect();
    let mut random = Random(3);
    for round in 0..400 {
        let cart = format!("cart-{round}");
        let writes = [
            frame(&[
                "RESERVATION.PUT",
                &cart,
                "FIRM",
                "LINES",
                "SKU-0",
                "EAST",
                "1",
                "SKU-1",
                "*",
                "2",
            ]),
            frame(&[
                "HOLD.PLACE",
                &format!("hold-{round}"),
                "SKU-2",
                "MID",
                "1",
                "fraud",
            ]),
            frame(&["RESERVATION.CANCEL", &cart]),
            frame(&[
                "TRANSFER.DISPATCH",
                &format!("t-{round}"),
                "SKU-3",
                "EAST",
                "WEST",
                "1",
                "2030-01-01T00:00:00Z",
            ]),
        ];
        throw(
            &mut server.connect(),
            &mutate(&mut random, &writes.concat()),
        );
    }
    assert_eq!(witness.say("PING"), Value::Simple("PONG".into()));
    server.assert_sound();
}

#[test]
fn a_malformed_frame_gets_one_line_and_the_end() {
    let server = TestServer::start();
    let mut witness = server.connect();
    let before = state(&mut witness);
    let cases: [(&[u8], &str); 12] = [
        (b"*1\r\n:4\r\nPING\r\n", "expected '$'"),
        (b"*x\r\n", "invalid multibulk length 'x'"),
        (b"*-3\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*5000\r\n", "more than 4096 arguments"),
        (b"*1\r\n$-5\r\n", "invalid bulk length '-'"),
        (b"*1\r\n$ 4\r\nPING\r\n", "invalid bulk length"),
        (b"*1\r\n$9000000\r\n", "9000000 bytes, limit 8388608"),
        (b"*1\r\n$4\r\nPINGS\r\n", "expected CR LF"),
        (b"\x16\x03\x01\x02\x00", "Protocol error"),
        (b"PING \"unbalanced\r\n", "unbalanced quotes"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not HTTP"),
    ];
    for (bytes, why) in cases {
        let shown = bytes.escape_ascii().to_string();
        let mut connection = server.connect();
        connection.send(&frame(&["PING"]));
        connection.send(bytes);
        assert_eq!(connection.reply(), Value::Simple("PONG".into()));
        let reply = connection.reply();
        let text = refusal(&reply);
        assert!(text.starts_with("ERR Protocol error: "), "{shown}: {text}");
        assert!(text.contains(why), "{shown}: {text}");
        connection.assert_closed();
    }
    assert_eq!(state(&mut witness), before);
}

#[test]
fn an_oversize_inline_command_gets_one_line_and_the_end() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(&vec![b'A'; (64 << 10) + 1]);
    let reply = connection.reply();
    assert!(refusal(&reply).contains("too big inline request"));
    connection.assert_closed();
}

/// A client that is still sending when the server has given up on it gets to read why: a reset
/// would take the line away from it.
#[test]
fn the_last_line_reaches_a_client_that_is_still_sending() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let mut bytes = frame(&["ECHO", "first"]);
    bytes.extend_from_slice(b"*1\r\n$4\r\nPINGS\r\n");
    bytes.resize(1 << 20, b'x');
    connection.send(&bytes);
    connection.finish();
    let text = connection.bytes_to_the_end();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.starts_with("$5\r\nfirst\r\n-ERR Protocol error: "),
        "{text}"
    );
    assert!(
        text.ends_with("\r\n") && text.lines().count() == 3,
        "{text}"
    );
}

#[test]
fn a_command_of_the_largest_size_is_taken() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let mut arguments = vec!["ATP.GET"];
    arguments.resize(4_096, "SKU-0");
    let reply = connection.command(&arguments);
    let answers = reply.as_slice().unwrap();
    assert_eq!(answers.len(), 4_095);
    assert_eq!(answers[4_094], Value::Int(i64::from(3 * UNITS)));
    let all: Vec<String> = (0..SKUS).map(|sku| format!("SKU-{sku}")).collect();
    let asked: Vec<&str> = std::iter::once("ATP.GET")
        .chain(all.iter().map(String::as_str))
        .collect();
    assert_eq!(
        connection.command(&asked).as_slice().map(<[Value]>::len),
        Some(all.len())
    );
}
