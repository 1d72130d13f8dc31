//! `COST.*`: forecast against actual, and why the two differ.

use super::super::arguments::Arguments;
use super::super::cost_json as json;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::engine::CostQuery;
use crate::engine::{CostAsk, PartName};
use crate::model::{Cents, Day, ExtraCost, Invalid};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "COST.REPORT",
        group: "Costs",
        usage: "[BY DAY|LOCATION|CARRIER|CHANNEL]... [FROM day] [TO day] [OPEN]",
        summary: "What shipping was forecast to cost and did cost, of everything that has shipped, with the \
            difference by cause. The causes add up to the difference, to the cent.",
        arguments: &[
            (
                "BY DAY|LOCATION|CARRIER|CHANNEL",
                "a row for each; may be given several times, and one row for everything when absent. The day is \
                 the location's date of shipping",
            ),
            ("FROM day", "the first day that counts, such as 2026-11-23"),
            ("TO day", "the last day that counts"),
            (
                "OPEN",
                "also what is routed and has not shipped, by the date of its planned hand-over; it looks at \
                 all orders",
            ),
        ],
        reply: "JSON: `columns`, `rows` and `total` (a row), all money in cents: what it is grouped by, then `shipments`, \
            `forecast`, `actual`, `difference`, `postage`, `split`, `distance`, `premium_partner`, `reship`, \
            `manual_exception`, `return`; see \"Costs\" above",
        errors: &[],
        example: "COST.REPORT BY DAY BY CARRIER FROM 2026-11-01",
        writes: false,
        least: 0,
        most: None,
        run: report,
    },
    Command {
        name: "COST.ADD",
        group: "Costs",
        usage: "ref source order number kind cents reason",
        summary: "Adds what was spent on a part beside its shipment. It counts where the shipment does.",
        arguments: &[
            (
                "ref",
                "identity of this write: the same again adds nothing, other content is a conflict",
            ),
            ("source", "system that took the order"),
            ("order", "its id there"),
            ("number", "which part of it, from 1"),
            (
                "kind",
                "`reship` (sent again), `manual_exception` (work of people) or `return` (coming back)",
            ),
            ("cents", "how much, in cents"),
            ("reason", "why, for people"),
        ],
        reply: "`OK`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "COST.ADD cost-1 web 1001 1 manual_exception 450 'called the customer'",
        writes: true,
        least: 7,
        most: Some(7),
        run: add,
    },
    Command {
        name: "COST.GET",
        group: "Costs",
        usage: "source order number",
        summary: "What is known of one part's costs: the forecast, and the same shipment priced with one thing \
            after the other as it really was.",
        arguments: &[
            ("source", "system that took the order"),
            ("order", "its id there"),
            ("number", "which part of it, from 1"),
        ],
        reply: "JSON: `forecast`, `split`, `distance`, `partner`, `paid` (prices, cents; null while unknown), `extras`, \
            `parts` of the difference; null while nothing is known",
        errors: &["NOTFOUND"],
        example: "COST.GET web 1001 1",
        writes: false,
        least: 3,
        most: Some(3),
        run: get,
    },
];

fn named<'a>(args: &mut Arguments<'a>) -> Result<PartName<'a>, CommandError> {
    Ok(PartName {
        source: args.text("source")?,
        order: args.text("order")?,
        number: args.some_qty("number")?.0,
    })
}

fn report(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let mut query = CostQuery::default();
    let (mut from, mut to) = (Day(i32::MIN), Day(i32::MAX));
    let mut open = false;
    let expected = "BY DAY, LOCATION, CARRIER or CHANNEL, FROM day, TO day or OPEN";
    while !args.is_empty() {
        if args.take("BY") {
            if args.take("DAY") {
                query.by_day = true;
            } else if args.take("LOCATION") {
                query.by_location = true;
            } else if args.take("CARRIER") {
                query.by_carrier = true;
            } else if args.take("CHANNEL") {
                query.by_channel = true;
            } else {
                let word = args.text("BY")?;
                return Err(Invalid::new("BY", word, "DAY, LOCATION, CARRIER or CHANNEL").into());
            }
        } else if args.take("FROM") {
            from = day(&mut args, "FROM")?;
        } else if args.take("TO") {
            to = day(&mut args, "TO")?;
        } else if args.take("OPEN") {
            open = true;
        } else {
            args.end(expected)?;
        }
    }
    query.days = Some((from, to));
    let shipped = call.engine.cost_report(&query);
    let open = open.then(|| call.engine.open_costs(&query));
    Ok(json::report(call.engine, &query, shipped, open).into())
}

pub(super) fn day(args: &mut Arguments<'_>, field: &str) -> Result<Day, CommandError> {
    let text = args.text(field)?;
    let expected = "a date such as 2026-11-23";
    Day::parse(text).ok_or_else(|| Invalid::new(field, text, expected).into())
}

fn add(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let part = named(&mut args)?;
    let word = args.text("kind")?;
    let known = ExtraCost::ALL
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    let Some(&(_, kind)) = known else {
        let expected = "reship, manual_exception or return";
        return Err(Invalid::new("kind", word, expected).into());
    };
    let ask = CostAsk {
        reference,
        part,
        kind,
        cents: Cents(args.signed("cents", Cents::MAX.0)?),
        reason: args.text("reason")?,
    };
    call.engine.add_cost(&ask, call.now)?;
    Ok(Reply::Simple("OK".into()))
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let name = named(&mut args)?;
    let known = call.engine.cost_of(name)?;
    Ok(known.map_or(Reply::Null, |costs| json::part(call.engine, &costs).into()))
}
