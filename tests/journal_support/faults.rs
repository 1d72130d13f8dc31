//! Faults that come one after the other, and files that are missing, doubled or mixed.

use super::*;

/// Appends until the journal fails or `to` is reached; returns the last acknowledged number.
fn append_while_it_works(journal: &Journal, numbers: std::ops::RangeInclusive<u64>) -> u64 {
    let mut acknowledged = numbers.start() - 1;
    for number in numbers {
        journal.append(AT, &[fact(number)]);
        if journal.wait(Lsn(number)).is_err() {
            break;
        }
        acknowledged = number;
    }
    acknowledged
}

/// The system shows the page cache, and after a failed sync that is not what the disk has.
#[test]
fn a_start_after_a_failed_call_does_not_build_on_what_the_disk_never_got() {
    for durability in [Durability::Sync, Durability::None] {
        let options = Options {
            durability,
            segment_bytes: 300,
        };
        for failing in 1.. {
            let disk = FaultDisk::failing(failing);
            if let Ok((journal, ..)) = open(&disk, options) {
                append_while_it_works(&journal, 1..=7);
                let _ = journal.close();
            }
            disk.works_again();
            // The next process finds a working disk, acknowledges, and stops cleanly or not.
            let (journal, _, facts) = open(&disk, options).unwrap();
            let kept = facts.len() as u64;
            append_while_it_works(&journal, kept + 1..=kept + 2);
            journal.close().unwrap();
            for seed in 0..3 {
                let files = disk.after_power_cut(&mut Random::new(seed));
                let what = format!("{durability}, call {failing}, seed {seed}");
                let (_, recovered, facts) = open(&FaultDisk::of(files), options).expect(&what);
                assert_eq!(facts, expected(facts.len()), "{what}");
                assert_eq!(facts.len() as u64, kept + 2, "{what}");
                assert!(recovered.sealed, "{what}");
            }
            if !disk.failed() {
                assert!(failing > 5);
                break;
            }
        }
    }
}

/// A crash in the recovery of a crash in a recovery: the same facts at last.
#[test]
fn a_recovery_that_fails_at_every_call_is_run_again_with_the_same_end() {
    let torn = {
        let mut files = sample(9, 300, false);
        let last = files.last_entry().unwrap().into_mut();
        last.truncate(last.len() - 3);
        files.insert("journal-left.tmp".to_owned(), vec![1, 2, 3]);
        files
    };
    let calls = {
        let disk = FaultDisk::of(torn.clone());
        drop(open(&disk, options(300)).unwrap());
        disk.calls()
    };
    assert!(calls > 6, "{calls}");
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let mut files = torn.clone();
        for call in (1..=calls).chain([1, 3, 5]) {
            let disk = FaultDisk::of(files);
            disk.fail_from(call);
            drop(open(&disk, options(300)));
            files = disk.after_power_cut(&mut random);
        }
        let disk = FaultDisk::of(files);
        let (_, _, facts) = open(&disk, options(300)).unwrap();
        assert_eq!(facts, expected(8), "seed {seed}");
        assert!(disk.files().keys().all(|name| !name.ends_with(".tmp")));
    }
}

#[test]
fn facts_of_many_sectors_are_whole_or_gone() {
    let long = |number: u64| Fact::OrderCancelled {
        key: OrderKey::new("shop", &format!("{number}{}", "x".repeat(3_000))),
    };
    let options = options(20_000);
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let disk = FaultDisk::default();
        let (journal, ..) = open(&disk, options).unwrap();
        disk.fail_from(5 + random.index(40) as u64);
        let mut acknowledged = 0;
        for number in 1..=30 {
            let lsn = journal.append(AT, &[long(number), long(number)]);
            if journal.wait(Lsn(2 * number)).is_err() {
                break;
            }
            acknowledged = lsn.0;
        }
        let _ = journal.close();
        let files = disk.after_power_cut(&mut random);
        let (_, _, facts) = open(&FaultDisk::of(files), options).unwrap();
        assert!(facts.len() as u64 >= acknowledged, "seed {seed}");
        assert_eq!(facts.len() % 2, 0, "seed {seed}: half a step");
        for (index, fact) in facts.iter().enumerate() {
            assert_eq!(*fact, long(index as u64 / 2 + 1), "seed {seed}");
        }
    }
}

#[test]
fn bytes_behind_a_clean_stop_are_cut_once_and_for_all() {
    let mut files = sample(3, 1 << 20, true);
    files.first_entry().unwrap().get_mut().extend([0; 700]);
    let disk = FaultDisk::of(files);
    let (journal, recovered, _) = open(&disk, options(300)).unwrap();
    assert_eq!(recovered.cut.unwrap().bytes, 700);
    append(&journal, 4..=6);
    journal.close().unwrap();
    let (_, recovered, facts) = open(&disk, options(300)).unwrap();
    assert_eq!((facts, recovered.cut), (expected(6), None));
}

