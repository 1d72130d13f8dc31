//! `FULFILLMENT.*`: parts of orders handed out once, and what their holders say about them.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::fulfillment_json as json;
use super::super::table::{Call, Command};
use crate::engine::{ClaimAsk, PartName, Token};
use crate::model::{Cents, Change, ClaimMode, Invalid, Millis, Parcel, Qty, Tracking};
use crate::wire::Reply;

/// Time to acknowledge a claim when the sender says nothing: 15 minutes.
const LEASE: Millis = Millis(900_000);

const PART: [(&str, &str); 3] = [
    ("source", "system that took the order"),
    ("order", "its id there"),
    ("number", "which part of it, from 1"),
];
const SPOKEN: [(&str, &str); 4] = [
    PART[0],
    PART[1],
    PART[2],
    ("token", "of the live release, as the claim answered it"),
];
const DECIDED: [(&str, &str); 4] = [
    PART[0],
    PART[1],
    PART[2],
    ("reason", "why, or who vouches for it; for people"),
];
const REPLY: &str = "JSON: `applied` (`moved` or `late`), `from`, `to`, `fulfillment`, `moved` (units on \
    hand before and after, and the promises this broke), `placed` (numbers of the new parts that freed \
    units are in), `holds` (ids of holds on counts in doubt)";
const ERRORS: &[&str] = &["NOTFOUND", "STALE", "HELD", "STATE"];

/// A message of a holder that is nothing but its name.
const fn plain(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    run: super::super::table::Run,
) -> Command {
    Command {
        name,
        group: "Fulfilment",
        usage: "source order number token",
        summary,
        arguments: &SPOKEN,
        reply: REPLY,
        errors: ERRORS,
        example,
        writes: true,
        least: 4,
        most: Some(4),
        run,
    }
}

/// A decision about a part that takes a reason, and no token.
const fn decision(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    run: super::super::table::Run,
) -> Command {
    Command {
        name,
        group: "Fulfilment",
        usage: "source order number reason",
        summary,
        arguments: &DECIDED,
        reply: REPLY,
        errors: &["NOTFOUND", "HELD", "STATE"],
        example,
        writes: true,
        least: 4,
        most: Some(4),
        run,
    }
}

