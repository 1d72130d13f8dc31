//! Reservations by their own id: carts mostly, soft with a time to live, or firm.

use super::error::EngineError;
use super::facts::{AsIs, Cancelling, Putting};
use super::{Engine, Registry};
use crate::cut::Before;
use crate::ledger::{Grant, NoLog, Owner, Refusal, Reservation, Take, Want};
use crate::model::{
    EpochMillis, Invalid, LocationId, Millis, OwnerFact, Qty, ReservationAsked, SkuId, check_id,
};
use crate::snapshot::ReservationImage;
use dashmap::{DashMap, Entry};
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Longest time to live, in milliseconds: a year.
const TTL_MAX: Millis = Millis(366 * 86_400_000);

/// One thing to reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedLine<'a> {
    /// Text id of the item.
    pub sku: &'a str,
    /// Text id of the location; `*` for any.
    pub location: &'a str,
    /// Units, at least 1.
    pub qty: Qty,
}

/// What a reservation shall hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservationPut<'a> {
    /// Its id, chosen by the sender.
    pub id: &'a str,
    /// How long it lives from now; `None` makes it firm.
    pub ttl: Option<Millis>,
    /// The selling channel.
    pub channel: &'a str,
    /// Higher keeps its promise longer when supply is cut.
    pub priority: i32,
    /// When the units must be there; now when absent.
    pub need_at: Option<EpochMillis>,
    /// At least one.
    pub lines: &'a [WantedLine<'a>],
}

/// What a reservation holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationView {
    /// When it ends; `DISTANT_FUTURE` when firm.
    pub expires_at: EpochMillis,
    /// SKU, location and units of every claim.
    pub claims: Vec<(SkuId, LocationId, Qty)>,
}

#[derive(Debug)]
pub(super) enum Record {
    Holding {
        content: ReservationAsked,
        reservation: Reservation,
    },
    /// It stays cancelled: a late repeat of its creation must not bring it back.
    Cancelled,
}

/// When a soft reservation ends, and its id; the earliest comes first.
type Ending = Reverse<(EpochMillis, Box<str>)>;

/// All reservations by id.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) records: DashMap<Box<str>, Record, RandomState>,
    /// Soft reservations by their end, so that ended ones are found without a scan.
    endings: Mutex<BinaryHeap<Ending>>,
    /// Reservations as they were at a cut.
    pub(super) before: Before<Box<str>, ReservationImage>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            records: DashMap::with_hasher_and_shard_amount(RandomState::default(), 1024),
            endings: Mutex::default(),
            before: Before::default(),
        }
    }
}

impl Book {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn note_ending(&self, id: &str, expires_at: EpochMillis) {
        if expires_at < EpochMillis::DISTANT_FUTURE {
            self.endings.lock().push(Reverse((expires_at, id.into())));
        }
    }

    fn next_ended(&self, now: EpochMillis) -> Option<Box<str>> {
        let mut endings = self.endings.lock();
        let Reverse((end, _)) = endings.peek()?;
        if *end > now {
            return None;
        }
        endings.pop().map(|Reverse((_, id))| id)
    }
}

impl Engine {
    /// Gets or creates a reservation. The same request again answers with what it holds; another
    /// one under the same id changes it in one step, or not at all; one that ran out starts anew.
    ///
    /// # Errors
    /// `NOSTOCK` with what is available and from when all of it would be; `CONFLICT` for an id
    /// that was cancelled; `INVALID`, `NOTFOUND`, `TOOLARGE`.
    pub fn put_reservation(
        &self,
        put: &ReservationPut<'_>,
        now: EpochMillis,
    ) -> Result<ReservationView, EngineError> {
        let before = self.skus_of_reservation(put.id);
        let answer = self.put_reservation_alone(put, now)?;
        // It may hold less than before.
        self.allocate_all(before, now);
        Ok(answer)
    }

