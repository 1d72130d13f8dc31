//! The event feed over real sockets, of a server in memory.

use crate::support::{Connection, TestServer, info, refusal, wait_until};
use allot::wire::Value;
use std::time::Duration;

/// Ids and types of the events of a reply of `XREAD` or `XREADGROUP` about one stream.
pub(crate) fn events(reply: &Value) -> Vec<(String, String)> {
    let Value::Array(streams) = reply else {
        return Vec::new();
    };
    let [Value::Array(stream)] = &streams[..] else {
        panic!("not one stream: {reply:?}");
    };
    entries(&stream[1])
}

fn entries(reply: &Value) -> Vec<(String, String)> {
    let Value::Array(events) = reply else {
        panic!("no events: {reply:?}");
    };
    events
        .iter()
        .map(|event| {
            let Value::Array(parts) = event else {
                panic!("no event: {event:?}");
            };
            let Value::Array(fields) = &parts[1] else {
                panic!("no fields: {event:?}");
            };
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            assert_eq!(text(&fields[0]), "type");
            (text(&parts[0]), text(&fields[1]))
        })
        .collect()
}

/// Waits until the feed has `count` events of a stream.
fn wait_for(connection: &mut Connection, stream: &str, count: i64) {
    wait_until("events", || {
        connection.say(&format!("XLEN {stream}")) == Value::Int(count)
    });
}

/// Types of all events of a stream.
pub(crate) fn kinds(connection: &mut Connection, stream: &str) -> Vec<String> {
    wait_for_feed(connection);
    let all = entries(&connection.say(&format!("XRANGE {stream} - +")));
    all.into_iter().map(|(_, kind)| kind).collect()
}

/// Types of all events of a stream, once there is one of this type.
pub(crate) fn wait_for_event(connection: &mut Connection, stream: &str, kind: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    wait_until(kind, || {
        kinds = self::kinds(connection, stream);
        kinds.iter().any(|k| k == kind)
    });
    kinds
}

fn adjust(connection: &mut Connection, n: usize) {
    let reply = connection.say(&format!("STOCK.ADJUST adjust-{n} SKU-0 EAST 1 found"));
    assert!(!matches!(reply, Value::Error(_)), "{reply:?}");
}

/// The feed is read from the journal when all else can be asked already.
fn wait_for_feed(connection: &mut Connection) {
    wait_until("the feed is there", || {
        !connection.say("XLEN events").is_error()
    });
}

/// A server whose feed is there.
fn started() -> TestServer {
    let server = TestServer::start();
    wait_for_feed(&mut server.connect());
    server
}

#[test]
fn what_is_written_is_read_as_events_in_order() {
    let server = started();
    let mut c = server.connect();
    assert_eq!(c.say("XLEN stock"), Value::Int(0));
    (0..5).for_each(|n| adjust(&mut c, n));
    wait_for(&mut c, "stock", 5);
    let read = events(&c.say("XREAD COUNT 3 STREAMS stock 0"));
    assert_eq!(read.len(), 3);
    let more = events(&c.say(&format!("XREAD STREAMS stock {}", read[2].0)));
    assert_eq!(more.len(), 2);
    let all: Vec<_> = read.into_iter().chain(more).collect();
    assert!(all.iter().all(|(_, kind)| kind == "stock.moved"));
    assert_eq!(entries(&c.say("XRANGE stock - +")), all);
    let mut reverse = entries(&c.say("XREVRANGE stock + -"));
    reverse.reverse();
    assert_eq!(reverse, all);
    assert_eq!(c.say("XREAD STREAMS stock $"), Value::Null);
    assert!(refusal(&c.say("XADD stock * a b")).starts_with("DENIED "));
    assert!(refusal(&c.say("XREAD STREAMS stock")).starts_with("ERR "));
}

#[test]
fn a_blocked_reader_is_answered_by_the_next_event_and_before_what_it_sent_after() {
    let server = started();
    let (mut reader, mut writer) = (server.connect(), server.connect());
    reader.send(b"PING\r\nXREAD BLOCK 0 STREAMS stock $\r\nECHO after\r\n");
    assert_eq!(reader.reply(), Value::Simple("PONG".into()));
    wait_until("the reader is parked", || {
        server.engine.feed().parked() == 1
    });
    assert!(
        !reader.has_ended_within(Duration::from_millis(50)),
        "it waits"
    );
    reader.set_patience(crate::support::DEADLINE);
    adjust(&mut writer, 1);
    assert_eq!(events(&reader.reply())[0].1, "stock.moved");
    assert_eq!(reader.reply().as_str(), Some("after"));
    assert_eq!(server.engine.feed().parked(), 0);
}

