//! Every byte of a snapshot. All numbers are little-endian.
//!
//! A snapshot is a file `snapshot-<number of its last fact, 20 digits>.allot`: a header of 64
//! bytes, sections, a table of the sections, and a foot of 64 bytes. Sections and the table begin at
//! multiples of 64; the bytes before them are 0.
//!
//! A later version keeps the first 16 bytes of the header as they are, and its checksum at its
//! end: only a whole header is believed to be of a later version.
//!
//! | bytes | header |
//! | --- | --- |
//! | 0..8 | `ALLOTSNP` |
//! | 8..12 | format version, 1 |
//! | 12..16 | bytes of this header, 64 |
//! | 16..32 | id of the directory, as in its journal |
//! | 32..40 | number of the last fact that is in it |
//! | 40..60 | 0 |
//! | 60..64 | CRC-32 of the bytes before |
//!
//! | bytes | entry of the table |
//! | --- | --- |
//! | 0..4 | kind of section, see [`Kind`] |
//! | 4..8 | its number among those of its kind: the shard, or counted from 0 |
//! | 8..16 | where it begins |
//! | 16..24 | its bytes |
//! | 24..32 | XXH3-64 of them, seeded with where it begins |
//!
//! | bytes | foot, the last of the file |
//! | --- | --- |
//! | 0..8 | `ALLOTEND` |
//! | 8..16 | where the table begins |
//! | 16..24 | entries of the table |
//! | 24..32 | bytes of the file |
//! | 32..40 | XXH3-64 of the table, seeded with where it begins |
//! | 40..52 | 0 |
//! | 52..56 | CRC-32 of the header |
//! | 56..60 | 0 |
//! | 60..64 | CRC-32 of the bytes before |
//!
//! | kind | section |
//! | --- | --- |
//! | 1 meta | one [`Meta`](super::Meta), `bincode` |
//! | 2 sku ends | u64 for every item by id: where its name ends in the text |
//! | 3 sku text | the names, one after the other, UTF-8 |
//! | 4 sku table | u32 each, a power of two of them: 0, or an id + 1. An item is in the first free place from XXH3-64 of its name on, around the end |
//! | 5 items | records of [`Item`](crate::model::Item)s by id |
//! | 6 shard | one shard's positions, see below |
//! | 7 side | what only few positions of a shard have, [`ShardSide`](crate::ledger::ShardSide), `bincode`; absent where there is none |
//! | 8 holds | records: id and [`Hold`](crate::ledger::Hold) |
//! | 9 supplies | records: id and [`Supply`](crate::ledger::Supply) |
//! | 10 orders | records of [`OrderImage`](super::OrderImage)s, in any order |
//! | 11 reservations | records of [`ReservationImage`](super::ReservationImage)s |
//! | 12 references | records of [`ReferenceImage`](super::ReferenceImage)s |
//! | 13 order index | for every order XXH3-64 of its source, a byte 31 and its id, then where its record begins in the file; u64 each, ascending |
//! | 14 feed groups | records of [`GroupFact`](crate::model::GroupFact)s that make the consumer groups; absent where there is none |
//! | 15 feed marks | one [`Marks`](crate::feed::Marks), `bincode`; absent where nothing was ever fed |
//! | 16 exceptions | records of [`ExceptionRecord`](crate::lifecycle::ExceptionRecord)s; absent where there never was one |
//!
//! A record is a u32 with its bytes, and those: `bincode` 2 with its legacy configuration.
//!
//! | bytes | shard section |
//! | --- | --- |
//! | 0..8 | the moment it had come to, milliseconds since 1970 |
//! | 8..12 | positions |
//! | 12..16 | rows: item i is row i / 1024 of shard i mod 1024 |
//! | 16..20 | rows whose ATP depends on more than the counts of their positions |
//! | 20..24 | 0 |
//! | 24.. | positions of 20 bytes, by row and location: on hand, held, safety stock, reserved (u32 each), location, 1 if ATP depends on time (u16 each) |
//! | then | u32 for every row: how many positions there are up to its end |
//! | then | u32 for every row that depends on more: its number, ascending |

use bincode::{Decode, Encode};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The version that is written.
pub const VERSION: u32 = 1;
pub(super) const HEADER: usize = 64;
pub(super) const FOOT: usize = 64;
pub(super) const ENTRY: usize = 32;
pub(super) const ALIGN: u64 = 64;
pub(super) const SHARD_HEAD: usize = 24;
/// Of the order index: the hash of an order's name, and where its record begins.
pub(super) const INDEX_ENTRY: usize = 16;
/// Largest single record; see the journal's largest fact.
const RECORD_MAX: usize = 64 << 20;