#[test]
fn a_history_with_a_missing_beginning_is_refused() {
    let files = sample(9, 300, true);
    let names: Vec<&String> = files.keys().collect();
    assert!(names.len() > 2);
    let mut late = files.clone();
    late.remove(names[0]);
    let disk = FaultDisk::of(late.clone());
    let refused = open(&disk, options(300)).err().unwrap().to_string();
    assert!(refused.contains(names[1].as_str()), "{refused}");
    assert!(refused.contains("facts 1 to "), "{refused}");
    assert_eq!(disk.files(), late, "nothing was changed");

    // Whoever has the facts before from elsewhere may go on.
    let first = scan(&disk, dir(), &mut |_, _| {}, &mut |_, _, _, _| {})
        .unwrap()
        .segments[0]
        .first;
    let mut lsns = Vec::new();
    let mut keep = |lsn: Lsn, _, _| {
        lsns.push(lsn.0);
        Ok(())
    };
    let after = Lsn(first.0 - 1);
    let opened = Journal::open(Arc::new(disk), dir(), options(300), after, &mut keep);
    opened.unwrap().0.close().unwrap();
    assert_eq!(lsns, (first.0..=9).collect::<Vec<_>>());

    // All are gone but one that was just being made.
    let torn = Files::from([(names[2].clone(), vec![0; 64])]);
    assert!(open(&FaultDisk::of(torn), options(300)).is_err());
}

#[test]
fn a_history_that_ends_before_what_is_known_is_refused() {
    let disk = FaultDisk::of(sample(9, 300, true));
    let mut none = |_, _, _| panic!("all of these are known");
    let opened = Journal::open(
        Arc::new(disk.clone()),
        dir(),
        options(300),
        Lsn(9),
        &mut none,
    );
    let (journal, recovered) = opened.unwrap();
    assert_eq!((recovered.facts, recovered.last), (0, Lsn(9)));
    assert_eq!(journal.append(AT, &[fact(10)]), Lsn(10));
    journal.close().unwrap();
    let opened = Journal::open(Arc::new(disk), dir(), options(300), Lsn(11), &mut none);
    let refused = opened.err().unwrap().to_string();
    assert!(
        refused.contains("fact 10") && refused.contains("11"),
        "{refused}"
    );
}

#[test]
fn a_garbled_version_is_damage_and_no_newer_program() {
    // In a file that was just being made it costs nothing.
    let mut made = sample(3, 1 << 20, true);
    let (name, bytes) = sample(9, 300, true).pop_last().unwrap();
    let number = name.replace(|c: char| !c.is_ascii_digit(), "");
    assert_ne!(number.trim_start_matches('0'), "1");
    let mut header = bytes[..64].to_vec();
    header[9] = 0x55;
    made.insert("journal-00000000000000000002.allot".to_owned(), header);
    let (_, recovered, facts) = open(&FaultDisk::of(made), options(300)).unwrap();
    assert_eq!(facts, expected(3));
    assert_eq!(recovered.cut.unwrap().offset, 0);

    let mut files = sample(3, 1 << 20, true);
    files.first_entry().unwrap().get_mut()[9] = 0x55;
    let refused = open(&FaultDisk::of(files), options(300)).err().unwrap();
    assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
}

#[test]
fn what_a_closed_or_failed_journal_did_not_take_never_counts_as_kept() {
    for durability in ["sync", "interval:1", "none"] {
        let options = Options {
            durability: durability.parse().unwrap(),
            segment_bytes: 1 << 20,
        };
        let disk = FaultDisk::default();
        let (journal, ..) = open(&disk, options).unwrap();
        let progress = journal.progress();
        append(&journal, 1..=2);
        journal.close().unwrap();
        assert_eq!((journal.latest(), journal.durable()), (Lsn(2), Lsn(2)));
        let lsn = journal.append(AT, &[fact(3)]);
        assert!(journal.wait(lsn).is_err(), "{durability}: it is closed");
        journal.wait(Lsn(2)).unwrap();
        let now = progress.borrow().clone();
        assert!(now.durable < lsn && now.failure.is_some(), "{now:?}");
        assert_eq!(journal.failure(), None, "a clean stop is no failure");

        let (journal, ..) = open(&disk, options).unwrap();
        disk.fail_from(1);
        journal.append(AT, &[fact(3)]);
        while journal.failure().is_none() {
            std::thread::yield_now();
        }
        let lsn = journal.append(AT, &[fact(4)]);
        assert!(journal.wait(lsn).is_err(), "{durability}: it failed");
        journal.wait(Lsn(2)).unwrap();
        assert!(journal.close().is_err());
    }
}

#[test]
fn whatever_is_done_to_the_files_no_fact_is_wrong() {
    let whole = sample(12, 300, true);
    let names: Vec<&String> = whole.keys().collect();
    for seed in 0..3_000 {
        let mut random = Random::new(seed);
        let mut files = whole.clone();
        for _ in 0..=random.index(2) {
            let name = names[random.index(names.len())];
            let other = whole[names[random.index(names.len())]].clone();
            let file = files.entry(name.clone()).or_default();
            let at = random.index(file.len() + 1);
            let end = at + random.index(file.len() - at + 1);
            match random.index(7) {
                0 => file[at..end].fill(0),
                1 => file[at..end].reverse(),
                2 => drop(file.drain(at..end)),
                3 => file.extend_from_within(at..end),
                4 => drop(file.splice(at..end, other)),
                5 => file.extend((0..at).map(|_| random.next_u64().to_le_bytes()[0])),
                _ => drop(files.remove(name)),
            }
        }
        opens_to_a_prefix(files, &format!("seed {seed}"));
    }
}