pub(in super::super) const COMMANDS: &[Command] = &[
    Command {
        name: "FULFILLMENT.CLAIM",
        group: "Fulfilment",
        usage: "location [COUNT n] [HOLDER name] [LEASE ms] [ACKFIRST] [ORDER source order]",
        summary: "Hands out what a location has to ship, each part of an order to one holder only: first \
            those that he has and did not acknowledge, then the most urgent that wait.",
        arguments: &[
            ("location", "text id of the location"),
            ("COUNT n", "how many at most, 1 to 1000; 1 when absent"),
            (
                "HOLDER name",
                "who asks; this connection when absent, so nobody can take over from it",
            ),
            (
                "LEASE ms",
                "milliseconds until it has to be acknowledged; 900000 when absent",
            ),
            (
                "ACKFIRST",
                "he starts only after his acknowledgement was accepted: then an unacknowledged claim goes back by itself",
            ),
            (
                "ORDER source order",
                "only parts of this order; refused, naming who has it, when somebody else does",
            ),
        ],
        reply: "JSON: `fulfillments`, each with `token`, `release`, `lease_end`, `repeated`",
        errors: &["NOTFOUND", "HELD", "STATE"],
        example: "FULFILLMENT.CLAIM DC-ORD COUNT 10 HOLDER wms-ord",
        writes: true,
        least: 1,
        most: Some(11),
        run: claim,
    },
    Command {
        name: "FULFILLMENT.REGISTER",
        group: "Fulfilment",
        usage: "source order number holder",
        summary: "Notes that parts of an order reached a holder by another way (the shop has sent it to a \
            3PL itself), so that they are handed to nobody else. The same again answers the same.",
        arguments: &[
            PART[0],
            PART[1],
            ("number", "which part, or `*` for all that are routed"),
            ("holder", "who has it"),
        ],
        reply: "JSON: `fulfillments`, each with `token`, `release`, `repeated`",
        errors: &["NOTFOUND", "HELD", "STATE"],
        example: "FULFILLMENT.REGISTER web 1001 * 3pl-west",
        writes: true,
        least: 4,
        most: Some(4),
        run: register,
    },
    Command {
        name: "FULFILLMENT.GET",
        group: "Fulfilment",
        usage: "source order [number]",
        summary: "The parts of an order as they stand, or one of them.",
        arguments: &PART,
        reply: "JSON: `state` of the order, `fulfillments`",
        errors: &["NOTFOUND"],
        example: "FULFILLMENT.GET web 1001",
        writes: false,
        least: 2,
        most: Some(3),
        run: get,
    },
    Command {
        name: "FULFILLMENT.LIST",
        group: "Fulfilment",
        usage: "location [COUNT n]",
        summary: "What a location has to ship: what waits and what somebody has, the most urgent first.",
        arguments: &[
            ("location", "text id of the location"),
            ("COUNT n", "how many at most, 1 to 1000; 100 when absent"),
        ],
        reply: "JSON: `waiting` (how many nobody has), `fulfillments`",
        errors: &["NOTFOUND"],
        example: "FULFILLMENT.LIST DC-ORD COUNT 20",
        writes: false,
        least: 1,
        most: Some(3),
        run: list,
    },
    plain(
        "FULFILLMENT.ACK",
        "The holder has it.",
        "FULFILLMENT.ACK web 1001 1 0123456789abcdef0123456789abcdef",
        |c, a| tell(c, a, |_| Ok(Change::Acknowledge)),
    ),
    plain(
        "FULFILLMENT.PICK",
        "Everything that is not missing is off the shelf.",
        "FULFILLMENT.PICK web 1001 1 0123456789abcdef0123456789abcdef",
        |c, a| tell(c, a, |_| Ok(Change::Pick)),
    ),
    plain(
        "FULFILLMENT.PACK",
        "It is in parcels.",
        "FULFILLMENT.PACK web 1001 1 0123456789abcdef0123456789abcdef",
        |c, a| tell(c, a, |_| Ok(Change::Pack)),
    ),
    Command {
        name: "FULFILLMENT.SHIP",
        group: "Fulfilment",
        usage: "source order number token [PARCEL carrier tracking [CENTS cents] [HOLDS sku qty [sku qty]...]] ...",
        summary: "The carrier has it: its units leave on hand and are no longer reserved, in the same step. \
            Parcels may be told later, with the same command.",
        arguments: &[
            PART[0],
            PART[1],
            PART[2],
            SPOKEN[3],
            (
                "PARCEL carrier tracking",
                "a parcel: who carries it, and his number",
            ),
            ("CENTS cents", "what the carrier charges for it, in cents"),
            (
                "HOLDS sku qty",
                "what is in it; then its units are delivered when it is",
            ),
        ],
        reply: REPLY,
        errors: ERRORS,
        example: "FULFILLMENT.SHIP web 1001 1 0123456789abcdef0123456789abcdef PARCEL ups 1Z999 CENTS 845",
        writes: true,
        least: 4,
        most: None,
        run: ship,
    },
    Command {
        name: "FULFILLMENT.DELIVER",
        group: "Fulfilment",
        usage: "source order number token [PARCEL carrier tracking]",
        summary: "The customer has it, or one parcel of it.",
        arguments: &[
            PART[0],
            PART[1],
            PART[2],
            SPOKEN[3],
            ("PARCEL carrier tracking", "only this parcel"),
        ],
        reply: REPLY,
        errors: ERRORS,
        example: "FULFILLMENT.DELIVER web 1001 1 0123456789abcdef0123456789abcdef",
        writes: true,
        least: 4,
        most: Some(7),
        run: deliver,
    },
    Command {
        name: "FULFILLMENT.SHORT",
        group: "Fulfilment",
        usage: "source order number token sku qty [sku qty ...]",
        summary: "The holder misses units. On hand is corrected by them, what is left there and nobody was \
            promised is held until somebody counts, and the units are placed anew somewhere else.",
        arguments: &[
            PART[0],
            PART[1],
            PART[2],
            SPOKEN[3],
            (
                "sku qty",
                "an item, and how many of its units are missing in total",
            ),
        ],
        reply: REPLY,
        errors: ERRORS,
        example: "FULFILLMENT.SHORT web 1001 1 0123456789abcdef0123456789abcdef SKU-00001 1",
        writes: true,
        least: 6,
        most: None,
        run: short,
    },
    Command {
        name: "FULFILLMENT.REJECT",
        group: "Fulfilment",
        usage: "source order number token reason",
        summary: "The holder will not do it; its units are free again, and placed anew somewhere else.",
        arguments: &[
            PART[0],
            PART[1],
            PART[2],
            SPOKEN[3],
            ("reason", "why, for people"),
        ],
        reply: REPLY,
        errors: ERRORS,
        example: "FULFILLMENT.REJECT web 1001 1 0123456789abcdef0123456789abcdef 'dock closed'",
        writes: true,
        least: 5,
        most: Some(5),
        run: reject,
    },
    decision(
        "FULFILLMENT.TAKEBACK",
        "The release ends and the part may be handed out again. Whoever vouches knows that its holder has \
            not begun; nothing that he says later counts.",
        "FULFILLMENT.TAKEBACK web 1001 1 anna",
        |c, a| {
            decide(c, a, |who| Change::TakeBack {
                vouched_by: Some(who),
            })
        },
    ),
    decision(
        "FULFILLMENT.HOLD",
        "Keeps a part that nobody has from being handed out.",
        "FULFILLMENT.HOLD web 1001 1 fraud-check",
        |c, a| decide(c, a, |reason| Change::Hold { reason }),
    ),
    Command {
        name: "FULFILLMENT.RESUME",
        group: "Fulfilment",
        usage: "source order number",
        summary: "A held part goes back to where it was.",
        arguments: &PART,
        reply: REPLY,
        errors: &["NOTFOUND", "STATE"],
        example: "FULFILLMENT.RESUME web 1001 1",
        writes: true,
        least: 3,
        most: Some(3),
        run: resume,
    },
    Command {
        name: "FULFILLMENT.CANCEL",
        group: "Fulfilment",
        usage: "source order number reason [TOKEN token]",
        summary: "Cancels one part; its units are free again. Of a part that somebody has it takes the token.",
        arguments: &[
            PART[0],
            PART[1],
            PART[2],
            ("reason", "why, for people"),
            ("TOKEN token", "of the live release"),
        ],
        reply: REPLY,
        errors: ERRORS,
        example: "FULFILLMENT.CANCEL web 1001 1 'not wanted any more'",
        writes: true,
        least: 4,
        most: Some(6),
        run: cancel,
    },
];

