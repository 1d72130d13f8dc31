//! The bytes as the documentation of the format draws them, written and read here by hand.

use super::*;

const HEADER: usize = 64;

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(number(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(number(bytes, at))
}

/// What the checksum of the batch at `at` must be.
fn sum(file: &[u8], at: usize) -> u32 {
    let end = at + 40 + u32_at(file, at + 4) as usize;
    crc32fast::hash(&[&file[16..32], &file[at..at + 36], &file[at + 40..end]].concat())
}

/// Gives the batch at `at` the checksum of what it is now.
fn resum(file: &mut [u8], at: usize) {
    let sum = sum(file, at);
    file[at + 36..at + 40].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_segment_is_what_the_documentation_draws() {
    let files = sample(9, 300, true);
    let (mut next, mut previous) = (1, 0);
    for (index, (name, file)) in files.iter().enumerate() {
        let segment = index as u64 + 1;
        assert_eq!(*name, format!("journal-{segment:020}.allot"));
        assert_eq!(&file[..8], b"ALLOTJNL");
        assert_eq!((u32_at(file, 8), u32_at(file, 12)), (1, 64));
        assert_eq!((u64_at(file, 32), u64_at(file, 40)), (segment, next));
        assert_eq!((u32_at(file, 48), u64_at(file, 52)), (previous, 0));
        assert_eq!(u32_at(file, 60), crc32fast::hash(&file[..60]));
        let mut at = HEADER;
        while at < file.len() {
            let (body, count) = (u32_at(file, at + 4) as usize, u32_at(file, at + 24));
            assert_eq!(&file[at..at + 4], b"BTCH");
            assert_eq!(
                (u64_at(file, at + 8), u64_at(file, at + 16)),
                (at as u64, next)
            );
            assert_eq!(
                u32_at(file, at + 28),
                u32::from(count == 0),
                "only a seal has no facts"
            );
            assert_eq!(u32_at(file, at + 32), previous);
            assert_eq!(u32_at(file, at + 36), sum(file, at));
            if count == 1 {
                let bytes = u32_at(file, at + 40) as usize;
                assert_eq!(bytes + 4, body);
                assert_eq!(u64_at(file, at + 44), AT.0 as u64);
                let read = &file[at + 52..at + 40 + body];
                let config = bincode::config::legacy();
                let expected = bincode::encode_to_vec(fact(next), config).unwrap();
                assert_eq!(read, expected);
            }
            previous = u32_at(file, at + 36);
            next += u64::from(count);
            at += 40 + body;
        }
        assert_eq!(at, file.len(), "no gaps");
    }
    assert_eq!(next, 10);
}

/// A right checksum over nonsense is damage at that place, also in the last batch.
#[test]
fn a_batch_that_says_nonsense_is_refused_though_its_checksum_is_right() {
    let files = sample(3, 1 << 20, false);
    let (name, whole) = files.first_key_value().unwrap();
    let last = HEADER + (whole.len() - HEADER) / 3 * 2;
    assert_eq!(&whole[last..last + 4], b"BTCH");
    let cases: [(&str, usize, &[u8]); 9] = [
        ("another place", 8, &[1]),
        ("another first fact", 16, &[9]),
        ("more facts than there are", 24, &[2]),
        ("fewer facts than there are", 24, &[0]),
        ("another batch before it", 32, &[0, 0, 0, 0]),
        (
            "a fact longer than the batch",
            40,
            &[0xff, 0xff, 0xff, 0xff],
        ),
        ("a fact shorter than it is", 40, &[8, 0, 0, 0]),
        ("a kind of fact that is none", 52, &[0xee, 0xff, 0xff, 0xff]),
        ("a text of 2^63 bytes", 56, &[0, 0, 0, 0, 0, 0, 0, 0x80]),
    ];
    for (what, field, bytes) in cases {
        let mut file = whole.clone();
        file[last + field..last + field + bytes.len()].copy_from_slice(bytes);
        resum(&mut file, last);
        let disk = FaultDisk::of(Files::from([(name.clone(), file)]));
        let before = disk.files();
        match open(&disk, options(300)).err() {
            Some(JournalError::Damaged {
                segment, offset, ..
            }) => {
                assert_eq!((&segment, offset), (name, last as u64), "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(disk.files(), before, "{what}: nothing was changed");
    }
}

/// Numbers at the end of their range are refused, not added to.
#[test]
fn a_header_with_numbers_beyond_all_use_is_refused() {
    for at in [32, 40] {
        for number in [0, u64::MAX] {
            let mut files = sample(3, 1 << 20, false);
            let (_, mut file) = files.pop_first().unwrap();
            file[at..at + 8].copy_from_slice(&number.to_le_bytes());
            let sum = crc32fast::hash(&file[..60]).to_le_bytes();
            file[60..64].copy_from_slice(&sum);
            let segment = u64_at(&file, 32);
            files.insert(format!("journal-{segment:020}.allot"), file);
            let disk = FaultDisk::of(files);
            assert!(open(&disk, options(300)).is_err(), "{number} at {at}");
            assert!(scan(&disk, dir(), &mut |_, _| {}, &mut |_, _, _, _| {}).is_err());
        }
    }
}
