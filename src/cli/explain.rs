//! A decision as a table for people.

use super::demo::money;
use crate::engine::{Engine, OrderView};
use crate::model::{LocationId, Plan, Shipment, ShipmentLine};
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write as _;

/// Reasons that are listed one by one; the others are counted.
const REASONS_SHOWN: usize = 12;

/// An order, its plan, what else was possible, and why not.
pub(super) fn order(engine: &Engine, view: &OrderView) -> String {
    let names = Names { engine, view };
    let (order, decision) = (&view.order, &view.decision);
    let mut out = String::new();
    let wanted: Vec<String> = order
        .lines
        .iter()
        .map(|l| format!("{} × {}", l.qty, l.sku))
        .collect();
    let _ = writeln!(
        out,
        "order {} to {} {}, placed {}: {}",
        order.key,
        order.ship_to.country,
        order.ship_to.postal,
        order.placed_at,
        wanted.join(", "),
    );
    let _ = writeln!(out, "{}", names.shipments(&decision.plan));
    let _ = writeln!(out, "  objective {}", objective(&decision.plan));
    let proof = match decision.proof.optimal {
        true => "proven: no plan is cheaper".to_owned(),
        false => format!("no plan can cost less than {}", money(decision.proof.bound)),
    };
    let _ = writeln!(out, "  {proof}");
    if let Some(other) = &decision.runner_up {
        let extra = other.objective.total() - decision.plan.objective.total();
        let _ = writeln!(
            out,
            "  next best, {} dearer: {}",
            money(extra),
            names.in_words(other)
        );
        let _ = writeln!(out, "            {}", objective(other));
    }
    names.reasons(&mut out);
    out
}

fn objective(plan: &Plan) -> String {
    let o = &plan.objective;
    let parts = [
        ("postage", o.postage),
        ("surcharges", o.surcharges),
        ("handling", o.handling),
        ("split", o.split),
        ("late", o.late),
        ("speed", o.speed),
        ("scarcity", o.scarcity),
        ("short", o.short),
    ];
    let shown = parts.iter().filter(|(_, cents)| cents.0 != 0);
    let shown: Vec<String> = shown
        .map(|(name, cents)| format!("{name} {}", money(*cents)))
        .collect();
    format!("{} = {}", money(o.total()), shown.join(" + "))
}

struct Names<'a> {
    engine: &'a Engine,
    view: &'a OrderView,
}

impl Names<'_> {
    fn location(&self, location: LocationId) -> &str {
        self.engine.registry().location_name(location)
    }

    fn service(&self, shipment: &Shipment) -> String {
        self.engine.service_name(shipment.service).to_owned()
    }

    fn lines(&self, lines: &[ShipmentLine]) -> String {
        let named = lines.iter().map(|line| {
            let sku = self.view.demands[usize::from(line.demand)];
            format!("{} × {}", line.qty, self.engine.registry().sku_name(sku))
        });
        named.collect::<Vec<_>>().join(", ")
    }

    fn shipments(&self, plan: &Plan) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header([
            "from", "service", "ships", "delivers", "parcels", "grams", "postage", "handling",
            "what",
        ]);
        for shipment in &plan.shipments {
            table.add_row([
                self.location(shipment.location).to_owned(),
                self.service(shipment),
                shipment.ship_at.to_string(),
                shipment.deliver_on.to_string(),
                shipment.parcels.to_string(),
                shipment.billable.to_string(),
                money(shipment.cents.postage),
                money(shipment.cents.handling),
                self.lines(&shipment.lines),
            ]);
        }
        for column in table.column_iter_mut().skip(4).take(4) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn in_words(&self, plan: &Plan) -> String {
        let shipments = plan.shipments.iter().map(|s| {
            format!(
                "{} by {} ({})",
                self.location(s.location),
                self.service(s),
                self.lines(&s.lines)
            )
        });
        let mut words = shipments.collect::<Vec<_>>().join(" + ");
        if !plan.short.is_empty() {
            let _ = write!(words, " and {} units short", plan.short_units());
        }
        words
    }

    fn reasons(&self, out: &mut String) {
        let rejected = &self.view.decision.rejected;
        let _ = writeln!(out, "  not chosen:");
        for row in rejected.iter().take(REASONS_SHOWN) {
            let extra = row
                .extra()
                .map_or_else(String::new, |c| format!(" by {}", money(c)));
            let reason = row.reason.name().replace('_', " ");
            let _ = writeln!(
                out,
                "    {:<14} {reason}{extra}",
                self.location(row.location)
            );
        }
        if rejected.len() > REASONS_SHOWN {
            let _ = writeln!(out, "    and {} more", rejected.len() - REASONS_SHOWN);
        }
        let chosen = self.view.decision.plan.shipments.iter().map(|s| s.location);
        let mut chosen: Vec<LocationId> = chosen.collect();
        chosen.sort_unstable();
        chosen.dedup();
        let rest = self.engine.registry().location_count() - rejected.len() - chosen.len();
        if rest > 0 {
            let _ = writeln!(out, "    {rest} other locations hold nothing of it");
        }
    }
}
