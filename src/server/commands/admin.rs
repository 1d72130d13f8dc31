//! `ITEM.*` and `LOCATION.*`: what is sold and where it ships from.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::load::{item_json, location_json};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "ITEM.PUT",
        group: "Items and locations",
        usage: "sku json",
        summary: "Introduces an item or describes it anew; saying the same again changes nothing.",
        arguments: &[
            ("sku", "its id"),
            (
                "json",
                "object with the columns of `items.csv`: `name`, `grams`, `length_mm`, `width_mm`, \
                 `height_mm`, `class`, `value_cents`, `ships_alone`; only `grams` is required",
            ),
        ],
        reply: "integer: 1 if it is new, 0 if it was known",
        errors: &[],
        example: r#"ITEM.PUT MUG-1 '{"name":"Mug","grams":350,"length_mm":120,"width_mm":90,"height_mm":100}'"#,
        writes: true,
        least: 2,
        most: Some(2),
        run: put_item,
    },
    Command {
        name: "LOCATION.PUT",
        group: "Items and locations",
        usage: "json",
        summary: "Introduces a location or describes it anew; orders already routed keep their plans.",
        arguments: &[(
            "json",
            "object with the columns of `locations.csv`, e.g. `location`, `kind`, `country`, `lat`, \
             `lon`, `timezone`, `cutoff`, `working_days`",
        )],
        reply: "integer: 1 if it is new, 0 if it was known",
        errors: &[],
        example: r#"LOCATION.PUT '{"location":"ST-1","name":"Store 1","kind":"store","country":"US","postal":"10001","lat":40.75,"lon":-74.0,"timezone":"America/New_York","cutoff":"14:00","working_days":"Mon-Sat","lead_hours":6,"handling_cents_per_shipment":220,"handling_cents_per_unit":60}'"#,
        writes: true,
        least: 1,
        most: Some(1),
        run: put_location,
    },
    Command {
        name: "LOCATION.PAUSE",
        group: "Items and locations",
        usage: "location",
        summary: "Takes a location out of routing until it is resumed. What it has promised stays.",
        arguments: &[("location", "place")],
        reply: "integer: 1 if that changed anything, 0 if it was paused already",
        errors: &["NOTFOUND"],
        example: "LOCATION.PAUSE DC-ORD",
        writes: true,
        least: 1,
        most: Some(1),
        run: |call, args| pause(call, args, true),
    },
    Command {
        name: "LOCATION.RESUME",
        group: "Items and locations",
        usage: "location",
        summary: "Takes a paused location back into routing.",
        arguments: &[("location", "place")],
        reply: "integer: 1 if that changed anything, 0 if it was not paused",
        errors: &["NOTFOUND"],
        example: "LOCATION.RESUME DC-ORD",
        writes: true,
        least: 1,
        most: Some(1),
        run: |call, args| pause(call, args, false),
    },
];

fn put_item(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let sku = args.text("sku")?;
    let item = item_json(sku, args.bytes("json")?)?;
    Ok(Reply::Int(call.engine.put_item(item, call.now)?.into()))
}

fn put_location(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let location = location_json(args.bytes("json")?)?;
    Ok(Reply::Int(
        call.engine.put_location(location, call.now)?.into(),
    ))
}

fn pause(call: &Call<'_>, mut args: Arguments<'_>, paused: bool) -> Result<Reply, CommandError> {
    let changed = call
        .engine
        .pause_location(args.text("location")?, paused, call.now)?;
    Ok(Reply::Int(changed.into()))
}
