//! The feed of the real server over kills and restarts, followed by the Rust `redis` crate, and
//! under contention; and the journal followed while its disk fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "this program uses its part of it")]
#[path = "journal_support/disk.rs"]
mod disk;
mod process_support;
#[path = "server/support.rs"]
mod support;

use allot::client::Client;
use allot::journal::{Durability, Follower, Journal, Options};
use allot::model::{ChannelId, EpochMillis, Fact, Lsn};
use allot::wire::Value;
use disk::FaultDisk;
use process_support::{Served, say, wait_until};
use redis::Commands as _;
use redis::streams::{StreamReadOptions, StreamReadReply};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use support::TestServer;

/// What a consumer was given, in the order in which it first saw it.
#[derive(Default)]
struct Seen {
    ids: Vec<(u64, u64)>,
    given: usize,
}

fn id(text: &str) -> (u64, u64) {
    let (fact, n) = text.split_once('-').unwrap();
    (fact.parse().unwrap(), n.parse().unwrap())
}

impl Seen {
    fn take(&mut self, text: &str) {
        self.given += 1;
        let id = id(text);
        if self.ids.binary_search(&id).is_err() {
            assert!(
                self.ids.last().is_none_or(|last| *last < id),
                "out of order"
            );
            self.ids.push(id);
        }
    }

    /// Follows the stream `events` until the server is gone or, told to end, nothing is left.
    fn follow(&mut self, address: &str, end: &AtomicBool) {
        let client = redis::Client::open(format!("redis://{address}/")).unwrap();
        let Ok(mut connection) = client.get_connection() else {
            return;
        };
        // First what was given before and not acknowledged, then what is new.
        let mut from = "0".to_owned();
        loop {
            let asked = StreamReadOptions::default()
                .group("g", "c")
                .count(20)
                .block(20);
            let read = connection.xread_options(&["events"], &[&from], &asked);
            let read: Option<StreamReadReply> = match read {
                Ok(read) => read,
                Err(error) if error.code() == Some("LOADING") => continue,
                Err(_) => return,
            };
            let ids: Vec<String> = read
                .into_iter()
                .flat_map(|r| r.keys)
                .flat_map(|k| k.ids)
                .map(|event| event.id)
                .collect();
            if ids.is_empty() {
                if from == ">" && end.load(Ordering::Acquire) {
                    return;
                }
                ">".clone_into(&mut from);
                continue;
            }
            ids.iter().for_each(|id| self.take(id));
            if connection
                .xack::<_, _, _, i64>("events", "g", &ids)
                .is_err()
            {
                return;
            }
        }
    }
}

/// Writes until the server is gone; counts what was answered.
fn write(address: &str, round: u64, done: &AtomicU64) {
    let Ok(client) = Client::connect(address) else {
        return;
    };
    let mut client = client.timeout(process_support::DEADLINE).unwrap();
    for n in 0.. {
        let reference = format!("r{round}-{n}");
        let words = [
            "STOCK.ADJUST",
            &reference,
            "SKU-00001",
            "DC-ORD",
            "1",
            "found",
        ];
        match client.command(&words) {
            Ok(Value::Error(text)) => panic!("{text}"),
            Ok(_) => done.fetch_add(1, Ordering::Relaxed),
            Err(_) => return,
        };
    }
}

fn ids(reply: &Value) -> Vec<(u64, u64)> {
    let Value::Array(events) = reply else {
        panic!("{reply:?}");
    };
    let first = |event: &Value| match event {
        Value::Array(parts) => id(parts[0].as_str().unwrap()),
        other => panic!("{other:?}"),
    };
    events.iter().map(first).collect()
}

#[test]
fn a_consumer_sees_every_event_in_order_over_kills() {
    let dir = tempfile::tempdir().unwrap();
    let (mut seen, done) = (Seen::default(), AtomicU64::new(0));
    let mut server = Served::start(dir.path(), &[]);
    // The opening may still be going on, or not yet be on disk: the group begins after some event.
    let mut client = server.client();
    let mut newest = || ids(&say(&mut client, "XREVRANGE events + - COUNT 1")).pop();
    wait_until("a first event", || newest().is_some());
    let start = newest().unwrap();
    let create = format!("XGROUP CREATE events g {}-{}", start.0, start.1);
    say(&mut server.client(), &create);
    for round in 0..3u64 {
        let address = server.address.clone();
        let never = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| write(&address, round, &done));
            scope.spawn(|| seen.follow(&address, &never));
            let before = done.load(Ordering::Relaxed);
            wait_until("writes", || done.load(Ordering::Relaxed) > before + 60);
            if round == 1 {
                say(&mut server.client(), "SNAPSHOT.TAKE");
                wait_until("writes", || done.load(Ordering::Relaxed) > before + 120);
            }
            server.kill();
        });
        server = Served::start(dir.path(), &[]);
    }
    let mut client = server.client();
    say(&mut client, "PING");
    wait_until("the feed is there", || {
        !matches!(client.command(&["XLEN", "events"]), Ok(Value::Error(_)))
    });
    seen.follow(&server.address, &AtomicBool::new(true));
    let all = ids(&say(
        &mut client,
        &format!("XRANGE events ({}-{} +", start.0, start.1),
    ));
    // Only where they differ: there are thousands.
    let differs = seen.ids.iter().zip(&all).find(|(seen, is)| seen != is);
    assert_eq!(differs, None, "every event, in order; {} given", seen.given);
    assert_eq!(seen.ids.len(), all.len());
    let done = usize::try_from(done.load(Ordering::Relaxed)).unwrap();
    assert!(all.len() >= done, "{} events of {done} writes", all.len());
    let pending = say(&mut client, "XPENDING events g");
    assert!(
        matches!(&pending, Value::Array(p) if p[0] == Value::Int(0)),
        "{pending:?}"
    );
    server.kill();
}

