//! The journal on a disk that fails: what was acknowledged is there, what is half there is not,
//! and damage is named rather than read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "journal_support/bytes.rs"]
mod bytes;
#[path = "journal_support/disk.rs"]
mod disk;
#[path = "journal_support/faults.rs"]
mod faults;
#[path = "journal_support/server.rs"]
mod server;

use allot::bench::random::Random;
use allot::journal::{Durability, Journal, JournalError, Options, Recovered, repair, scan};
use allot::model::{EpochMillis, Fact, Lsn, OrderKey};
use disk::{FaultDisk, Files};
use std::path::Path;
use std::sync::Arc;

const AT: EpochMillis = EpochMillis(1_795_000_000_000);

fn dir() -> &'static Path {
    Path::new("/data")
}

fn fact(number: u64) -> Fact {
    Fact::OrderCancelled {
        key: OrderKey::new("shop", &format!("order-{number}")),
    }
}

fn options(segment_bytes: u64) -> Options {
    Options {
        durability: Durability::Sync,
        segment_bytes,
    }
}

type Opened = Result<(Journal, Recovered, Vec<Fact>), JournalError>;

fn open(disk: &FaultDisk, options: Options) -> Opened {
    let mut facts = Vec::new();
    let mut next = 1;
    let mut keep = |lsn: Lsn, at, fact| {
        assert_eq!((lsn.0, at), (next, AT), "numbers are dense");
        next += 1;
        facts.push(fact);
        Ok(())
    };
    let opened = Journal::open(Arc::new(disk.clone()), dir(), options, Lsn(0), &mut keep);
    let (journal, recovered) = opened?;
    assert_eq!(recovered.facts, facts.len() as u64);
    assert_eq!(recovered.last.0, facts.len() as u64);
    Ok((journal, recovered, facts))
}

/// Appends facts `from..=to`, each acknowledged before the next.
fn append(journal: &Journal, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let lsn = journal.append(AT, &[fact(number)]);
        assert_eq!(lsn.0, number);
        journal.wait(lsn).unwrap();
    }
}

fn expected(count: usize) -> Vec<Fact> {
    (1..=count as u64).map(fact).collect()
}

/// Files of a journal of a few segments, stopped cleanly or not.
fn sample(facts: u64, segment_bytes: u64, clean: bool) -> Files {
    let disk = FaultDisk::default();
    let (journal, ..) = open(&disk, options(segment_bytes)).unwrap();
    append(&journal, 1..=facts);
    let files = disk.files();
    journal.close().unwrap();
    if clean { disk.files() } else { files }
}

#[test]
fn facts_come_back_in_order_over_stops_and_segments() {
    let disk = FaultDisk::default();
    let mut next = 1;
    for start in 0..5 {
        let (journal, recovered, facts) = open(&disk, options(300)).unwrap();
        assert_eq!(facts, expected(start * 7));
        assert!(recovered.sealed && recovered.cut.is_none());
        append(&journal, next..=next + 6);
        next += 7;
        journal.close().unwrap();
        journal.close().unwrap();
        assert_eq!(
            journal.append(AT, &[fact(99)]).0,
            next,
            "closed: nothing is taken, and this never becomes durable"
        );
        assert_eq!(journal.latest().0, next - 1);
    }
    let found = scan(&disk, dir(), &mut |_, _| {}, &mut |_, _, _, _| {}).unwrap();
    assert_eq!(found.segments.iter().map(|s| s.facts).sum::<u64>(), 35);
    assert!(found.segments.len() > 5, "{found:?}");
}

#[test]
fn starts_without_a_fact_leave_no_pile_of_files() {
    let disk = FaultDisk::default();
    for _ in 0..20 {
        let (journal, ..) = open(&disk, options(1 << 20)).unwrap();
        journal.close().unwrap();
    }
    assert_eq!(disk.files().len(), 1);
}

#[test]
fn facts_of_several_threads_are_dense_and_steps_stay_together() {
    let disk = FaultDisk::default();
    let (journal, ..) = open(&disk, options(4_000)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..200 {
                    let step = [
                        fact(thread * 10_000 + 2 * n),
                        fact(thread * 10_000 + 2 * n + 1),
                    ];
                    let lsn = journal.append(AT, &step);
                    if n % 16 == 0 {
                        journal.wait(lsn).unwrap();
                        assert!(journal.durable() >= lsn);
                    }
                }
            });
        }
    });
    journal.close().unwrap();
    let stats = journal.stats();
    assert_eq!(stats.facts, 1_600);
    assert!(stats.syncs < 1_600, "commits are shared: {stats:?}");
    let (_journal, _, facts) = open(&disk, options(4_000)).unwrap();
    let number = |fact: &Fact| match fact {
        Fact::OrderCancelled { key } => key.order()[6..].parse::<u64>().unwrap(),
        other => panic!("{other:?}"),
    };
    let numbers: Vec<u64> = facts.iter().map(number).collect();
    for pair in numbers.chunks(2) {
        assert_eq!(pair[0] + 1, pair[1], "a step is kept together");
    }
    for thread in 0..4u64 {
        let range = thread * 10_000..(thread + 1) * 10_000;
        let mine: Vec<u64> = numbers
            .iter()
            .copied()
            .filter(|n| range.contains(n))
            .collect();
        assert!(mine.len() == 400 && mine.is_sorted());
    }
}

