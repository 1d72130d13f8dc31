//! `BACKLOG.APPLY`: orders moved as a plan of the backlog says, each checked anew.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::backlog::{MoveRow, apply};
use crate::model::Invalid;
use crate::wire::Reply;

/// Most moves of one command.
const MOVES_MAX: usize = 4_000;

pub(in super::super) const COMMANDS: &[Command] = &[Command {
    name: "BACKLOG.APPLY",
    group: "Backlog",
    usage: "json [json]...",
    summary: "Moves orders to other plans, as `allot plan apply` sends them: each only if it still has \
        the plan that it is to be moved from, nobody has a part of it, and the new plan can still be \
        made and is not later than it says. What an order has is released and what it gets is taken \
        in one step; orders that wait for each other's units move together, all or none. The same moves \
        again change nothing.",
    arguments: &[(
        "json",
        "one of the `moves` of a plan file: `source`, `order`, `from`, `to`",
    )],
    reply: "a map for each move, in their order: `source`, `order`, `result`: `moved`; `already` (it has \
        that plan); `changed` (it has another plan than `from`); `released` (somebody has a part, or \
        it is cancelled); `closed` (a location does not ship it now); `later` (it would be delivered \
        later by now); `nostock` (units, or room on a location's day, are not free); `notfound`; or `invalid`; `why` says why, or is null",
    errors: &["TOOLARGE"],
    example: r#"BACKLOG.APPLY '{"source":"web","order":"1001","from":{"shipments":[],"short":[{"sku":"SKU-00001","qty":1}],"cents":2500},"to":{"shipments":[],"short":[{"sku":"SKU-00001","qty":1}],"cents":2500},"saved_cents":0,"days_gained":null}'"#,
    writes: true,
    least: 1,
    most: None,
    run,
}];

fn run(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    if args.left() > MOVES_MAX {
        let text = format!(
            "{} moves; at most {MOVES_MAX} at once: send the rest after",
            args.left()
        );
        return Err(CommandError::new("TOOLARGE", text));
    }
    let mut rows: Vec<MoveRow> = Vec::with_capacity(args.left());
    while !args.is_empty() {
        let number = rows.len();
        let row = serde_json::from_slice(args.bytes("json")?).map_err(|error| {
            let expected = "a move of a plan file";
            Invalid::new(format!("json {}", number + 1), error, expected)
        })?;
        rows.push(row);
    }
    let (engine, now) = (call.engine.clone(), call.now);
    call.later(move || {
        let results = apply(&engine, &rows, now);
        let told = rows.into_iter().zip(results).map(|(row, result)| {
            let why = result
                .why()
                .map_or(Reply::Null, |why| why.to_owned().into());
            Reply::map([
                ("source", row.source.into()),
                ("order", row.order.into()),
                ("result", result.name().into()),
                ("why", why),
            ])
        });
        Reply::Array(told.collect())
    })
}
