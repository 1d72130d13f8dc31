//! Why a command was refused. A refusal changes nothing.
//!
//! Every error has a code, the first word on the wire, so that a host can branch on it.

use crate::ledger::{HoldError, Refusal, StockError, SupplyError};
use crate::lifecycle;
use crate::model::{Invalid, Qty, ShortLine, SkuId, numbered};
use crate::routing::Unroutable;

/// A refused command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A field holds what it may not hold.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// A name that nobody has introduced.
    #[error("{field} is '{value}'; no such {kind} is known{hint}")]
    NotFound {
        /// The field.
        field: String,
        /// What it held.
        value: String,
        /// What kind of thing was looked for.
        kind: &'static str,
        /// How to introduce one; empty or starting with `; `.
        hint: &'static str,
    },
    /// Several of the above at once, in the order of the fields, at least two; and how many there are
    /// beside these.
    #[error("{}", numbered(.0, *.1))]
    Several(Vec<EngineError>, usize),
    /// An identity stands for something else already.
    #[error("{field} is '{value}'; {why}")]
    Conflict {
        /// The field that holds the identity.
        field: &'static str,
        /// The identity.
        value: String,
        /// What it stands for and what to do.
        why: String,
    },
    /// Not enough may be promised.
    #[error("{sku}{place}: asked {asked}, available {available}{earliest}")]
    NoStock {
        /// The item.
        sku: String,
        /// ` at LOCATION`, or empty.
        place: String,
        /// Units asked for.
        asked: u32,
        /// Units that may be promised.
        available: u32,
        /// `, all of it from TIME`, or empty.
        earliest: String,
    },
    /// The order cannot ship completely and may not be backordered.
    #[error("{why}")]
    Unroutable {
        /// Of what it is short, by name.
        why: String,
        /// The same by number.
        short: Vec<(SkuId, Qty)>,
    },
    /// A location has no room on the day.
    #[error("{0} has no room left on the day of the hand-over")]
    Full(String),
    /// More units would wait for supply than may.
    #[error(
        "{sku}: {waiting} units wait for supply already and at most {most} may; send the order again \
         when more is on its way, or without those units"
    )]
    BackorderLimit {
        /// The item.
        sku: String,
        /// Units that wait.
        waiting: u64,
        /// Most that may.
        most: u64,
    },
    /// A reservation was over already.
    #[error("reservation is '{id}'; it expired at {at}; put it again")]
    Expired {
        /// Which.
        id: String,
        /// When.
        at: crate::model::EpochMillis,
    },
    /// More than a limit allows.
    #[error("{0}")]
    TooLarge(Invalid),
    /// A fulfilment order cannot do that now, or not for whoever asked.
    #[error("{0}")]
    Fulfillment(lifecycle::Refusal),
    /// No part of an order may be handed out.
    #[error("order {order} is {state}: nothing of it may ship; tell whoever has it")]
    NothingToShip {
        /// Which.
        order: String,
        /// Where it stands.
        state: &'static str,
    },
    /// Other orders kept taking what this one was to get.
    #[error("the stock changed {tries} times while the order was routed; send it again")]
    Busy {
        /// How often it was tried.
        tries: u32,
    },
}

impl EngineError {
    /// The first word on the wire. Of several findings it is theirs where all have the same, else
    /// `INVALID`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Several(all, _) => {
                let first = all.first().map_or("INVALID", Self::code);
                match all.iter().all(|found| found.code() == first) {
                    true => first,
                    false => "INVALID",
                }
            }
            Self::Invalid(_) => "INVALID",
            Self::NotFound { .. } => "NOTFOUND",
            Self::Conflict { .. } => "CONFLICT",
            Self::NoStock { .. }
            | Self::Unroutable { .. }
            | Self::Full(_)
            | Self::BackorderLimit { .. } => "NOSTOCK",
            Self::Expired { .. } => "EXPIRED",
            Self::TooLarge(_) => "TOOLARGE",
            Self::Busy { .. } => "BUSY",
            Self::NothingToShip { .. } => "STATE",
            Self::Fulfillment(refusal) => match refusal {
                lifecycle::Refusal::NotAllowed { .. } => "STATE",
                lifecycle::Refusal::Held { .. } | lifecycle::Refusal::MayHaveBegun { .. } => "HELD",
                lifecycle::Refusal::Stale { .. } => "STALE",
                lifecycle::Refusal::Invalid(_) => "INVALID",
            },
        }
    }

    /// The field that it is about, where it is about one of what was sent.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid(invalid) | Self::TooLarge(invalid) => Some(&invalid.field),
            Self::NotFound { field, .. } => Some(field),
            _ => None,
        }
    }

    /// What the field held, with [`EngineError::field`].
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Invalid(invalid) | Self::TooLarge(invalid) => Some(&invalid.value),
            Self::NotFound { value, .. } => Some(value),
            _ => None,
        }
    }

    /// What was found, one by one: all of several, else this alone.
    #[must_use]
    pub fn findings(&self) -> &[Self] {
        match self {
            Self::Several(all, _) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// How many were found beside [`EngineError::findings`].
    #[must_use]
    pub fn beyond(&self) -> usize {
        match self {
            Self::Several(_, beyond) => *beyond,
            _ => 0,
        }
    }

    pub(crate) fn not_found(field: impl Into<String>, value: &str, kind: &'static str) -> Self {
        // Shortened and escaped like every value that is repeated to its sender.
        let value = Invalid::new("", value, "").value;
        let hint = match kind {
            "sku" => "; introduce it with ITEM.PUT",
            "location" => "; introduce it with LOCATION.PUT",
            _ => "",
        };
        Self::NotFound {
            field: field.into(),
            value,
            kind,
            hint,
        }
    }
}

impl From<lifecycle::Refusal> for EngineError {
    fn from(refusal: lifecycle::Refusal) -> Self {
        Self::Fulfillment(refusal)
    }
}

/// Puts names to what the ledger refused.
pub(super) struct Naming<'a> {
    pub(super) registry: &'a super::Registry,
}

