//! `BACKLOG.*`: many open orders re-optimised together, in the background, and moved.

use super::super::arguments::Arguments;
use super::super::backlog::{Ask, Runs};
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::backlog::{MoveRow, OpenState, Scenario, Strategy, carry_out, freed};
use crate::engine::Registry;
use crate::model::Invalid;
use crate::wire::Reply;
use std::sync::Arc;
use std::time::Duration;

/// Most moves of one command.
const MOVES_MAX: usize = 4_000;
/// Most scenarios of one run.
const SCENARIOS_MAX: usize = 8;
/// Most of a number of hours, seconds, cents or percent.
const NUMBER_MAX: u64 = 1_000_000;

const RUN: (&str, &str) = ("run", "the number that `BACKLOG.OPTIMIZE` answered");
const STATUS: &str = "map: `run`, `asked`, `state` (`reading`, `optimizing`, `done`: there is a plan, \
    `applying`, `applied`, `cancelled`, `failed`, `lost`: the server ended while it ran), `stage` with \
    `done` steps `of` so many, `orders` in the scope, `moves` of the plan, `cents_before` and `cents` \
    (what is minimised, of today and of the best plan so far), `bound_cents` (no plan costs less), \
    `gap_millionths` between them, `millis`, `results` (moves by what became of them: `result`, \
    `count`), `why`, `what_if` (after `WHATIF`, for `today`, `plan` and every scenario: `scenario`, \
    `total_cents`, `freight_cents`, `short_cents`, `late_cents`, `shipments`, `units_short`, \
    `late_orders`, `days` to deliver of all, `moves`, promises `broken`, `broken_elsewhere` among \
    orders that were not looked at, `surge_orders` on top and `surge_short` of them)";

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "BACKLOG.OPTIMIZE",
        group: "Backlog",
        usage: "[CHANNEL channel]... [LOCATION location]... [SKU sku]... [STATE state] [AGE hours] \
            [STRATEGY [FOR channel] strategy]... [FROZEN hours] [CHANGE cents] [AGEPERCENT percent] \
            [WEIGHT part percent]... [WHATIF assumption,...]... [SECONDS n] [SEED n] [APPLY|DRYRUN]",
        summary: "Begins to look for the cheapest way to serve all open orders together that nobody has a \
            part of, on a copy of the state, in the background; one runs at a time. Its steps are events \
            of the stream `events`: `backlog.began`, `backlog.progress` (every second), `backlog.done`, \
            `backlog.applied`, `backlog.cancelled`, `backlog.failed`, `backlog.lost`. Nothing changes \
            before its plan is applied.",
        arguments: &[
            (
                "CHANNEL channel",
                "only orders of this channel, or of one of these",
            ),
            (
                "LOCATION location",
                "only orders that ship something from there, or wait",
            ),
            ("SKU sku", "only orders with a line of this item"),
            (
                "STATE state",
                "`any` (when absent), `waiting` (something of it waits for supply), `planned` (nothing \
                 waits) or `late` (it is delivered after its promise date)",
            ),
            (
                "AGE hours",
                "only orders placed so many hours ago or longer",
            ),
            (
                "STRATEGY [FOR channel] strategy",
                "what may become of an order, or of those of a channel: `win`, `gain` (when absent), \
                 `redistribute`, `fill`, `lose`",
            ),
            (
                "FROZEN hours",
                "orders of which something is handed over sooner stay as they are",
            ),
            (
                "CHANGE cents",
                "an order changes only if that saves so much",
            ),
            (
                "AGEPERCENT percent",
                "by so much lateness, waiting and being short weigh more for each day of an order's age",
            ),
            (
                "WEIGHT part percent",
                "`split`, `late`, `speed` or `short` in percent of what each order's policy says",
            ),
            (
                "WHATIF assumption,...",
                "a scenario: `close=LOCATION`, `late=SUPPLY:DAYS`, `surge=PERCENT`, `surge=SKU:PERCENT`, \
                 `surge=@CHANNEL:PERCENT` or `weight=PART:PERCENT`, several between commas; at most 8. \
                 Then today, the plan without any assumption and each scenario are compared, and nothing \
                 of it is ever applied",
            ),
            (
                "SECONDS n",
                "begin no further step after so long, of each scenario; without it the work is fixed, and \
                 the same state and seed give the same plan",
            ),
            ("SEED n", "of the search; 1 when absent"),
            (
                "APPLY|DRYRUN",
                "make the moves when the plan is there; or, as when absent, keep it for \
                 `BACKLOG.PLAN` and `BACKLOG.APPLY RUN`",
            ),
        ],
        reply: "the number of the run, at once",
        errors: &["BUSY", "NOTFOUND"],
        example: "BACKLOG.OPTIMIZE CHANNEL web STRATEGY gain SECONDS 10",
        writes: true,
        least: 0,
        most: None,
        run: optimize,
    },
    Command {
        name: "BACKLOG.STATUS",
        group: "Backlog",
        usage: "[run]",
        summary: "How far a run is and what came of it; the newest when no number is given.",
        arguments: &[RUN],
        reply: STATUS,
        errors: &["NOTFOUND"],
        example: "BACKLOG.STATUS",
        writes: false,
        least: 0,
        most: Some(1),
        run: status,
    },
    Command {
        name: "BACKLOG.CANCEL",
        group: "Backlog",
        usage: "run",
        summary: "Ends a run soon: after the step that it is at. A plan that is not ready is given up; moves \
            that were made stay made, and applying the plan again goes on with the others and with what the \
            moves freed, which nobody is given before. One that has \
            ended is as it was.",
        arguments: &[RUN],
        reply: "as `BACKLOG.STATUS`",
        errors: &["NOTFOUND"],
        example: "BACKLOG.CANCEL 1795849200000",
        writes: true,
        least: 1,
        most: Some(1),
        run: cancel,
    },
    Command {
        name: "BACKLOG.PLAN",
        group: "Backlog",
        usage: "run",
        summary: "The plan that a run came to, as `allot plan show` and `allot plan apply` read it. Those of \
            the newest 8 runs are kept in the data directory, or those of the newest 2 in memory.",
        arguments: &[RUN],
        reply: "JSON: what all orders cost before and after, the bound, every order that changes (`moves`), \
            and the stock that it was computed on; of a run with `WHATIF` what each scenario comes to \
            (`columns`)",
        errors: &["NOTFOUND"],
        example: "BACKLOG.PLAN 1795849200000",
        writes: false,
        least: 1,
        most: Some(1),
        run: plan,
    },
    Command {
        name: "BACKLOG.APPLY",
        group: "Backlog",
        usage: "END|[RUN run]|[MORE] [json]...",
        summary: "Moves orders to other plans, those of a run or as `allot plan apply` sends them: each only if it \
            still has the plan that it is to be moved from, nobody has a part of it, and the new plan can \
            still be made and is not later than it says. What an order has is released and what it gets is \
            taken in one step; orders that wait for each other's units move together, all or none. What \
            is free afterwards goes to the orders that wait for it. The same moves again change nothing, \
            so what was interrupted is done by sending it again.",
        arguments: &[
            (
                "RUN run",
                "all moves of this run's plan; answered when they are made",
            ),
            (
                "MORE",
                "what these moves free is kept for others of the plan that are sent next",
            ),
            (
                "json",
                "one of the `moves` of a plan file: `source`, `order`, `from`, `to`",
            ),
            (
                "END",
                "after the last moves that were sent with `MORE`: what they freed goes to who waits",
            ),
        ],
        reply: "a map for each move, in their order: `source`, `order`, `result`: `moved`; `already` (it has \
            that plan); `changed` (it has another plan than `from`); `released` (somebody has a part, or \
            it is cancelled); `closed` (a location does not ship it now); `later` (it would be delivered \
            later by now); `nostock` (units, or room on a location's day, are not free); `notfound`; or \
            `invalid`; `why` says why, or is null. After `RUN` as `BACKLOG.STATUS`, after `END` the \
            number of orders that got something",
        errors: &["TOOLARGE", "BUSY", "NOTFOUND"],
        example: r#"BACKLOG.APPLY '{"source":"web","order":"1001","from":{"shipments":[],"short":[{"sku":"SKU-00001","qty":1}],"cents":2500},"to":{"shipments":[],"short":[{"sku":"SKU-00001","qty":1}],"cents":2500},"saved_cents":0,"days_gained":null}'"#,
        writes: true,
        least: 1,
        most: None,
        run: apply,
    },
];

