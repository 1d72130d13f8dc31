//! Every write has an identity: a repeat, on any connection and at any time, is harmless. Tests
//! that begin with a letter and a number are named after the failure of a real system that they
//! keep Allot from.

use crate::support::{Connection, DEADLINE, LOCATIONS, TestServer, UNITS, order, refusal, state};
use allot::wire::Value;
use std::sync::Barrier;

const FAR: &str = "2030-01-01T00:00:00Z";
const LATER: &str = "2031-01-01T00:00:00Z";

/// A write, the same identity with other content, and whether that is refused (otherwise it is a
/// change that the identity allows).
struct Write {
    /// What must have happened before.
    given: &'static [&'static str],
    write: String,
    other: String,
}

fn write(given: &'static [&'static str], write: &str, other: &str) -> Write {
    let fill = |line: &str| line.replace("FAR", FAR).replace("LATER", LATER);
    Write {
        given,
        write: fill(write),
        other: fill(other),
    }
}

fn writes() -> Vec<Write> {
    let dispatched = &["TRANSFER.DISPATCH t-1 SKU-0 EAST WEST 10 2030-01-01T00:00:00Z"];
    let expected = &["SUPPLY.EXPECT po-1 SKU-0 WEST 10 2030-01-01T00:00:00Z"];
    let held = &["HOLD.PLACE h-1 SKU-0 EAST 5 damaged"];
    vec![
        write(&[], "STOCK.SET r SKU-0 EAST 7", "STOCK.SET r SKU-0 EAST 8"),
        write(
            &[],
            "STOCK.ADJUST r SKU-0 EAST -3 lost",
            "STOCK.ADJUST r SKU-0 EAST 3 lost",
        ),
        write(
            &[],
            "STOCK.LOAD r SKU-0 EAST 7 SKU-1 MID 8",
            "STOCK.LOAD r SKU-0 EAST 7 SKU-1 MID 9",
        ),
        write(
            &[],
            "STOCK.SAFETY r SKU-0 EAST 5",
            "STOCK.SAFETY r SKU-0 MID 5",
        ),
        write(
            &[],
            "HOLD.PLACE r SKU-0 EAST 5 damaged",
            "HOLD.PLACE r SKU-0 EAST 6 damaged",
        ),
        write(held, "HOLD.RELEASE r h-1 2", "HOLD.RELEASE r h-1 3"),
        write(
            &[],
            "TRANSFER.DISPATCH r SKU-0 EAST WEST 10 FAR",
            "TRANSFER.DISPATCH r SKU-0 EAST MID 10 FAR",
        ),
        write(
            dispatched,
            "TRANSFER.RECEIVE r t-1 4",
            "TRANSFER.RECEIVE r t-1 5",
        ),
        write(
            dispatched,
            "TRANSFER.DELAY r t-1 LATER",
            "TRANSFER.DELAY r t-1 FAR",
        ),
        write(
            dispatched,
            "TRANSFER.CANCEL r t-1 RETURNED",
            "TRANSFER.CANCEL r t-1 LOST",
        ),
        write(
            &[],
            "SUPPLY.EXPECT r SKU-0 WEST 10 FAR",
            "SUPPLY.EXPECT r SKU-1 WEST 10 FAR",
        ),
        write(
            expected,
            "SUPPLY.RECEIVE r po-1 4",
            "SUPPLY.RECEIVE r po-1 5",
        ),
        write(
            expected,
            "SUPPLY.DELAY r po-1 LATER",
            "SUPPLY.DELAY r po-1 FAR",
        ),
        write(
            expected,
            "SUPPLY.CANCEL r po-1",
            "SUPPLY.DELAY r po-1 LATER",
        ),
        write(
            &[],
            "ALLOCATION.SET r SKU-0 web 5 CAP 9",
            "ALLOCATION.SET r SKU-0 web 6 CAP 9",
        ),
        write(
            &[],
            "STOCK.SET r SKU-0 EAST 7",
            "STOCK.ADJUST r SKU-0 EAST 7 same-ref-other-command",
        ),
    ]
}