impl Naming<'_> {
    pub(super) fn refusal(&self, refusal: &Refusal, reservation: &str) -> EngineError {
        match *refusal {
            Refusal::Insufficient {
                sku,
                location,
                asked,
                available,
                earliest,
            } => EngineError::NoStock {
                sku: self.registry.sku_name(sku).to_owned(),
                place: location.map_or_else(String::new, |l| {
                    format!(" at {}", self.registry.location_name(l))
                }),
                asked: asked.0,
                available: available.0,
                earliest: earliest.map_or_else(String::new, |at| format!(", all of it from {at}")),
            },
            Refusal::Full(location) => {
                EngineError::Full(self.registry.location_name(location).to_owned())
            }
            Refusal::Expired(at) => EngineError::Expired {
                id: reservation.to_owned(),
                at,
            },
        }
    }

    pub(super) fn stock(error: &StockError, field: &str) -> EngineError {
        match error {
            StockError::OutOfRange(after) => {
                Invalid::new(field, after, "on hand from 0 to 2000000000 afterwards").into()
            }
            StockError::Stale { as_of, moved_at } => EngineError::Conflict {
                field: "ASOF",
                value: as_of.to_string(),
                why: format!("units moved there at {moved_at}, after the count; count again"),
            },
        }
    }

    pub(super) fn hold(error: &HoldError, id: &str) -> EngineError {
        match error {
            HoldError::NotOnHand { asked, free } => Invalid::new(
                "qty",
                asked,
                format!("at most the {free} units on hand that are not held yet"),
            )
            .into(),
            HoldError::TooMany { asked, held } => {
                Invalid::new("qty", asked, format!("at most the {held} units it holds")).into()
            }
            HoldError::Unknown => EngineError::not_found("hold", id, "hold"),
            HoldError::Differs(_) => EngineError::Conflict {
                field: "hold",
                value: id.to_owned(),
                why: "a hold of that id exists with other content; use a new id".to_owned(),
            },
        }
    }

    pub(super) fn supply(error: &SupplyError, field: &'static str, id: &str) -> EngineError {
        let conflict = |why: String| EngineError::Conflict {
            field,
            value: id.to_owned(),
            why,
        };
        match error {
            SupplyError::Unknown => EngineError::not_found(field, id, field),
            SupplyError::Differs(_) => conflict(
                "a transfer or purchase of that id exists with other content; use a new id"
                    .to_owned(),
            ),
            SupplyError::Closed(state) => conflict(format!(
                "it is {} already and nothing is on its way; announce further units under a new id",
                state.name()
            )),
            SupplyError::SameLocation => {
                Invalid::new("to", id, "a location other than the origin").into()
            }
            SupplyError::NotFree { asked, free } => Invalid::new(
                "qty",
                asked,
                format!("at most the {free} units that may leave (FORCE if they have left)"),
            )
            .into(),
            SupplyError::Stock(error) => Self::stock(error, "qty"),
        }
    }

    pub(super) fn unroutable(&self, error: &Unroutable, skus: &[SkuId]) -> EngineError {
        let list = |short: &[ShortLine]| {
            let named = short.iter().map(|s| {
                let sku = skus.get(usize::from(s.demand)).copied();
                let name = sku.map_or("?", |sku| self.registry.sku_name(sku));
                format!("{name} x {}", s.qty)
            });
            named.collect::<Vec<_>>().join(", ")
        };
        match error {
            Unroutable::Short { short, .. } => EngineError::Unroutable {
                why: format!(
                    "cannot ship everything and allow_backorder is false; short of {}",
                    list(short)
                ),
                short: short
                    .iter()
                    .filter_map(|s| Some((*skus.get(usize::from(s.demand))?, s.qty)))
                    .collect(),
            },
            Unroutable::Malformed(invalid) => invalid.clone().into(),
            Unroutable::TooManyDemands { demands, max } => {
                let most = format!("at most {max} different items");
                EngineError::TooLarge(Invalid::new("lines", demands, most))
            }
        }
    }
}
