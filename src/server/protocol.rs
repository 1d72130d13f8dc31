//! The commands of the Redis protocol itself: what client libraries and consoles send by
//! themselves, on connect and later. Wordings matter here: libraries match on them.

use super::commands::feed::written;
use super::early;
use super::info;
use super::session::{Replies, Session};
use super::shared::ClientEntry;
use super::table::{self, Command};
use crate::feed::Outcome;
use crate::wire::{Args, Protocol, Reply};
use subtle::ConstantTimeEq;

/// The version of Redis whose protocol this is; libraries choose features by it.
pub(super) const REDIS_VERSION: &str = "7.0.0";

type Answer = fn(&mut Session, Args<'_>) -> Reply;

/// Name, whether it is answered before authentication, and the answer. In the order of the README.
const PROTOCOL: &[(&str, bool, Answer)] = &[
    ("HELLO", true, hello),
    ("AUTH", true, auth),
    ("PING", false, ping),
    ("ECHO", false, echo),
    ("QUIT", true, quit),
    ("RESET", true, reset),
    ("SELECT", false, select),
    ("CLIENT", false, client),
    ("COMMAND", false, command),
    ("CONFIG", false, config),
    ("INFO", false, |session, args| info::reply(session, args)),
    ("CLUSTER", false, |_, _| {
        Reply::error("ERR", "This instance has cluster support disabled")
    }),
    ("SUBSCRIBE", false, subscribe),
    ("UNSUBSCRIBE", false, subscribe),
    ("PSUBSCRIBE", false, subscribe),
    ("PUNSUBSCRIBE", false, subscribe),
    // The tie-break key that StackExchange.Redis asks for; there are no keys here.
    ("GET", false, |_, _| Reply::Null),
    ("TIME", false, time),
    ("ROLE", false, role),
    ("WAIT", false, |_, _| Reply::Int(0)),
    ("READONLY", false, |_, _| Reply::ok()),
    ("READWRITE", false, |_, _| Reply::ok()),
    ("SLOWLOG", false, slowlog),
    ("XADD", false, written_by_the_engine),
    ("XDEL", false, written_by_the_engine),
    ("XTRIM", false, written_by_the_engine),
    ("XSETID", false, written_by_the_engine),
    ("LATENCY", false, |_, _| Reply::Array(Vec::new())),
];

/// Names of the protocol's commands.
pub fn protocol_commands() -> impl Iterator<Item = &'static str> {
    PROTOCOL.iter().map(|(name, _, _)| *name)
}

pub(super) fn answer(session: &mut Session, args: Args<'_>) -> Reply {
    let name = args.name();
    let known = PROTOCOL
        .iter()
        .find(|(n, _, _)| name.eq_ignore_ascii_case(n.as_bytes()));
    match known {
        _ if !session.authenticated && !known.is_some_and(|(_, early, _)| *early) => {
            Reply::error("NOAUTH", "Authentication required.")
        }
        Some((_, _, answer)) => answer(session, args),
        None => unknown(args),
    }
}

fn unknown(args: Args<'_>) -> Reply {
    let cut = |bytes: &[u8]| -> String {
        let text = String::from_utf8_lossy(bytes);
        text.chars()
            .take(128)
            .flat_map(char::escape_debug)
            .collect()
    };
    let shown: String = args
        .iter()
        .skip(1)
        .take(8)
        .map(|a| format!("'{}' ", cut(a)))
        .collect();
    let name = cut(args.name());
    Reply::error(
        "ERR",
        format!("unknown command '{name}', with args beginning with: {shown}"),
    )
}

fn wrong_arity(name: &str) -> Reply {
    Reply::error(
        "ERR",
        format!("wrong number of arguments for '{name}' command"),
    )
}

fn text(args: Args<'_>, index: usize) -> String {
    String::from_utf8_lossy(args.get(index).unwrap_or_default()).into_owned()
}

fn is(args: Args<'_>, index: usize, keyword: &str) -> bool {
    args.get(index)
        .is_some_and(|a| a.eq_ignore_ascii_case(keyword.as_bytes()))
}