    fn put_reservation_alone(
        &self,
        put: &ReservationPut<'_>,
        now: EpochMillis,
    ) -> Result<ReservationView, EngineError> {
        check_id("reservation", put.id)?;
        let mut content = self.read_content(put)?;
        let expires_at = expiry(put.ttl, now)?;
        let named = |refusal: Refusal| self.names().refusal(&refusal, put.id);
        match self.reservations.records.entry(put.id.into()) {
            Entry::Occupied(mut known) => {
                content.channel = self.channel("channel", put.channel, now)?;
                let Record::Holding {
                    content: old,
                    reservation,
                } = known.get_mut()
                else {
                    return Err(cancelled(put.id));
                };
                if reservation.is_live(now) && *old == content {
                    return Ok(view(reservation));
                }
                let sequence = reservation.owner().sequence;
                let owner = owner(put, sequence);
                let pass = self.gate.enter();
                let was = || Some(self.holding_image(put.id, old, reservation));
                self.reservations.before.save(|| put.id.into(), was);
                let log = Putting {
                    engine: self,
                    pass: &pass,
                    id: put.id,
                    asked: &content,
                };
                let wants = wants(&content, now);
                let take = Take {
                    owner: &owner,
                    channel: content.channel,
                    expires_at,
                    wants: &wants,
                };
                self.ledger
                    .change(reservation, &take, now, &log)
                    .map_err(named)?;
                *old = content;
                self.reservations.note_ending(put.id, expires_at);
                Ok(view(reservation))
            }
            Entry::Vacant(place) => {
                let owner = owner(put, self.next_sequence());
                let wants = wants(&content, now);
                let take = |channel| Take {
                    owner: &owner,
                    channel,
                    expires_at,
                    wants: &wants,
                };
                if !Registry::is_introduced(content.channel) {
                    // A refusal must leave nothing behind, not even the name of a channel.
                    let pass = self.gate.enter();
                    let tried = self.ledger.take(&take(content.channel), now, &NoLog);
                    self.ledger.release(tried.map_err(named)?, now, &NoLog);
                    drop(pass);
                    content.channel = self.channel("channel", put.channel, now)?;
                }
                let pass = self.gate.enter();
                let log = Putting {
                    engine: self,
                    pass: &pass,
                    id: put.id,
                    asked: &content,
                };
                let take = take(content.channel);
                let reservation = self.ledger.take(&take, now, &log).map_err(named)?;
                let answer = view(&reservation);
                let id = || put.id.into();
                self.reservations.before.save(id, || None);
                place.insert(Record::Holding {
                    content,
                    reservation,
                });
                self.reservations.note_ending(put.id, expires_at);
                Ok(answer)
            }
        }
    }

    /// Makes a reservation firm. Confirming a firm one changes nothing.
    ///
    /// # Errors
    /// `EXPIRED`, `NOTFOUND`, and `CONFLICT` when it was cancelled.
    pub fn confirm_reservation(
        &self,
        id: &str,
        now: EpochMillis,
    ) -> Result<ReservationView, EngineError> {
        self.move_ending(id, now, |_| EpochMillis::DISTANT_FUTURE)
    }

    /// Lets a soft reservation live at least `ttl` from now. It never ends earlier than before,
    /// so that a repeat is harmless; a firm one stays firm.
    ///
    /// # Errors
    /// `EXPIRED`, `NOTFOUND`, `INVALID`, and `CONFLICT` when it was cancelled.
    pub fn extend_reservation(
        &self,
        id: &str,
        ttl: Millis,
        now: EpochMillis,
    ) -> Result<ReservationView, EngineError> {
        let end = expiry(Some(ttl), now)?;
        self.move_ending(id, now, |old| old.max(end))
    }

