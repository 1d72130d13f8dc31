//! What the comparison with a real Redis cannot show: parking, refusals of our own, and that the
//! changes of groups replay.

use super::super::event::{Batch, StreamSet};
use super::super::fields::Field;
use super::super::reply::ReplySink;
use super::super::stream::Limits;
use super::*;
use crate::model::{EventId, Lsn};
use std::pin::pin;
use std::task::{Context, Waker};

/// Writes answers as one readable line.
#[derive(Default)]
struct Line(String, bool);

impl Line {
    fn word(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }
}

impl ReplySink for Line {
    fn is_resp3(&self) -> bool {
        self.1
    }
    fn simple(&mut self, text: &str) {
        self.word(&format!("+{text}"));
    }
    fn error(&mut self, line: &str) {
        self.word(&format!("-{line}"));
    }
    fn integer(&mut self, value: i64) {
        self.word(&value.to_string());
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.word(&String::from_utf8_lossy(bytes));
    }
    fn null(&mut self) {
        self.word("nil");
    }
    fn null_array(&mut self) {
        self.word("*nil");
    }
    fn array(&mut self, length: usize) {
        self.word(&format!("*{length}"));
    }
    fn map(&mut self, pairs: usize) {
        self.word(&format!("%{pairs}"));
    }
}

fn shown(reply: &Reply, resp3: bool) -> String {
    let mut line = Line(String::new(), resp3);
    reply.write(&mut line);
    line.0
}

fn feed() -> Feed {
    Feed::new(|_| Limits {
        events: 3,
        bytes: usize::MAX,
    })
}

/// Appends the event `fact-0` with one field besides `type` and `at`.
fn happen(feed: &Feed, fact: u64) {
    let mut batch = Batch::new();
    batch.begin_fact(Lsn(fact), EpochMillis(0));
    batch.push(StreamSet::ORDERS, "order.cancelled", |f| {
        f.number(Field::Order, fact);
    });
    assert_eq!(feed.append(&batch), 0);
}

fn try_say(feed: &Feed, line: &str) -> Outcome {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    feed.execute(&words, EpochMillis(1000), &mut |_| {})
}

fn reply(outcome: Outcome) -> Reply {
    match outcome {
        Outcome::Reply(reply) => reply,
        Outcome::Wait(wait) => panic!("parked: {wait:?}"),
    }
}

fn wait(outcome: Outcome) -> Wait {
    match outcome {
        Outcome::Wait(wait) => wait,
        Outcome::Reply(reply) => panic!("answered: {}", shown(&reply, false)),
    }
}

fn say(feed: &Feed, line: &str) -> String {
    shown(&reply(try_say(feed, line)), false)
}

fn is_ready(future: impl Future<Output = ()>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(future).poll(&mut context).is_ready()
}

fn resume(feed: &Feed, wait: Wait) -> Outcome {
    feed.resume(wait, EpochMillis(2000), &mut |_| {})
}

#[test]
fn the_streams_are_read_only_and_no_other_can_be_made() {
    let feed = feed();
    for command in [
        "XADD orders * a b",
        "XDEL orders 1-0",
        "xtrim orders MAXLEN 0",
        "XSETID orders 1-0",
    ] {
        assert!(say(&feed, command).starts_with("-DENIED X"), "{command}");
    }
    assert!(say(&feed, "XGROUP CREATE mine g 0 MKSTREAM").starts_with("-DENIED stream 'mine'"));
    assert!(say(&feed, "XGROUP CREATE mine g 0").starts_with("-ERR The XGROUP subcommand"));
    assert_eq!(say(&feed, "XLEN mine"), "0");
    assert_eq!(say(&feed, "XREAD STREAMS mine 0"), "*nil");
    assert_eq!(say(&feed, "XINFO STREAM mine"), "-ERR no such key");
    assert!(say(&feed, "GET orders").starts_with("-ERR unknown command 'get'"));
    assert!(reply(feed.execute(&[], EpochMillis(0), &mut |_| {})).is_error());
}

#[test]
fn a_gap_is_visible() {
    let feed = feed();
    (1..=5).for_each(|fact| happen(&feed, fact));
    let info = say(&feed, "XINFO STREAM orders");
    assert!(
        info.contains("entries-added 5 recorded-first-entry-id 3-0"),
        "{info}"
    );
    let from_one = say(&feed, "XREAD COUNT 1 STREAMS orders 1-0");
    assert!(
        from_one.starts_with("*1 *2 orders *1 *2 3-0 *6 type order.cancelled"),
        "{from_one}"
    );
    assert_eq!(say(&feed, "XLEN events"), "3");
    assert_eq!(say(&feed, "XLEN stock"), "0");
}

