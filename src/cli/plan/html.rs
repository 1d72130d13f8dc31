//! A plan as one HTML page: what it saves, in charts, tables and a map. It loads nothing from anywhere.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "places on a page; nothing is computed from them"
)]

use super::flows::{Place, flows};
use super::{Part, money};
use crate::backlog::{PlanFile, Sums};
use crate::chart::{
    self, Arrow, Bars, Chart, Group, Map, Mark, Scale, Series, escape, money_of, plain, rate_of,
    share_of,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Rows of a table on the page.
const ROWS: usize = 30;

/// The page.
pub(super) fn page(plan: &PlanFile) -> String {
    let mut out = String::new();
    head(&mut out, plan);
    out.push_str("<section><div class=\"charts\">");
    for figure in [
        cost(plan),
        shipments(plan),
        days(plan),
        way(plan),
        gap(plan),
    ] {
        out.push_str(&figure);
    }
    out.push_str("</div></section>");
    moved(&mut out, plan);
    transfers(&mut out, plan);
    orders(&mut out, plan);
    chart::page("Allot: a backlog, all orders together", &out)
}

fn head(out: &mut String, plan: &PlanFile) {
    let over = (plan.cents - plan.bound_cents).max(0);
    let gap = over as f64 * 100.0 / plan.bound_cents.max(1) as f64;
    let saved = plan.cents_before - plan.cents;
    let share = saved as f64 * 100.0 / plan.cents_before.max(1) as f64;
    let (was, is) = (&plan.before, &plan.after);
    let _ = write!(
        out,
        "<ul class=\"conditions\"><li>state after fact {}, at {}</li>\
         <li>{} orders looked at, {} change; {} stay as they are, {} lost, {} broken</li></ul>\
         <p>The plan costs <b>{}</b> instead of {}: <b>{}</b> less ({}). No plan costs less than {}, so it is \
         at most {} above the best.</p>",
        plan.at_fact,
        escape(&plan.now),
        plan.orders,
        plan.moves.len(),
        plan.fixed,
        plan.lost,
        plan.broken.len(),
        money(plan.cents),
        money(plan.cents_before),
        money(saved),
        share_of(share),
        money(plan.bound_cents),
        share_of(gap),
    );
    if plan.bound_with_large_cents > plan.bound_cents {
        let over = (plan.cents - plan.bound_with_large_cents).max(0);
        let gap = over as f64 * 100.0 / plan.bound_with_large_cents.max(1) as f64;
        let _ = write!(
            out,
            "<p>As long as orders of many items ship as they do in the plan, none costs less than {}: it is at \
             most {} above the best of those.</p>",
            money(plan.bound_with_large_cents),
            share_of(gap),
        );
    }
    out.push_str("<table><tr><th></th><th>today</th><th>plan</th><th>saved</th></tr>");
    let mut row = |name: &str, before: String, after: String, saved: String, class: &str| {
        let _ = write!(
            out,
            "<tr{class}><td>{name}</td><td>{before}</td><td>{after}</td><td>{saved}</td></tr>"
        );
    };
    let parts = PARTS
        .iter()
        .filter(|(_, part)| part(was) != 0 || part(is) != 0);
    for (name, part) in parts.copied().chain([TOTAL]) {
        let (before, after) = (part(was), part(is));
        let class = if name == TOTAL.0 {
            " class=\"all\""
        } else {
            ""
        };
        let saved = money(before - after);
        row(name, money(before), money(after), saved, class);
    }
    for (name, count) in super::COUNTS {
        let (before, after) = (count(was), count(is));
        let saved = i128::from(before) - i128::from(after);
        row(
            name,
            before.to_string(),
            after.to_string(),
            saved.to_string(),
            "",
        );
    }
    out.push_str("</table>");
}

const PARTS: [Part<i64>; 8] = super::PARTS;
const TOTAL: Part<i64> = ("total", |s| s.total);

/// Today and the plan side by side.
fn pairs(title: &str, x: &str, y: &str, words: chart::Words, groups: Vec<Group>) -> String {
    let bars = Bars {
        title: title.into(),
        x: x.into(),
        y: y.into(),
        series: vec!["today".into(), "plan".into()],
        groups,
        words,
    };
    bars.figure()
}

fn cost(plan: &PlanFile) -> String {
    let both = |part: fn(&Sums) -> i64| vec![part(&plan.before) as f64, part(&plan.after) as f64];
    let parts = PARTS.iter().map(|(name, part)| Group {
        name: (*name).into(),
        values: both(*part),
    });
    let some = parts.filter(|g| g.values.iter().any(|v| *v != 0.0));
    pairs("Cost by part", "", "cost", money_of, some.collect())
}

/// Counts by a number, up to the last row that has any; that of `counts` is for all beyond.
fn counted(counts: [&[u64]; 2]) -> Vec<Group> {
    let rows = counts[0].len().min(counts[1].len());
    let some = |row: &usize| counts.iter().any(|c| c[*row] > 0);
    let last = (0..rows).rev().find(some).unwrap_or(0);
    let first = (0..rows).find(some).unwrap_or(0);
    let group = |row: usize| Group {
        name: if row + 1 == rows {
            format!("{row}+")
        } else {
            row.to_string()
        },
        values: counts.iter().map(|c| c[row] as f64).collect(),
    };
    (first..=last).map(group).collect()
}

fn shipments(plan: &PlanFile) -> String {
    let counts = [&plan.before, &plan.after].map(|s| &s.orders_by_shipments[..]);
    pairs(
        "Shipments per order",
        "shipments",
        "orders",
        rate_of,
        counted(counts),
    )
}

fn days(plan: &PlanFile) -> String {
    let counts = [&plan.before, &plan.after].map(|s| &s.orders_by_days[..]);
    pairs(
        "Days to the last delivery",
        "days from now",
        "orders",
        rate_of,
        counted(counts),
    )
}

/// Where the work was after each step: in seconds where that was taken, else the number of the step.
fn moments(plan: &PlanFile) -> (String, Vec<f64>) {
    if plan.trace_ms.len() == plan.trace.len() {
        let seconds = plan.trace_ms.iter().map(|ms| *ms as f64 / 1e3).collect();
        return ("seconds".into(), seconds);
    }
    (
        "steps".into(),
        (0..plan.trace.len()).map(|n| n as f64).collect(),
    )
}

fn way(plan: &PlanFile) -> String {
    let (x, moments) = moments(plan);
    let points = || moments.iter().copied().zip(&plan.trace);
    // The first bounds are far below everything.
    let near = plan.bound_cents - (plan.cents_before - plan.bound_cents).max(1) * 2;
    let chart = Chart {
        title: "Cost and bound on the way".into(),
        x: (x, Scale::Linear),
        y: ("cost".into(), Scale::Around),
        series: vec![
            Series {
                name: "best plan so far".into(),
                points: points()
                    .filter_map(|(at, (cents, _))| Some((at, (*cents)? as f64)))
                    .collect(),
                dots: false,
            },
            Series {
                name: "proven bound".into(),
                points: points()
                    .filter(|(_, (_, bound))| *bound >= near)
                    .map(|(at, (_, bound))| (at, *bound as f64))
                    .collect(),
                dots: false,
            },
        ],
        bands: Vec::new(),
        lines: vec![(plan.cents_before as f64, "today".into())],
        words: (plain, money_of),
    };
    chart.figure()
}

fn gap(plan: &PlanFile) -> String {
    let (x, moments) = moments(plan);
    let points = moments
        .iter()
        .zip(&plan.trace)
        // Where nothing is proven yet there is no gap.
        .filter(|(_, (_, bound))| *bound > 0)
        .filter_map(|(at, (cents, bound))| {
            let over = ((*cents)? - bound).max(0) as f64;
            Some((*at, over * 100.0 / (*bound).max(1) as f64))
        });
    let over = (plan.cents - plan.bound_cents).max(0) as f64;
    let last = over * 100.0 / plan.bound_cents.max(1) as f64;
    let chart = Chart {
        title: "Proven gap over time".into(),
        x: (x, Scale::Linear),
        y: ("gap".into(), Scale::Linear),
        series: vec![Series {
            name: "gap".into(),
            points: points.collect(),
            dots: false,
        }],
        bands: Vec::new(),
        lines: vec![(last, format!("{} in the end", share_of(last)))],
        words: (plain, share_of),
    };
    chart.figure()
}

fn named<'a>(place: Place<'a>) -> &'a str {
    place.unwrap_or("waiting for supply")
}