/// C35: a retry books the carrier twice, for want of an identity. Here each write is repeated on a
/// new connection, as client libraries do by themselves after one was lost.
#[test]
fn c35_a_repeat_on_another_connection_gets_the_first_answer_and_changes_nothing() {
    for case in writes() {
        let server = TestServer::start();
        let mut first = server.connect();
        for given in case.given {
            assert!(!first.say(given).is_error(), "{given}");
        }
        let answer = first.say(&case.write);
        assert!(!answer.is_error(), "{}: {answer:?}", case.write);
        // Something else happens in between: the first answer stands all the same.
        first.say("STOCK.ADJUST between SKU-0 EAST 1 found");
        let before = state(&mut first);
        drop(first);
        let mut second = server.connect();
        assert_eq!(second.say(&case.write), answer, "{}", case.write);
        assert_eq!(state(&mut second), before, "{}", case.write);
        let other = second.say(&case.other);
        assert!(
            refusal(&other).starts_with("CONFLICT "),
            "{}: {other:?}",
            case.other
        );
        assert_eq!(state(&mut second), before, "{}", case.other);
    }
}

/// A cancel that comes after the units is no cancel: answering `OK` would tell the sender that they
/// are back at the origin, or gone, while they are on hand at the destination.
#[test]
fn what_was_received_cannot_be_cancelled_and_a_repeated_cancel_is_harmless() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let given = [
        format!("TRANSFER.DISPATCH t-1 SKU-0 EAST WEST 10 {FAR}"),
        format!("TRANSFER.DISPATCH t-2 SKU-0 EAST WEST 10 {FAR}"),
        format!("SUPPLY.EXPECT po-1 SKU-0 WEST 10 {FAR}"),
        format!("SUPPLY.EXPECT po-2 SKU-0 WEST 10 {FAR}"),
        "TRANSFER.RECEIVE rcv-1 t-1 9 CLOSE".to_owned(),
        "SUPPLY.RECEIVE rcv-2 po-1 10".to_owned(),
        "TRANSFER.CANCEL cancel-1 t-2 RETURNED".to_owned(),
        "SUPPLY.CANCEL cancel-2 po-2".to_owned(),
    ];
    for given in &given {
        let answer = connection.say(given);
        assert!(!answer.is_error(), "{given}: {answer:?}");
    }
    let before = state(&mut connection);
    for (late, expected) in [
        (
            "TRANSFER.CANCEL r t-1 RETURNED",
            "transfer is 't-1'; it is received",
        ),
        (
            "TRANSFER.CANCEL r t-1 LOST",
            "transfer is 't-1'; it is received",
        ),
        (
            "TRANSFER.CANCEL r t-2 LOST",
            "transfer is 't-2'; it is returned",
        ),
        (
            "TRANSFER.RECEIVE r t-2 10",
            "transfer is 't-2'; it is returned",
        ),
        ("SUPPLY.CANCEL r po-1", "supply is 'po-1'; it is received"),
        (
            "SUPPLY.RECEIVE r po-2 10",
            "supply is 'po-2'; it is cancelled",
        ),
    ] {
        let refused = connection.say(late);
        let told = refusal(&refused);
        assert!(
            told.starts_with(&format!("CONFLICT {expected}")),
            "{late}: {told}"
        );
    }
    assert_eq!(state(&mut connection), before, "a refusal changes nothing");
    let stock = connection.say("STOCK.GET SKU-0");
    for again in [
        "TRANSFER.CANCEL cancel-1 t-2 RETURNED",
        "TRANSFER.CANCEL another-1 t-2 RETURNED",
        "SUPPLY.CANCEL cancel-2 po-2",
        "SUPPLY.CANCEL another-2 po-2",
    ] {
        let answer = connection.say(again);
        assert!(!answer.is_error(), "{again}: {answer:?}");
    }
    let after = connection.say("STOCK.GET SKU-0");
    assert_eq!(after, stock, "a repeat moves no unit");
}

/// A refused write leaves its reference free: the sender may mend it and send it again.
#[test]
fn a_refused_write_does_not_use_up_its_reference() {
    let server = TestServer::start();
    let mut connection = server.connect();
    assert!(
        connection
            .say("STOCK.ADJUST r SKU-0 EAST -101 lost")
            .is_error()
    );
    assert!(
        !connection
            .say("STOCK.ADJUST r SKU-0 EAST -100 lost")
            .is_error()
    );
}

/// C36: an answer that says yes although the write failed. Here whoever reads the answer finds its
/// effect at once, from any other connection.
#[test]
fn c36_what_was_answered_is_seen_by_everybody() {
    let server = TestServer::start();
    let (mut writer, mut reader) = (server.connect(), server.connect());
    for units in 0..500 {
        writer.say(&format!("STOCK.SET count-{units} SKU-0 EAST {units}"));
        let atp = reader.say("ATP.GET SKU-0 AT EAST");
        assert_eq!(atp, Value::Array(vec![Value::Int(units)]));
    }
}

