//! Which constraints bind, by lifting each in the rows of the instance and trying everything.

use super::ask::bindings;
use super::instance::Instance;
use super::rules::ensure;
use super::{Verdict, enumerate, naive};
use allot::model::Qty;
use allot::routing::Constraint;

/// `inst` without a constraint.
fn without(inst: &Instance, constraint: Constraint) -> Instance {
    let mut one = inst.clone();
    match constraint {
        Constraint::HardDate => one.hard = false,
        Constraint::MaxShipments => one.policy.max_shipments = 9,
        Constraint::MinValueToSplit => one.policy.min_value_to_split.0 = 0,
        Constraint::ShipComplete => one.policy.ship_complete = false,
        Constraint::NoBackorder => one.policy.allow_backorder = true,
        Constraint::MaySplit => one.demands.iter_mut().for_each(|d| d.may_split = true),
        Constraint::Abilities => {
            let classes: Vec<Box<str>> = one.demands.iter().map(|d| (&*d.class).into()).collect();
            let locations = &mut one.network.locations;
            locations
                .iter_mut()
                .for_each(|l| l.abilities.extend(classes.clone()));
        }
        Constraint::Together => one.demands.iter_mut().for_each(|d| d.together = 0),
        Constraint::Restrictions => one.network.restrictions.clear(),
        Constraint::Exclude => one.excluded.clear(),
        Constraint::ShipsTo => {
            let locations = &mut one.network.locations;
            locations.iter_mut().for_each(|l| l.ships_to.clear());
        }
        Constraint::Paused => one.paused.clear(),
        Constraint::Capacity => {
            for location in &mut one.network.locations {
                (location.shipments_per_day, location.units_per_day) = (None, None);
            }
        }
        Constraint::StockBuffer => add_buffers(&mut one),
    }
    one
}

/// What locations keep back is there for the order.
fn add_buffers(inst: &mut Instance) {
    for location in 0..inst.network.locations.len() {
        let kept = std::mem::replace(
            &mut inst.network.locations[location].stock_buffer,
            Qty::ZERO,
        );
        for stock in &mut inst.stock {
            for cell in stock.cells.iter_mut().filter(|c| c.location == location) {
                cell.now += kept.0;
                cell.later.iter_mut().for_each(|step| step.1 += kept.0);
            }
        }
    }
}

/// Holds what the router says that binds against enumeration.
pub(crate) fn bound(inst: &Instance) -> Result<(), String> {
    let divides = |i: &Instance| (0..i.demands.len()).any(|d| naive::divisible(i, d));
    let Verdict::Best(plain) = enumerate::all(inst) else {
        return Ok(());
    };
    let found = bindings(inst).map_err(|e| format!("refused: {e}"))?;
    for constraint in Constraint::ALL {
        // A buffer may hide whole positions, and a limit cuts what the view shows of them.
        let limited = inst.stock.iter().any(|s| s.limit.is_some());
        let hidden = |l| {
            (0..inst.demands.len()).any(|d| inst.stock[d].cell(l).is_none() && inst.shows(d, l))
        };
        let murky = limited || (0..inst.network.locations.len()).any(hidden);
        if constraint == Constraint::StockBuffer && murky {
            continue;
        }
        let lifted = without(inst, constraint);
        let Verdict::Best(best) = enumerate::all(&lifted) else {
            continue;
        };
        let saves = plain.total - best.total;
        let said = found.iter().find(|b| b.constraint == constraint);
        let right = match said {
            Some(b) if b.proven => b.saves.0 == saves,
            Some(b) => b.saves.0 <= saves,
            None => saves <= 0 || divides(inst) || divides(&lifted),
        };
        ensure(right, || {
            format!("{}: {said:?}, saves {saves}", constraint.name())
        })?;
    }
    Ok(())
}