/// The map, and the largest flows as a table.
fn moved(out: &mut String, plan: &PlanFile) {
    let flows = flows(plan);
    let mut rows: Vec<(&(Place<'_>, Place<'_>), &u64)> = flows.iter().collect();
    rows.sort_by_key(|(way, units)| (std::cmp::Reverse(**units), **way));
    out.push_str("<section><h2>Units that move</h2>");
    out.push_str(&map(plan, &flows));
    out.push_str("<table><tr><th>from</th><th>to</th><th>units</th></tr>");
    for ((from, to), units) in rows.iter().take(ROWS) {
        let (from, to) = (escape(named(*from)), escape(named(*to)));
        let _ = write!(out, "<tr><td>{from}</td><td>{to}</td><td>{units}</td></tr>");
    }
    out.push_str("</table>");
    more(out, rows.len(), "ways");
    out.push_str("</section>");
}

fn more(out: &mut String, rows: usize, what: &str) {
    if let Some(more) = rows.checked_sub(ROWS).filter(|more| *more > 0) {
        let _ = write!(
            out,
            "<p class=\"small\">and {more} more {what}; the plan file has all</p>"
        );
    }
}

fn map(plan: &PlanFile, flows: &BTreeMap<(Place<'_>, Place<'_>), u64>) -> String {
    let degrees = |e6: i32| f64::from(e6) / 1e6;
    let mut through: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for ((from, to), units) in flows {
        if let Some(from) = from {
            through.entry(from).or_default().0 += units;
        }
        if let Some(to) = to {
            through.entry(to).or_default().1 += units;
        }
    }
    let mut marks = Vec::new();
    let mut number = BTreeMap::new();
    for place in &plan.places {
        let (out, into) = through.get(&*place.location).copied().unwrap_or_default();
        number.insert(place.location.as_str(), marks.len());
        marks.push(Mark {
            name: place.location.clone(),
            note: format!("{out} units leave, {into} come"),
            at: (degrees(place.lat_e6), degrees(place.lon_e6)),
            size: (out + into) as f64,
        });
    }
    let arrows = flows.iter().filter_map(|((from, to), units)| {
        Some(Arrow {
            from: *number.get((*from)?)?,
            to: *number.get((*to)?)?,
            amount: *units,
        })
    });
    let dots = plan.destinations.iter();
    let map = Map {
        title: "From where to where: locations (blue), units that move between them (arrows), customers of \
                orders that change (grey)"
            .into(),
        dots: dots.map(|(lat, lon, n)| (degrees(*lat), degrees(*lon), *n)).collect(),
        arrows: arrows.collect(),
        marks,
        unit: "units".into(),
    };
    map.figure()
}