fn runs<'a>(call: &Call<'a>) -> &'a Arc<Runs> {
    call.runs
}

fn optimize(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let words = args.all().iter().skip(1).map(String::from_utf8_lossy);
    let mut ask = Ask {
        asked: words.collect::<Vec<_>>().join(" "),
        seed: 1,
        ..Ask::default()
    };
    let registry = call.engine.registry();
    let mut said: Vec<&str> = Vec::new();
    while !args.is_empty() {
        once(&args, &mut said)?;
        if !(scope_word(&mut args, &mut ask, registry)? || rule_word(&mut args, &mut ask)?) {
            args.end(
                "CHANNEL, LOCATION, SKU, STATE, AGE, STRATEGY, FROZEN, CHANGE, AGEPERCENT, WEIGHT, \
                 WHATIF, SECONDS, SEED, APPLY or DRYRUN",
            )?;
        }
    }
    for scenario in &ask.scenarios {
        scenario.check(call.engine)?;
    }
    if ask.apply && !ask.scenarios.is_empty() {
        let expected = "no APPLY beside WHATIF: scenarios are compared and never applied";
        return Err(Invalid::new("argument", "APPLY", expected).into());
    }
    let number = runs(call).begin(ask)?;
    Ok(Reply::Int(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// Words of which the second would silently undo the first.
const ONCE: [&str; 8] = [
    "STATE",
    "AGE",
    "FROZEN",
    "CHANGE",
    "AGEPERCENT",
    "SECONDS",
    "SEED",
    "APPLY or DRYRUN",
];

/// Refuses such a word, if the next is one and was there before.
fn once(args: &Arguments<'_>, said: &mut Vec<&'static str>) -> Result<(), CommandError> {
    let next = ONCE
        .into_iter()
        .find(|words| words.split(" or ").any(|word| args.next_is(word)));
    let Some(word) = next else {
        return Ok(());
    };
    if said.contains(&word) {
        return Err(Invalid::new("argument", word, "each of these words once").into());
    }
    said.push(word);
    Ok(())
}

/// Reads a word that says which orders, if the next is one.
fn scope_word(
    args: &mut Arguments<'_>,
    ask: &mut Ask,
    registry: &Registry,
) -> Result<bool, CommandError> {
    if args.take("CHANNEL") {
        ask.scope.channels.push(args.text("CHANNEL")?.into());
    } else if args.take("LOCATION") {
        let name = args.text("LOCATION")?;
        registry.location("LOCATION", name)?;
        ask.scope.locations.push(name.into());
    } else if args.take("SKU") {
        let name = args.text("SKU")?;
        registry.sku("SKU", name)?;
        ask.scope.skus.push(name.into());
    } else if args.take("STATE") {
        let name = args.text("STATE")?;
        let expected = "any, waiting, planned or late";
        let state = OpenState::named(name).ok_or_else(|| Invalid::new("STATE", name, expected))?;
        ask.scope.state = state;
    } else if args.take("AGE") {
        ask.scope.age_hours = number(args, "AGE")?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Reads a word that says by which rules, if the next is one.
fn rule_word(args: &mut Arguments<'_>, ask: &mut Ask) -> Result<bool, CommandError> {
    if args.take("STRATEGY") {
        let channel = match args.take("FOR") {
            true => Some(args.text("FOR")?),
            false => None,
        };
        let name = args.text("STRATEGY")?;
        let expected = "win, gain, redistribute, fill or lose";
        let strategy = Strategy::named(name);
        let strategy = strategy.ok_or_else(|| Invalid::new("STRATEGY", name, expected))?;
        match channel {
            Some(channel) => drop(ask.rules.by_channel.insert(channel.into(), strategy)),
            None => ask.rules.strategy = strategy,
        }
    } else if args.take("FROZEN") {
        ask.rules.frozen_hours = number(args, "FROZEN")?;
    } else if args.take("CHANGE") {
        ask.rules.change_cents = number(args, "CHANGE")?.into();
    } else if args.take("AGEPERCENT") {
        ask.rules.age_percent_per_day = number(args, "AGEPERCENT")?;
    } else if args.take("WEIGHT") {
        let part = args.text("WEIGHT")?;
        if !ask.rules.weights.set(part, number(args, "WEIGHT")?) {
            let expected = "split, late, speed or short";
            return Err(Invalid::new("WEIGHT", part, expected).into());
        }
    } else if args.take("WHATIF") {
        let text = args.text("WHATIF")?;
        if ask.scenarios.len() == SCENARIOS_MAX {
            let expected = format!("at most {SCENARIOS_MAX} scenarios");
            return Err(Invalid::new("WHATIF", text, expected).into());
        }
        ask.scenarios.push(Scenario::parse(text)?);
    } else if args.take("SECONDS") {
        let seconds = number(args, "SECONDS")?;
        ask.budget = Some(Duration::from_secs(seconds.into()));
    } else if args.take("SEED") {
        ask.seed = args.number("SEED")?;
    } else if args.take("APPLY") {
        ask.apply = true;
    } else if args.take("DRYRUN") {
        ask.apply = false;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn number(args: &mut Arguments<'_>, field: &str) -> Result<u32, CommandError> {
    let number = args.number(field)?;
    let small = u32::try_from(number).ok().filter(|_| number <= NUMBER_MAX);
    let expected = format!("a whole number up to {NUMBER_MAX}");
    small.ok_or_else(|| Invalid::new(field, number, expected).into())
}

fn status(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let number = match args.is_empty() {
        true => None,
        false => Some(args.number("run")?),
    };
    Ok(runs(call).status(number)?.reply())
}

fn cancel(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let number = args.number("run")?;
    Ok(runs(call).cancel(number)?.reply())
}

fn plan(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let number = args.number("run")?;
    let runs = runs(call).clone();
    // A large file takes a while.
    call.later(move || match runs.plan(number) {
        Ok(text) => (*text).to_owned().into(),
        Err(error) => error.into_reply(),
    })
}

fn apply(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (runs, now) = (runs(call).clone(), call.now);
    if args.take("RUN") {
        let number = args.number("run")?;
        args.end("nothing after RUN run")?;
        call.later.set(Some(runs.apply(number)?));
        return Ok(Reply::Null);
    }
    if args.take("END") {
        args.end("nothing after END")?;
        return call.later(move || {
            let served = runs.serve(Vec::new(), now);
            Reply::Int(i64::try_from(served).unwrap_or(i64::MAX))
        });
    }
    let more = args.take("MORE");
    let rows = moves(&mut args)?;
    let engine = call.engine.clone();
    call.later(move || {
        let results = carry_out(&engine, &rows, &mut |_| Some(now));
        let free = freed(&engine, &rows, &results);
        match more {
            true => runs.serve_later(free),
            false => drop(runs.serve(free, now)),
        }
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

fn moves(args: &mut Arguments<'_>) -> Result<Vec<MoveRow>, CommandError> {
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
    Ok(rows)
}