#[test]
fn resp3_gets_maps_by_key() {
    let feed = feed();
    happen(&feed, 1);
    let read = reply(try_say(&feed, "XREAD STREAMS orders events 0 0"));
    assert!(shown(&read, true).starts_with("%2 orders *1 *2 1-0 *6"));
    assert!(shown(&read, false).starts_with("*2 *2 orders *1 *2 1-0 *6"));
}

#[test]
fn a_parked_reader_is_woken_by_its_streams_only_and_reads_on() {
    let feed = feed();
    happen(&feed, 1);
    let parked = wait(try_say(
        &feed,
        "XREAD BLOCK 500 STREAMS mine stock orders 0 0 $",
    ));
    assert_eq!(parked.until(), Some(EpochMillis(1500)));
    let from: Vec<_> = parked
        .from()
        .map(|(s, id)| (s.name(), id.to_string()))
        .collect();
    assert_eq!(from, [("stock", "0-0".into()), ("orders", "1-0".into())]);
    let parked = wait(resume(&feed, parked));
    let ticket = feed.park(&parked);
    assert_eq!(feed.parked(), 1);
    happen(&feed, 2);
    assert!(is_ready(ticket));
    assert_eq!(feed.parked(), 0);
    let served = shown(&reply(resume(&feed, parked)), false);
    assert!(served.starts_with("*1 *2 orders *1 *2 2-0"), "{served}");
    assert!(matches!(Wait::timed_out(), Reply::NullArray));
}

#[test]
fn an_event_between_reading_and_parking_is_not_slept_through() {
    let feed = feed();
    let parked = wait(try_say(&feed, "XREAD BLOCK 0 STREAMS orders $"));
    assert_eq!(parked.until(), None);
    happen(&feed, 1);
    assert!(is_ready(feed.park(&parked)));
    assert!(matches!(resume(&feed, parked), Outcome::Reply(_)));
}

#[test]
fn a_parked_group_reader_takes_what_is_new_to_the_group_then() {
    let feed = feed();
    assert_eq!(say(&feed, "XGROUP CREATE orders g $"), "+OK");
    let parked = wait(try_say(
        &feed,
        "XREADGROUP GROUP g a BLOCK 0 STREAMS orders >",
    ));
    happen(&feed, 1);
    let other = say(&feed, "XREADGROUP GROUP g b STREAMS orders >");
    assert!(other.contains("1-0"), "{other}");
    let parked = wait(resume(&feed, parked));
    happen(&feed, 2);
    let served = shown(&reply(resume(&feed, parked)), false);
    assert!(served.starts_with("*1 *2 orders *1 *2 2-0"), "{served}");
    assert_eq!(
        say(&feed, "XPENDING orders g"),
        "*4 2 1-0 2-0 *2 *2 a 1 *2 b 1"
    );
}

#[test]
fn a_parked_group_reader_learns_that_its_group_is_gone() {
    let feed = feed();
    assert_eq!(say(&feed, "XGROUP CREATE orders g $"), "+OK");
    let parked = wait(try_say(
        &feed,
        "XREADGROUP GROUP g a BLOCK 0 STREAMS orders >",
    ));
    let ticket = feed.park(&parked);
    assert_eq!(say(&feed, "XGROUP DESTROY orders g"), "1");
    assert!(is_ready(ticket));
    let told = shown(&reply(resume(&feed, parked)), false);
    assert!(told.starts_with("-NOGROUP the consumer group this client was blocked on"));
}

#[test]
fn groups_and_their_pending_events_survive_by_their_facts() {
    let (one, two) = (feed(), feed());
    let mut facts = Vec::new();
    for (step, line) in [
        "XGROUP CREATE orders g 0",
        "XREADGROUP GROUP g a COUNT 2 STREAMS orders >",
        "XREADGROUP GROUP g a STREAMS orders 0",
        "XREADGROUP GROUP g b NOACK STREAMS orders >",
        "XCLAIM orders g c 0 1-0 2-0 3-0 FORCE RETRYCOUNT 9",
        "XACK orders g 2-0",
        "XAUTOCLAIM orders g b 0 0 COUNT 1",
        "XGROUP CREATE orders h $ ENTRIESREAD 2",
        "XGROUP CREATECONSUMER orders h x",
        "XGROUP DELCONSUMER orders g c",
        "XGROUP SETID orders g 1-0",
    ]
    .iter()
    .enumerate()
    {
        happen(&one, step as u64 + 1);
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let outcome = one.execute(&words, EpochMillis(1000), &mut |fact| facts.push(fact));
        assert!(!reply(outcome).is_error(), "{line}");
        facts.drain(..).for_each(|fact| two.apply(&fact));
        let image = one.groups_image(StreamName::Orders);
        assert_eq!(two.groups_image(StreamName::Orders), image, "{line}");
    }
}