/// Transfers that were proposed.
fn transfers(out: &mut String, plan: &PlanFile) {
    if plan.transfers.is_empty() {
        return;
    }
    out.push_str(
        "<section><h2>Transfers that would pay for themselves</h2><p class=\"small\">Not part of the plan: once one \
         has been sent, optimise again. Saved is the difference of two solved outcomes, with it and without.</p>\
         <table class=\"transfers\"><tr>",
    );
    for name in super::TRANSFER_COLUMNS {
        let _ = write!(out, "<th>{name}</th>");
    }
    out.push_str("</tr>");
    for row in &plan.transfers {
        out.push_str("<tr>");
        for cell in super::transfer_cells(row) {
            let _ = write!(out, "<td>{}</td>", escape(&cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></section>");
}

/// The orders that save most.
fn orders(out: &mut String, plan: &PlanFile) {
    let mut rows: Vec<_> = plan.moves.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.saved_cents));
    out.push_str(
        "<section><h2>Orders that save most</h2><table class=\"words\"><tr><th>order</th><th>today</th>\
         <th>plan</th><th>saved</th><th>days gained</th></tr>",
    );
    for row in rows.iter().take(ROWS) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&format!("{}/{}", row.source, row.order)),
            escape(&super::side(&row.from)),
            escape(&super::side(&row.to)),
            money(row.saved_cents),
            row.days_gained.map_or("-".into(), |days| days.to_string()),
        );
    }
    out.push_str("</table>");
    more(out, rows.len(), "orders");
    out.push_str("</section>");
}
