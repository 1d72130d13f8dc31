//! Availability that crosses a threshold, as a shop's front end hears of it.

use crate::support::{Connection, TestServer, wait_until};
use allot::wire::Value;

/// Types of the events about availability, once there are so many.
fn told(c: &mut Connection, count: usize) -> Vec<String> {
    let mut kinds = Vec::new();
    wait_until("events about availability", || {
        let all = crate::feed::kinds(c, "stock");
        kinds = all
            .into_iter()
            .filter(|k| k.starts_with("availability"))
            .collect();
        kinds.len() >= count
    });
    kinds
}

fn say(c: &mut Connection, line: &str) {
    let reply = c.say(line);
    assert!(!reply.is_error(), "{line}: {reply:?}");
}

#[test]
fn each_crossing_of_the_threshold_and_of_zero_is_told_once() {
    let server = TestServer::start();
    let mut c = server.connect();
    wait_until("the feed is there", || !c.say("XLEN events").is_error());
    assert_eq!(
        c.say("STOCK.THRESHOLD t1 SKU-0 10"),
        Value::Simple("OK".into())
    );
    for (n, place) in ["EAST", "MID", "WEST"].into_iter().enumerate() {
        say(&mut c, &format!("STOCK.SET c{n} SKU-0 {place} 3"));
    }
    assert_eq!(told(&mut c, 1), ["availability.low"]);
    for (n, place) in ["EAST", "MID", "WEST"].into_iter().enumerate() {
        say(&mut c, &format!("STOCK.SET d{n} SKU-0 {place} 0"));
    }
    assert_eq!(told(&mut c, 2), ["availability.low", "availability.out"]);
    say(&mut c, "STOCK.SET e1 SKU-0 EAST 50");
    let all = [
        "availability.low",
        "availability.out",
        "availability.plenty",
    ];
    assert_eq!(told(&mut c, 3), all);
    // Not watched any more: nothing is told.
    say(&mut c, "STOCK.THRESHOLD t2 SKU-0 NONE");
    say(&mut c, "STOCK.THRESHOLD t3 SKU-1 10");
    say(&mut c, "STOCK.SET f1 SKU-0 EAST 0");
    for (n, place) in ["EAST", "MID", "WEST"].into_iter().enumerate() {
        say(&mut c, &format!("STOCK.SET g{n} SKU-1 {place} 0"));
    }
    assert_eq!(told(&mut c, 4).len(), 4);
    server.assert_sound();
}

#[test]
fn a_channel_is_out_when_all_that_is_left_is_kept_for_another() {
    let server = TestServer::start();
    let mut c = server.connect();
    wait_until("the feed is there", || !c.say("XLEN events").is_error());
    say(&mut c, "STOCK.THRESHOLD t1 SKU-0 0 CHANNEL web");
    say(&mut c, "STOCK.THRESHOLD t2 SKU-0 0");
    say(&mut c, "ALLOCATION.SET a1 SKU-0 store 2000");
    assert_eq!(told(&mut c, 1), ["availability.out"]);
    let refused = c.say("STOCK.THRESHOLD t1 SKU-0 5 CHANNEL web");
    assert!(refused.is_error(), "{refused:?}");
}