    /// Cancels a reservation; its units are free. Returns whether it still held them. Cancelling
    /// again changes nothing.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn cancel_reservation(&self, id: &str, now: EpochMillis) -> Result<bool, EngineError> {
        let skus = self.skus_of_reservation(id);
        let held = self.cancel_reservation_alone(id, now)?;
        self.allocate_all(skus, now);
        Ok(held)
    }

    /// What a reservation holds, if anybody waits for anything.
    fn skus_of_reservation(&self, id: &str) -> Vec<SkuId> {
        if self.backorders.is_empty() {
            return Vec::new();
        }
        let record = self.reservations.records.get(id);
        record.map_or_else(Vec::new, |record| match &*record {
            Record::Cancelled => Vec::new(),
            Record::Holding { reservation, .. } => skus_of(reservation),
        })
    }

    /// The same without a thought of who could have what is free now: in a replay that has been
    /// decided.
    pub(super) fn cancel_reservation_alone(
        &self,
        id: &str,
        now: EpochMillis,
    ) -> Result<bool, EngineError> {
        let record = self.reservations.records.get_mut(id);
        let mut record = record.ok_or_else(|| unknown(id))?;
        let pass = self.gate.enter();
        let was = || Some(self.record_image(id, &record));
        self.reservations.before.save(|| id.into(), was);
        match std::mem::replace(&mut *record, Record::Cancelled) {
            Record::Cancelled => Ok(false),
            Record::Holding { reservation, .. } => {
                let log = Cancelling {
                    engine: self,
                    pass: &pass,
                    id,
                };
                Ok(self.ledger.release(reservation, now, &log))
            }
        }
    }

    /// What a live reservation holds.
    ///
    /// # Errors
    /// `NOTFOUND`, `EXPIRED`, `CONFLICT` when it was cancelled.
    pub fn reservation(&self, id: &str, now: EpochMillis) -> Result<ReservationView, EngineError> {
        let record = self
            .reservations
            .records
            .get(id)
            .ok_or_else(|| unknown(id))?;
        match &*record {
            Record::Cancelled => Err(cancelled(id)),
            Record::Holding { reservation, .. } if reservation.is_live(now) => {
                Ok(view(reservation))
            }
            Record::Holding { reservation, .. } => Err(EngineError::Expired {
                id: id.to_owned(),
                at: reservation.expires_at(),
            }),
        }
    }

    /// Forgets reservations that ran out by `now`. Their units were free from the millisecond of
    /// expiry; this only frees memory. Returns how many.
    pub fn sweep(&self, now: EpochMillis) -> usize {
        let (mut swept, mut freed) = (0, Vec::new());
        // While somebody looks at reservations as they were, none may go.
        while !self.reservations.before.is_saving()
            && let Some(id) = self.reservations.next_ended(now)
        {
            let mut pass = None;
            #[allow(clippy::borrowed_box, reason = "the map's key type")]
            let over = |id: &Box<str>, record: &Record| match record {
                Record::Holding { reservation, .. } if !reservation.is_live(now) => {
                    pass = Some(self.gate.enter());
                    let looked_at = self.reservations.before.is_saving();
                    if looked_at {
                        // The next sweep finds it again.
                        let end = reservation.expires_at();
                        self.reservations.note_ending(id, end);
                    }
                    !looked_at
                }
                Record::Holding { .. } | Record::Cancelled => false,
            };
            let gone = self.reservations.records.remove_if(&id, over);
            if let (Some((_, Record::Holding { reservation, .. })), Some(pass)) = (gone, &pass) {
                freed.extend(skus_of(&reservation));
                self.ledger.release(reservation, now, &AsIs(self, pass));
                swept += 1;
            }
        }
        self.allocate_all(freed, now);
        swept
    }

    /// Holds again what a reservation was granted.
    pub(super) fn restore_reservation(
        &self,
        id: &str,
        asked: ReservationAsked,
        grant: &Grant<'_>,
        at: EpochMillis,
    ) -> Result<(), String> {
        match self.reservations.records.entry(id.into()) {
            Entry::Occupied(mut known) => {
                let Record::Holding {
                    content,
                    reservation,
                } = known.get_mut()
                else {
                    return Err(format!("reservation {id} was cancelled before it is put"));
                };
                self.ledger.rechange(reservation, grant, at);
                *content = asked;
            }
            Entry::Vacant(place) => {
                let reservation = self.ledger.regrant(grant, at);
                place.insert(Record::Holding {
                    content: asked,
                    reservation,
                });
            }
        }
        self.reservations.note_ending(id, grant.expires_at);
        Ok(())
    }

    /// Forgets a reservation that had run out by `at`.
    pub(super) fn forget_reservation(&self, id: &str, at: EpochMillis) {
        let gone = self.reservations.records.remove_if(id, |_, record| {
            matches!(record, Record::Holding { reservation, .. } if !reservation.is_live(at))
        });
        if let Some((_, Record::Holding { reservation, .. })) = gone {
            self.ledger.release(reservation, at, &NoLog);
        }
    }

    /// Every reservation that counts at `now`, with what was asked and granted; `None` for a
    /// cancelled one.
    pub(super) fn for_each_reservation(
        &self,
        now: EpochMillis,
        mut see: impl FnMut(&str, Option<(&ReservationAsked, &Reservation)>),
    ) {
        for entry in &self.reservations.records {
            match entry.value() {
                Record::Cancelled => see(entry.key(), None),
                Record::Holding {
                    content,
                    reservation,
                } if reservation.is_live(now) => see(entry.key(), Some((content, reservation))),
                Record::Holding { .. } => {}
            }
        }
    }

    pub(super) fn move_ending(
        &self,
        id: &str,
        now: EpochMillis,
        end: impl FnOnce(EpochMillis) -> EpochMillis,
    ) -> Result<ReservationView, EngineError> {
        let record = self.reservations.records.get_mut(id);
        let mut record = record.ok_or_else(|| unknown(id))?;
        let Record::Holding { reservation, .. } = &*record else {
            return Err(cancelled(id));
        };
        let old = reservation.expires_at();
        let new = end(old);
        if new != old || !reservation.is_live(now) {
            let pass = self.gate.enter();
            let was = || Some(self.record_image(id, &record));
            self.reservations.before.save(|| id.into(), was);
            let Record::Holding { reservation, .. } = &mut *record else {
                return Err(cancelled(id));
            };
            let log = AsIs(self, &pass);
            let extended = self.ledger.extend(reservation, new, now, &log);
            extended.map_err(|refusal| self.names().refusal(&refusal, id))?;
            self.reservations.note_ending(id, new);
            return Ok(view(reservation));
        }
        Ok(view(reservation))
    }

    fn read_content(&self, put: &ReservationPut<'_>) -> Result<ReservationAsked, EngineError> {
        self.check_lines(put.lines.len())?;
        let mut lines = Vec::with_capacity(put.lines.len());
        for line in put.lines {
            let sku = self.registry.sku("sku", line.sku)?;
            let location = match line.location {
                "*" => None,
                named => Some(self.registry.location("location", named)?),
            };
            if line.qty.is_zero() || line.qty > Qty::MAX {
                let expected = "a whole number from 1 to 2000000000";
                return Err(Invalid::new("qty", line.qty, expected).into());
            }
            lines.push((sku, location, line.qty));
        }
        Ok(ReservationAsked {
            channel: self.registry.channel_asked("channel", put.channel)?,
            priority: put.priority,
            firm: put.ttl.is_none(),
            need_at: put.need_at,
            lines,
        })
    }
}