/// Logs in; `None` on success.
fn log_in(session: &mut Session, user: Option<&[u8]>, password: &[u8]) -> Option<Reply> {
    let Some(expected) = &session.shared.config.password else {
        return Some(Reply::error(
            "ERR",
            "AUTH <password> called without any password configured for the default user. Are you \
             sure your configuration is correct?",
        ));
    };
    let known_user = user.is_none_or(|u| u == b"default");
    let matches: bool = expected.0.as_bytes().ct_eq(password).into();
    if known_user && matches {
        session.set_authenticated(true);
        return None;
    }
    session.failed_to_authenticate();
    Some(Reply::error(
        "WRONGPASS",
        "invalid username-password pair or user is disabled.",
    ))
}

fn hello(session: &mut Session, args: Args<'_>) -> Reply {
    let mut protocol = session.protocol;
    if let Some(version) = args.get(1) {
        protocol = match version {
            b"2" => Protocol::Resp2,
            b"3" => Protocol::Resp3,
            _ => return Reply::error("NOPROTO", "unsupported protocol version"),
        };
    }
    let mut name = None;
    let mut at = 2;
    while at < args.len() {
        if is(args, at, "AUTH") && at + 2 < args.len() {
            let user = args.get(at + 1);
            if let Some(refused) = log_in(session, user, args.get(at + 2).unwrap_or_default()) {
                return refused;
            }
            at += 3;
        } else if is(args, at, "SETNAME") && at + 1 < args.len() {
            name = Some(text(args, at + 1));
            at += 2;
        } else {
            return Reply::error(
                "ERR",
                format!("Syntax error in HELLO option '{}'", text(args, at)),
            );
        }
    }
    if !session.authenticated {
        return Reply::error(
            "NOAUTH",
            "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> \
             AUTH <user> <pass> option can be used to authenticate the client and select the RESP \
             protocol version at the same time",
        );
    }
    session.protocol = protocol;
    if let Some(name) = name {
        with_entry(session, |entry| entry.name = name);
    }
    Reply::map([
        ("server", Reply::text("redis")),
        ("version", Reply::text(REDIS_VERSION)),
        (
            "proto",
            Reply::Int(if protocol == Protocol::Resp3 { 3 } else { 2 }),
        ),
        ("id", Reply::Int(i64::try_from(session.id).unwrap_or(0))),
        ("mode", Reply::text("standalone")),
        ("role", Reply::text("master")),
        ("modules", Reply::Array(Vec::new())),
    ])
}

fn auth(session: &mut Session, args: Args<'_>) -> Reply {
    let refused = match args.len() {
        2 => log_in(session, None, args.get(1).unwrap_or_default()),
        3 => log_in(session, args.get(1), args.get(2).unwrap_or_default()),
        _ => return wrong_arity("auth"),
    };
    refused.unwrap_or_else(Reply::ok)
}

fn ping(_: &mut Session, args: Args<'_>) -> Reply {
    match args.get(1) {
        None => Reply::Simple("PONG".into()),
        Some(message) => message.to_vec().into(),
    }
}

fn echo(_: &mut Session, args: Args<'_>) -> Reply {
    args.get(1)
        .map_or_else(|| wrong_arity("echo"), |message| message.to_vec().into())
}

fn quit(session: &mut Session, _: Args<'_>) -> Reply {
    session.closing = true;
    Reply::ok()
}

fn reset(session: &mut Session, _: Args<'_>) -> Reply {
    session.protocol = Protocol::Resp2;
    session.replies = Replies::On;
    let open = session.shared.config.password.is_none();
    session.set_authenticated(open);
    with_entry(session, |entry| entry.name.clear());
    Reply::Simple("RESET".into())
}

fn select(_: &mut Session, args: Args<'_>) -> Reply {
    match args.get(1) {
        Some(b"0") => Reply::ok(),
        Some(_) => Reply::error("ERR", "DB index is out of range"),
        None => wrong_arity("select"),
    }
}

fn with_entry<T>(session: &Session, read: impl FnOnce(&mut ClientEntry) -> T) -> Option<T> {
    session
        .shared
        .clients
        .get_mut(&session.id)
        .map(|mut entry| read(&mut entry))
}

