//! `EXCEPTION.*`: what needs a decision, who has it, and how it ended.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::exception_json as json;
use super::super::table::{Call, Command};
use crate::engine::ExceptionFilter;
use crate::model::{Cause, ExceptionKind, Invalid, OrderKey, Qty};
use crate::wire::Reply;

const ID: (&str, &str) = ("exception", "its number");
const ONE: &str = "JSON: `exception`, `kind`, `cause`, `owner`, what it is about (`source`, `order`, \
    `fulfillment`, `sku`, `location`), `channel`, `detail`, `action` (what would resolve it), \
    `waits_for`, `opened`, `assigned_to`, `kept` (a refused order that the network's rules may place), `resolved` \
    (`at`, `by`, `how`, `rule`), `repeated`";

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "EXCEPTION.LIST",
        group: "Exceptions",
        usage: "[KIND kind] [CAUSE cause] [ORDER source order] [ASSIGNED person] [RESOLVED] [AFTER exception] [COUNT n]",
        summary: "What needs a decision, oldest first.",
        arguments: &[
            (
                "KIND kind",
                "only of this type: `validation`, `unroutable`, `promise_at_risk`, `stuck`, \
                 `duplicate_suspected`, `short_pick`, `discrepancy` or `capacity`",
            ),
            ("CAUSE cause", "only for this reason, such as `no_stock`"),
            (
                "ORDER source order",
                "only about this order or a part of it",
            ),
            ("ASSIGNED person", "only what this person has taken on"),
            ("RESOLVED", "also what has been resolved"),
            (
                "AFTER exception",
                "only numbers above this one: the next page",
            ),
            ("COUNT n", "how many at most, 1 to 1000; 100 when absent"),
        ],
        reply: "JSON: `exceptions`, each as `EXCEPTION.GET` answers it",
        errors: &[],
        example: "EXCEPTION.LIST KIND validation COUNT 10",
        writes: false,
        least: 0,
        most: Some(14),
        run: list,
    },
    Command {
        name: "EXCEPTION.GET",
        group: "Exceptions",
        usage: "exception",
        summary: "One exception.",
        arguments: &[ID],
        reply: ONE,
        errors: &["NOTFOUND"],
        example: "EXCEPTION.GET 1",
        writes: false,
        least: 1,
        most: Some(1),
        run: get,
    },
    Command {
        name: "EXCEPTION.ASSIGN",
        group: "Exceptions",
        usage: "exception person",
        summary: "Gives an exception to somebody; the same again changes nothing.",
        arguments: &[ID, ("person", "who takes it on; `-` for nobody")],
        reply: "JSON: as `EXCEPTION.GET`",
        errors: &["NOTFOUND"],
        example: "EXCEPTION.ASSIGN 1 anna",
        writes: true,
        least: 2,
        most: Some(2),
        run: assign,
    },
    Command {
        name: "EXCEPTION.RESOLVE",
        group: "Exceptions",
        usage: "exception by how",
        summary: "Ends an exception: somebody has decided. It changes nothing else; what was decided is done \
            with its own command. The second time it is answered as it ended the first time.",
        arguments: &[
            ID,
            ("by", "who decided"),
            ("how", "what was done, in one line, for people"),
        ],
        reply: "JSON: as `EXCEPTION.GET`",
        errors: &["NOTFOUND"],
        example: "EXCEPTION.RESOLVE 1 anna 'the customer took another item'",
        writes: true,
        least: 3,
        most: Some(3),
        run: resolve,
    },
    Command {
        name: "ORDER.STUCK",
        group: "Exceptions",
        usage: "[CAUSE cause] [AFTER exception] [COUNT n]",
        summary: "Parts of orders that stand still for longer than their state may last, oldest first, and \
            how many there are for each reason.",
        arguments: &[
            (
                "CAUSE cause",
                "only for this reason: `not_validated`, `not_routed`, `no_supply`, `held`, `not_claimed`, \
                 `not_acknowledged`, `not_picked`, `pick_unfinished`, `not_packed`, `not_collected` or \
                 `not_delivered`",
            ),
            (
                "AFTER exception",
                "only numbers above this one: the next page",
            ),
            ("COUNT n", "how many at most, 1 to 1000; 100 when absent"),
        ],
        reply: "JSON: `causes` (reason to number), `stuck`: each as `EXCEPTION.GET` answers it, with \
            `state`, `since`, `location` and `holder` of the part",
        errors: &[],
        example: "ORDER.STUCK CAUSE not_claimed COUNT 10",
        writes: false,
        least: 0,
        most: Some(6),
        run: stuck,
    },
];