fn count(args: &mut Arguments<'_>) -> Result<usize, CommandError> {
    let qty = args.some_qty("COUNT")?;
    Ok(usize::try_from(qty.0).unwrap_or(usize::MAX))
}

fn claim(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let location = args.text("location")?;
    // Of this run of the server: another run counts its connections from 1 again.
    let own = format!("connection-{}@{}", call.connection, call.started.0);
    let mut ask = ClaimAsk {
        location,
        holder: &own,
        count: 1,
        lease: LEASE,
        mode: ClaimMode::WorkAtOnce,
        order: None,
    };
    while !args.is_empty() {
        if args.take("COUNT") {
            ask.count = count(&mut args)?;
        } else if args.take("HOLDER") {
            ask.holder = args.text("HOLDER")?;
        } else if args.take("LEASE") {
            ask.lease = args.millis("LEASE")?;
        } else if args.take("ACKFIRST") {
            ask.mode = ClaimMode::AcknowledgeFirst;
        } else if args.take("ORDER") {
            ask.order = Some((args.text("ORDER source")?, args.text("ORDER order")?));
        } else {
            args.end("COUNT n, HOLDER name, LEASE ms, ACKFIRST or ORDER source order")?;
        }
    }
    let handed = call.engine.claim(&ask, call.now)?;
    Ok(json::handed(call.engine, &handed).into())
}

fn register(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let order = (args.text("source")?, args.text("order")?);
    let number = match args.take("*") {
        true => None,
        false => Some(args.some_qty("number")?.0),
    };
    let holder = args.text("holder")?;
    let handed = call
        .engine
        .register_fulfillment(order, number, holder, call.now)?;
    Ok(json::handed(call.engine, &handed).into())
}

fn get(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (source, order) = (args.text("source")?, args.text("order")?);
    let views = match args.is_empty() {
        true => call.engine.fulfillments(source, order)?,
        false => {
            let number = args.some_qty("number")?.0;
            let name = PartName {
                source,
                order,
                number,
            };
            vec![call.engine.fulfillment(name)?]
        }
    };
    let state = call.engine.order(source, order)?.status.name();
    Ok(json::parts(call.engine, state, &views).into())
}

fn list(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let location = args.text("location")?;
    let most = match args.take("COUNT") {
        true => count(&mut args)?,
        false => 100,
    };
    args.end("COUNT n")?;
    let (views, waiting) = call.engine.fulfillments_at(location, most)?;
    Ok(json::list(call.engine, waiting, &views).into())
}

fn named<'a>(args: &mut Arguments<'a>) -> Result<PartName<'a>, CommandError> {
    Ok(PartName {
        source: args.text("source")?,
        order: args.text("order")?,
        number: args.some_qty("number")?.0,
    })
}

