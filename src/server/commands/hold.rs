//! `HOLD.*`: units on hand that may not be promised.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use super::broken;
use crate::model::{HoldReason, Invalid};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "HOLD.PLACE",
        group: "Holds",
        usage: "hold sku location qty reason",
        summary: "Holds units on hand, so that they may not be promised. It is accepted even if \
            they were promised; the promises that no longer hold are named.",
        arguments: &[
            (
                "hold",
                "id of the hold, chosen by you; the same again changes nothing",
            ),
            ("sku", "item"),
            ("location", "place"),
            ("qty", "units, at most those on hand and not held yet"),
            (
                "reason",
                "`damaged`, `quality_control`, `count_freeze`, `fraud` or `other`",
            ),
        ],
        reply: "map: `broken`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "HOLD.PLACE hold-1 SKU-00001 DC-ORD 2 damaged",
        writes: true,
        least: 5,
        most: Some(5),
        run: place,
    },
    Command {
        name: "HOLD.RELEASE",
        group: "Holds",
        usage: "ref hold [qty]",
        summary: "Lets held units be promised again: some, or all that the hold still has.",
        arguments: &[
            ("ref", "identity of this write"),
            ("hold", "id of the hold"),
            ("qty", "units; all when absent"),
        ],
        reply: "integer: units released",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "HOLD.RELEASE release-1 hold-1",
        writes: true,
        least: 2,
        most: Some(3),
        run: release,
    },
];

fn place(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let hold = args.text("hold")?;
    let (sku, location) = (args.text("sku")?, args.text("location")?);
    let qty = args.some_qty("qty")?;
    let word = args.text("reason")?;
    let known = HoldReason::ALL
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    let Some(&(_, reason)) = known else {
        let expected = "damaged, quality_control, count_freeze, fraud or other";
        return Err(Invalid::new("reason", word, expected).into());
    };
    let lost = call
        .engine
        .place_hold(hold, sku, location, qty, reason, call.now)?;
    Ok(Reply::map([("broken", broken(call.engine, &lost))]))
}

fn release(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (reference, hold) = (args.text("ref")?, args.text("hold")?);
    let qty = if args.is_empty() {
        None
    } else {
        Some(args.some_qty("qty")?)
    };
    let released = call.engine.release_hold(reference, hold, qty, call.now)?;
    Ok(Reply::Int(released.0.into()))
}
