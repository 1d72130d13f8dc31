//! `SCARCITY.*`: what units are worth to the orders still to come.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "SCARCITY.GET",
        group: "Scarcity",
        usage: "sku",
        summary: "The prices by which routing now keeps units of an item for orders still to come, by \
            location. A location that is not there has none.",
        arguments: &[("sku", "item, known from the network or `ITEM.PUT`")],
        reply: "array of maps: `location`, `cents` of one unit",
        errors: &["NOTFOUND"],
        example: "SCARCITY.GET SKU-00001",
        writes: false,
        least: 1,
        most: Some(1),
        run: get,
    },
    Command {
        name: "SCARCITY.SOLVE",
        group: "Scarcity",
        usage: "",
        summary: "Prices scarce units anew from the stock as it is and from the orders accepted lately, or \
            those of the demand file, as `[scarcity]` in `network.toml` says. Other connections go on.",
        arguments: &[],
        reply: "map, once the new prices are in force: `orders` that stood for those to come, `positions` \
            with a price, `millis`",
        errors: &["BUSY"],
        example: "SCARCITY.SOLVE",
        writes: false,
        least: 0,
        most: Some(0),
        run: solve,
    },
];

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let prices = call.engine.scarcity(args.text("sku")?)?;
    let registry = call.engine.registry();
    let rows = prices.into_iter().map(|(location, cents)| {
        Reply::map([
            ("location", registry.location_name(location).into()),
            ("cents", Reply::Int(cents.0)),
        ])
    });
    Ok(Reply::Array(rows.collect()))
}

fn solve(call: &Call<'_>, _: Arguments<'_>) -> Result<Reply, CommandError> {
    let Some(pricer) = call.pricer else {
        let text = "there is no thread for it; start the server again";
        return Err(CommandError::new("BUSY", text));
    };
    call.later.set(Some(pricer.price_now()));
    Ok(Reply::Null)
}
