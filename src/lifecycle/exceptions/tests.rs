//! Opening, finding, ending; and what rules did.

use super::*;
use crate::lifecycle::remedies::{Remedies, Remedy};
use crate::model::{Action, ExceptionKind, OrderKey, Topic, Trigger};

fn finding(order: &str, cause: Cause) -> Finding {
    Finding {
        subject: Subject {
            topic: Topic::order(&OrderKey::new("shop", order)),
            cause,
        },
        channel: None,
        detail: "".into(),
        waits_for: vec![SkuId(7), SkuId(8)],
    }
}

fn open(exceptions: &mut Exceptions, order: &str, cause: Cause) -> (u64, bool) {
    let (exception, new) = exceptions.open(finding(order, cause), EpochMillis(1));
    (exception.id, new)
}

#[test]
fn the_same_finding_opens_one_exception_until_it_is_resolved() {
    let mut all = Exceptions::default();
    assert_eq!(open(&mut all, "1", Cause::NoStock), (1, true));
    assert_eq!(open(&mut all, "1", Cause::NoStock), (1, false));
    assert_eq!(open(&mut all, "1", Cause::TooLate), (2, true));
    let (_, first) = all
        .resolve(1, Some("ann"), "stock came", EpochMillis(5))
        .unwrap();
    assert!(first);
    let (again, first) = all.resolve(1, None, "late", EpochMillis(9)).unwrap();
    assert!(!first);
    let ended = again.resolved.as_ref().unwrap();
    assert_eq!(
        (&*ended.how, ended.by.as_deref()),
        ("stock came", Some("ann"))
    );
    assert_eq!(open(&mut all, "1", Cause::NoStock), (3, true));
    let counts = all.counts_of(ExceptionKind::Unroutable);
    assert_eq!((counts.opened, counts.resolved, counts.open()), (3, 1, 2));
    assert!(all.resolve(9, None, "", EpochMillis(1)).is_err());
}

#[test]
fn lists_go_by_type_order_and_person_in_pages() {
    let mut all = Exceptions::default();
    for order in ["1", "2", "3"] {
        open(&mut all, order, Cause::NoStock);
        open(&mut all, order, Cause::NotClaimed);
    }
    let stuck = Filter {
        kind: Some(ExceptionKind::Stuck),
        ..Filter::default()
    };
    let ids = |all: &Exceptions, filter: &Filter, after, limit| {
        let found = all.list(filter, after, limit);
        found.iter().map(|e| e.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&all, &stuck, 0, 2), [2, 4]);
    assert_eq!(ids(&all, &stuck, 4, 2), [6]);
    let order = OrderKey::new("shop", "2");
    let of_order: Vec<_> = all.of_order(&order).map(|e| e.id).collect();
    assert_eq!(of_order, [3, 4]);
    all.assign(4, Some("ann")).unwrap();
    let anns = Filter {
        assigned_to: Some("ann".into()),
        ..Filter::default()
    };
    assert_eq!(all.list(&anns, 0, 9)[0].id, 4);
    all.resolve(4, Some("ann"), "asked", EpochMillis(3))
        .unwrap();
    assert!(all.list(&anns, 0, 9).is_empty());
    let both = Filter {
        resolved_too: true,
        ..Filter::default()
    };
    assert_eq!(ids(&all, &both, 2, 3), [3, 4, 5]);
    assert!(all.assign(4, None).is_err());
    assert_eq!(all.counts_of(ExceptionKind::Stuck).opened, 3);
    let mut back = Exceptions::default();
    all.records().for_each(|record| back.restore(record));
    assert_eq!(back, all);
}

#[test]
fn arriving_stock_finds_who_waits_for_it() {
    let mut all = Exceptions::default();
    open(&mut all, "1", Cause::NoStock);
    open(&mut all, "2", Cause::NoStock);
    open(&mut all, "3", Cause::TooLate);
    let rule = Remedy {
        name: "again".into(),
        cause: Some(Cause::NoStock),
        channel: None,
        trigger: Trigger::StockArrived,
        action: Action::RetryRouting,
    };
    let by = rule.by();
    let remedies = Remedies::new(vec![rule]).unwrap();
    let found = |all: &Exceptions, sku| {
        let found = all.on_stock(&remedies, sku).into_iter();
        found
            .map(|(id, rule)| (id, rule.action))
            .collect::<Vec<_>>()
    };
    let retry = Action::RetryRouting;
    assert_eq!(found(&all, SkuId(8)), [(1, retry), (2, retry)]);
    assert_eq!(found(&all, SkuId(9)), []);
    all.resolve_by(1, &by, "it was accepted", EpochMillis(2))
        .unwrap();
    assert_eq!(found(&all, SkuId(8)), [(2, retry)]);
    assert!(all.tried(2, &by, EpochMillis(5)) && !all.tried(2, &by, EpochMillis(5)));
    let did: Vec<_> = all
        .rule_counts()
        .map(|(_, c)| (c.resolved, c.in_vain))
        .collect();
    assert_eq!(did, [(1, 1)]);
    let counts: Vec<_> = all.counts().collect();
    assert_eq!(counts[0].0, Cause::NoStock);
    assert_eq!(counts[0].1.automatic, 1);
}