fn decide(
    call: &Call<'_>,
    mut args: Arguments<'_>,
    change: impl FnOnce(Box<str>) -> Change,
) -> Result<Reply, CommandError> {
    let name = named(&mut args)?;
    let reason = args.text("reason")?;
    told(call, name, None, &change(reason.into()))
}

fn resume(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let name = named(&mut args)?;
    told(call, name, None, &Change::Resume)
}

fn cancel(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let name = named(&mut args)?;
    let reason = args.text("reason")?.into();
    let token = match args.take("TOKEN") {
        true => Some(Token::parse(args.text("TOKEN")?)?),
        false => None,
    };
    args.end("TOKEN token")?;
    told(call, name, token.as_ref(), &Change::Cancel { reason })
}

/// Reads which part and with which token, then the change, and tells the engine.
fn tell(
    call: &Call<'_>,
    mut args: Arguments<'_>,
    change: impl FnOnce(&mut Arguments<'_>) -> Result<Change, CommandError>,
) -> Result<Reply, CommandError> {
    let (name, token) = part(&mut args)?;
    let change = change(&mut args)?;
    told(call, name, Some(&token), &change)
}

fn part<'a>(args: &mut Arguments<'a>) -> Result<(PartName<'a>, Token), CommandError> {
    let name = named(args)?;
    let token = Token::parse(args.text("token")?)?;
    Ok((name, token))
}

fn told(
    call: &Call<'_>,
    name: PartName<'_>,
    token: Option<&Token>,
    change: &Change,
) -> Result<Reply, CommandError> {
    let told = call
        .engine
        .tell_fulfillment(name, token, change, call.now)?;
    Ok(json::told(call.engine, &told).into())
}

fn tracking(args: &mut Arguments<'_>) -> Result<Tracking, CommandError> {
    Ok(Tracking {
        carrier: args.text("PARCEL carrier")?.into(),
        number: args.text("PARCEL tracking")?.into(),
    })
}

fn ship(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (name, token) = part(&mut args)?;
    let mut parcels = Vec::new();
    while args.take("PARCEL") {
        let tracking = tracking(&mut args)?;
        let cents = match args.take("CENTS") {
            true => Some(Cents(args.signed("CENTS", Cents::MAX.0)?)),
            false => None,
        };
        let contents = match args.take("HOLDS") {
            true => lines_of(call, name, &mut args, "PARCEL")?,
            false => Vec::new(),
        };
        parcels.push(Parcel {
            tracking,
            cents,
            contents,
            delivered: false,
        });
    }
    args.end("PARCEL carrier tracking [CENTS cents] [HOLDS sku qty [sku qty]...]")?;
    told(call, name, Some(&token), &Change::Ship { parcels })
}

/// Items of a part with units, up to a word or the end; an item twice is its sum.
fn lines_of(
    call: &Call<'_>,
    name: PartName<'_>,
    args: &mut Arguments<'_>,
    until: &str,
) -> Result<Vec<(u16, Qty)>, CommandError> {
    let view = call.engine.fulfillment(name)?;
    let mut lines: Vec<(u16, Qty)> = Vec::new();
    while !args.is_empty() && !args.next_is(until) {
        let sku = args.text("sku")?;
        let qty = args.some_qty("qty")?;
        let known = view.part.lines.iter();
        let at = known
            .map(|l| call.engine.registry().sku_name(l.sku))
            .position(|n| n == sku);
        let at = at.and_then(|at| u16::try_from(at).ok());
        let at = at.ok_or_else(|| {
            CommandError::from(Invalid::new("sku", sku, "an item of the fulfilment order"))
        })?;
        lines.push((at, qty));
    }
    Ok(lines)
}

fn deliver(call: &Call<'_>, args: Arguments<'_>) -> Result<Reply, CommandError> {
    tell(call, args, |args| {
        let parcel = match args.take("PARCEL") {
            true => Some(tracking(args)?),
            false => None,
        };
        args.end("PARCEL carrier tracking")?;
        Ok(Change::Deliver { parcel })
    })
}

fn reject(call: &Call<'_>, args: Arguments<'_>) -> Result<Reply, CommandError> {
    tell(call, args, |args| {
        let reason = args.text("reason")?.into();
        Ok(Change::Reject { reason })
    })
}

fn short(call: &Call<'_>, mut args: Arguments<'_>) -> Result<Reply, CommandError> {
    let (name, token) = part(&mut args)?;
    let lines = lines_of(call, name, &mut args, "")?;
    told(call, name, Some(&token), &Change::Short { lines })
}