/// C38: a retry is refused as "insufficient stock", because its own first try holds the units.
#[test]
fn c38_reserving_again_finds_what_it_holds_and_a_changed_quantity_is_a_delta() {
    let server = TestServer::start();
    let mut first = server.connect();
    let put = |qty: u32| format!("RESERVATION.PUT cart-1 FIRM LINES SKU-0 EAST {qty}");
    let answer = first.say(&put(UNITS));
    assert!(!answer.is_error(), "{answer:?}");
    assert_eq!(
        first.say("ATP.GET SKU-0 AT EAST"),
        Value::Array(vec![Value::Int(0)])
    );
    drop(first);
    let mut second = server.connect();
    assert_eq!(second.say(&put(UNITS)), answer);
    assert!(!second.say(&put(UNITS - 10)).is_error());
    assert_eq!(
        second.say("ATP.GET SKU-0 AT EAST"),
        Value::Array(vec![Value::Int(10)])
    );
    let before = state(&mut second);
    let refused = second.say(&put(UNITS + 1));
    assert!(
        refusal(&refused).starts_with("NOSTOCK SKU-0 at EAST: asked "),
        "{refused:?}"
    );
    assert_eq!(state(&mut second), before);
}

/// C2, C39: two lines of one SKU are checked one by one against the same free units.
#[test]
fn c2_lines_of_one_sku_are_summed() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let before = state(&mut connection);
    let half = UNITS / 2 + 1;
    let put = format!("RESERVATION.PUT cart-1 FIRM LINES SKU-0 EAST {half} SKU-0 EAST {half}");
    assert!(refusal(&connection.say(&put)).starts_with("NOSTOCK "));
    assert_eq!(state(&mut connection), before);
}

/// A repeat of a reservation's creation that was under way while it was cancelled.
#[test]
fn a_late_repeat_does_not_bring_a_cancelled_reservation_back() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let put = "RESERVATION.PUT cart-1 TTL 900000 LINES SKU-0 EAST 2";
    connection.say(put);
    assert_eq!(connection.say("RESERVATION.CANCEL cart-1"), Value::Int(1));
    assert_eq!(connection.say("RESERVATION.CANCEL cart-1"), Value::Int(0));
    let before = state(&mut connection);
    let late = server.connect().say(put);
    assert!(refusal(&late).starts_with("CONFLICT "), "{late:?}");
    assert_eq!(state(&mut connection), before);
}

/// A repeat of a reservation's creation that arrives after its confirmation.
#[test]
fn a_late_repeat_does_not_make_a_confirmed_reservation_soft_again() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let put = "RESERVATION.PUT cart-1 TTL 900000 LINES SKU-0 EAST 2";
    connection.say(put);
    let confirmed = connection.say("RESERVATION.CONFIRM cart-1");
    assert_eq!(connection.say("RESERVATION.CONFIRM cart-1"), confirmed);
    let before = state(&mut connection);
    assert_eq!(server.connect().say(put), confirmed);
    assert_eq!(connection.say("RESERVATION.GET cart-1"), confirmed);
    assert_eq!(state(&mut connection), before);
}