const MAGIC: &[u8; 8] = b"ALLOTSNP";
const END: &[u8; 8] = b"ALLOTEND";

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What there is only one of.
    Meta = 1,
    /// Where names of items end.
    SkuEnds,
    /// Names of items.
    SkuText,
    /// Items by name.
    SkuTable,
    /// Items.
    Items,
    /// Positions of a shard.
    Shard,
    /// What only few of them have.
    Side,
    /// Holds.
    Holds,
    /// Supplies.
    Supplies,
    /// Orders.
    Orders,
    /// Reservations.
    Reservations,
    /// References.
    References,
    /// Orders by identity.
    OrderIndex,
    /// Consumer groups of the event feed.
    FeedGroups,
    /// How far the event feed was.
    FeedMarks,
    /// What needs a decision, or needed one.
    Exceptions,
}

impl Kind {
    /// All kinds, ascending.
    pub const ALL: [Self; 16] = [
        Self::Meta,
        Self::SkuEnds,
        Self::SkuText,
        Self::SkuTable,
        Self::Items,
        Self::Shard,
        Self::Side,
        Self::Holds,
        Self::Supplies,
        Self::Orders,
        Self::Reservations,
        Self::References,
        Self::OrderIndex,
        Self::FeedGroups,
        Self::FeedMarks,
        Self::Exceptions,
    ];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::SkuEnds => "sku ends",
            Self::SkuText => "sku text",
            Self::SkuTable => "sku table",
            Self::Items => "items",
            Self::Shard => "positions",
            Self::Side => "side tables",
            Self::Holds => "holds",
            Self::Supplies => "supplies",
            Self::Orders => "orders",
            Self::Reservations => "reservations",
            Self::References => "references",
            Self::OrderIndex => "order index",
            Self::FeedGroups => "feed groups",
            Self::FeedMarks => "feed marks",
            Self::Exceptions => "exceptions",
        }
    }
}

/// What a snapshot says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) directory: [u8; 16],
    pub(super) at: u64,
}

/// Why the bytes of a file are no snapshot: where, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bad {
    Newer(u32),
    Wrong(u64, &'static str),
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&64u32.to_le_bytes());
        out[16..32].copy_from_slice(&self.directory);
        out[32..40].copy_from_slice(&self.at.to_le_bytes());
        let sum = crc32fast::hash(&out[..60]);
        out[60..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    pub(super) fn read(file: &[u8]) -> Result<Self, Bad> {
        let Some(bytes) = file.get(..HEADER) else {
            return Err(Bad::Wrong(
                0,
                "the file is shorter than a snapshot's header",
            ));
        };
        if bytes[..8] != *MAGIC {
            return Err(Bad::Wrong(0, "it does not begin as a snapshot"));
        }
        let (version, length) = (u32_at(bytes, 8), u32_at(bytes, 12) as usize);
        let header = file.get(..length).filter(|_| length >= HEADER);
        let whole = header.is_some_and(|header| {
            let end = length - 4;
            u32_at(header, end) == crc32fast::hash(&header[..end])
        });
        match version {
            _ if !whole => Err(Bad::Wrong(0, "the checksum of the header is wrong")),
            VERSION if length == HEADER => {
                let mut directory = [0; 16];
                directory.copy_from_slice(&bytes[16..32]);
                Ok(Self {
                    directory,
                    at: u64_at(bytes, 32),
                })
            }
            later if later > VERSION => Err(Bad::Newer(later)),
            _ => Err(Bad::Wrong(8, "it has a version that never was")),
        }
    }
}

/// One entry of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) number: u32,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) sum: u64,
}

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; ENTRY] {
        let mut out = [0; ENTRY];
        out[..4].copy_from_slice(&(self.kind as u32).to_le_bytes());
        out[4..8].copy_from_slice(&self.number.to_le_bytes());
        out[8..16].copy_from_slice(&self.offset.to_le_bytes());
        out[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        out[24..].copy_from_slice(&self.sum.to_le_bytes());
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let kind = u32_at(bytes, 0);
        Some(Self {
            kind: *Kind::ALL.iter().find(|k| **k as u32 == kind)?,
            number: u32_at(bytes, 4),
            offset: u64_at(bytes, 8),
            bytes: u64_at(bytes, 16),
            sum: u64_at(bytes, 24),
        })
    }
}