/// Opens damaged files: whole facts from the first on, or a refusal; never anything else.
fn opens_to_a_prefix(files: Files, what: &str) -> Option<usize> {
    let disk = FaultDisk::of(files);
    match open(&disk, options(300)) {
        Ok((journal, _, facts)) => {
            assert_eq!(facts, expected(facts.len()), "{what}");
            // And it goes on from there, and opens again.
            append(&journal, facts.len() as u64 + 1..=facts.len() as u64 + 2);
            journal.close().unwrap();
            let (_, recovered, again) = open(&disk, options(300)).unwrap();
            assert_eq!(again, expected(facts.len() + 2), "{what}");
            assert!(recovered.sealed, "{what}");
            Some(facts.len())
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("journal-"), "{what}: {text}");
            None
        }
    }
}

#[test]
fn every_cut_of_the_last_segment_loses_only_what_was_not_whole() {
    for clean in [false, true] {
        let files = sample(9, 300, clean);
        let (last, bytes) = files.last_key_value().unwrap();
        let before: u64 = {
            let disk = FaultDisk::of(files.clone());
            let found = scan(&disk, dir(), &mut |_, _| {}, &mut |_, _, _, _| {}).unwrap();
            let last = found.segments.last().unwrap();
            9 - last.facts
        };
        let mut seen = before;
        for length in 0..=bytes.len() {
            let mut cut = files.clone();
            cut.insert(last.clone(), bytes[..length].to_vec());
            let what = format!("{length} of {} bytes, clean {clean}", bytes.len());
            let facts = opens_to_a_prefix(cut, &what).expect(&what) as u64;
            assert!(
                facts == seen || facts == seen + 1,
                "{what}: {facts} after {seen}"
            );
            seen = facts;
        }
        assert_eq!(seen, 9);
    }
}

#[test]
fn a_cut_of_any_other_segment_is_refused_with_the_place_and_the_command() {
    let files = sample(9, 300, true);
    for (name, bytes) in files.iter().take(files.len() - 1) {
        for length in 0..bytes.len() {
            let mut cut = files.clone();
            cut.insert(name.clone(), bytes[..length].to_vec());
            let refused = open(&FaultDisk::of(cut), options(300)).err();
            let text = refused.expect("acknowledged facts are missing").to_string();
            assert!(text.contains("journal-"), "{name} {length}: {text}");
        }
    }
    let (first, bytes) = files.first_key_value().unwrap();
    let mut cut = files.clone();
    cut.insert(first.clone(), bytes[..bytes.len() - 1].to_vec());
    let text = open(&FaultDisk::of(cut), options(300))
        .err()
        .unwrap()
        .to_string();
    for part in [first.as_str(), "allot repair", "--until", "--into"] {
        assert!(text.contains(part), "{text}");
    }
    let mut gone = files.clone();
    gone.remove(&files.keys().nth(1).unwrap().clone());
    assert!(
        open(&FaultDisk::of(gone), options(300)).is_err(),
        "a segment is missing"
    );
}

#[test]
fn every_flipped_bit_is_found() {
    // The last batch is the seal: a flip in it can lose nothing.
    let files = sample(9, 300, true);
    for (name, bytes) in &files {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = files.clone();
            let file = flipped.get_mut(name).unwrap();
            file[bit / 8] ^= 1 << (bit % 8);
            let what = format!("{name} bit {bit}");
            if let Some(facts) = opens_to_a_prefix(flipped, &what) {
                assert_eq!(facts, 9, "{what}: only the seal may be dropped");
            }
        }
    }
}

#[test]
fn without_a_seal_a_flip_costs_at_most_the_last_batch() {
    let files = sample(6, 1 << 20, false);
    let (name, bytes) = files.first_key_value().unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = files.clone();
        flipped.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
        if let Some(facts) = opens_to_a_prefix(flipped, &format!("bit {bit}")) {
            assert!(facts >= 5, "bit {bit}: {facts}");
        }
    }
}

#[test]
fn right_bytes_in_the_wrong_place_are_refused() {
    let files = sample(9, 300, true);
    let other = sample(9, 300, true);
    let names: Vec<&String> = files.keys().collect();
    // A segment of another directory.
    for name in &names {
        let mut mixed = files.clone();
        mixed.insert((*name).clone(), other[*name].clone());
        assert!(open(&FaultDisk::of(mixed), options(300)).is_err(), "{name}");
    }
    // A segment under another's name.
    let mut swapped = files.clone();
    swapped.insert(names[0].clone(), files[names[1]].clone());
    assert!(open(&FaultDisk::of(swapped), options(300)).is_err());
    // A batch written twice.
    let mut twice = sample(3, 1 << 20, false);
    let file = twice.first_entry().unwrap().into_mut();
    let batch = file[64..64 + (file.len() - 64) / 3].to_vec();
    file.extend_from_slice(&batch);
    assert!(open(&FaultDisk::of(twice), options(300)).is_err());
}

