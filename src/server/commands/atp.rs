//! `ATP.GET`: what may be promised.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::engine::AtpRequest;
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[Command {
    name: "ATP.GET",
    group: "Available to promise",
    usage: "sku [sku]... [AT location [location]...] [BY time] [CHANNEL channel] [FOR qty]",
    summary: "Units that may be promised, over all locations or those named. Words in capitals end \
        the list before them.",
    arguments: &[
        ("sku", "items, answered in their order"),
        ("AT location", "only what is at these locations"),
        (
            "BY time",
            "by that moment (RFC 3339), incoming supply included as policy allows; now when absent",
        ),
        (
            "CHANNEL channel",
            "as that channel sees it: less what is protected for others, within its cap",
        ),
        (
            "FOR qty",
            "also the least time at which that many may be promised",
        ),
    ],
    reply: "array with one entry a SKU: an integer (units); with `FOR` an array of that integer and \
        the time (RFC 3339) or null",
    errors: &["NOTFOUND"],
    example: "ATP.GET SKU-00001 SKU-00002 AT DC-ORD BY 2026-12-01T00:00:00Z CHANNEL web FOR 5",
    writes: false,
    least: 1,
    most: None,
    run: get,
}];

const KEYWORDS: [&str; 4] = ["AT", "BY", "CHANNEL", "FOR"];

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let skus = names(&mut args, "sku")?;
    let mut at = Vec::new();
    let mut request = AtpRequest::default();
    while !args.is_empty() {
        if args.take("AT") {
            at = names(&mut args, "AT")?;
        } else if args.take("BY") {
            request.by = Some(args.moment("BY")?);
        } else if args.take("CHANNEL") {
            request.channel = Some(args.text("CHANNEL")?);
        } else if args.take("FOR") {
            request.quantity = Some(args.some_qty("FOR")?);
        } else {
            args.end("AT, BY, CHANNEL or FOR")?;
        }
    }
    request.at = &at;
    let answers = call.engine.atp(&skus, &request, call.now)?;
    let entries = answers.iter().map(|answer| {
        let units = Reply::Int(i64::try_from(answer.atp).unwrap_or(i64::MAX));
        match request.quantity {
            None => units,
            Some(_) => Reply::Array(vec![units, answer.earliest.map(|t| t.to_string()).into()]),
        }
    });
    Ok(Reply::Array(entries.collect()))
}

/// At least one name, up to the next keyword.
fn names<'a>(args: &mut Arguments<'a>, field: &str) -> Result<Vec<&'a str>, CommandError> {
    let mut names = vec![args.text(field)?];
    while !args.is_empty() && !KEYWORDS.iter().any(|k| args.next_is(k)) {
        names.push(args.text(field)?);
    }
    Ok(names)
}