/// What a client can see of a stream and its group.
fn seen_of(client: &mut Client, stream: &str) -> Vec<String> {
    let mut seen = vec![format!(
        "{:?}",
        say(client, &format!("XRANGE {stream} - +"))
    )];
    let Value::Array(info) = say(client, &format!("XINFO STREAM {stream}")) else {
        panic!("no map");
    };
    let told = [
        "length",
        "last-generated-id",
        "entries-added",
        "recorded-first-entry-id",
    ];
    let pairs = info
        .chunks(2)
        .filter(|p| told.contains(&p[0].as_str().unwrap()));
    seen.extend(pairs.map(|pair| format!("{pair:?}")));
    seen.push(format!(
        "{:?}",
        say(client, &format!("XINFO GROUPS {stream}"))
    ));
    seen.push(format!(
        "{:?}",
        say(client, &format!("XPENDING {stream} g"))
    ));
    seen
}

fn take_snapshot(client: &mut Client) {
    let told = |client: &mut Client, key: &str| {
        let info = say(client, "INFO persistence");
        let text = info.as_str().unwrap().to_owned();
        let line = text
            .lines()
            .find_map(|l| l.strip_prefix(&format!("{key}:")));
        line.unwrap().to_owned()
    };
    let before = told(client, "snapshots_taken");
    say(client, "SNAPSHOT.TAKE");
    wait_until("the snapshot", || told(client, "snapshots_taken") != before);
    assert_eq!(told(client, "snapshot_status"), "ok");
}

#[test]
fn streams_and_groups_are_after_a_restart_what_they_were() {
    for keep in ["100000", "30"] {
        let dir = tempfile::tempdir().unwrap();
        let options = ["--durability", "none", "--feed-keep", keep];
        let server = Served::start(dir.path(), &options);
        let mut client = server.client();
        for stream in ["events", "stock"] {
            say(&mut client, &format!("XGROUP CREATE {stream} g 0"));
        }
        for n in 0..60 {
            say(
                &mut client,
                &format!("STOCK.ADJUST a-{n} SKU-00001 DC-ORD 1 found"),
            );
            if n % 10 == 5 {
                for stream in ["events", "stock"] {
                    let read = format!("XREADGROUP GROUP g c COUNT 3 STREAMS {stream} >");
                    say(&mut client, &read);
                }
            }
            if n % 15 == 7 {
                take_snapshot(&mut client);
            }
        }
        wait_until("all is fed", || {
            let info = say(&mut client, "INFO persistence feed");
            let text = info.as_str().unwrap();
            let told = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).unwrap();
            told("latest_fact:") == told("feed_fact:")
        });
        let before = ["events", "stock"].map(|stream| seen_of(&mut client, stream));
        server.kill();
        let server = Served::start(dir.path(), &options);
        let mut client = server.client();
        let after = ["events", "stock"].map(|stream| seen_of(&mut client, stream));
        assert_eq!(after, before, "keep {keep}");
        let segments = std::fs::read_dir(dir.path()).unwrap();
        let names = segments.map(|f| f.unwrap().file_name().into_string().unwrap());
        let segments = names.filter(|n| n.starts_with("journal-")).count();
        // Each snapshot begins a segment; those that only the feed wants go with their events.
        assert_eq!(
            segments > 4,
            keep == "100000",
            "{segments} segments, keep {keep}"
        );
        server.kill();
    }
}

