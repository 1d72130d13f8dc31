//! Which units a plan moves from where to where.

use crate::backlog::{MoveRow, PlanFile, Side};
use std::collections::BTreeMap;

/// Where units are, or that they wait for supply.
pub(super) type Place<'a> = Option<&'a str>;

/// Units by where they were and where they are then; those that stay are left out.
pub(super) fn flows(plan: &PlanFile) -> BTreeMap<(Place<'_>, Place<'_>), u64> {
    let mut flows = BTreeMap::new();
    for row in &plan.moves {
        add(row, &mut flows);
    }
    flows
}

fn add<'a>(row: &'a MoveRow, flows: &mut BTreeMap<(Place<'a>, Place<'a>), u64>) {
    let mut by_sku: BTreeMap<&str, BTreeMap<Place<'_>, i64>> = BTreeMap::new();
    for (side, sign) in [(&row.from, -1), (&row.to, 1)] {
        for (place, sku, units) in units(side) {
            let places = by_sku.entry(sku).or_default();
            *places.entry(place).or_default() += i64::from(units) * sign;
        }
    }
    for places in by_sku.into_values() {
        // Who has fewer gives to who has more, in the order of their names.
        let mut takers: Vec<(Place<'_>, i64)> = places
            .iter()
            .filter(|(_, units)| **units > 0)
            .map(|(p, u)| (*p, *u))
            .collect();
        for (from, units) in places.iter().filter(|(_, units)| **units < 0) {
            let mut left = -units;
            for (to, wants) in &mut takers {
                let given = left.min(*wants);
                if given > 0 {
                    left -= given;
                    *wants -= given;
                    *flows.entry((*from, *to)).or_default() += given.unsigned_abs();
                }
            }
        }
    }
}

fn units(side: &Side) -> impl Iterator<Item = (Place<'_>, &str, u32)> {
    let shipped = side.shipments.iter().flat_map(|s| {
        let items = s.items.iter();
        items.map(|i| (Some(s.location.as_str()), i.sku.as_str(), i.qty))
    });
    let short = side.short.iter().map(|i| (None, i.sku.as_str(), i.qty));
    shipped.chain(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backlog::{ItemRow, ShipmentRow};

    fn item(sku: &str, qty: u32) -> ItemRow {
        ItemRow {
            sku: sku.into(),
            qty,
        }
    }

    fn side(shipments: &[(&str, &str, u32)], short: &[(&str, u32)]) -> Side {
        let shipment = |&(location, sku, qty): &(&str, &str, u32)| ShipmentRow {
            location: location.into(),
            service: "ground".into(),
            ready_at: String::new(),
            ship_at: String::new(),
            deliver_on: String::new(),
            items: vec![item(sku, qty)],
        };
        Side {
            shipments: shipments.iter().map(shipment).collect(),
            short: short.iter().map(|(sku, qty)| item(sku, *qty)).collect(),
            cents: 0,
        }
    }

    #[test]
    fn units_go_from_who_has_fewer_to_who_has_more() {
        let row = MoveRow {
            source: "web".into(),
            order: "1".into(),
            from: side(&[("A", "x", 3), ("B", "y", 1)], &[("z", 2)]),
            to: side(
                &[("B", "x", 2), ("A", "x", 1), ("B", "y", 1), ("C", "z", 2)],
                &[],
            ),
            saved_cents: 0,
            days_gained: None,
        };
        let mut flows = BTreeMap::new();
        add(&row, &mut flows);
        let expected = [((None, Some("C")), 2), ((Some("A"), Some("B")), 2)];
        assert_eq!(flows.into_iter().collect::<Vec<_>>(), expected);
    }
}