/// The foot of a file whose table begins at `table` and has `entries`.
pub(super) fn foot(header: &[u8; HEADER], table: u64, entries: &[u8]) -> [u8; FOOT] {
    let mut out = [0; FOOT];
    let count = (entries.len() / ENTRY) as u64;
    let file = table + entries.len() as u64 + FOOT as u64;
    out[..8].copy_from_slice(END);
    out[8..16].copy_from_slice(&table.to_le_bytes());
    out[16..24].copy_from_slice(&count.to_le_bytes());
    out[24..32].copy_from_slice(&file.to_le_bytes());
    out[32..40].copy_from_slice(&sum(entries, table).to_le_bytes());
    out[52..56].copy_from_slice(&crc32fast::hash(header).to_le_bytes());
    let crc = crc32fast::hash(&out[..60]);
    out[60..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Reads the table of a file: its entries by ascending offset. Sections lie within the file, do
/// not overlap, are aligned, and no two have the same kind and number.
pub(super) fn read_table(file: &[u8]) -> Result<Vec<Entry>, Bad> {
    let wrong = |at: usize, found| Bad::Wrong(at as u64, found);
    let Some(start) = file.len().checked_sub(FOOT).filter(|s| *s >= HEADER) else {
        return Err(wrong(0, "the file is too short to be whole"));
    };
    let end = &file[start..];
    if end[..8] != *END || u32_at(end, 60) != crc32fast::hash(&end[..60]) {
        return Err(wrong(
            start,
            "the file does not end as a snapshot: it was cut short",
        ));
    }
    let same_file =
        u64_at(end, 24) == file.len() as u64 && u32_at(end, 52) == crc32fast::hash(&file[..HEADER]);
    if !same_file {
        return Err(wrong(start, "the end belongs to another file"));
    }
    let (table, count) = (u64_at(end, 8), u64_at(end, 16));
    let bytes = usize::try_from(table)
        .ok()
        .and_then(|table| file.get(table..start));
    let Some(bytes) = bytes.filter(|b| b.len() as u64 == count.saturating_mul(ENTRY as u64)) else {
        return Err(wrong(start, "the table is not where the end says"));
    };
    if sum(bytes, table) != u64_at(end, 32) {
        return Err(Bad::Wrong(table, "the checksum of the table is wrong"));
    }
    let mut entries = Vec::with_capacity(bytes.len() / ENTRY);
    let mut free = HEADER as u64;
    for entry in bytes.chunks_exact(ENTRY) {
        let Some(entry) = Entry::read(entry) else {
            return Err(Bad::Wrong(
                table,
                "a section is of a kind that this program does not know",
            ));
        };
        let ends = entry.offset.checked_add(entry.bytes);
        let fits = entry.offset >= free && entry.offset.is_multiple_of(ALIGN);
        match ends.filter(|ends| fits && *ends <= table) {
            Some(ends) => free = ends,
            None => return Err(Bad::Wrong(table, "a section is not where one can be")),
        }
        entries.push(entry);
    }
    let mut names: Vec<_> = entries.iter().map(|e| (e.kind, e.number)).collect();
    names.sort_unstable();
    if names.windows(2).any(|w| w[0] == w[1]) {
        return Err(Bad::Wrong(table, "a section is there twice"));
    }
    Ok(entries)
}

/// Checksum of bytes that begin at an offset: right bytes in the wrong place have another.
pub(super) fn sum(bytes: &[u8], offset: u64) -> u64 {
    xxh3_64_with_seed(bytes, offset)
}

/// What an item or an order is found by.
pub(super) fn hash(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

/// Appends a record.
pub(super) fn put_record(out: &mut Vec<u8>, record: impl Encode) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put(out, record);
    let bytes = u32::try_from(out.len() - start - 4).expect("a record is bounded by its command");
    out[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
}

/// Appends a value.
pub(super) fn put(out: &mut Vec<u8>, value: impl Encode) {
    let written = bincode::encode_into_std_write(value, out, bincode::config::legacy());
    written.expect("memory takes what is written to it");
}

/// Takes the next record off.
pub(super) fn take_record<T: Decode<()>>(bytes: &mut &[u8]) -> Result<T, String> {
    let all = *bytes;
    let Some(head) = all.get(..4) else {
        return Err("the section ends within the length of a record".to_owned());
    };
    let length = u32_at(head, 0) as usize;
    let Some(record) = all.get(4..4 + length) else {
        return Err("the section ends within a record".to_owned());
    };
    *bytes = &all[4 + length..];
    whole(record)
}

/// A value that fills the bytes.
pub(super) fn whole<T: Decode<()>>(bytes: &[u8]) -> Result<T, String> {
    let config = bincode::config::legacy().with_limit::<RECORD_MAX>();
    let decoded = bincode::decode_from_slice(bytes, config);
    match decoded.map_err(|e| format!("a record does not decode: {e}"))? {
        (value, read) if read == bytes.len() => Ok(value),
        _ => Err("a record is followed by bytes that are not its own".to_owned()),
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(out)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}
