//! The console against a scripted server, and its texts word for word.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;
use crate::wire::{Decoded, Limits, Protocol, Reply, ReplyDecoder, RequestDecoder};

fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}

fn shown(value: &Value, format: Format) -> String {
    let mut out = Vec::new();
    show(value, format, &mut out).unwrap();
    String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
}

/// A reply with every shape in it.
fn mixed() -> Value {
    Value::Array(vec![
        Value::Int(7),
        Value::Array(vec![
            bulk("a \"b\"\n\u{e9}"),
            Value::Null,
            Value::Array(vec![]),
        ]),
        Value::Map(vec![
            (bulk("on_hand"), Value::Int(3)),
            (
                bulk("lines"),
                Value::Array(vec![bulk("x"), Value::Bool(true)]),
            ),
        ]),
        Value::Error("INVALID qty".into()),
        Value::Simple("OK".into()),
        Value::Set(vec![Value::Double(0.5)]),
    ])
}

#[test]
fn replies_for_people() {
    let expected = "\
1) (integer) 7
2) 1) \"a \\\"b\\\"\\n\u{e9}\"
   2) (nil)
   3) (empty array)
3) 1# \"on_hand\" => (integer) 3
   2# \"lines\" =>
      1) \"x\"
      2) (true)
4) (error) INVALID qty
5) OK
6) 1~ (double) 0.5
";
    assert_eq!(shown(&mixed(), Format::Pretty), expected);
    let ten = Value::Array((1..=10).map(Value::Int).collect());
    let lines = shown(&ten, Format::Pretty);
    assert!(lines.starts_with(" 1) (integer) 1\n") && lines.ends_with("\n10) (integer) 10\n"));
}

#[test]
fn json_in_a_reply_is_indented_and_keeps_its_order() {
    let plan = bulk(r#"{"z":1,"a":[{"k":"x, {y}: \"q\""},{}],"e":[]}"#);
    let expected = "\
{
  \"z\": 1,
  \"a\": [
    {
      \"k\": \"x, {y}: \\\"q\\\"\"
    },
    {}
  ],
  \"e\": []
}
";
    assert_eq!(shown(&plan, Format::Pretty), expected);
    assert_eq!(
        shown(&bulk("{not json}"), Format::Pretty),
        "\"{not json}\"\n"
    );
}

#[test]
fn no_control_character_reaches_the_terminal() {
    let nasty = "\u{1b}[2J\u{7}\u{9b}\r";
    let replies = [
        Value::Simple(nasty.into()),
        Value::Error(nasty.into()),
        bulk(nasty),
        Value::Bulk(b"\xff\x1b".to_vec()),
        bulk("[\"\u{9b}\u{7f}\"]"),
    ];
    for reply in replies {
        let mut out = Vec::new();
        show(&reply, Format::Pretty, &mut out).unwrap();
        let plain = shown(&reply, Format::Pretty);
        assert!(
            plain.chars().all(|c| !c.is_control() || c == '\n'),
            "{plain:?}"
        );
    }
}

#[test]
fn replies_for_programs() {
    assert_eq!(
        shown(&mixed(), Format::Raw),
        "7\na \"b\"\n\u{e9}\n\non_hand\n3\nlines\nx\ntrue\nINVALID qty\nOK\n0.5\n"
    );
    let json = shown(&mixed(), Format::Json);
    assert_eq!(
        json,
        "[7,[\"a \\\"b\\\"\\n\u{e9}\",null,[]],{\"on_hand\":3,\"lines\":[\"x\",true]},\
         {\"error\":\"INVALID qty\"},\"OK\",[0.5]]\n"
    );
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    assert_eq!(
        shown(&bulk("{\"z\":1,\r\n\"a\":2}"), Format::Json),
        "{\"z\":1,  \"a\":2}\n"
    );
    assert_eq!(shown(&Value::Double(f64::NAN), Format::Json), "\"NaN\"\n");
}

/// What a server says of two commands.
fn docs_reply() -> Reply {
    let argument = |name: &'static str, more: Vec<(&'static str, Reply)>| {
        let mut facts = vec![(Reply::text("name"), Reply::text(name))];
        facts.extend(
            more.into_iter()
                .map(|(key, value)| (Reply::text(key), value)),
        );
        Reply::Map(facts)
    };
    let flags = |flags: &[&'static str]| {
        (
            "flags",
            Reply::Array(flags.iter().map(|flag| Reply::text(flag)).collect()),
        )
    };
    let kind = |kind| ("type", Reply::text(kind));
    let token = |token| ("token", Reply::text(token));
    let arguments = Reply::Array(vec![
        argument("sku", vec![kind("string"), flags(&["multiple"])]),
        argument(
            "location",
            vec![
                kind("string"),
                token("AT"),
                flags(&["optional", "multiple"]),
            ],
        ),
        argument(
            "mode",
            vec![
                kind("oneof"),
                flags(&["optional"]),
                (
                    "arguments",
                    Reply::Array(vec![
                        argument("all", vec![kind("pure-token"), token("ALL")]),
                        argument("time", vec![kind("string"), token("BY")]),
                    ]),
                ),
            ],
        ),
    ]);
    let atp = Reply::map([
        ("summary", Reply::text("Units that may be promised.")),
        ("group", Reply::text("atp")),
        ("arguments", arguments),
    ]);
    let id = Reply::map([("summary", Reply::text("The connection's number."))]);
    let client = Reply::map([
        ("summary", Reply::text("About connections.")),
        ("group", Reply::text("connection")),
        ("subcommands", Reply::map([("client|id", id)])),
    ]);
    Reply::map([("atp.get", atp), ("client", client)])
}