#[test]
fn writers_do_not_wait_for_a_slow_consumer_and_all_see_the_same() {
    const WRITERS: usize = 8;
    const WRITES: usize = 200;
    let server = TestServer::start();
    let fast_done = AtomicBool::new(false);
    // It asks for far more than sockets hold, and reads nothing until the writers are done.
    let mut slow = server.connect();
    let (mut writers_connections, mut all) = (Vec::new(), Vec::new());
    for _ in 0..WRITERS {
        writers_connections.push(server.connect());
    }
    std::thread::scope(|scope| {
        let slow_sends = scope.spawn(|| {
            for _ in 0..200 {
                if slow.try_send(b"XREAD STREAMS events 0\r\n").is_err() {
                    return;
                }
            }
        });
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let mut connection = server.connect();
                let fast_done = &fast_done;
                scope.spawn(move || {
                    let (mut after, mut seen) = ("0".to_owned(), Vec::new());
                    loop {
                        let ended = fast_done.load(Ordering::Acquire);
                        let read = connection
                            .say(&format!("XREAD COUNT 100 BLOCK 20 STREAMS events {after}"));
                        let Value::Array(streams) = &read else {
                            if ended {
                                return seen;
                            }
                            continue;
                        };
                        let Value::Array(stream) = &streams[0] else {
                            panic!("{read:?}");
                        };
                        let new = ids(&stream[1]);
                        let last = new.last().unwrap();
                        after = format!("{}-{}", last.0, last.1);
                        seen.extend(new);
                    }
                })
            })
            .collect();
        let writers: Vec<_> = writers_connections
            .into_iter()
            .enumerate()
            .map(|(writer, mut connection)| {
                scope.spawn(move || {
                    for n in 0..WRITES {
                        let line = format!("STOCK.ADJUST w{writer}-{n} SKU-{} EAST 1 found", n % 4);
                        assert!(!matches!(connection.say(&line), Value::Error(_)));
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        wait_until("all is fed", || {
            server.engine.feed().fed() == server.engine.latest_fact()
        });
        fast_done.store(true, Ordering::Release);
        all.extend(readers.into_iter().map(|reader| reader.join().unwrap()));
        slow_sends.join().unwrap();
    });
    assert_eq!(all[0].len(), WRITERS * WRITES);
    assert!(all[0].is_sorted());
    assert!(all.iter().all(|seen| *seen == all[0]));
    drop(slow);
}

fn fact(bytes: usize) -> Fact {
    Fact::ChannelAdded {
        channel: ChannelId(0),
        id: "x".repeat(bytes).into(),
    }
}

fn open(disk: &FaultDisk, durability: Durability) -> Journal {
    let options = Options {
        durability,
        segment_bytes: 1 << 20,
    };
    let disk = Arc::new(disk.clone());
    let mut seen = |_, _, _| Ok(());
    let opened = Journal::open(disk, Path::new("/data"), options, Lsn(0), &mut seen);
    opened.unwrap().0
}

/// Follows until so many facts were seen or nothing more comes.
fn follow(follower: &mut Follower, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count && follower.wait(&mut |lsn, _, _| seen.push(lsn.0)) {}
    seen
}

#[test]
fn a_follower_sees_what_was_synced_and_nothing_else() {
    let disk = FaultDisk::default();
    let journal = open(&disk, Durability::Sync);
    let mut follower = journal.follow().unwrap();
    for _ in 0..3 {
        let lsn = journal.append(EpochMillis(1), &[fact(10), fact(20)]);
        journal.wait(lsn).unwrap();
    }
    assert_eq!(follow(&mut follower, 6), [1, 2, 3, 4, 5, 6]);
    // Everything is written again, and the sync fails.
    disk.fail_from(disk.calls() + 1);
    let lsn = journal.append(EpochMillis(1), &[fact(10)]);
    assert!(journal.wait(lsn).is_err());
    assert_eq!(
        follow(&mut follower, 1),
        [0; 0],
        "nobody knows whether it is on disk"
    );
}

#[test]
fn a_follower_that_comes_late_or_falls_behind_reads_the_segments() {
    const FACTS: usize = 20_000;
    let disk = FaultDisk::default();
    let journal = open(&disk, Durability::None);
    for _ in 0..FACTS / 2 {
        journal.append(EpochMillis(1), &[fact(1_000)]);
    }
    let mut follower = journal.follow().unwrap();
    for _ in 0..FACTS / 2 {
        journal.append(EpochMillis(1), &[fact(1_000)]);
    }
    // So that the writer is ahead by more than it keeps for the follower.
    journal.rotate().unwrap();
    let wanted: Vec<u64> = (1..=FACTS as u64).collect();
    assert_eq!(follow(&mut follower, FACTS), wanted);
    journal.append(EpochMillis(1), &[fact(1)]);
    assert_eq!(follow(&mut follower, 1), [FACTS as u64 + 1]);
    journal.close().unwrap();
    assert_eq!(follow(&mut follower, 1), [0; 0]);
    drop(follower);
    // After a restart the follower sees all of it again.
    let journal = open(&disk, Durability::None);
    let mut follower = journal.follow().unwrap();
    assert_eq!(follow(&mut follower, FACTS + 1).len(), FACTS + 1);
}

#[test]
fn a_journal_in_memory_waits_for_its_follower() {
    const FACTS: usize = 30_000;
    let journal = Journal::in_memory(Lsn(7)).unwrap();
    let mut follower = journal.follow().unwrap();
    let writer = journal.clone();
    let thread = std::thread::spawn(move || {
        for _ in 0..FACTS {
            writer.append(EpochMillis(1), &[fact(1_000)]);
        }
    });
    let wanted: Vec<u64> = (8..8 + FACTS as u64).collect();
    assert_eq!(follow(&mut follower, FACTS), wanted);
    thread.join().unwrap();
    // Told to stop, it does, whatever is still to come.
    journal.stop_following();
    assert!(!follower.wait(&mut |_, _, _| panic!("nothing more")));
    journal.append(EpochMillis(1), &[fact(1)]);
    journal.close().unwrap();
}
