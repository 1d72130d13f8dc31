//! A snapshot written, section by section, under a name that nobody reads, and then renamed.

use super::error::SnapshotError;
use super::format::{
    ALIGN, Entry, HEADER, Header, Kind, SHARD_HEAD, foot, hash, put, put_record, sum,
};
use super::image::{Meta, OrderImage, ReferenceImage, ReservationImage};
use super::keep::name_of;
use crate::feed::Marks;
use crate::journal::{Disk, DiskFile};
use crate::ledger::{Hold, ShardImage, ShardSide, Supply};
use crate::lifecycle::ExceptionRecord;
use crate::model::{GroupFact, Item, Lsn};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zerocopy::IntoBytes as _;

/// So many bytes are handed to the system at once.
const WRITE_BYTES: usize = 1 << 20;
/// So many bytes are made safe at once: a sync of the journal must not wait for all of a snapshot.
const SYNC_BYTES: u64 = 16 << 20;
/// Records are put into sections of about so many bytes.
const SECTION_BYTES: usize = 1 << 20;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Name of the file.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Records that are put into sections of one kind.
struct Pile {
    kind: Kind,
    number: u32,
    bytes: Vec<u8>,
}

impl Pile {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            number: 0,
            bytes: Vec::new(),
        }
    }
}

/// A snapshot that is being written. Dropped before it is finished, it leaves a file that the next
/// snapshot or the next start removes.
pub struct Writer<'d> {
    disk: &'d dyn Disk,
    dir: PathBuf,
    name: String,
    file: Box<dyn DiskFile>,
    header: [u8; HEADER],
    /// Not handed to the system yet.
    buffer: Vec<u8>,
    /// Where the next byte goes.
    offset: u64,
    /// How much of it is safe.
    synced: u64,
    table: Vec<Entry>,
    items: Pile,
    holds: Pile,
    supplies: Pile,
    orders: Pile,
    reservations: Pile,
    references: Pile,
    feed_groups: Pile,
    exceptions: Pile,
    /// Names of the items so far, and where each ends.
    names: (Vec<u8>, Vec<u64>),
    /// Hash of every order and where in its section its record begins; those of the section that
    /// gathers come last.
    index: Vec<(u64, u64)>,
    indexed: usize,
}

