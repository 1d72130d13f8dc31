//! The parcels of a fulfilment order: a set by carrier and tracking number that only grows.
//!
//! A second parcel never replaces the first, and a repeat never books one twice.

use super::change::Refusal;
use super::fulfillment::FulfillmentLine;
use crate::model::Parcel;
use crate::model::{Cents, Invalid, Qty, check_id};

/// Most parcels of one fulfilment order.
pub const PARCELS_MAX: usize = 1_000;

/// Whether everything that `told` says is known.
pub(super) fn knows(known: &[Parcel], told: &Parcel) -> bool {
    known.iter().any(|k| {
        k.tracking == told.tracking
            && (k.cents.is_some() || told.cents.is_none())
            && (!k.contents.is_empty() || told.contents.is_empty())
            && (k.delivered || !told.delivered)
    })
}

/// `known` and `more`. What is known of a parcel stays; what is not is filled in.
pub(super) fn merged(
    known: &[Parcel],
    more: &[Parcel],
    all_delivered: bool,
) -> Result<Vec<Parcel>, Refusal> {
    let mut all = known.to_vec();
    for told in more {
        check(told)?;
        match all.iter_mut().find(|k| k.tracking == told.tracking) {
            Some(k) => {
                k.cents = k.cents.or(told.cents);
                k.delivered |= told.delivered;
                if k.contents.is_empty() {
                    k.contents.clone_from(&told.contents);
                }
            }
            None => all.push(Parcel {
                delivered: told.delivered || all_delivered,
                ..told.clone()
            }),
        }
    }
    if all.len() > PARCELS_MAX {
        let expected = format!("at most {PARCELS_MAX} parcels");
        return Err(Invalid::new("parcels", all.len(), expected).into());
    }
    Ok(all)
}

fn check(parcel: &Parcel) -> Result<(), Invalid> {
    check_id("carrier", &parcel.tracking.carrier)?;
    check_id("tracking", &parcel.tracking.number)?;
    match parcel.cents {
        Some(cents) if cents < Cents::ZERO || cents > Cents::MAX => {
            let expected = format!("0 to {} cents", Cents::MAX);
            Err(Invalid::new("cents", cents, expected))
        }
        _ => Ok(()),
    }
}

/// No more of a line is in parcels than was picked.
pub(super) fn check_contents(parcels: &[Parcel], lines: &[FulfillmentLine]) -> Result<(), Invalid> {
    let mut packed = vec![0_u64; lines.len()];
    for &(line, qty) in parcels.iter().flat_map(|p| &p.contents) {
        let field = || format!("parcels.lines[{line}]");
        let (Some(sum), Some(known)) = (
            packed.get_mut(usize::from(line)),
            lines.get(usize::from(line)),
        ) else {
            return Err(Invalid::new(field(), qty, "a line of the fulfilment order"));
        };
        *sum += u64::from(qty.0);
        let there: Qty = known.units.alive();
        if *sum > u64::from(there.0) {
            let expected = format!("no more than {there} in all parcels");
            return Err(Invalid::new(field(), *sum, expected));
        }
    }
    Ok(())
}
