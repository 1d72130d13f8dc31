//! A server that stops: what was carried out has been answered, and nobody waits for ever.

use crate::support::{Connection, DEADLINE, TestServer, UNITS, frame, refusal};
use allot::wire::Value;
use std::net::TcpStream;
use std::time::Instant;

#[test]
fn what_was_carried_out_before_a_stop_has_been_answered() {
    let mut server = TestServer::start();
    let mut connection = server.connect();
    let count = 5_000;
    let bytes: Vec<u8> = (0..count)
        .flat_map(|i| {
            let reference = format!("count-{i}");
            frame(&["STOCK.SET", &reference, "SKU-0", "EAST", &i.to_string()])
        })
        .collect();
    connection.send(&bytes);
    // The first reply says that the server is in the middle of it.
    let mut replies = vec![connection.reply()];
    server.begin_stop();
    replies.extend(connection.replies_to_the_end());
    server.stop();
    let last = replies.last().unwrap();
    assert_eq!(refusal(last), "ERR the server is shutting down");
    let answered = replies.len() - 1;
    assert!(answered <= count);
    for (i, reply) in replies[..answered].iter().enumerate() {
        let before = if i == 0 {
            UNITS.into()
        } else {
            i64::try_from(i).unwrap() - 1
        };
        let pairs = reply.clone().into_pairs().unwrap();
        assert_eq!(pairs[0].1, Value::Int(before), "reply {i}");
    }
    let (_, _, references) = server.engine.identity_counts();
    assert_eq!(references, answered, "carried out and answered");
}

#[test]
fn idle_clients_are_told_and_do_not_delay_a_stop() {
    let mut server = TestServer::start();
    let mut idle: Vec<Connection> = (0..20).map(|_| server.connect()).collect();
    for connection in &mut idle {
        connection.say("PING");
    }
    let since = Instant::now();
    server.stop();
    assert!(since.elapsed() < DEADLINE);
    for connection in &mut idle {
        assert_eq!(
            refusal(&connection.reply()),
            "ERR the server is shutting down"
        );
        connection.assert_closed();
    }
    assert!(
        TcpStream::connect(server.address).is_err(),
        "the port is free"
    );
}

#[test]
fn a_client_that_does_not_read_does_not_keep_a_server_from_stopping() {
    let mut server = TestServer::start();
    let mut deaf = server.connect();
    deaf.set_write_patience(std::time::Duration::from_millis(100));
    let bytes = frame(&["COMMAND", "DOCS"]).repeat(1_000);
    while deaf.try_send(&bytes).is_ok() {}
    let since = Instant::now();
    server.stop();
    assert!(since.elapsed() < DEADLINE);
}
