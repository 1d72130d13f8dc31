//! Random commands: mostly such as clients send, some that nobody should.

use allot::feed::StreamSet;
use proptest::prelude::*;

/// Ago by more than the slack in comparing moments.
const LONG_AGO: &str = "10000000";
/// Between now and long ago.
const MIN_IDLE: &str = "5000000";

#[derive(Debug, Clone)]
pub(crate) enum Step {
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
pub(crate) fn with_ids(words: &[String], newest_last: &[String]) -> Vec<String> {
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

pub(crate) fn step() -> impl Strategy<Value = Step> {
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
pub(crate) fn groups_everywhere() -> Vec<Step> {
    let pairs = ["orders", "events", "stock"].map(|key| ["g", "h"].map(|group| (key, group)));
    let create = |(key, group)| ["XGROUP", "CREATE", key, group, "0"].map(str::to_owned);
    let words = pairs.concat().into_iter().map(create);
    words.map(|words| Step::Say(words.into())).collect()
}
