//! The event feed beside a real Redis 7.0: the same random commands, the same answers.
//!
//! Events go into Redis by `XADD` with the ids that the feed gave them, trimmed to the same length.
//! Answers are compared as RESP2, except for moments (which may differ by the time a command takes,
//! while the commands here set moments that lie far apart) and the shape of Redis's radix tree.
//! Skipped with a note when there is no `redis-server` 7.0.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use allot::feed::{
    Batch, Event, Feed, Field, GroupFact, Groups, Limits, Outcome, Reply, ReplySink, StreamName,
    StreamSet, Wait,
};
use allot::model::{EpochMillis, Lsn};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Sequences of commands; `ALLOT_CASES` asks for more.
const CASES: u32 = 400;
/// Moments closer than this are the same: commands set others hours apart.
const MOMENT_SLACK: i64 = 1_000_000;
/// Ago by more than the slack.
const LONG_AGO: &str = "10000000";
/// Between now and long ago.
const MIN_IDLE: &str = "5000000";

// ---------------------------------------------------------------- RESP2

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(String),
    Null,
    NullArray,
    Array(Vec<Value>),
}

fn read_value(input: &mut impl BufRead) -> Value {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).unwrap();
    assert!(line.ends_with(b"\r\n"), "{line:?}");
    let text = String::from_utf8(line[1..line.len() - 2].to_vec()).unwrap();
    match (line[0], text.as_str()) {
        (b'+', _) => Value::Simple(text),
        (b'-', _) => Value::Error(text),
        (b':', _) => Value::Int(text.parse().unwrap()),
        (b'$', "-1") => Value::Null,
        (b'*', "-1") => Value::NullArray,
        (b'$', _) => {
            let mut bytes = vec![0; text.parse::<usize>().unwrap() + 2];
            input.read_exact(&mut bytes).unwrap();
            bytes.truncate(bytes.len() - 2);
            Value::Bulk(String::from_utf8(bytes).unwrap())
        }
        (b'*', _) => {
            let length: usize = text.parse().unwrap();
            Value::Array((0..length).map(|_| read_value(input)).collect())
        }
        other => panic!("no RESP2: {other:?}"),
    }
}

/// The bytes that a RESP2 client gets.
#[derive(Default)]
struct Resp2(Vec<u8>);

impl Resp2 {
    fn line(&mut self, kind: char, text: impl std::fmt::Display) {
        write!(self.0, "{kind}{text}\r\n").unwrap();
    }
}

impl ReplySink for Resp2 {
    fn is_resp3(&self) -> bool {
        false
    }
    fn simple(&mut self, text: &str) {
        self.line('+', text);
    }
    fn error(&mut self, line: &str) {
        self.line('-', line);
    }
    fn integer(&mut self, value: i64) {
        self.line(':', value);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.line('$', bytes.len());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
    }
    fn null(&mut self) {
        self.line('$', -1);
    }
    fn null_array(&mut self) {
        self.line('*', -1);
    }
    fn array(&mut self, length: usize) {
        self.line('*', length);
    }
    fn map(&mut self, pairs: usize) {
        self.line('*', 2 * pairs);
    }
}

/// Equal, but for moments and the radix tree.
fn same(ours: &Value, theirs: &Value) -> bool {
    let (Value::Array(a), Value::Array(b)) = (ours, theirs) else {
        return ours == theirs;
    };
    let close = |a: &Value, b: &Value| match (a, b) {
        (Value::Int(a), Value::Int(b)) => (a - b).abs() < MOMENT_SLACK,
        _ => false,
    };
    let is_moment = |at: usize| match (a.as_slice(), at) {
        // A line of XPENDING; one of a consumer in XINFO STREAM FULL.
        ([Value::Bulk(_), Value::Bulk(_), Value::Int(_), Value::Int(_)], 2)
        | ([Value::Bulk(_), Value::Int(_), Value::Int(_)], 1) => true,
        (_, 0) => false,
        (all, at) => {
            let names = ["idle", "seen-time", "radix-tree-keys", "radix-tree-nodes"];
            matches!(&all[at - 1], Value::Bulk(name) if names.contains(&name.as_str()))
        }
    };
    let pair = |(at, (a, b))| same(a, b) || (is_moment(at) && close(a, b));
    a.len() == b.len() && a.iter().zip(b).enumerate().all(pair)
}

// ---------------------------------------------------------------- Redis

