//! Orders with divided lines, as `route-table` makes them: no plan ships more from a location than is there.

use allot::bench::single::{Mix, Odd, World};
use allot::routing::{Request, Scratch, route};
use std::collections::BTreeMap;

/// Half of the lines of forty orders want more than any of the locations has.
fn world(lines: u32, locations: u16) -> World {
    let mix = Mix {
        lines,
        locations,
        stocked: 50,
        scattered: 50,
        extras: false,
        odd: Odd::None,
        orders: 40,
    };
    World::new(mix, 1)
}

/// Routes an order and holds its plan against the stock that it was made from.
fn ships_what_is_there(world: &World, request: &Request<'_>, name: &str) {
    let decision = route(&world.lanes, request, &mut Scratch::default());
    let decision = decision.expect("an order that some plan serves");
    let mut taken: BTreeMap<(usize, u16), u32> = BTreeMap::new();
    for shipment in &decision.plan.shipments {
        for line in &shipment.lines {
            let place = (usize::from(line.demand), shipment.location.0);
            *taken.entry(place).or_default() += line.qty.0;
        }
    }
    for ((demand, location), units) in taken {
        let mut cells = request.stock.cells(demand).iter();
        let cell = cells.rfind(|cell| cell.location.0 == location);
        let there = cell.map_or(0, |cell| {
            let later = request.stock.later(cell).last();
            later.map_or(cell.now.0, |step| step.qty.0.max(cell.now.0))
        });
        assert!(
            units <= there,
            "{name}: {units} of demand {demand} from {location}, which has {there}"
        );
    }
}

#[test]
fn no_plan_ships_more_of_a_divided_line_than_is_there() {
    let small = world(5, 100);
    for (number, order) in small.orders.iter().enumerate() {
        ships_what_is_there(&small, &order.request(), &format!("5 x 100, {number}"));
    }
    // While its units were exchanged one more was moved than the location had.
    let large = world(12, 500);
    ships_what_is_there(&large, &large.orders[34].request(), "12 x 500, 34");
}