#[test]
fn a_newer_file_is_refused_by_version() {
    let mut files = sample(3, 1 << 20, true);
    let mut first = files.first_entry().unwrap();
    let file = first.get_mut();
    // Its header may be longer; where its version, length and checksum are stays.
    file.splice(60..64, [7; 10]);
    (file[8], file[12]) = (2, 70);
    let sum = crc32fast::hash(&file[..66]).to_le_bytes();
    file[66..70].copy_from_slice(&sum);
    let text = open(&FaultDisk::of(files), options(300))
        .err()
        .unwrap()
        .to_string();
    assert!(
        text.contains("version 2") && text.contains("up to 1"),
        "{text}"
    );
}

#[test]
fn every_failing_call_stops_writing_and_loses_nothing_acknowledged() {
    let mut calls = 0;
    for failing in 1.. {
        let disk = FaultDisk::failing(failing);
        let (mut acknowledged, mut sent) = (0, 0);
        if let Ok((journal, ..)) = open(&disk, options(300)) {
            for number in 1..=9 {
                let lsn = journal.append(AT, &[fact(number)]);
                assert_eq!(lsn.0, number);
                sent = journal.latest().0;
                if journal.wait(Lsn(number)).is_err() {
                    assert!(journal.failure().is_some());
                    let latest = journal.latest();
                    journal.append(AT, &[fact(77)]);
                    assert_eq!(journal.latest(), latest, "nothing more is taken");
                    break;
                }
                acknowledged = number;
            }
            let closed = journal.close();
            assert_eq!(closed.is_err(), journal.failure().is_some());
        }
        if !disk.failed() {
            assert_eq!(acknowledged, 9);
            break;
        }
        calls = failing;
        for seed in 0..4 {
            let crashed = FaultDisk::of(disk.after_power_cut(&mut Random::new(seed)));
            let (_, _, facts) = open(&crashed, options(300)).unwrap();
            let what = format!("call {failing}, seed {seed}");
            assert!(
                facts.len() as u64 >= acknowledged,
                "{what}: {} kept",
                facts.len()
            );
            assert!(facts.len() as u64 <= sent.max(acknowledged), "{what}");
            assert_eq!(facts, expected(facts.len()), "{what}");
        }
    }
    assert!(calls > 30, "only {calls} calls were made to fail");
}

#[test]
fn a_power_cut_at_any_call_keeps_what_was_acknowledged_also_while_recovering() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let mut files = Files::new();
        let mut acknowledged = 0;
        for life in 0..6 {
            let disk = FaultDisk::of(files);
            let cut_at = 1 + random.index(40) as u64;
            disk.fail_from(cut_at);
            if let Ok((journal, _, facts)) = open(&disk, options(300)) {
                let known = facts.len() as u64;
                assert!(known >= acknowledged, "seed {seed}, life {life}");
                assert_eq!(facts, expected(facts.len()));
                acknowledged = known;
                for number in known + 1..=known + 8 {
                    journal.append(AT, &[fact(number)]);
                    if journal.wait(Lsn(number)).is_err() {
                        break;
                    }
                    acknowledged = number;
                }
                let _ = journal.close();
            }
            files = disk.after_power_cut(&mut random);
        }
        let (_, _, facts) = open(&FaultDisk::of(files), options(300)).unwrap();
        assert!(facts.len() as u64 >= acknowledged, "seed {seed}");
        assert_eq!(facts, expected(facts.len()), "seed {seed}");
    }
}

#[test]
fn repair_copies_what_is_whole_and_leaves_the_original() {
    let files = sample(9, 300, true);
    let damaged = {
        let mut files = files.clone();
        let first = files.first_entry().unwrap().into_mut();
        let end = first.len() - 1;
        first[end] ^= 1;
        files
    };
    let disk = FaultDisk::of(damaged.clone());
    let Err(JournalError::Damaged {
        segment, offset, ..
    }) = open(&disk, options(300))
    else {
        panic!("the damage is found");
    };
    let into = Path::new("/repaired");
    let done = repair(&disk, dir(), (&segment, offset), into).unwrap();
    assert!(done.facts > 0 && done.left_out > 0, "{done:?}");
    assert_eq!(disk.files(), damaged, "the original is as it was");
    let copy = FaultDisk::of(disk.files_in(into));
    let (_, _, facts) = open(&copy, options(300)).unwrap();
    assert_eq!(facts, expected(usize::try_from(done.facts).unwrap()));

    let refused = repair(&disk, dir(), ("journal-x", 0), Path::new("/other")).unwrap_err();
    assert!(refused.to_string().contains("journal-x"), "{refused}");
    let refused = repair(&disk, dir(), (&segment, offset), into).unwrap_err();
    assert!(refused.to_string().contains("empty"), "{refused}");
    let refused = repair(&disk, dir(), (&segment, offset - 1), Path::new("/third")).unwrap_err();
    assert!(
        refused.to_string().contains("no batch begins there"),
        "{refused}"
    );
}