fn owner(put: &ReservationPut<'_>, sequence: u64) -> Arc<Owner> {
    let id = OwnerFact::Reservation(put.id.into());
    Arc::new(Owner {
        id,
        priority: put.priority,
        sequence,
    })
}

fn wants(content: &ReservationAsked, now: EpochMillis) -> Vec<Want> {
    let need_at = content.need_at.unwrap_or(now);
    let lines = content.lines.iter();
    lines
        .map(|&(sku, location, qty)| Want {
            sku,
            location,
            qty,
            need_at,
        })
        .collect()
}

fn expiry(ttl: Option<Millis>, now: EpochMillis) -> Result<EpochMillis, EngineError> {
    match ttl {
        None => Ok(EpochMillis::DISTANT_FUTURE),
        Some(ttl) if ttl.0 > 0 && ttl <= TTL_MAX => Ok(now + ttl),
        Some(ttl) => {
            let expected = format!("milliseconds from 1 to {}", TTL_MAX.0);
            Err(Invalid::new("ttl", ttl.0, expected).into())
        }
    }
}

fn skus_of(reservation: &Reservation) -> Vec<SkuId> {
    reservation.claims().iter().map(|claim| claim.sku).collect()
}

fn view(reservation: &Reservation) -> ReservationView {
    let claims = reservation.claims().iter();
    ReservationView {
        expires_at: reservation.expires_at(),
        claims: claims.map(|c| (c.sku, c.location, c.qty)).collect(),
    }
}

fn unknown(id: &str) -> EngineError {
    EngineError::not_found("reservation", id, "reservation (it may have expired)")
}

fn cancelled(id: &str) -> EngineError {
    EngineError::Conflict {
        field: "reservation",
        value: id.to_owned(),
        why: "it was cancelled; use a new id".to_owned(),
    }
}