fn stuck(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (mut wanted, mut after, mut count) = (None, 0, Qty(100));
    while !args.is_empty() {
        if args.take("CAUSE") {
            wanted = Some(cause(args.text("CAUSE")?)?);
        } else if args.take("AFTER") {
            after = args.number("AFTER")?;
        } else if args.take("COUNT") {
            count = args.some_qty("COUNT")?;
        } else {
            args.end("CAUSE, AFTER or COUNT")?;
        }
    }
    let count = usize::try_from(count.0).unwrap_or(usize::MAX);
    let (parts, counts) = call.engine.stuck(wanted, after, count)?;
    Ok(json::stuck(call.engine, &parts, &counts).into())
}

fn list(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let mut filter = ExceptionFilter::default();
    let (mut after, mut count) = (0, Qty(100));
    while !args.is_empty() {
        if args.take("KIND") {
            filter.kind = Some(kind(args.text("KIND")?)?);
        } else if args.take("CAUSE") {
            filter.cause = Some(cause(args.text("CAUSE")?)?);
        } else if args.take("ORDER") {
            let (source, order) = (args.text("ORDER source")?, args.text("ORDER order")?);
            filter.order = Some(OrderKey::new(source, order));
        } else if args.take("ASSIGNED") {
            filter.assigned_to = Some(args.text("ASSIGNED")?.into());
        } else if args.take("RESOLVED") {
            filter.resolved_too = true;
        } else if args.take("AFTER") {
            after = args.number("AFTER")?;
        } else if args.take("COUNT") {
            count = args.some_qty("COUNT")?;
        } else {
            args.end("KIND, CAUSE, ORDER, ASSIGNED, RESOLVED, AFTER or COUNT")?;
        }
    }
    let count = usize::try_from(count.0).unwrap_or(usize::MAX);
    let found = call.engine.exceptions(&filter, after, count)?;
    Ok(json::list(call.engine, &found).into())
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let found = call.engine.exception(args.number("exception")?)?;
    Ok(json::one(call.engine, &found).to_string().into())
}

fn assign(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.number("exception")?;
    let to = match args.take("-") {
        true => None,
        false => Some(args.text("person")?),
    };
    let (after, _) = call.engine.assign_exception(id, to, call.now)?;
    Ok(json::one(call.engine, &after).to_string().into())
}

fn resolve(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let id = args.number("exception")?;
    let (by, how) = (args.text("by")?, args.text("how")?);
    let (after, new) = call.engine.resolve_exception(id, by, how, call.now)?;
    Ok(json::resolved(call.engine, &after, !new).into())
}

fn kind(text: &str) -> Result<ExceptionKind, CommandError> {
    let known = ExceptionKind::ALL.iter().find(|(name, _)| *name == text);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        let names = ExceptionKind::ALL.map(|(name, _)| name).join(", ");
        Invalid::new("KIND", text, format!("one of {names}")).into()
    })
}

fn cause(text: &str) -> Result<Cause, CommandError> {
    let known = Cause::ALL.iter().find(|cause| cause.name() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Cause::ALL.iter().map(|c| c.name()).collect();
        Invalid::new("CAUSE", text, format!("one of {}", names.join(", "))).into()
    })
}
