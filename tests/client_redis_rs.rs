//! The whole job with the Rust `redis` crate, unchanged, in RESP2 and RESP3.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/support.rs"]
mod support;

use redis::{Commands as _, Connection, FromRedisValue, RedisResult, Value, cmd};
use std::collections::HashMap;
use support::{PASSWORD, TestServer, UNITS, order};

fn connect(server: &TestServer, protocol: &str) -> Connection {
    let url = format!("redis://{}/?protocol={protocol}", server.address);
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

/// Sends one command, given as words between blanks.
fn say<T: FromRedisValue>(connection: &mut Connection, line: &str) -> RedisResult<T> {
    let mut words = line.split(' ');
    let mut command = cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query(connection)
}

/// A map's whole numbers by key.
fn counts(connection: &mut Connection, line: &str) -> HashMap<String, i64> {
    let all: HashMap<String, Value> = say(connection, line).unwrap();
    let number = |(key, value)| Some((key, i64::from_redis_value(value).ok()?));
    all.into_iter().filter_map(number).collect()
}

fn whole_job(protocol: &str) {
    let server = TestServer::start();
    let mut c = connect(&server, protocol);
    assert_eq!(
        redis::cmd("PING").query::<String>(&mut c),
        Ok("PONG".into())
    );

    // Items, locations, stock.
    let mug = r#"{"name":"Mug","grams":350}"#;
    let put_mug = |c: &mut Connection| cmd("ITEM.PUT").arg("MUG").arg(mug).query::<i64>(c);
    assert_eq!(put_mug(&mut c), Ok(1));
    assert_eq!(put_mug(&mut c), Ok(0));
    assert_eq!(say(&mut c, "LOCATION.PAUSE WEST"), Ok(1));
    assert_eq!(say(&mut c, "LOCATION.RESUME WEST"), Ok(1));
    let set = counts(&mut c, "STOCK.SET count-1 MUG EAST 20");
    assert_eq!((set["before"], set["after"]), (0, 20));
    assert_eq!(
        counts(&mut c, "STOCK.SET count-1 MUG EAST 20"),
        set,
        "the first answer"
    );
    let loaded = counts(&mut c, "STOCK.LOAD feed-1 SKU-1 EAST 50 SKU-2 MID 60");
    assert_eq!(loaded["rows"], 2);
    assert_eq!(say(&mut c, "ATP.GET MUG SKU-1 AT EAST"), Ok(vec![20, 50]));

    // Holds, transfers, purchases, allocations.
    say::<Value>(&mut c, "HOLD.PLACE hold-1 MUG EAST 5 damaged").unwrap();
    assert_eq!(counts(&mut c, "STOCK.GET MUG EAST")["held"], 5);
    assert_eq!(say(&mut c, "HOLD.RELEASE release-1 hold-1"), Ok(5));
    let far = "2030-01-01T00:00:00Z";
    say::<Value>(
        &mut c,
        &format!("TRANSFER.DISPATCH t-1 MUG EAST WEST 4 {far}"),
    )
    .unwrap();
    assert_eq!(
        counts(&mut c, "TRANSFER.RECEIVE rcv-1 t-1 4 CLOSE")["after"],
        4
    );
    let expect = format!("SUPPLY.EXPECT po-1 MUG MID 9 {far}");
    assert_eq!(say(&mut c, &expect), Ok("OK".to_owned()));
    assert_eq!(say(&mut c, &format!("ATP.GET MUG BY {far}")), Ok(vec![29]));
    let set = "ALLOCATION.SET alloc-1 MUG web 3 CAP 8";
    assert_eq!(say(&mut c, set), Ok("OK".to_owned()));
    assert_eq!(say(&mut c, "ATP.GET MUG CHANNEL web"), Ok(vec![8]));

    // Reservations.
    let put = "RESERVATION.PUT cart-1 TTL 900000 LINES MUG EAST 2 SKU-1 * 1";
    let first: Value = say(&mut c, put).unwrap();
    assert_eq!(say::<Value>(&mut c, put), Ok(first));
    say::<Value>(&mut c, "RESERVATION.CONFIRM cart-1").unwrap();
    assert_eq!(counts(&mut c, "STOCK.GET MUG EAST")["reserved"], 2);
    assert_eq!(say(&mut c, "RESERVATION.CANCEL cart-1"), Ok(1));

    // Orders.
    let json = order("1001", "10001", &[(0, 2), (1, 1)]);
    let quote: String = cmd("ORDER.QUOTE").arg(&json).query(&mut c).unwrap();
    assert!(quote.contains(r#""cheapest":{"shipments":"#), "{quote}");
    let plan: String = cmd("ORDER.SUBMIT").arg(&json).query(&mut c).unwrap();
    assert!(plan.contains(r#""repeated":false"#), "{plan}");
    let again: String = cmd("ORDER.SUBMIT").arg(&json).query(&mut c).unwrap();
    assert_eq!(
        again,
        plan.replace(r#""repeated":false"#, r#""repeated":true"#)
    );
    let known: String = say(&mut c, "ORDER.GET web 1001").unwrap();
    assert!(known.contains(r#""order":"1001""#), "{known}");
    let cancelled: String = say(&mut c, "ORDER.CANCEL web 1001").unwrap();
    assert!(cancelled.contains(r#""state":"cancelled""#), "{cancelled}");

    // A refusal has its code, and the connection goes on.
    let refused = say::<Value>(&mut c, "STOCK.GET NOTHING").unwrap_err();
    assert_eq!(refused.code(), Some("NOTFOUND"));
    assert!(
        refused.detail().unwrap().contains("sku is 'NOTHING'"),
        "{refused:?}"
    );
    let info: redis::InfoDict = cmd("INFO").query(&mut c).unwrap();
    assert_eq!(info.get::<i64>("orders_known"), Some(1));
    server.assert_sound();
}

#[test]
fn the_whole_job_in_resp2() {
    whole_job("resp2");
}

#[test]
fn the_whole_job_in_resp3() {
    whole_job("resp3");
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let server = TestServer::start();
    let mut c = connect(&server, "resp3");
    let mut pipe = redis::pipe();
    for i in 0..100 {
        let id = format!("cart-{i}");
        let put = pipe.cmd("RESERVATION.PUT").arg(id).arg("FIRM").arg("LINES");
        put.arg("SKU-0").arg("EAST").arg(1).ignore();
        pipe.cmd("ATP.GET").arg("SKU-0").arg("AT").arg("EAST");
    }
    let left: Vec<Vec<i64>> = pipe.query(&mut c).unwrap();
    let wanted: Vec<Vec<i64>> = (0..100).map(|i| vec![i64::from(UNITS) - 1 - i]).collect();
    assert_eq!(left, wanted);
}

#[test]
fn a_password_is_given_in_the_address() {
    let server = TestServer::with_password();
    let password = PASSWORD.replace(' ', "%20");
    for protocol in ["resp2", "resp3"] {
        let url = |password: &str| {
            format!(
                "redis://:{password}@{}/?protocol={protocol}",
                server.address
            )
        };
        let client = redis::Client::open(url(&password)).unwrap();
        let mut connection = client.get_connection().unwrap();
        assert_eq!(
            say(&mut connection, "ATP.GET SKU-0"),
            Ok(vec![3 * i64::from(UNITS)])
        );
        let wrong = redis::Client::open(url("wrong")).unwrap();
        assert!(
            wrong.get_connection().is_err(),
            "a wrong password is refused"
        );
    }
}

#[test]
fn there_are_no_keys() {
    let server = TestServer::start();
    let mut c = connect(&server, "resp2");
    let refused = c.set::<_, _, ()>("key", "value").unwrap_err();
    assert!(
        refused.to_string().contains("unknown command 'SET'"),
        "{refused}"
    );
}
