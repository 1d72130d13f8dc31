//! A snapshot opened: its table is checked at once, every section when it is first asked for.

use super::error::SnapshotError;
use super::format::{
    Bad, ENTRY, Entry, FOOT, HEADER, Header, INDEX_ENTRY, Kind, SHARD_HEAD, VERSION, read_table,
    sum, u32_at, u64_at, whole,
};
use super::image::{Meta, OrderImage, ReferenceImage, ReservationImage};
use super::records::Records;
use crate::feed::Marks;
use crate::ledger::{Hold, Position, ShardSide, Supply};
use crate::lifecycle::ExceptionRecord;
use crate::model::{EpochMillis, GroupFact, Item, Lsn};
use crate::sys::Mapped;
use bincode::Decode;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::FromBytes as _;

/// A snapshot, read through its map.
#[derive(Debug)]
pub struct Snapshot {
    name: String,
    file: Mapped,
    header: Header,
    table: Vec<Entry>,
    /// Which sections have been found to be what was written.
    checked: Vec<AtomicBool>,
}

/// Some records that can be read on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(usize);

/// The positions of a shard, as they lie in the file.
#[derive(Debug, Clone, Copy)]
pub struct ShardPart<'a> {
    /// Which shard.
    pub number: u32,
    /// The moment it had come to.
    pub now: EpochMillis,
    /// As in [`ShardImage`](crate::ledger::ShardImage).
    pub positions: &'a [Position],
    /// As there.
    pub row_ends: &'a [u32],
    /// As there.
    pub complex_rows: &'a [u32],
}

