//! Reservations as a snapshot keeps them: out of the book at a cut, and back into it.

use super::Engine;
use super::reservations::Record;
use crate::ledger::{Grant, Owner, Reservation};
use crate::model::{OwnerFact, ReservationAsked};
use crate::snapshot::{ReservationHolding, ReservationImage};
use std::sync::Arc;

impl Engine {
    /// Reservations are to be seen as they are now. Nobody is changing any.
    pub(super) fn cut_reservations(&self) {
        self.reservations.before.begin();
    }

    /// Every reservation as it was at the cut.
    pub(super) fn each_reservation_at_cut(&self, mut see: impl FnMut(ReservationImage)) {
        let before = &self.reservations.before;
        for entry in &self.reservations.records {
            let image = self.record_image(entry.key(), entry.value());
            if let Some(image) = before.or_read(entry.key(), image) {
                see(image);
            }
        }
    }

    /// Nobody looks any more.
    pub(super) fn end_cut_of_reservations(&self) {
        self.reservations.before.end();
    }

    pub(super) fn record_image(&self, id: &str, record: &Record) -> ReservationImage {
        match record {
            Record::Cancelled => ReservationImage {
                id: id.into(),
                holding: None,
            },
            Record::Holding {
                content,
                reservation,
            } => self.holding_image(id, content, reservation),
        }
    }

    pub(super) fn holding_image(
        &self,
        id: &str,
        asked: &ReservationAsked,
        reservation: &Reservation,
    ) -> ReservationImage {
        let holding = ReservationHolding {
            asked: asked.clone(),
            sequence: reservation.owner().sequence,
            expires_at: reservation.expires_at(),
            claims: self.ledger.claim_facts(reservation),
        };
        ReservationImage {
            id: id.into(),
            holding: Some(holding),
        }
    }

    /// Brings a reservation back: after the supplies of the ledger.
    pub(super) fn readmit_reservation(&self, image: ReservationImage) -> Result<(), String> {
        let record = match image.holding {
            None => Record::Cancelled,
            Some(holding) => {
                let owner = Arc::new(Owner {
                    id: OwnerFact::Reservation(image.id.clone()),
                    priority: holding.asked.priority,
                    sequence: holding.sequence,
                });
                let reservation = self.ledger.readmit(&Grant {
                    owner: &owner,
                    channel: holding.asked.channel,
                    expires_at: holding.expires_at,
                    claims: &holding.claims,
                })?;
                self.reservations.note_ending(&image.id, holding.expires_at);
                Record::Holding {
                    content: holding.asked,
                    reservation,
                }
            }
        };
        match self.reservations.records.insert(image.id, record) {
            None => Ok(()),
            Some(_) => Err("a reservation is there twice".to_owned()),
        }
    }
}