impl<'d> Writer<'d> {
    /// Begins the snapshot that holds all facts up to `at` of the journal in `dir`.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn begin(
        disk: &'d dyn Disk,
        dir: &Path,
        directory: [u8; 16],
        at: Lsn,
    ) -> Result<Self, SnapshotError> {
        let name = name_of(at);
        let aside = dir.join(format!("{name}.tmp"));
        // What was left when writing one failed takes room that may be what is missing.
        let names = disk.list(dir);
        let names = names.map_err(SnapshotError::io("list", dir.display().to_string()))?;
        for left in names.iter().filter(|n| is_unfinished(n)) {
            let removed = disk.remove(&dir.join(left));
            removed.map_err(SnapshotError::io("remove", left.clone()))?;
        }
        let file = disk.create(&aside);
        let file = file.map_err(SnapshotError::io("make", aside.display().to_string()))?;
        let header = Header {
            directory,
            at: at.0,
        }
        .to_bytes();
        Ok(Self {
            disk,
            dir: dir.to_owned(),
            name,
            file,
            header,
            buffer: header.to_vec(),
            offset: HEADER as u64,
            synced: 0,
            table: Vec::new(),
            items: Pile::new(Kind::Items),
            holds: Pile::new(Kind::Holds),
            supplies: Pile::new(Kind::Supplies),
            orders: Pile::new(Kind::Orders),
            reservations: Pile::new(Kind::Reservations),
            references: Pile::new(Kind::References),
            feed_groups: Pile::new(Kind::FeedGroups),
            exceptions: Pile::new(Kind::Exceptions),
            names: (Vec::new(), Vec::new()),
            index: Vec::new(),
            indexed: 0,
        })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// What there is only one of.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn meta(&mut self, meta: &Meta) -> Result<(), SnapshotError> {
        let mut bytes = Vec::new();
        put(&mut bytes, meta);
        self.section(Kind::Meta, 0, &bytes)
    }

    /// The next item by id.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn item(&mut self, item: &Arc<Item>) -> Result<(), SnapshotError> {
        let (text, ends) = &mut self.names;
        text.extend_from_slice(item.sku.as_bytes());
        ends.push(text.len() as u64);
        put_record(&mut self.items.bytes, item);
        self.write_full(|w| &mut w.items)
    }

    /// A shard; one in which nothing is takes no room.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn shard(&mut self, shard: &ShardImage) -> Result<(), SnapshotError> {
        if shard.positions.is_empty() && shard.side == ShardSide::default() {
            return Ok(());
        }
        let positions = shard.positions.as_bytes();
        let mut bytes = Vec::with_capacity(
            SHARD_HEAD + positions.len() + 4 * (shard.row_ends.len() + shard.complex_rows.len()),
        );
        let count = |n: usize| u32::try_from(n).expect("a shard holds < 2^32 positions");
        bytes.extend_from_slice(&shard.now.0.to_le_bytes());
        bytes.extend_from_slice(&count(shard.positions.len()).to_le_bytes());
        bytes.extend_from_slice(&count(shard.row_ends.len()).to_le_bytes());
        bytes.extend_from_slice(&count(shard.complex_rows.len()).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(positions);
        for number in shard.row_ends.iter().chain(&shard.complex_rows) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.section(Kind::Shard, shard.number, &bytes)?;
        if shard.side == ShardSide::default() {
            return Ok(());
        }
        bytes.clear();
        put(&mut bytes, &shard.side);
        self.section(Kind::Side, shard.number, &bytes)
    }

    /// A hold with its id.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn hold(&mut self, hold: &(Box<str>, Hold)) -> Result<(), SnapshotError> {
        put_record(&mut self.holds.bytes, hold);
        self.write_full(|w| &mut w.holds)
    }

    /// A supply with its id.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn supply(&mut self, supply: &(Box<str>, Supply)) -> Result<(), SnapshotError> {
        put_record(&mut self.supplies.bytes, supply);
        self.write_full(|w| &mut w.supplies)
    }

    /// An order.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn order(&mut self, order: &OrderImage) -> Result<(), SnapshotError> {
        let key = &order.order.key;
        let within = self.orders.bytes.len() as u64;
        self.index.push((hash(&order_name(key)), within));
        put_record(&mut self.orders.bytes, order);
        self.write_full(|w| &mut w.orders)
    }

    /// A reservation.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn reservation(&mut self, reservation: &ReservationImage) -> Result<(), SnapshotError> {
        put_record(&mut self.reservations.bytes, reservation);
        self.write_full(|w| &mut w.reservations)
    }

    /// A reference.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn reference(&mut self, reference: &ReferenceImage) -> Result<(), SnapshotError> {
        put_record(&mut self.references.bytes, reference);
        self.write_full(|w| &mut w.references)
    }

    /// A change that makes a consumer group of the event feed.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn feed_group(&mut self, change: &GroupFact) -> Result<(), SnapshotError> {
        put_record(&mut self.feed_groups.bytes, change);
        self.write_full(|w| &mut w.feed_groups)
    }

    /// A piece of the exceptions.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn exception(&mut self, record: &ExceptionRecord) -> Result<(), SnapshotError> {
        put_record(&mut self.exceptions.bytes, record);
        self.write_full(|w| &mut w.exceptions)
    }

    /// How far the event feed was.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn feed_marks(&mut self, marks: &Marks) -> Result<(), SnapshotError> {
        let mut bytes = Vec::new();
        put(&mut bytes, marks);
        self.section(Kind::FeedMarks, 0, &bytes)
    }

    /// Makes the snapshot safe and gives it its name. Everything that it tells of is in the
    /// journal and safe by then.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn finish(mut self) -> Result<Written, SnapshotError> {
        let piles: [fn(&mut Self) -> &mut Pile; 8] = [
            |w| &mut w.items,
            |w| &mut w.holds,
            |w| &mut w.supplies,
            |w| &mut w.orders,
            |w| &mut w.reservations,
            |w| &mut w.references,
            |w| &mut w.feed_groups,
            |w| &mut w.exceptions,
        ];
        for pile in piles {
            self.write_pile(pile)?;
        }
        self.write_names()?;
        self.write_index()?;
        self.pad();
        let table = self.offset;
        let entries: Vec<u8> = self.table.iter().flat_map(|e| e.to_bytes()).collect();
        let foot = foot(&self.header, table, &entries);
        self.buffer.extend_from_slice(&entries);
        self.buffer.extend_from_slice(&foot);
        self.offset += (entries.len() + foot.len()) as u64;
        self.flush()?;
        self.sync()?;
        let aside = self.dir.join(format!("{}.tmp", self.name));
        let renamed = self.disk.rename(&aside, &self.dir.join(&self.name));
        renamed.map_err(SnapshotError::io("rename", aside.display().to_string()))?;
        let synced = self.disk.sync_dir(&self.dir);
        synced.map_err(SnapshotError::io("sync", self.dir.display().to_string()))?;
        Ok(Written {
            name: self.name,
            bytes: self.offset,
        })
    }

    /// Leaves nothing behind, if the disk lets it; else the next one removes what is left.
    pub fn give_up(self) {
        let aside = self.dir.join(format!("{}.tmp", self.name));
        drop(self.file);
        let _ = self.disk.remove(&aside);
    }

    fn write_names(&mut self) -> Result<(), SnapshotError> {
        let (text, ends) = std::mem::take(&mut self.names);
        let places = (2 * ends.len()).next_power_of_two();
        let mut table = vec![0u32; places];
        let mut start = 0;
        for (id, &end) in (1u32..).zip(&ends) {
            let end = usize::try_from(end).expect("it is a length in memory");
            let name = std::str::from_utf8(&text[start..end]).expect("names are text");
            let mut place = place_of(name, places);
            while table[place] != 0 {
                place = (place + 1) % places;
            }
            table[place] = id;
            start = end;
        }
        self.section(
            Kind::SkuEnds,
            0,
            &le_bytes(ends.iter().map(|e| e.to_le_bytes())),
        )?;
        self.section(Kind::SkuText, 0, &text)?;
        self.section(
            Kind::SkuTable,
            0,
            &le_bytes(table.iter().map(|t| t.to_le_bytes())),
        )
    }

    fn write_index(&mut self) -> Result<(), SnapshotError> {
        let mut index = std::mem::take(&mut self.index);
        index.sort_unstable();
        let pairs = index.iter().flat_map(|&(hash, at)| [hash, at]);
        let bytes = le_bytes(pairs.map(u64::to_le_bytes));
        self.section(Kind::OrderIndex, 0, &bytes)
    }

    fn write_full(&mut self, pile: fn(&mut Self) -> &mut Pile) -> Result<(), SnapshotError> {
        match pile(self).bytes.len() < SECTION_BYTES {
            true => Ok(()),
            false => self.write_pile(pile),
        }
    }

    fn write_pile(&mut self, pile: fn(&mut Self) -> &mut Pile) -> Result<(), SnapshotError> {
        let this = pile(self);
        let (kind, number) = (this.kind, this.number);
        let bytes = std::mem::take(&mut this.bytes);
        if bytes.is_empty() {
            return Ok(());
        }
        this.number += 1;
        self.section(kind, number, &bytes)?;
        if kind == Kind::Orders {
            // Where the section is, is only known now.
            let begins = self.offset - bytes.len() as u64;
            for (_, at) in &mut self.index[self.indexed..] {
                *at += begins;
            }
            self.indexed = self.index.len();
        }
        Ok(())
    }

    fn pad(&mut self) {
        let aligned = self.offset.next_multiple_of(ALIGN);
        while self.offset < aligned {
            self.buffer.push(0);
            self.offset += 1;
        }
    }

    fn section(&mut self, kind: Kind, number: u32, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.pad();
        self.table.push(Entry {
            kind,
            number,
            offset: self.offset,
            bytes: bytes.len() as u64,
            sum: sum(bytes, self.offset),
        });
        self.buffer.extend_from_slice(bytes);
        self.offset += bytes.len() as u64;
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        let written = self.file.append(&self.buffer);
        written.map_err(SnapshotError::io("write to", self.name.clone()))?;
        self.buffer.clear();
        match self.offset - self.synced >= SYNC_BYTES {
            true => self.sync(),
            false => Ok(()),
        }
    }

    fn sync(&mut self) -> Result<(), SnapshotError> {
        self.synced = self.offset;
        let synced = self.file.sync();
        synced.map_err(SnapshotError::io("sync", self.name.clone()))
    }
}

/// Whether a file is a snapshot that was never finished, by its name.
fn is_unfinished(name: &str) -> bool {
    name.starts_with("snapshot-") && name.ends_with(".allot.tmp")
}

/// By what an order is found: no id contains the byte between its parts.
pub(super) fn order_name(key: &crate::model::OrderKey) -> String {
    format!("{}\u{1f}{}", key.source(), key.order())
}

/// Where the search for an item begins in a table of so many places.
pub(super) fn place_of(name: &str, places: usize) -> usize {
    let mask = places as u64 - 1;
    usize::try_from(hash(name) & mask).expect("it is below the number of places")
}

fn le_bytes<const N: usize>(numbers: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    numbers.flatten().collect()
}