/// What the sections of one kind come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionReport {
    /// The kind.
    pub kind: Kind,
    /// How many.
    pub sections: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Snapshot {
    /// Checks header, foot and table of a file.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`], [`SnapshotError::Newer`], [`SnapshotError::Wanted`].
    pub fn open(name: &str, file: Mapped) -> Result<Self, SnapshotError> {
        let bytes = file.bytes().ok_or_else(|| SnapshotError::Wanted {
            name: name.to_owned(),
        })?;
        let bad = |bad| match bad {
            Bad::Newer(version) => SnapshotError::Newer {
                name: name.to_owned(),
                version,
                ours: VERSION,
            },
            Bad::Wrong(offset, found) => SnapshotError::Damaged {
                name: name.to_owned(),
                offset,
                found: found.to_owned(),
            },
        };
        let header = Header::read(bytes).map_err(bad)?;
        let table = read_table(bytes).map_err(bad)?;
        if name != super::name_of(Lsn(header.at)) {
            let found = "its name and its header name different facts";
            return Err(bad(Bad::Wrong(32, found)));
        }
        Ok(Self {
            name: name.to_owned(),
            header,
            checked: table.iter().map(|_| AtomicBool::new(false)).collect(),
            table,
            file,
        })
    }

    /// Number of the last fact that is in it.
    #[must_use]
    pub fn at(&self) -> Lsn {
        Lsn(self.header.at)
    }

    /// The directory to which it belongs.
    #[must_use]
    pub fn directory(&self) -> [u8; 16] {
        self.header.directory
    }

    /// Name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is read through a map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.file.is_map()
    }

    /// Bytes of the file.
    ///
    /// # Errors
    /// [`SnapshotError::Wanted`].
    pub fn bytes(&self) -> Result<u64, SnapshotError> {
        Ok(self.file_bytes()?.len() as u64)
    }

    /// What its sections come to, by kind.
    #[must_use]
    pub fn report(&self) -> Vec<SectionReport> {
        let kinds = Kind::ALL.iter().map(|&kind| {
            let these = self.table.iter().filter(|e| e.kind == kind);
            SectionReport {
                kind,
                sections: these.clone().count(),
                bytes: these.map(|e| e.bytes).sum(),
            }
        });
        kinds.filter(|r| r.sections > 0).collect()
    }

    /// Compares every byte with what was written. `progress` hears of bytes done and of all.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`], [`SnapshotError::Wanted`].
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), SnapshotError> {
        let all = self.bytes()?;
        let mut end = HEADER as u64;
        for (index, entry) in self.table.iter().enumerate() {
            self.check_gap(end, entry.offset)?;
            self.section_at(index)?;
            end = entry.offset + entry.bytes;
            progress(end, all);
        }
        let table = all - (FOOT + ENTRY * self.table.len()) as u64;
        self.check_gap(end, table)?;
        progress(all, all);
        Ok(())
    }

    fn check_gap(&self, from: u64, to: u64) -> Result<(), SnapshotError> {
        let bytes = self.file_bytes()?;
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        match bytes.get(index(from)..index(to)) {
            Some(gap) if gap.iter().all(|&b| b == 0) => Ok(()),
            _ => Err(self.damaged(from, "the bytes before the next section are not 0")),
        }
    }

    /// What there is only one of.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn meta(&self) -> Result<Meta, SnapshotError> {
        let (at, bytes) = self.only(Kind::Meta)?;
        whole(bytes).map_err(|found| self.damaged(at, found))
    }

    /// Items by id, some at a time.
    pub fn items(&self) -> impl Iterator<Item = Result<Vec<Item>, SnapshotError>> {
        let sections = self.of_kind(Kind::Items);
        sections.map(|index| self.decode(index))
    }

    /// All shards.
    pub fn shards(
        &self,
    ) -> impl Iterator<Item = Result<(ShardPart<'_>, ShardSide), SnapshotError>> + Send {
        let sections = self.of_kind(Kind::Shard);
        sections.map(|index| {
            let shard = self.shard_at(index)?;
            let side = match self.find(Kind::Side, shard.number) {
                None => ShardSide::default(),
                Some(side) => {
                    let bytes = self.section_at(side)?;
                    let side_at = self.table[side].offset;
                    whole(bytes).map_err(|found| self.damaged(side_at, found))?
                }
            };
            Ok((shard, side))
        })
    }

    /// One shard; `None` where nothing was ever in it.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn shard(&self, number: u32) -> Result<Option<ShardPart<'_>>, SnapshotError> {
        let index = self.find(Kind::Shard, number);
        index.map(|index| self.shard_at(index)).transpose()
    }

    /// How many positions and how many orders it holds. Positions are counted shard by shard, each
    /// compared with its checksum.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn counts(&self) -> Result<(u64, u64), SnapshotError> {
        let mut positions = 0;
        for index in self.of_kind(Kind::Shard) {
            positions += self.shard_at(index)?.positions.len() as u64;
        }
        let index = self.table.iter().filter(|e| e.kind == Kind::OrderIndex);
        let bytes: u64 = index.map(|e| e.bytes).sum();
        Ok((positions, bytes / INDEX_ENTRY as u64))
    }

    /// All holds with their ids.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn holds(&self) -> Result<Vec<(Box<str>, Hold)>, SnapshotError> {
        self.all(Kind::Holds)
    }

    /// All supplies with their ids.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn supplies(&self) -> Result<Vec<(Box<str>, Supply)>, SnapshotError> {
        self.all(Kind::Supplies)
    }

    /// The changes that make the consumer groups of the event feed.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn feed_groups(&self) -> Result<Vec<GroupFact>, SnapshotError> {
        self.all(Kind::FeedGroups)
    }

    /// What makes the exceptions.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn exceptions(&self) -> Result<Vec<ExceptionRecord>, SnapshotError> {
        self.all(Kind::Exceptions)
    }

    /// How far the event feed was; `None` when nothing was ever fed.
    ///
    /// # Errors
    /// As [`Snapshot::verify`].
    pub fn feed_marks(&self) -> Result<Option<Marks>, SnapshotError> {
        if self.find(Kind::FeedMarks, 0).is_none() {
            return Ok(None);
        }
        let (at, bytes) = self.only(Kind::FeedMarks)?;
        let marks = whole(bytes).map_err(|found| self.damaged(at, found))?;
        Ok(Some(marks))
    }

    /// Orders, reservations and references, in parts that can be read side by side.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let kinds = [Kind::Orders, Kind::Reservations, Kind::References];
        let these = kinds.into_iter().flat_map(|kind| self.of_kind(kind));
        these.map(Part).collect()
    }

    /// Hands over every record of a part.
    ///
    /// # Errors
    /// As [`Snapshot::verify`], and whatever the takers say.
    pub fn records(
        &self,
        part: Part,
        order: impl FnMut(OrderImage) -> Result<(), SnapshotError>,
        reservation: impl FnMut(ReservationImage) -> Result<(), SnapshotError>,
        reference: impl FnMut(ReferenceImage) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        match self.table[part.0].kind {
            Kind::Orders => self.each(part.0, order),
            Kind::Reservations => self.each(part.0, reservation),
            _ => self.each(part.0, reference),
        }
    }

    /// That its bytes are right and what they say cannot be.
    #[must_use]
    pub fn meaning(&self, why: String) -> SnapshotError {
        SnapshotError::Meaning {
            name: self.name.clone(),
            why,
        }
    }

    /// The only section of a kind: where it begins, and its bytes.
    pub(super) fn only(&self, kind: Kind) -> Result<(u64, &[u8]), SnapshotError> {
        let missing = || self.damaged(0, format!("it has no section '{}'", kind.name()));
        let index = self.find(kind, 0).ok_or_else(missing)?;
        Ok((self.table[index].offset, self.section_at(index)?))
    }

    /// A record that begins at an offset of the file.
    pub(super) fn record_at<T: Decode<()>>(
        &self,
        kind: Kind,
        offset: u64,
    ) -> Result<T, SnapshotError> {
        let holds = |e: &Entry| e.kind == kind && (e.offset..e.offset + e.bytes).contains(&offset);
        let index = self.table.iter().position(holds);
        let outside = || self.damaged(offset, "no section with such records is here");
        let index = index.ok_or_else(outside)?;
        let within = usize::try_from(offset - self.table[index].offset).unwrap_or(usize::MAX);
        let mut records = Records::of(self.section_at(index)?.get(within..).unwrap_or_default());
        match records.next() {
            Some(record) => record.map_err(|(_, found)| self.damaged(offset, found)),
            None => Err(self.damaged(offset, "no record begins here")),
        }
    }

    pub(super) fn damaged(&self, offset: u64, found: impl Into<String>) -> SnapshotError {
        SnapshotError::Damaged {
            name: self.name.clone(),
            offset,
            found: found.into(),
        }
    }

    fn file_bytes(&self) -> Result<&[u8], SnapshotError> {
        self.file.bytes().ok_or_else(|| SnapshotError::Wanted {
            name: self.name.clone(),
        })
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> + Send {
        let mut these: Vec<usize> = (0..self.table.len())
            .filter(|&i| self.table[i].kind == kind)
            .collect();
        these.sort_unstable_by_key(|&i| self.table[i].number);
        these.into_iter()
    }

    fn find(&self, kind: Kind, number: u32) -> Option<usize> {
        let mut entries = self.table.iter();
        entries.position(|e| (e.kind, e.number) == (kind, number))
    }

    /// The bytes of a section, which are what was written.
    fn section_at(&self, index: usize) -> Result<&[u8], SnapshotError> {
        let entry = &self.table[index];
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let (from, to) = (number(entry.offset), number(entry.offset + entry.bytes));
        let bytes = self.file_bytes()?.get(from..to).unwrap_or_default();
        if !self.checked[index].load(Ordering::Relaxed) {
            if sum(bytes, entry.offset) != entry.sum {
                let kind = entry.kind.name();
                let found = format!("the checksum of a section '{kind}' is wrong");
                return Err(self.damaged(entry.offset, found));
            }
            self.checked[index].store(true, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    fn shard_at(&self, index: usize) -> Result<ShardPart<'_>, SnapshotError> {
        let Entry { number, offset, .. } = self.table[index];
        let bytes = self.section_at(index)?;
        let odd = || self.damaged(offset, "a shard's parts do not fill its section");
        let Some(head) = bytes.get(..SHARD_HEAD) else {
            return Err(odd());
        };
        let count = |at| u32_at(head, at) as usize;
        let (positions, rows, complex) = (count(8), count(12), count(16));
        let rest = &bytes[SHARD_HEAD..];
        let columns = || {
            let columns = positions.checked_mul(size_of::<Position>())?;
            let (columns, rest) = rest.split_at_checked(columns)?;
            let (ends, complex_rows) = rest.split_at_checked(4 * rows)?;
            (complex_rows.len() == 4 * complex).then_some((columns, ends, complex_rows))
        };
        let (columns, ends, complex_rows) = columns().ok_or_else(odd)?;
        let unaligned = |_| self.damaged(offset, "the file is not aligned in memory");
        Ok(ShardPart {
            number,
            now: EpochMillis(u64_at(head, 0).cast_signed()),
            positions: <[Position]>::ref_from_bytes(columns).map_err(|_| unaligned(()))?,
            row_ends: <[u32]>::ref_from_bytes(ends).map_err(|_| unaligned(()))?,
            complex_rows: <[u32]>::ref_from_bytes(complex_rows).map_err(|_| unaligned(()))?,
        })
    }

    fn all<T: Decode<()>>(&self, kind: Kind) -> Result<Vec<T>, SnapshotError> {
        let mut all = Vec::new();
        for index in self.of_kind(kind) {
            all.append(&mut self.decode(index)?);
        }
        Ok(all)
    }

    fn decode<T: Decode<()>>(&self, index: usize) -> Result<Vec<T>, SnapshotError> {
        let at = self.table[index].offset;
        let records = Records::of(self.section_at(index)?);
        let damaged = |(within, found)| self.damaged(at + within, found);
        records.map(|record| record.map_err(damaged)).collect()
    }

    fn each<T: Decode<()>>(
        &self,
        index: usize,
        mut take: impl FnMut(T) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let at = self.table[index].offset;
        for record in Records::of(self.section_at(index)?) {
            take(record.map_err(|(within, found)| self.damaged(at + within, found))?)?;
        }
        Ok(())
    }
}