#[test]
fn a_reader_that_waits_long_enough_gets_nothing() {
    let server = started();
    let mut c = server.connect();
    assert_eq!(c.say("XREAD BLOCK 20 STREAMS orders $"), Value::Null);
    assert_eq!(c.say("PING"), Value::Simple("PONG".into()));
    c.say("HELLO 3");
    assert_eq!(c.say("XREAD BLOCK 1 STREAMS orders $"), Value::Null);
    // A reply that is not wanted does not come, also when it is late.
    c.send(b"CLIENT REPLY SKIP\r\nXREAD BLOCK 1 STREAMS orders $\r\nPING\r\n");
    assert_eq!(c.reply(), Value::Simple("PONG".into()));
}

#[test]
fn a_blocked_reader_that_leaves_or_is_killed_is_parked_no_more() {
    let server = started();
    let mut c = server.connect();
    for how in ["leave", "half", "kill"] {
        let mut reader = server.connect();
        let id = reader.say("CLIENT ID");
        reader.send(b"XREAD BLOCK 0 STREAMS stock $\r\n");
        wait_until("it is parked", || server.engine.feed().parked() == 1);
        match how {
            "leave" => drop(reader),
            "half" => {
                reader.finish();
                reader.assert_closed();
            }
            _ => {
                let Value::Int(id) = id else { panic!("no id") };
                c.say(&format!("CLIENT KILL ID {id}"));
                reader.assert_closed();
            }
        }
        wait_until("it is gone", || server.engine.feed().parked() == 0);
    }
}

#[test]
fn a_stopping_server_does_not_wait_for_blocked_readers() {
    let mut server = started();
    let mut reader = server.connect();
    reader.send(b"XREAD BLOCK 0 STREAMS stock $\r\n");
    wait_until("it is parked", || server.engine.feed().parked() == 1);
    server.stop();
    let said = reader.replies_to_the_end();
    assert_eq!(said.len(), 1);
    assert!(refusal(&said[0]).contains("shutting down"), "{said:?}");
}

#[test]
fn a_group_hands_out_each_event_once_and_tells_its_lag() {
    let server = started();
    let mut c = server.connect();
    assert_eq!(c.say("XGROUP CREATE stock g $"), Value::Simple("OK".into()));
    (0..4).for_each(|n| adjust(&mut c, n));
    wait_for(&mut c, "stock", 4);
    let lag = |c: &mut Connection| {
        let reply = c.say("INFO feed");
        let text = reply.as_str().unwrap().to_owned();
        let line = text.lines().find(|l| l.starts_with("group_stock/g:"));
        line.unwrap().to_owned()
    };
    assert_eq!(lag(&mut c), "group_stock/g:lag=4,pending=0,consumers=0");
    let first = events(&c.say("XREADGROUP GROUP g a COUNT 3 STREAMS stock >"));
    let second = events(&c.say("XREADGROUP GROUP g b STREAMS stock >"));
    assert_eq!((first.len(), second.len()), (3, 1));
    assert_eq!(lag(&mut c), "group_stock/g:lag=0,pending=4,consumers=2");
    let again = events(&c.say("XREADGROUP GROUP g a STREAMS stock 0"));
    assert_eq!(again, first);
    let ack = format!("XACK stock g {} {}", first[0].0, first[1].0);
    assert_eq!(c.say(&ack), Value::Int(2));
    assert_eq!(c.say(&ack), Value::Int(0));
    assert_eq!(lag(&mut c), "group_stock/g:lag=0,pending=2,consumers=2");
    let before: u64 = info(&mut c, "latest_fact").parse().unwrap();
    assert_eq!(c.say("XREADGROUP GROUP g a STREAMS stock >"), Value::Null);
    let after: u64 = info(&mut c, "latest_fact").parse().unwrap();
    assert_eq!(after, before, "a poll for nothing is not written down");
}

#[test]
fn a_server_may_be_without_a_feed() {
    let server = TestServer::with(|config| config.feed_keep = 0);
    let mut c = server.connect();
    adjust(&mut c, 1);
    assert!(refusal(&c.say("XLEN stock")).starts_with("DENIED "));
}

#[test]
fn only_the_newest_events_are_kept() {
    let server = TestServer::with(|config| config.feed_keep = 10);
    let mut c = server.connect();
    (0..25).for_each(|n| adjust(&mut c, n));
    wait_until("all are there", || {
        server.engine.feed().fed() == server.engine.latest_fact()
    });
    assert_eq!(c.say("XLEN stock"), Value::Int(10));
    let read = events(&c.say("XREAD STREAMS stock 0"));
    assert_eq!(read.len(), 10, "an older id reads on from the oldest");
}