fn client(session: &mut Session, args: Args<'_>) -> Reply {
    let verb = text(args, 1).to_ascii_uppercase();
    match verb.as_str() {
        "ID" => Reply::Int(i64::try_from(session.id).unwrap_or(0)),
        "GETNAME" => match with_entry(session, |entry| entry.name.clone()) {
            Some(name) if !name.is_empty() => name.into(),
            _ => Reply::Null,
        },
        "SETNAME" if args.len() == 3 => {
            let name = text(args, 2);
            if name.bytes().any(|b| !(b'!'..=b'~').contains(&b)) {
                let why = "Client names cannot contain spaces, newlines or special characters.";
                return Reply::error("ERR", why);
            }
            with_entry(session, |entry| {
                entry.name = name.chars().take(64).collect()
            });
            Reply::ok()
        }
        "SETINFO" if args.len() == 4 => {
            let value: String = text(args, 3)
                .chars()
                .filter(char::is_ascii_graphic)
                .take(64)
                .collect();
            if is(args, 2, "LIB-NAME") {
                with_entry(session, |entry| entry.library = value);
            }
            Reply::ok()
        }
        "INFO" => client_line(session, session.id).into(),
        "LIST" => {
            let mut ids: Vec<u64> = session.shared.clients.iter().map(|e| *e.key()).collect();
            ids.sort_unstable();
            let lines: Vec<String> = ids.iter().map(|&id| client_line(session, id)).collect();
            lines.concat().into()
        }
        "KILL" => kill(session, args),
        "NO-EVICT" | "NO-TOUCH" => Reply::ok(),
        "REPLY" => {
            session.replies = match text(args, 2).to_ascii_uppercase().as_str() {
                "ON" => Replies::On,
                "OFF" => Replies::Off,
                "SKIP" => Replies::Skip,
                _ => return Reply::error("ERR", "syntax error"),
            };
            Reply::ok()
        }
        "" => wrong_arity("client"),
        _ => Reply::error(
            "ERR",
            format!("unknown subcommand '{}'. Try CLIENT HELP.", text(args, 1)),
        ),
    }
}

fn client_line(session: &Session, id: u64) -> String {
    let now = session.shared.clock.uptime_millis();
    session
        .shared
        .clients
        .get(&id)
        .map_or_else(String::new, |entry| {
            let age = now.saturating_sub(entry.since_millis) / 1000;
            let (peer, name, library) = (entry.peer, &entry.name, &entry.library);
            format!("id={id} addr={peer} name={name} age={age} db=0 lib-name={library}\n")
        })
}

fn kill(session: &mut Session, args: Args<'_>) -> Reply {
    let by_id = is(args, 2, "ID");
    let by_addr = is(args, 2, "ADDR");
    let wanted = text(args, if by_id || by_addr { 3 } else { 2 });
    let matching = |id: u64, entry: &ClientEntry| match by_id {
        true => wanted == id.to_string(),
        false => wanted == entry.peer.to_string(),
    };
    let mut killed = 0;
    for entry in &session.shared.clients {
        if matching(*entry.key(), entry.value()) {
            entry.kill.notify_one();
            killed += 1;
        }
    }
    match (by_id || by_addr, killed) {
        (true, _) => Reply::Int(killed),
        (false, 0) => Reply::error("ERR", "No such client"),
        (false, _) => Reply::ok(),
    }
}

fn subscribe(_: &mut Session, args: Args<'_>) -> Reply {
    // Libraries subscribe to channels of their own on connect; nothing is ever published there.
    let kind = String::from_utf8_lossy(args.name()).to_ascii_lowercase();
    let channel = args.get(1).map(<[u8]>::to_vec);
    let count = if kind.contains("un") { 0 } else { 1 };
    Reply::Array(vec![kind.into(), channel.into(), Reply::Int(count)])
}

fn config(session: &mut Session, args: Args<'_>) -> Reply {
    if !is(args, 1, "GET") {
        let why = "unknown subcommand; the server is configured by its command line";
        return Reply::error("ERR", why);
    }
    let settings = [
        ("save", String::new()),
        ("appendonly", "no".to_owned()),
        ("timeout", "0".to_owned()),
        ("databases", "1".to_owned()),
        (
            "maxclients",
            session.shared.config.connections_max.to_string(),
        ),
        ("replica-read-only", "yes".to_owned()),
        ("slave-read-only", "yes".to_owned()),
    ];
    let asked = |name: &str| {
        args.iter()
            .skip(2)
            .any(|a| a.eq_ignore_ascii_case(name.as_bytes()))
    };
    let found = settings.into_iter().filter(|(name, _)| asked(name));
    Reply::Map(
        found
            .map(|(name, value)| (Reply::text(name), value.into()))
            .collect(),
    )
}

