//! A shard as plain data, and back.

use super::{Position, Row, Shard};
use crate::ledger::allocation::{Allocation, Allocations};
use crate::model::{EpochMillis, LocationId};
use bincode::{Decode, Encode};

/// A shard at one moment, without its claims: those belong to orders and reservations, which
/// bring them back. What is on its way belongs to the supplies, what is held to the holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardImage {
    /// Which shard.
    pub number: u32,
    /// The moment it had come to.
    pub now: EpochMillis,
    /// Positions by row; those of row r end at `row_ends[r]`, where those of row r + 1 begin.
    pub positions: Vec<Position>,
    /// See `positions`.
    pub row_ends: Vec<u32>,
    /// Rows whose ATP depends on more than the counts of their positions, or will without anybody
    /// changing them: timed, allocated, with claims that run out. Ascending.
    pub complex_rows: Vec<u32>,
    /// What only few positions have.
    pub side: ShardSide,
}

/// What only few positions of a shard have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct ShardSide {
    /// Shares of channels by row.
    pub allocations: Vec<(u32, Vec<Allocation>)>,
    /// When units last moved, by row and location.
    pub moved_at: Vec<(u32, LocationId, EpochMillis)>,
    /// Soft claims that ran out so far.
    pub expired: u64,
}

impl Shard {
    /// What it is now.
    pub(in crate::ledger) fn image(&self, number: u32) -> ShardImage {
        let mut positions = Vec::with_capacity(self.rows.iter().map(|r| usize::from(r.len)).sum());
        let mut row_ends = Vec::with_capacity(self.rows.len());
        let mut complex_rows: Vec<u32> = self.soft_rows().collect();
        for row in self.row_numbers() {
            positions.extend_from_slice(self.row(row));
            let end = u32::try_from(positions.len()).expect("a shard holds < 2^32 positions");
            row_ends.push(end);
            let timed = self.row(row).iter().any(Position::is_timed);
            if timed || self.rows[row as usize].allocated {
                complex_rows.push(row);
            }
        }
        complex_rows.sort_unstable();
        complex_rows.dedup();
        let shares = self.allocations.iter();
        let moved = self.moved_at.iter();
        ShardImage {
            number,
            now: self.now,
            positions,
            row_ends,
            complex_rows,
            side: ShardSide {
                allocations: shares.map(|(&r, a)| (r, a.entries().to_vec())).collect(),
                moved_at: moved.map(|(&(r, l), &at)| (r, l, at)).collect(),
                expired: self.expired,
            },
        }
    }

    /// Rows with claims that run out by themselves.
    fn soft_rows(&self) -> impl Iterator<Item = u32> {
        let ending = self.endings.iter();
        ending.filter_map(|&std::cmp::Reverse((_, slot))| Some(self.claims.get(slot)?.row))
    }

    /// The shard that an image was taken of, without claims, holds by reason and supply on its way.
    ///
    /// # Errors
    /// A sentence that says what in the image cannot be.
    pub(in crate::ledger) fn restored(
        now: EpochMillis,
        row_ends: &[u32],
        positions: &[Position],
        side: &ShardSide,
    ) -> Result<Self, String> {
        let mut rows = Vec::with_capacity(row_ends.len());
        let mut start = 0;
        for &end in row_ends {
            let len = end.checked_sub(start).and_then(|n| u16::try_from(n).ok());
            let row = positions.get(start as usize..end as usize);
            let (Some(len), Some(row)) = (len, row) else {
                return Err(format!(
                    "a row ends at {end} after one that ends at {start}"
                ));
            };
            if !row.is_sorted_by(|a, b| a.location < b.location) {
                return Err(format!("row {} is not in order", rows.len()));
            }
            rows.push(Row {
                start,
                len,
                room: len,
                allocated: false,
            });
            start = end;
        }
        if start as usize != positions.len() {
            return Err(format!("{} positions are in no row", positions.len()));
        }
        let mut shard = Self {
            now,
            rows,
            positions: positions.to_vec(),
            expired: side.expired,
            ..Self::default()
        };
        for position in &mut shard.positions {
            position.flags = 0; // until the supply that says otherwise is there
        }
        shard.restore_side(side)?;
        Ok(shard)
    }

    fn restore_side(&mut self, side: &ShardSide) -> Result<(), String> {
        for (row, entries) in &side.allocations {
            let known = self.rows.get_mut(*row as usize);
            let known = known.ok_or_else(|| format!("an allocation is for row {row}"))?;
            known.allocated = true;
            self.allocations
                .insert(*row, Allocations::restored(entries));
        }
        for &(row, location, at) in &side.moved_at {
            if self.position(row, location).is_none() {
                return Err(format!("units moved at no position: row {row}"));
            }
            self.moved_at.insert((row, location), at);
        }
        Ok(())
    }

    /// Puts a claim back that is counted already in `reserved` and in what its channel used, and
    /// returns its slot.
    ///
    /// # Errors
    /// Where there is no such position.
    pub(in crate::ledger) fn readmit(&mut self, claim: super::Held) -> Result<u32, String> {
        let Some(position) = self.position(claim.row, claim.location) else {
            let (row, location) = (claim.row, claim.location.0);
            return Err(format!(
                "a claim is on no position: row {row}, location {location}"
            ));
        };
        if position.is_timed() {
            let timeline = self.timelines.get_mut(&(claim.row, claim.location));
            let timeline = timeline.expect("a timed position has a timeline");
            timeline.add_demand(claim.need_at, claim.qty);
        }
        Ok(self.keep_claim(claim))
    }

    /// Notes units of a hold that are counted already in `held`.
    ///
    /// # Errors
    /// Where there is no such position.
    pub(in crate::ledger) fn rehold(
        &mut self,
        row: u32,
        location: LocationId,
        reason: crate::model::HoldReason,
        units: u32,
    ) -> Result<(), String> {
        if self.position(row, location).is_none() {
            return Err(format!("a hold is on no position: row {row}"));
        }
        let by_reason = self.held.entry((row, location)).or_default();
        let sum = by_reason[reason as usize].checked_add(units);
        by_reason[reason as usize] = sum.ok_or("holds add up to too many units")?;
        Ok(())
    }
}
