//! Bounds in memory, connections and time: before a client has said who it is, and after.

use crate::support::{
    Connection, DEADLINE, PASSWORD, TestServer, frame, info, refusal, wait_until,
};
use allot::server::Password;
use allot::wire::Value;
use std::time::{Duration, Instant};

fn pong() -> Value {
    Value::Simple("PONG".into())
}

#[test]
fn without_the_password_nothing_is_answered_but_noauth() {
    let server = TestServer::with_password();
    let mut connection = server.connect();
    for line in [
        "PING",
        "INFO",
        "STOCK.GET SKU-0",
        "STOCK.SET c SKU-0 EAST 1",
        "RESERVATION.PUT r FIRM LINES SKU-0 EAST 1",
        "COMMAND",
        "CLIENT LIST",
        "CONFIG GET maxclients",
        "NO.SUCH",
        "HELLO 3",
    ] {
        let reply = connection.say(line);
        assert!(refusal(&reply).starts_with("NOAUTH "), "{line}: {reply:?}");
    }
    let ok = Value::Simple("OK".into());
    assert_eq!(connection.command(&["AUTH", PASSWORD]), ok);
    assert_eq!(connection.say("PING"), pong());
    assert_eq!(connection.command(&["AUTH", "default", PASSWORD]), ok);
    let hello = server
        .connect()
        .command(&["HELLO", "3", "AUTH", "default", PASSWORD]);
    assert!(matches!(hello, Value::Map(_)), "{hello:?}");
}

#[test]
fn auth_where_no_password_is_set_is_refused_as_redis_does() {
    let server = TestServer::start();
    let reply = server.connect().say("AUTH anything");
    assert!(refusal(&reply).starts_with("ERR AUTH <password> called without any password"));
}

#[test]
fn five_wrong_passwords_end_the_connection() {
    let server = TestServer::with_password();
    let mut connection = server.connect();
    let attempts: [&[&str]; 5] = [
        &["AUTH", "wrong"],
        &["AUTH", ""],
        &["AUTH", "root", PASSWORD],
        &["HELLO", "3", "AUTH", "default", "wrong"],
        &["AUTH", &PASSWORD[1..]],
    ];
    for attempt in attempts {
        let reply = connection.command(attempt);
        assert!(
            refusal(&reply).starts_with("WRONGPASS "),
            "{attempt:?}: {reply:?}"
        );
    }
    connection.assert_closed();
}

/// What is pipelined behind the fifth failure is not carried out, the right password included.
#[test]
fn guesses_cannot_be_pipelined_past_the_limit() {
    let server = TestServer::with_password();
    let mut connection = server.connect();
    let mut guesses: Vec<u8> = (0..20)
        .flat_map(|i| frame(&["AUTH", &format!("{i}")]))
        .collect();
    guesses.extend(frame(&["AUTH", PASSWORD]));
    connection.send(&guesses);
    connection.finish();
    let replies = connection.replies_to_the_end();
    assert_eq!(replies.len(), 5, "{replies:?}");
    assert!(replies.iter().all(Value::is_error));
}

#[test]
fn an_unauthenticated_client_may_not_send_much() {
    let server = TestServer::with_password();
    let cases: [(Vec<u8>, &str); 4] = [
        (b"*11\r\n".to_vec(), "more than 10 arguments"),
        (
            b"*2\r\n$4\r\nAUTH\r\n$1025\r\n".to_vec(),
            "1025 bytes, limit 1024",
        ),
        (vec![b'A'; 1_025], "too big inline request"),
        (
            b"*2\r\n$4\r\nAUTH\r\n$100000000\r\n".to_vec(),
            "100000000 bytes, limit 1024",
        ),
    ];
    for (bytes, why) in cases {
        let mut connection = server.connect();
        connection.send(&bytes);
        let reply = connection.reply();
        assert!(refusal(&reply).contains(why), "{why}: {reply:?}");
        connection.assert_closed();
    }
    let mut connection = server.connect();
    connection.command(&["AUTH", PASSWORD]);
    let long = "x".repeat(100_000);
    assert_eq!(
        connection.command(&["ECHO", &long]).as_str(),
        Some(long.as_str())
    );
}

#[test]
fn who_does_not_authenticate_in_time_is_disconnected() {
    let server = TestServer::with(|config| {
        config.password = Some(Password(PASSWORD.to_owned()));
        config.authenticate_within = Duration::from_millis(300);
    });
    let mut silent = server.connect();
    let mut busy = server.connect();
    let mut known = server.connect();
    known.command(&["AUTH", PASSWORD]);
    // Being busy with something else does not help.
    let since = Instant::now();
    while busy.try_send(&frame(&["PING"])).is_ok() && since.elapsed() < DEADLINE {
        match busy.next_reply() {
            Some(reply) if refusal(&reply).starts_with("NOAUTH ") => {}
            Some(reply) => {
                assert!(refusal(&reply).contains("authentication took too long"));
                break;
            }
            None => break,
        }
    }
    let reply = silent.reply();
    assert!(
        refusal(&reply).contains("authentication took too long"),
        "{reply:?}"
    );
    silent.assert_closed();
    assert_eq!(known.say("PING"), pong());
}