fn time(session: &mut Session, _: Args<'_>) -> Reply {
    let millis = session.shared.now().0;
    Reply::Array(vec![
        (millis / 1000).to_string().into(),
        (millis % 1000 * 1000).to_string().into(),
    ])
}

fn role(_: &mut Session, _: Args<'_>) -> Reply {
    Reply::Array(vec![
        Reply::text("master"),
        Reply::Int(0),
        Reply::Array(Vec::new()),
    ])
}

fn slowlog(_: &mut Session, args: Args<'_>) -> Reply {
    match is(args, 1, "LEN") {
        true => Reply::Int(0),
        false => Reply::Array(Vec::new()),
    }
}

fn written_by_the_engine(session: &mut Session, args: Args<'_>) -> Reply {
    let Some(ready) = session.shared.ready() else {
        return early::loading();
    };
    let words: Vec<&[u8]> = args.iter().collect();
    match ready.engine.feed_command(&words, ready.clock.now()) {
        Outcome::Reply(reply) => written(&reply, session.protocol),
        Outcome::Wait(_) => Reply::Null,
    }
}

fn command(_: &mut Session, args: Args<'_>) -> Reply {
    let asked = |command: &&&Command| {
        args.len() <= 2
            || args
                .iter()
                .skip(2)
                .any(|a| a.eq_ignore_ascii_case(command.name.as_bytes()))
    };
    if args.len() == 1 {
        return Reply::Array(table::commands().iter().map(|c| entry(c)).collect());
    }
    match text(args, 1).to_ascii_uppercase().as_str() {
        "COUNT" => Reply::Int(i64::try_from(table::commands().len()).unwrap_or(0)),
        "LIST" => Reply::Array(
            table::commands()
                .iter()
                .map(|c| Reply::text(c.name))
                .collect(),
        ),
        "INFO" => Reply::Array(
            table::commands()
                .iter()
                .filter(asked)
                .map(|c| entry(c))
                .collect(),
        ),
        "DOCS" => Reply::Map(
            table::commands()
                .iter()
                .filter(asked)
                .map(|c| docs(c))
                .collect(),
        ),
        other => Reply::error(
            "ERR",
            format!("unknown subcommand '{}'", other.escape_debug()),
        ),
    }
}

/// Name, arity (negative: at least), flags, and no keys.
fn entry(command: &Command) -> Reply {
    let least = i64::try_from(command.least).unwrap_or(0) + 1;
    let exact = command.most == Some(command.least);
    let flag = if command.writes { "write" } else { "readonly" };
    Reply::Array(vec![
        command.name.to_ascii_lowercase().into(),
        Reply::Int(if exact { least } else { -least }),
        Reply::Array(vec![Reply::Simple(flag.into())]),
        Reply::Int(0),
        Reply::Int(0),
        Reply::Int(0),
    ])
}

fn docs(command: &Command) -> (Reply, Reply) {
    let arguments = command
        .usage
        .split(' ')
        .filter(|a| !a.is_empty())
        .map(|argument| {
            Reply::map([
                ("name", argument.into()),
                ("type", Reply::text("string")),
                ("display_text", argument.into()),
            ])
        });
    let meaning = command.arguments.iter();
    let docs = Reply::map([
        ("summary", Reply::text(command.summary)),
        ("since", Reply::text("0.1.0")),
        ("group", Reply::text(command.group)),
        ("arguments", Reply::Array(arguments.collect())),
        ("usage", Reply::text(command.usage)),
        (
            "meaning",
            Reply::Map(
                meaning
                    .map(|(n, m)| (Reply::text(n), Reply::text(m)))
                    .collect(),
            ),
        ),
        ("reply", Reply::text(command.reply)),
        ("example", Reply::text(command.example)),
    ]);
    (command.name.to_ascii_lowercase().into(), docs)
}