#[test]
fn a_feed_goes_on_after_a_snapshot() {
    let before = feed();
    assert_eq!(say(&before, "XGROUP CREATE orders g 0"), "+OK");
    (1..=4).for_each(|fact| happen(&before, fact));
    say(&before, "XREADGROUP GROUP g a STREAMS orders >");
    let stats = before.stats(StreamName::Orders);
    let after = feed();
    before.mark(Lsn(4));
    after.restore_marks(before.marks().unwrap());
    assert_eq!(after.resumes_at(), Some(Lsn(4)));
    after.mark(Lsn(4));
    assert_eq!(
        (after.stats(StreamName::Orders).added, after.resumes_at()),
        (stats.added, None)
    );
    for (group, change) in before.groups_image(StreamName::Orders).changes() {
        after.apply(&GroupFact {
            stream: StreamName::Orders,
            group: group.into(),
            change,
        });
    }
    assert_eq!(say(&after, "XREADGROUP GROUP g a STREAMS orders >"), "*nil");
    let mut batch = Batch::new();
    batch.begin_fact(Lsn(4), EpochMillis(0));
    batch.push(StreamSet::ORDERS, "order.cancelled", |_| {});
    assert_eq!(after.append(&batch), 2, "both streams are past it");
    happen(&after, 5);
    let next = say(&after, "XREADGROUP GROUP g a STREAMS orders >");
    assert!(next.starts_with("*1 *2 orders *1 *2 5-0"), "{next}");
    assert_eq!(
        after.stats(StreamName::Orders).last,
        EventId { fact: 5, n: 0 }
    );
}

#[test]
fn what_a_client_can_make_the_feed_remember_is_bounded() {
    let feed = feed();
    let long = "x".repeat(1025);
    let refused = say(&feed, &format!("XGROUP CREATE orders {long} 0"));
    assert!(
        refused.starts_with("-ERR the name of a group has 1025 bytes"),
        "{refused}"
    );
    assert_eq!(say(&feed, "XGROUP CREATE orders g 0"), "+OK");
    let refused = say(
        &feed,
        &format!("XREADGROUP GROUP g {long} STREAMS orders 0"),
    );
    assert!(
        refused.starts_with("-ERR the name of a consumer has"),
        "{refused}"
    );
    for name in 0..super::groups::CONSUMERS_MAX {
        assert_eq!(
            say(&feed, &format!("XGROUP CREATECONSUMER orders g {name}")),
            "1"
        );
    }
    happen(&feed, 1);
    for line in [
        "XGROUP CREATECONSUMER orders g more",
        "XREADGROUP GROUP g more STREAMS orders >",
        "XCLAIM orders g more 0 1-0 FORCE",
        "XAUTOCLAIM orders g more 0 0",
    ] {
        let refused = say(&feed, line);
        assert!(
            refused.starts_with("-ERR group 'g' has 10000 consumers"),
            "{refused}"
        );
    }
    assert!(say(&feed, "XREADGROUP GROUP g 0 STREAMS orders >").contains("1-0"));
}

/// Unparks the thread that polls.
struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread until the future is ready.
fn block_on(future: impl Future<Output = ()>) {
    let unpark = std::sync::Arc::new(Unpark(std::thread::current()));
    let waker = Waker::from(unpark);
    let mut future = pin!(future);
    let begun = std::time::Instant::now();
    while future
        .as_mut()
        .poll(&mut Context::from_waker(&waker))
        .is_pending()
    {
        std::thread::park_timeout(std::time::Duration::from_secs(30));
        assert!(begun.elapsed().as_secs() < 30, "a wake-up was lost");
    }
}

/// Follows `orders` from the beginning to the event `last`; how many events that was.
fn follow(feed: &Feed, last: u64) -> u64 {
    let (mut after, mut seen) = ("0-0".to_owned(), 0);
    while after != format!("{last}-0") {
        let mut outcome = try_say(feed, &format!("XREAD BLOCK 0 STREAMS orders {after}"));
        while let Outcome::Wait(wait) = outcome {
            block_on(feed.park(&wait));
            outcome = resume(feed, wait);
        }
        let Reply::Keyed(streams) = reply(outcome) else {
            panic!("no stream");
        };
        let Reply::Entries(entries) = &streams[0].1 else {
            panic!("no events");
        };
        seen += entries.len() as u64;
        after = entries.ids().last().unwrap().to_string();
    }
    seen
}

#[test]
fn many_followers_see_every_event_once_while_it_happens() {
    const EVENTS: u64 = 3000;
    let feed = Feed::default();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2 * super::super::WAKE_MAX)
            .map(|_| scope.spawn(|| follow(&feed, EVENTS)))
            .collect();
        (1..=EVENTS).for_each(|fact| happen(&feed, fact));
        for reader in readers {
            assert_eq!(reader.join().unwrap(), EVENTS);
        }
    });
    assert_eq!(feed.parked(), 0);
}