#[test]
fn connections_that_have_not_authenticated_are_few() {
    let server = TestServer::with(|config| {
        config.password = Some(Password(PASSWORD.to_owned()));
        config.unauthenticated_max = 2;
    });
    let mut first = server.connect();
    first.say("PING");
    let mut second = server.connect();
    second.say("PING");
    let mut third = server.connect();
    assert_eq!(refusal(&third.reply()), "ERR max number of clients reached");
    third.assert_closed();
    first.command(&["AUTH", PASSWORD]);
    let mut fourth = server.connect();
    assert!(!fourth.command(&["AUTH", PASSWORD]).is_error());
    drop(second);
    wait_until("the second's place is free", || {
        info(&mut first, "connected_clients") == "2"
    });
    assert!(!server.connect().command(&["AUTH", PASSWORD]).is_error());
}

#[test]
fn one_connection_too_many_is_told_so_and_a_place_that_is_free_again_is_given() {
    let server = TestServer::with(|config| config.connections_max = 2);
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.say("PING"), pong());
    assert_eq!(second.say("PING"), pong());
    let mut third = server.connect();
    assert_eq!(refusal(&third.reply()), "ERR max number of clients reached");
    third.assert_closed();
    assert_eq!(info(&mut first, "rejected_connections"), "1");
    drop(second);
    wait_until("the place is free", || {
        info(&mut first, "connected_clients") == "1"
    });
    assert_eq!(server.connect().say("PING"), pong());
}

#[test]
fn a_command_that_takes_too_long_to_arrive_ends_the_connection() {
    let server = TestServer::with(|config| config.command_within = Duration::from_millis(300));
    let mut idle = server.connect();
    assert_eq!(idle.say("PING"), pong());
    let mut slow = server.connect();
    slow.send(b"*2\r\n$7\r\nATP.G");
    let reply = slow.reply();
    assert!(
        refusal(&reply).contains("took too long to arrive"),
        "{reply:?}"
    );
    slow.assert_closed();
    // Between two commands a client may be silent for as long as it likes.
    assert_eq!(idle.say("PING"), pong());
}

/// One byte now and then does not prolong the time that a command may take.
#[test]
fn a_command_that_trickles_in_ends_the_connection_too() {
    let server = TestServer::with(|config| config.command_within = Duration::from_millis(300));
    let mut slow = server.connect();
    slow.send(b"*2\r\n$4\r\nECHO\r\n$100000\r\n");
    let since = Instant::now();
    while !slow.has_ended_within(Duration::from_millis(20)) {
        assert!(since.elapsed() < DEADLINE, "it trickles on for ever");
        if slow.try_send(b"x").is_err() {
            break;
        }
    }
}

/// Commands that never pause are not one command that takes long.
#[test]
fn a_pipeline_may_last_longer_than_a_command() {
    let within = Duration::from_millis(800);
    let server = TestServer::with(|config| config.command_within = within);
    let mut connection = server.connect();
    // Each write ends in the middle of a command, so that the server always waits for a rest.
    let (since, ping) = (Instant::now(), frame(&["PING"]));
    connection.send(&ping[..5]);
    while since.elapsed() < 2 * within {
        connection.send(&[&ping[5..], &ping[..5]].concat());
        assert_eq!(connection.reply(), pong());
    }
}

/// Sends what makes large replies, without ever reading, until the server takes no more.
fn flood(connection: &mut Connection) {
    let bytes = frame(&["COMMAND", "DOCS"]).repeat(1_000);
    connection.set_write_patience(Duration::from_millis(200));
    let since = Instant::now();
    while connection.try_send(&bytes).is_ok() {
        assert!(
            since.elapsed() < DEADLINE,
            "the server takes any amount from one who never reads"
        );
    }
}

#[test]
fn a_client_that_never_reads_blocks_nobody_and_is_disconnected() {
    let server = TestServer::with(|config| config.write_within = Duration::from_millis(500));
    let mut witness = server.connect();
    let mut deaf: Vec<Connection> = (0..4).map(|_| server.connect()).collect();
    for connection in &mut deaf {
        flood(connection);
        assert_eq!(witness.say("PING"), pong());
    }
    wait_until("those who never read are gone", || {
        info(&mut witness, "connected_clients") == "1"
    });
    server.assert_sound();
}

#[test]
fn a_connection_can_be_killed_by_id_and_by_address() {
    let server = TestServer::start();
    let mut operator = server.connect();
    let mut by_id = server.connect();
    let mut by_address = server.connect();
    let id = by_id.say("CLIENT ID").as_int().unwrap();
    by_address.say("PING");
    let address = by_address.local_address().to_string();
    let killed = operator.command(&["CLIENT", "KILL", "ID", &id.to_string()]);
    assert_eq!(killed, Value::Int(1));
    by_id.assert_closed();
    let killed = operator.command(&["CLIENT", "KILL", &address]);
    assert_eq!(killed, Value::Simple("OK".into()));
    by_address.assert_closed();
    wait_until("both are gone", || {
        info(&mut operator, "connected_clients") == "1"
    });
    let again = operator.command(&["CLIENT", "KILL", &address]);
    assert_eq!(refusal(&again), "ERR No such client");
    assert_eq!(operator.say("CLIENT KILL ID 999999"), Value::Int(0));
}
