//! `RETURN.*`: units that come back, each booked exactly once.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::return_json as json;
use super::super::table::{Call, Command};
use crate::engine::{GradeAsk, PartName, ReturnAsk};
use crate::model::{Invalid, Qty};
use crate::wire::Reply;

const RETURN: (&str, &str) = ("return", "id of the return, as it was authorised");
const REPLY: &str = "JSON: the return (`lines` with `authorised`, `received`, `graded`), `state` of the part, \
    `booked` (what this command gives to book, each with its number `n`), `moved` (units on hand), `repeated`";

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "RETURN.AUTHORIZE",
        group: "Returns",
        usage: "return source order number [AT location] sku qty [sku qty]...",
        summary: "Lets delivered units of a part come back: never more than were delivered and are in no \
            other return. The same again changes nothing.",
        arguments: &[
            (
                "return",
                "id of the return, chosen by you: 1 to 40 characters",
            ),
            ("source", "system that took the order"),
            ("order", "its id there"),
            ("number", "which part of it, from 1"),
            (
                "AT location",
                "where they come back to; where they shipped from when absent",
            ),
            ("sku qty", "an item of the part, and units"),
        ],
        reply: REPLY,
        errors: &["NOTFOUND", "CONFLICT", "TOOLARGE"],
        example: "RETURN.AUTHORIZE rma-1 web 1001 1 SKU-00001 1",
        writes: true,
        least: 6,
        most: None,
        run: authorize,
    },
    Command {
        name: "RETURN.RECEIVE",
        group: "Returns",
        usage: "return sku total [sku total]...",
        summary: "Units are back: gives an item receipt for what is new. They are on hand once they are \
            graded. Totals, so that a repeat or an older message gives nothing.",
        arguments: &[
            RETURN,
            (
                "sku total",
                "an item, and how many of its units are back so far",
            ),
        ],
        reply: REPLY,
        errors: &["NOTFOUND", "TOOLARGE"],
        example: "RETURN.RECEIVE rma-1 SKU-00001 1",
        writes: true,
        least: 3,
        most: None,
        run: receive,
    },
    Command {
        name: "RETURN.GRADE",
        group: "Returns",
        usage: "return sku total SELLABLE|DAMAGED|CARRIER|TO location",
        summary: "What units that are back are like. They are on hand in the same step: sellable ones may be \
            promised, damaged ones are on a hold `return/<return>/<n>`. Each unit gives one booking.",
        arguments: &[
            RETURN,
            ("sku total", "an item, and its units of this grade so far"),
            ("SELLABLE", "may be sold again: a credit memo"),
            ("DAMAGED", "broken or worn: an inventory adjustment"),
            ("CARRIER", "broken on their way: a carrier claim"),
            (
                "TO location",
                "on hand at that location from now on: an inventory adjustment",
            ),
        ],
        reply: REPLY,
        errors: &["NOTFOUND", "CONFLICT"],
        example: "RETURN.GRADE rma-1 SKU-00001 1 SELLABLE",
        writes: true,
        least: 4,
        most: Some(5),
        run: grade,
    },
    Command {
        name: "RETURN.CLOSE",
        group: "Returns",
        usage: "return",
        summary: "No more of it may come back; what did not is free for another return. Closing again changes \
            nothing.",
        arguments: &[RETURN],
        reply: REPLY,
        errors: &["NOTFOUND"],
        example: "RETURN.CLOSE rma-1",
        writes: true,
        least: 1,
        most: Some(1),
        run: close,
    },
    Command {
        name: "RETURN.GET",
        group: "Returns",
        usage: "return",
        summary: "A return as it stands.",
        arguments: &[RETURN],
        reply: REPLY,
        errors: &["NOTFOUND"],
        example: "RETURN.GET rma-1",
        writes: false,
        least: 1,
        most: Some(1),
        run: get,
    },
    Command {
        name: "RETURN.LIST",
        group: "Returns",
        usage: "source order",
        summary: "All returns of an order.",
        arguments: &[
            ("source", "system that took the order"),
            ("order", "its id there"),
        ],
        reply: "JSON: `returns`, each as `RETURN.GET` answers it",
        errors: &["NOTFOUND"],
        example: "RETURN.LIST web 1001",
        writes: false,
        least: 2,
        most: Some(2),
        run: list,
    },
];

/// Items with units, up to the end.
fn lines<'a>(args: &mut Arguments<'a>, field: &str) -> Result<Vec<(&'a str, Qty)>, CommandError> {
    let mut lines = Vec::new();
    while !args.is_empty() {
        let sku = args.text("sku")?;
        lines.push((sku, args.some_qty(field)?));
    }
    Ok(lines)
}

fn authorize(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.text("return")?;
    let part = PartName {
        source: args.text("source")?,
        order: args.text("order")?,
        number: args.some_qty("number")?.0,
    };
    let location = match args.take("AT") {
        true => Some(args.text("AT")?),
        false => None,
    };
    let lines = lines(&mut args, "qty")?;
    let ask = ReturnAsk {
        id,
        part,
        location,
        lines: &lines,
    };
    let view = call.engine.authorise_return(&ask, call.now)?;
    Ok(json::one(call.engine, &view).into())
}

fn receive(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.text("return")?;
    let totals = lines(&mut args, "total")?;
    let view = call.engine.receive_return(id, &totals, call.now)?;
    Ok(json::one(call.engine, &view).into())
}

fn grade(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (id, sku) = (args.text("return")?, args.text("sku")?);
    let total = args.some_qty("total")?;
    let grade = if args.take("SELLABLE") {
        GradeAsk::Sellable
    } else if args.take("DAMAGED") {
        GradeAsk::Damaged
    } else if args.take("CARRIER") {
        GradeAsk::DamagedByCarrier
    } else if args.take("TO") {
        GradeAsk::OtherLocation(args.text("TO")?)
    } else {
        let expected = "SELLABLE, DAMAGED, CARRIER or TO location";
        return Err(Invalid::new("grade", args.text("grade")?, expected).into());
    };
    args.end("SELLABLE, DAMAGED, CARRIER or TO location")?;
    let view = call.engine.grade_return(id, sku, grade, total, call.now)?;
    Ok(json::one(call.engine, &view).into())
}

fn close(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let view = call.engine.close_return(args.text("return")?, call.now)?;
    Ok(json::one(call.engine, &view).into())
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let view = call.engine.return_of(args.text("return")?)?;
    Ok(json::one(call.engine, &view).into())
}

fn list(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let views = call.engine.returns_of(source, order)?;
    Ok(json::list(call.engine, &views).into())
}