#[test]
fn an_order_again_gets_the_first_answer_and_with_other_content_a_conflict() {
    let server = TestServer::start();
    let mut first = server.connect();
    let submitted = first.command(&["ORDER.SUBMIT", &order("1", "10001", &[(0, 2), (1, 1)])]);
    let text = submitted.as_str().unwrap_or_default().to_owned();
    assert!(text.contains(r#""repeated":false"#), "{submitted:?}");
    let before = state(&mut first);
    drop(first);
    let mut second = server.connect();
    let again = second.command(&["ORDER.SUBMIT", &order("1", "10001", &[(0, 2), (1, 1)])]);
    let wanted = text.replace(r#""repeated":false"#, r#""repeated":true"#);
    assert_eq!(again.as_str(), Some(wanted.as_str()));
    for other in [
        order("1", "10001", &[(0, 3), (1, 1)]),
        order("1", "94107", &[(0, 2), (1, 1)]),
        order("1", "10001", &[(0, 2)]),
    ] {
        let reply = second.command(&["ORDER.SUBMIT", &other]);
        assert!(
            refusal(&reply).starts_with("CONFLICT "),
            "{other}: {reply:?}"
        );
    }
    assert_eq!(state(&mut second), before);
    let cancelled = second.say("ORDER.CANCEL web 1");
    assert!(!cancelled.is_error(), "{cancelled:?}");
    let before = state(&mut second);
    second.say("ORDER.CANCEL web 1");
    assert_eq!(state(&mut second), before);
    // A late repeat of its submission does not bring it back.
    let late = second.command(&["ORDER.SUBMIT", &order("1", "10001", &[(0, 2), (1, 1)])]);
    assert!(
        late.as_str()
            .is_some_and(|t| t.contains(r#""state":"cancelled""#)),
        "{late:?}"
    );
    assert_eq!(state(&mut second), before);
}

/// `act` on `count` connections at the same moment.
fn together(
    server: &TestServer,
    count: usize,
    act: impl Fn(usize, &mut Connection) -> Value + Sync,
) -> Vec<Value> {
    let barrier = Barrier::new(count);
    std::thread::scope(|scope| {
        let (barrier, act) = (&barrier, &act);
        let workers: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    let mut connection = server.connect();
                    barrier.wait();
                    act(number, &mut connection)
                })
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    })
}

/// The same write from many connections at once takes effect once, and all get the same answer.
#[test]
fn one_write_sent_by_many_at_once_takes_effect_once() {
    for round in 0..20 {
        let server = TestServer::start();
        let answers = together(&server, 8, |_, connection| {
            connection.say(&format!("STOCK.ADJUST r-{round} SKU-0 EAST -10 sold"))
        });
        assert!(answers.iter().all(|a| a == &answers[0]), "{answers:?}");
        let atp = server.connect().say("ATP.GET SKU-0 AT EAST");
        assert_eq!(atp, Value::Array(vec![Value::Int((UNITS - 10).into())]));
    }
}

/// C1, C4, C40, C41: several press "place order" together on the last units, and all succeed.
#[test]
fn c1_the_last_units_go_to_as_many_as_there_are_units() {
    let server = TestServer::start();
    let each = 30;
    let granted: Vec<Value> = together(&server, 8, |number, connection| {
        let mut granted = 0;
        for i in 0..each {
            let id = format!("cart-{number}-{i}");
            let put = format!("RESERVATION.PUT {id} FIRM LINES SKU-0 EAST 1 SKU-1 WEST 1");
            let reply = connection.say(&put);
            match reply.is_error() {
                false => granted += 1,
                true => assert!(refusal(&reply).starts_with("NOSTOCK ")),
            }
        }
        Value::Int(granted)
    });
    let granted: i64 = granted.iter().filter_map(Value::as_int).sum();
    assert_eq!(granted, i64::from(UNITS));
    let mut connection = server.connect();
    let left = connection.say("ATP.GET SKU-0 SKU-1");
    let rest = Value::Int((UNITS * 2).into());
    assert_eq!(left, Value::Array(vec![rest.clone(), rest]));
    server.assert_sound();
}

/// C11, C32: orders that name the same items in another order wait for each other for ever.
#[test]
fn c11_opposite_orders_of_lines_never_deadlock() {
    let server = TestServer::start();
    let replies = together(&server, 8, |number, connection| {
        connection.set_patience(DEADLINE);
        for i in 0..200 {
            let id = format!("r-{number}-{i}");
            let (a, b) = if number % 2 == 0 {
                ("SKU-0", "SKU-3")
            } else {
                ("SKU-3", "SKU-0")
            };
            let at = LOCATIONS[i % 3];
            let put = format!("RESERVATION.PUT {id} FIRM LINES {a} {at} 1 {b} {at} 1");
            let cancel = format!("RESERVATION.CANCEL {id}");
            connection.say(&put);
            connection.say(&cancel);
        }
        connection.say("PING")
    });
    assert_eq!(replies.len(), 8);
    let atp = server.connect().say("ATP.GET SKU-0 SKU-3");
    let all = Value::Int((UNITS * 3).into());
    assert_eq!(atp, Value::Array(vec![all.clone(), all]));
    server.assert_sound();
}

/// C31: a count is refused while anything is reserved. C22: it is accepted, and nobody is told.
#[test]
fn c31_a_count_below_what_is_promised_is_accepted_and_names_the_broken_promises() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.say("RESERVATION.PUT early FIRM LINES SKU-0 EAST 60");
    connection.say("RESERVATION.PUT late FIRM LINES SKU-0 EAST 30");
    let reply = connection.say("STOCK.SET count-1 SKU-0 EAST 70");
    let pairs = reply.into_pairs().unwrap();
    assert_eq!(pairs[1].1, Value::Int(70));
    let broken = pairs[2].1.as_slice().unwrap();
    assert_eq!(broken.len(), 1, "{broken:?}");
    let broken = broken[0].clone().into_pairs().unwrap();
    assert_eq!(broken[0].1.as_str(), Some("reservation late"));
    assert_eq!(broken[3].1, Value::Int(20));
    let atp = connection.say("ATP.GET SKU-0 AT EAST");
    assert_eq!(atp, Value::Array(vec![Value::Int(0)]));
}
