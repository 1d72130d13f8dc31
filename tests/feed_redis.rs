//! The event feed beside a real Redis 7.0: the same random commands, the same answers.
//!
//! Events go into Redis by `XADD` with the ids that the feed gave them, trimmed to the same length.
//! Answers are compared as RESP2, except for moments (which may differ by the time a command takes,
//! while the commands here set moments that lie far apart) and the shape of Redis's radix tree.
//! Skipped with a note when there is no `redis-server` 7.0.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "feed_support/commands.rs"]
mod commands;
#[path = "feed_support/redis.rs"]
mod redis;
#[path = "feed_support/resp2.rs"]
mod resp2;
#[path = "server/support.rs"]
mod support;

use allot::feed::{
    Batch, Feed, Field, GroupFact, Groups, Limits, Outcome, Reply, StreamName, Wait,
};
use allot::model::{EpochMillis, Lsn};
use commands::{Step, groups_everywhere, step, with_ids};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::Redis;
use resp2::{Resp2, Value, read_value, same};
use std::cell::RefCell;
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

/// Sequences of commands; `ALLOT_CASES` asks for more.
const CASES: u32 = 400;

fn now() -> EpochMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    EpochMillis(i64::try_from(since.as_millis()).unwrap())
}

/// The feed, and a second one that only hears of the changes.
struct Ours {
    feed: Feed,
    replayed: Feed,
}

impl Ours {
    fn new(limit: usize) -> Self {
        let feed = || {
            Feed::new(|_| Limits {
                events: limit,
                bytes: usize::MAX,
            })
        };
        Self {
            feed: feed(),
            replayed: feed(),
        }
    }

    fn say<W: AsRef<str>>(&self, words: &[W]) -> Value {
        let replayed = &self.replayed;
        let mut record = |fact: GroupFact| replayed.apply(&back(&fact));
        answer(&self.feed, words, &mut record)
    }
}

fn answer<W: AsRef<str>>(feed: &Feed, words: &[W], record: &mut dyn FnMut(GroupFact)) -> Value {
    let words: Vec<&[u8]> = words.iter().map(|w| w.as_ref().as_bytes()).collect();
    let reply = match feed.execute(&words, now(), record) {
        Outcome::Reply(reply) => reply,
        Outcome::Wait(_) => Wait::timed_out(),
    };
    value(&reply)
}

fn value(reply: &Reply) -> Value {
    let mut bytes = Resp2::default();
    reply.write(&mut bytes);
    let mut rest = &bytes.0[..];
    let value = read_value(&mut rest);
    assert!(rest.is_empty(), "more than one answer");
    value
}

/// What a journal or a snapshot gives back.
fn back<T: bincode::Encode + bincode::Decode<()>>(value: &T) -> T {
    let config = bincode::config::legacy();
    let bytes = bincode::encode_to_vec(value, config).unwrap();
    bincode::decode_from_slice(&bytes, config).unwrap().0
}

fn run(redis: &mut Redis, limit: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    redis.reset();
    let ours = Ours::new(limit);
    let (mut fact, mut ids) = (0, Vec::new());
    let mut batch = Batch::new();
    for step in steps {
        match step {
            Step::Happen(later, sets) => {
                fact += later;
                batch.clear();
                batch.begin_fact(Lsn(fact), EpochMillis(0));
                for &set in sets {
                    batch.push(set, "stock.moved", |f| {
                        f.number(Field::Qty, fact).text(Field::Sku, "SKU-1");
                    });
                }
                prop_assert_eq!(ours.feed.append(&batch), 0);
                prop_assert_eq!(ours.replayed.append(&batch), 0);
                for event in batch.iter() {
                    ids.push(event.id.to_string());
                    event
                        .streams
                        .iter()
                        .for_each(|s| redis.add(s, &event, limit));
                }
            }
            Step::Say(words) => {
                let words = &with_ids(words, &ids);
                let (mine, theirs) = (ours.say(words), redis.say(words));
                prop_assert!(
                    same(&mine, &theirs),
                    "{words:?}\nours:  {mine:?}\nRedis: {theirs:?}"
                );
            }
        }
    }
    compare_state(redis, &ours)
}

