//! Random commands about what was delivered: returns of it.

use super::commands::{PLACES, small};
use allot::bench::random::Random;
use allot::engine::{CostAsk, Engine, FulfillmentView, GradeAsk, PartName, ReturnAsk};
use allot::model::{Cents, Change, EpochMillis, ExtraCost, Parcel, Qty, Tracking};

/// The first part that left, of the orders from a random one on.
fn delivered(engine: &Engine, random: &mut Random) -> Option<FulfillmentView> {
    let first = random.below(80);
    (0..80).find_map(|step| {
        let id = ((first + step) % 80).to_string();
        let views = engine.fulfillments("shop", &id).ok()?.into_iter();
        let mut left = views.filter(|view| view.part.has_left());
        left.next()
    })
}

/// An order goes all the way, if nobody has it: shipped and delivered by somebody who had it already.
fn deliver(engine: &Engine, random: &mut Random, now: EpochMillis) {
    let id = random.below(80).to_string();
    let Ok(handed) = engine.register_fulfillment(("shop", &id), None, "direct", now) else {
        return;
    };
    for (view, release) in handed {
        let name = PartName {
            source: "shop",
            order: &id,
            number: view.part.id.number,
        };
        let cents = random
            .chance(80)
            .then(|| Cents(300 + i64::from(small(random, 900))));
        let parcel = |number: &str, cents| Parcel {
            tracking: Tracking {
                carrier: ["post", "van"][usize::from(number == "b")].into(),
                number: format!("{id}{number}").into(),
            },
            cents,
            contents: Vec::new(),
            delivered: false,
        };
        let both = [parcel("a", cents), parcel("b", None)];
        let parcels = both[..1 + random.index(2)].to_vec();
        for change in [Change::Ship { parcels }, Change::Deliver { parcel: None }] {
            let _ = engine.tell_fulfillment(name, Some(&release.token), &change, now);
        }
    }
}

/// Something is spent on a part beside its shipment.
fn spend(engine: &Engine, random: &mut Random, now: EpochMillis) {
    let order = random.below(80).to_string();
    let part = PartName {
        source: "shop",
        order: &order,
        number: 1 + small(random, 2),
    };
    let reference = format!("cost-{}", random.below(40));
    let ask = CostAsk {
        reference: &reference,
        part,
        kind: ExtraCost::ALL[random.index(3)].1,
        cents: Cents(1 + i64::from(small(random, 500))),
        reason: "work",
    };
    let _ = engine.add_cost(&ask, now);
}

/// Some steps of returns, of the few ids that there are. Refusals are fine.
pub(crate) fn come_back(engine: &Engine, random: &mut Random, now: EpochMillis) {
    for _ in 0..4 {
        step(engine, random, now);
    }
}

fn step(engine: &Engine, random: &mut Random, now: EpochMillis) {
    let id = format!("rma-{}", random.below(6));
    let qty = Qty(1 + small(random, 4));
    let place = PLACES[random.index(3)];
    if random.chance(20) {
        return deliver(engine, random, now);
    }
    if random.chance(10) {
        return spend(engine, random, now);
    }
    if random.chance(10) || engine.return_of(&id).is_err() {
        let Some(view) = delivered(engine, random) else {
            return;
        };
        let key = &view.order.key;
        let part = PartName {
            source: key.source(),
            order: key.order(),
            number: view.part.id.number,
        };
        let skus = view.part.lines.iter();
        let skus = skus.map(|line| engine.registry().sku_name(line.sku));
        let all: Vec<(&str, Qty)> = skus.map(|sku| (sku, qty)).collect();
        let lines = &all[..1 + random.index(all.len())];
        let location = random.chance(30).then_some(place);
        let ask = ReturnAsk {
            id: &id,
            part,
            location,
            lines,
        };
        let _ = engine.authorise_return(&ask, now);
        return;
    }
    let Ok(view) = engine.return_of(&id) else {
        return;
    };
    let line = &view.all.lines[random.index(view.all.lines.len())];
    let sku = engine.registry().sku_name(line.sku);
    let grades = [
        GradeAsk::Sellable,
        GradeAsk::Damaged,
        GradeAsk::DamagedByCarrier,
        GradeAsk::OtherLocation(place),
    ];
    let _ = match random.below(8) {
        0..=3 => engine.receive_return(&id, &[(sku, qty)], now),
        4 if random.chance(30) => engine.close_return(&id, now),
        _ => engine.grade_return(&id, sku, grades[random.index(4)], qty, now),
    };
}
