//! `ALLOCATION.*`: units kept for, or capped at, selling channels.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "ALLOCATION.SET",
        group: "Channel allocations",
        usage: "ref sku channel protected [CAP units]",
        summary: "Keeps units of a SKU, over all locations, for one channel, and may cap what that \
            channel is promised. What the channel was promised since counts as used.",
        arguments: &[
            ("ref", "identity of this write"),
            ("sku", "item"),
            ("channel", "selling channel; need not be known yet"),
            ("protected", "units kept for it; 0 for none"),
            (
                "CAP units",
                "most units it may be promised; no cap when absent",
            ),
        ],
        reply: "`OK`",
        errors: &["NOTFOUND", "CONFLICT"],
        example: "ALLOCATION.SET alloc-1 SKU-00001 marketplace 20 CAP 50",
        writes: true,
        least: 4,
        most: Some(6),
        run: set,
    },
    Command {
        name: "ALLOCATION.GET",
        group: "Channel allocations",
        usage: "sku",
        summary: "The allocations of a SKU.",
        arguments: &[("sku", "item")],
        reply: "array of maps: `channel`, `protected`, `cap` (null for none), `used` (units)",
        errors: &["NOTFOUND"],
        example: "ALLOCATION.GET SKU-00001",
        writes: false,
        least: 1,
        most: Some(1),
        run: get,
    },
];

fn set(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let reference = args.text("ref")?;
    let (sku, channel) = (args.text("sku")?, args.text("channel")?);
    let protected = args.qty("protected")?;
    let cap = if args.take("CAP") {
        Some(args.qty("CAP")?)
    } else {
        None
    };
    args.end("CAP units or the end of the command")?;
    call.engine
        .set_allocation(reference, sku, channel, protected, cap, call.now)?;
    Ok(Reply::ok())
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let shares = call.engine.allocations(args.text("sku")?)?;
    let rows = shares.iter().map(|share| {
        Reply::map([
            (
                "channel",
                call.engine.registry().channel_name(share.channel).into(),
            ),
            ("protected", Reply::Int(share.protected.0.into())),
            ("cap", share.cap.map(|c| i64::from(c.0)).into()),
            (
                "used",
                Reply::Int(i64::try_from(share.used).unwrap_or(i64::MAX)),
            ),
        ])
    });
    Ok(Reply::Array(rows.collect()))
}