fn docs() -> Docs {
    let mut bytes = Vec::new();
    docs_reply().encode(Protocol::Resp2, &mut bytes);
    Docs::parse(ReplyDecoder::default().decode(&bytes).unwrap().unwrap().0)
}

#[test]
fn usage_help_and_completion_come_from_the_server() {
    let docs = docs();
    assert_eq!(
        docs.usage("atp.get"),
        Some("sku [sku ...] [AT location [location ...]] [<ALL | BY time>]")
    );
    assert_eq!(docs.usage("NONE"), None);
    assert_eq!(docs.complete(&[], "a"), ["ATP.GET"]);
    assert_eq!(docs.complete(&["help"], "CL"), ["CLIENT"]);
    assert_eq!(docs.complete(&["atp.get", "SKU-1"], "a"), ["ALL", "AT"]);
    assert_eq!(docs.complete(&["client"], ""), ["ID"]);
    assert!(docs.complete(&["unknown"], "").is_empty());

    let help = |topic: &str| docs.help(&split_line(topic.as_bytes()).unwrap());
    assert!(help("").contains("\natp\n  ATP.GET"));
    assert!(help("client id").contains("  CLIENT ID\n      The connection's number."));
    assert!(
        help("atp").contains("  ATP.GET sku [sku ...]"),
        "a noun lists its verbs"
    );
    assert_eq!(
        help("nothing"),
        "No command begins with NOTHING; `help` lists all.\n"
    );
    assert!(Docs::default().help(&[]).contains("no help"));
}

#[test]
fn documentation_of_any_shape_is_survived() {
    for reply in [
        Value::Null,
        Value::Int(1),
        Value::Array(vec![Value::Null; 3]),
        mixed(),
    ] {
        assert!(
            Docs::parse(reply)
                .complete(&[], "")
                .iter()
                .all(|word| !word.is_empty())
        );
    }
}

/// Answers `HELLO` with an empty map, `BAD` with an error and all else with its arguments; returns
/// the commands seen.
fn server() -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut buffer, mut piece, mut seen) = (Vec::new(), [0; 512], Vec::new());
        let mut decoder = RequestDecoder::new();
        loop {
            let Decoded::Command { args, consumed } =
                decoder.decode(&buffer, &Limits::authenticated()).unwrap()
            else {
                match stream.read(&mut piece).unwrap() {
                    0 => return seen,
                    count => buffer.extend_from_slice(&piece[..count]),
                }
                continue;
            };
            let reply = match args.name() {
                b"HELLO" => Reply::Map(Vec::new()),
                b"BAD" => Reply::error("INVALID", "as asked"),
                _ => Reply::Array(args.iter().map(|word| Reply::from(word.to_vec())).collect()),
            };
            let mut out = Vec::new();
            reply.encode(Protocol::Resp3, &mut out);
            stream.write_all(&out).unwrap();
            let words: Vec<_> = args.iter().map(String::from_utf8_lossy).collect();
            seen.push(words.join("|"));
            buffer.drain(..consumed);
        }
    });
    (address, thread)
}

fn options(address: &str, password: Option<&str>) -> ConsoleOptions {
    ConsoleOptions {
        addr: address.to_owned(),
        json: false,
        password: password.map(str::to_owned),
        command: Vec::new(),
    }
}

#[test]
fn a_script_sends_each_line_and_reports_an_error() {
    let (address, server) = server();
    let mut client = connect(&options(&address, Some("secret"))).unwrap();
    let mut out = Vec::new();
    let input = b"# stock\n\nECHO 'a b'\r\nBAD \"x\nBAD\nPING\nQUIT\nPING late\n";
    let success = script(&mut client, input.as_slice(), Format::Raw, &mut out).unwrap();
    drop(client);
    assert!(!success);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "ECHO\na b\nINVALID as asked\nPING\n"
    );
    assert_eq!(
        server.join().unwrap(),
        ["AUTH|secret", "HELLO|3", "ECHO|a b", "BAD", "PING"]
    );
}

#[test]
fn a_long_script_is_answered_in_order() {
    let (address, server) = server();
    let mut client = connect(&options(&address, None)).unwrap();
    let lines: String = (0..1_000).map(|number| format!("N{number}\n")).collect();
    let mut out = Vec::new();
    assert!(script(&mut client, lines.as_bytes(), Format::Raw, &mut out).unwrap());
    drop(client);
    assert_eq!(String::from_utf8(out).unwrap(), lines);
    assert_eq!(server.join().unwrap().len(), 1_001);
}

#[test]
fn one_command_is_accepted_or_not() {
    let (address, server) = server();
    let mut client = connect(&options(&address, None)).unwrap();
    let mut send = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut out = Vec::new();
        let success = once(&mut client, &words, Format::Json, &mut out).unwrap();
        (success, String::from_utf8(out).unwrap())
    };
    assert_eq!(
        send(&["ECHO", "a b"]),
        (true, "[\"ECHO\",\"a b\"]\n".into())
    );
    assert_eq!(
        send(&["BAD"]),
        (false, "{\"error\":\"INVALID as asked\"}\n".into())
    );
    drop(client);
    server.join().unwrap();
}

#[test]
fn nobody_listening_is_said_in_one_line() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let error = connect(&options(&free, None)).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot connect to {free}: ")),
        "{error}"
    );
    assert!(!error.contains('\n'));
}