struct Redis {
    process: Child,
    stream: BufReader<TcpStream>,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one; `None` when there is none of this version.
    fn start() -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        let version = String::from_utf8(version.ok()?.stdout).unwrap();
        if !version.contains("v=7.0.") {
            println!("another Redis than 7.0: {version}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let port = address.port().to_string();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", ""])
            .args(["--appendonly", "no", "--daemonize", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if let Ok(stream) = TcpStream::connect(address) {
                stream.set_nodelay(true).unwrap();
                return Some(Self {
                    process,
                    stream: BufReader::new(stream),
                    _folder: folder,
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server does not listen on {address}");
    }

    fn say<W: AsRef<str>>(&mut self, words: &[W]) -> Value {
        let mut bytes = Vec::new();
        write!(bytes, "*{}\r\n", words.len()).unwrap();
        for word in words {
            let word = word.as_ref();
            write!(bytes, "${}\r\n{word}\r\n", word.len()).unwrap();
        }
        self.stream.get_mut().write_all(&bytes).unwrap();
        read_value(&mut self.stream)
    }

    /// Empty streams, which the feed always has.
    fn reset(&mut self) {
        self.say(&["FLUSHALL"]);
        for stream in StreamName::ALL {
            self.say(&["XGROUP", "CREATE", stream.name(), "x", "0", "MKSTREAM"]);
            self.say(&["XGROUP", "DESTROY", stream.name(), "x"]);
        }
    }

    fn add(&mut self, stream: StreamName, event: &Event<'_>, limit: usize) {
        let (limit, id) = (limit.to_string(), event.id.to_string());
        let mut words = vec!["XADD", stream.name(), "MAXLEN", "=", &limit, &id];
        for (name, value) in event.fields() {
            words.extend([name.name(), std::str::from_utf8(value).unwrap()]);
        }
        assert_eq!(self.say(&words), Value::Bulk(id.clone()));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

// ---------------------------------------------------------------- Commands

#[derive(Debug, Clone)]
enum Step {
    /// A fact so much later than the one before, and the streams of its events.
    Happen(u64, Vec<StreamSet>),
    Say(Vec<String>),
}

type Words = BoxedStrategy<Vec<String>>;

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(words).prop_map(str::to_owned).boxed()
}

fn key() -> BoxedStrategy<String> {
    prop_oneof![
        40 => one_of(&["orders", "orders", "orders", "events", "stock"]),
        1 => one_of(&["exceptions", "missing", "Orders", ""]),
    ]
    .boxed()
}

fn group() -> BoxedStrategy<String> {
    prop_oneof![40 => one_of(&["g", "g", "g", "h"]), 1 => one_of(&["nobody", ""])].boxed()
}

fn consumer() -> BoxedStrategy<String> {
    one_of(&["a", "b", "c"])
}

/// An id that may exist: often `@n`, which stands for the nth newest id when its turn comes.
fn likely_id() -> BoxedStrategy<String> {
    prop_oneof![
        8 => (0usize..8).prop_map(|nth| format!("@{nth}")),
        1 => (0u64..40, 0u64..3).prop_map(|(fact, n)| format!("{fact}-{n}")),
        1 => (0u64..40).prop_map(|fact| fact.to_string()),
    ]
    .boxed()
}

/// Words with the ids that `@n` stands for.
fn with_ids(words: &[String], newest_last: &[String]) -> Vec<String> {
    let word = |word: &String| {
        let Some((before, nth)) = word.split_once('@') else {
            return word.clone();
        };
        let nth: usize = nth.parse().unwrap();
        let id = newest_last.iter().rev().nth(nth);
        format!("{before}{}", id.map_or("0-1", String::as_str))
    };
    words.iter().map(word).collect()
}

/// An id as nobody should write it, and some that are none.
fn odd_id() -> BoxedStrategy<String> {
    one_of(&[
        "",
        "-",
        "+",
        "$",
        ">",
        "x",
        "(",
        "(-",
        "5-",
        "-5",
        "5-x",
        "007",
        "+5",
        " 5",
        "5 ",
        "5--3",
        "5- 3",
        "5-+3",
        "(3-1",
        "(5",
        "0-0",
        "(0-0",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551615-18446744073709551615",
        "(18446744073709551615-18446744073709551615",
        "99999999999999999999999",
        "5-99999999999999999999999",
        "*",
        "5-*",
        "00-0",
    ])
}

fn id() -> BoxedStrategy<String> {
    prop_oneof![12 => likely_id(), 1 => odd_id()].boxed()
}

fn bound(end: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        4 => Just(end.to_owned()),
        4 => likely_id(),
        2 => likely_id().prop_map(|id| format!("({id}")),
        1 => odd_id(),
    ]
    .boxed()
}

fn count() -> BoxedStrategy<String> {
    prop_oneof![
        8 => (1u32..12).prop_map(|count| count.to_string()),
        1 => one_of(&["0", "-1", "x", "", "01", "+1", " 1", "9223372036854775808", "1.5"]),
    ]
    .boxed()
}

fn min_idle() -> BoxedStrategy<String> {
    prop_oneof![16 => one_of(&["0", MIN_IDLE]), 1 => one_of(&["-1", "x", ""])].boxed()
}

/// The words of several strategies in a row.
fn row(parts: Vec<Words>) -> Words {
    parts.prop_map(|parts| parts.concat()).boxed()
}

fn word(word: &'static str) -> Words {
    Just(vec![word.to_owned()]).boxed()
}

fn just(strategy: BoxedStrategy<String>) -> Words {
    strategy.prop_map(|word| vec![word]).boxed()
}

/// An option in any case, with its value; usually left out.
fn option(name: &'static str, value: Option<BoxedStrategy<String>>, of_ten: u32) -> Words {
    let name = prop_oneof![3 => Just(name.to_owned()), 1 => Just(name.to_lowercase())];
    let given = match value {
        Some(value) => (name, value).prop_map(|(n, v)| vec![n, v]).boxed(),
        None => name.prop_map(|n| vec![n]).boxed(),
    };
    prop_oneof![of_ten => given, 10 - of_ten => Just(Vec::new())].boxed()
}

fn several(strategy: BoxedStrategy<String>, most: usize) -> Words {
    prop::collection::vec(strategy, 1..=most).boxed()
}

fn sources(id: BoxedStrategy<String>) -> Words {
    prop::collection::vec((key(), id), 1..4)
        .prop_map(|pairs| {
            let (keys, ids): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            [vec!["STREAMS".to_owned()], keys, ids].concat()
        })
        .boxed()
}

/// `BLOCK 1`: what Redis waits for in vain is compared with what we would park.
fn block() -> Words {
    let value = prop_oneof![
        3 => Just("1".to_owned()),
        1 => one_of(&["-1", "x", ""]),
    ];
    option("BLOCK", Some(value.boxed()), 1)
}

fn reading() -> Words {
    let new = prop_oneof![1 => one_of(&["$"]), 8 => id(), 1 => odd_id()].boxed();
    let group_id = prop_oneof![10 => one_of(&[">"]), 4 => one_of(&["0"]), 3 => id()].boxed();
    let in_group = row(vec![word("GROUP"), just(group()), just(consumer())]);
    prop_oneof![
        2 => row(vec![
            word("XRANGE"), just(key()), just(bound("-")), just(bound("+")),
            option("COUNT", Some(count()), 5),
        ]),
        2 => row(vec![
            word("XREVRANGE"), just(key()), just(bound("+")), just(bound("-")),
            option("COUNT", Some(count()), 5),
        ]),
        3 => row(vec![word("XREAD"), option("COUNT", Some(count()), 5), block(), sources(new)]),
        10 => row(vec![
            word("XREADGROUP"), in_group, option("COUNT", Some(count()), 7), block(),
            option("NOACK", None, 1), sources(group_id),
        ]),
    ]
    .boxed()
}

fn grouping() -> Words {
    let place = prop_oneof![2 => one_of(&["$", "0"]), 2 => id()].boxed();
    let read = one_of(&["0", "1", "5", "-1", "-2", "x", "100"]);
    prop_oneof![
        6 => row(vec![
            word("XGROUP"), word("CREATE"), just(key()), just(group()), just(place.clone()),
            option("ENTRIESREAD", Some(read.clone()), 2),
        ]),
        2 => row(vec![
            word("xgroup"), word("setid"), just(key()), just(group()), just(place),
            option("ENTRIESREAD", Some(read), 3),
        ]),
        1 => row(vec![word("XGROUP"), word("DESTROY"), just(key()), just(group())]),
        1 => row(vec![
            word("XGROUP"), word("CREATECONSUMER"), just(key()), just(group()), just(consumer()),
        ]),
        1 => row(vec![
            word("XGROUP"), word("DELCONSUMER"), just(key()), just(group()), just(consumer()),
        ]),
    ]
    .boxed()
}

fn claiming() -> Words {
    let moment = one_of(&["0", "0", LONG_AGO, LONG_AGO, LONG_AGO, LONG_AGO, "-5", "x"]);
    let time = one_of(&["1", "1000", "99999999999999", "-1", "x"]);
    let options = row(vec![
        option("FORCE", None, 3),
        option("IDLE", Some(moment), 5),
        option("TIME", Some(time), 1),
        option("RETRYCOUNT", Some(one_of(&["0", "7", "7", "-1", "x"])), 2),
        option("LASTID", Some(id()), 1),
        option("JUSTID", None, 3),
    ]);
    prop_oneof![
        4 => row(vec![word("XACK"), just(key()), just(group()), several(id(), 4)]),
        6 => row(vec![
            word("XCLAIM"), just(key()), just(group()), just(consumer()), just(min_idle()),
            several(likely_id(), 5), options,
        ]),
        4 => row(vec![
            word("XAUTOCLAIM"), just(key()), just(group()), just(consumer()), just(min_idle()),
            just(bound("-")), option("COUNT", Some(count()), 6), option("JUSTID", None, 3),
        ]),
    ]
    .boxed()
}

fn asking() -> Words {
    let full = row(vec![word("FULL"), option("COUNT", Some(count()), 6)]);
    let full = prop_oneof![3 => full, 2 => Just(Vec::new()), 1 => word("FUL")].boxed();
    prop_oneof![
        1 => row(vec![word("XLEN"), just(key())]),
        1 => row(vec![word("XPENDING"), just(key()), just(group())]),
        3 => row(vec![
            word("XPENDING"), just(key()), just(group()),
            option("IDLE", Some(min_idle()), 4), just(bound("-")), just(bound("+")),
            just(count()), option("a", None, 3),
        ]),
        2 => row(vec![word("XINFO"), word("STREAM"), just(key()), full]),
        2 => row(vec![word("XINFO"), word("GROUPS"), just(key())]),
        1 => row(vec![word("XINFO"), word("consumers"), just(key()), just(group())]),
    ]
    .boxed()
}

/// Words in no order: what is refused, and how.
fn nonsense() -> Words {
    let command = one_of(&[
        "XREAD",
        "XREADGROUP",
        "XRANGE",
        "XREVRANGE",
        "XLEN",
        "XGROUP",
        "XACK",
        "XPENDING",
        "XCLAIM",
        "XAUTOCLAIM",
        "XINFO",
        "xread",
        "xInfo",
    ]);
    let any = one_of(&[
        "orders",
        "g",
        "a",
        "0",
        "1-0",
        "-",
        "+",
        ">",
        "$",
        "COUNT",
        "STREAMS",
        "GROUP",
        "NOACK",
        "CREATE",
        "SETID",
        "DESTROY",
        "HELP",
        "CREATECONSUMER",
        "DELCONSUMER",
        "MKSTREAM",
        "ENTRIESREAD",
        "FULL",
        "STREAM",
        "GROUPS",
        "CONSUMERS",
        "IDLE",
        "TIME",
        "FORCE",
        "JUSTID",
        "RETRYCOUNT",
        "LASTID",
        "x",
        "",
        "two\r\nlines",
    ]);
    (command, prop::collection::vec(any, 0..9))
        .prop_map(|(command, words)| [vec![command], words].concat())
        // A stream of any other name cannot be made here.
        .prop_filter("makes a stream", |words| {
            !words.iter().any(|w| w == "MKSTREAM") || words.get(2).is_some_and(|w| w == "orders")
        })
        .boxed()
}

fn step() -> impl Strategy<Value = Step> {
    let sets = prop::sample::select(vec![
        StreamSet::EVENTS,
        StreamSet::ORDERS,
        StreamSet::STOCK,
        StreamSet::ORDER_EXCEPTIONS,
    ]);
    let happen = (1u64..4, prop::collection::vec(sets, 1..4));
    prop_oneof![
        8 => happen.prop_map(|(later, sets)| Step::Happen(later, sets)),
        6 => reading().prop_map(Step::Say),
        3 => grouping().prop_map(Step::Say),
        4 => claiming().prop_map(Step::Say),
        3 => asking().prop_map(Step::Say),
        2 => nonsense().prop_map(Step::Say),
    ]
}

/// Most commands need a group: without this most would only show how they are refused.
fn groups_everywhere() -> Vec<Step> {
    let pairs = ["orders", "events", "stock"].map(|key| ["g", "h"].map(|group| (key, group)));
    let create = |(key, group)| ["XGROUP", "CREATE", key, group, "0"].map(str::to_owned);
    let words = pairs.concat().into_iter().map(create);
    words.map(|words| Step::Say(words.into())).collect()
}

// ---------------------------------------------------------------- The comparison

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
        let image: Groups = back(&ours.feed.groups_image(stream));
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