/// Everything that can be seen of the streams and their groups, three times: as it is, as the
/// changes replay, and as a snapshot gives it back.
fn compare_state(redis: &mut Redis, ours: &Ours) -> Result<(), TestCaseError> {
    for stream in StreamName::ALL {
        let mut image = Groups::default();
        for (group, change) in ours.feed.groups_image(stream).changes() {
            image.apply(group, &back(&change));
        }
        prop_assert_eq!(&image, &ours.feed.groups_image(stream));
        for words in [
            vec!["XINFO", "STREAM", stream.name(), "FULL", "COUNT", "0"],
            vec!["XINFO", "GROUPS", stream.name()],
            vec!["XINFO", "STREAM", stream.name()],
        ] {
            let (mine, theirs) = (ours.say(&words), redis.say(&words));
            prop_assert!(same(&mine, &theirs), "{words:?}\n{mine:?}\n{theirs:?}");
            let again = answer(&ours.replayed, &words, &mut |_| {});
            prop_assert!(
                same(&again, &mine),
                "replayed: {words:?}\n{again:?}\n{mine:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn the_feed_answers_as_redis_does() {
    let Some(redis) = Redis::start() else {
        println!("skipped: no redis-server 7.0 on this machine");
        return;
    };
    let redis = RefCell::new(redis);
    let asked = std::env::var("ALLOT_CASES");
    let cases = asked.ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let start = prop_oneof![9 => Just(groups_everywhere()), 1 => Just(Vec::new())];
    let sequences = (1usize..12, start, prop::collection::vec(step(), 1..80));
    let compared = runner.run(&sequences, |(limit, start, steps)| {
        run(&mut redis.borrow_mut(), limit, &[start, steps].concat())
    });
    compared.unwrap_or_else(|failure| panic!("{failure}"));
}

/// A connection to either server that reads replies as text, so that they can be compared.
struct Peer(BufReader<TcpStream>);

impl Peer {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(support::DEADLINE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        self.0.get_mut().write_all(&support::frame(&words)).unwrap();
    }

    fn say(&mut self, line: &str) -> Value {
        self.send(line);
        read_value(&mut self.0)
    }

    /// Waits until a section of `INFO` says that so many are parked.
    fn wait_for_parked(&mut self, section: &str, key: &str, count: usize) {
        let (ask, expected) = (format!("INFO {section}"), format!("{key}:{count}"));
        support::wait_until("readers are parked", || match self.say(&ask) {
            Value::Bulk(info) => info.lines().any(|line| line == expected),
            other => panic!("{other:?}"),
        });
    }
}

/// Readers that wait, on both servers, are answered the same: with the next event, one of a group's two,
/// with what each asked for; and with the same refusal when their group goes.
#[test]
fn parked_readers_are_answered_as_redis_does() {
    let Some(redis) = Redis::start() else {
        println!("skipped: no redis-server 7.0 on this machine");
        return;
    };
    let server = support::TestServer::start();
    let addresses = [server.address, redis.address];
    let [mut ours, mut theirs] = addresses.map(Peer::new);
    support::wait_until("the feed is there", || {
        !matches!(ours.say("XLEN stock"), Value::Error(_))
    });
    for peer in [&mut ours, &mut theirs] {
        assert_eq!(
            peer.say("XGROUP CREATE stock g $ MKSTREAM"),
            Value::Simple("OK".into())
        );
    }
    let waits = [
        "XREAD BLOCK 0 STREAMS stock $",
        "XREAD COUNT 1 BLOCK 0 STREAMS stock missing 0 0",
        "XREADGROUP GROUP g a BLOCK 0 COUNT 5 STREAMS stock >",
        "XREADGROUP GROUP g b NOACK BLOCK 0 STREAMS stock >",
    ];
    // The last waits when the others have been answered.
    for (n, due) in [&waits[..3], &waits[3..]].into_iter().enumerate() {
        let mut readers: Vec<[Peer; 2]> = Vec::new();
        for wait in due {
            let mut pair = addresses.map(Peer::new);
            park(&mut pair, wait, [&mut ours, &mut theirs], readers.len() + 1);
            readers.push(pair);
        }
        // Ours makes an event of a movement; Redis is given the same one.
        ours.say(&format!("STOCK.ADJUST a-{n} SKU-0 EAST 1 found"));
        let mut newest = Vec::new();
        support::wait_until("the event", || {
            newest = entries(&ours.say("XRANGE stock - +"));
            newest.len() > n
        });
        let (id, fields) = &newest[n];
        let add = format!("XADD stock {id} {}", fields.join(" "));
        assert_eq!(theirs.say(&add), Value::Bulk(id.clone()));
        for ([mine, redis], wait) in readers.iter_mut().zip(due) {
            let (mine, redis) = (read_value(&mut mine.0), read_value(&mut redis.0));
            assert_eq!(mine, redis, "{wait}");
        }
    }
    let pending = "XPENDING stock g - + 10";
    let (mine, redis) = (ours.say(pending), theirs.say(pending));
    assert!(same(&mine, &redis), "{mine:?} {redis:?}");
    // The group goes while somebody waits.
    let mut pair = addresses.map(Peer::new);
    park(&mut pair, waits[2], [&mut ours, &mut theirs], 1);
    for peer in [&mut ours, &mut theirs] {
        assert_eq!(peer.say("XGROUP DESTROY stock g"), Value::Int(1));
    }
    let [mine, redis] = pair.map(|mut peer| read_value(&mut peer.0));
    assert_eq!(mine, redis);
}

/// Says something on both servers that waits, and waits until so many do.
fn park(pair: &mut [Peer; 2], wait: &str, [ours, theirs]: [&mut Peer; 2], count: usize) {
    pair.iter_mut().for_each(|peer| peer.send(wait));
    ours.wait_for_parked("feed", "feed_blocked_clients", count);
    theirs.wait_for_parked("clients", "blocked_clients", count);
}

/// Ids and words of events.
fn entries(reply: &Value) -> Vec<(String, Vec<String>)> {
    let Value::Array(events) = reply else {
        panic!("{reply:?}");
    };
    let text = |value: &Value| match value {
        Value::Bulk(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let each = events.iter().map(|event| match event {
        Value::Array(parts) => match &parts[..] {
            [id, Value::Array(fields)] => (text(id), fields.iter().map(text).collect()),
            _ => panic!("{event:?}"),
        },
        _ => panic!("{event:?}"),
    });
    each.collect()
}
