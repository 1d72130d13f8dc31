//! What client libraries send on connect gets the answers that they need, in RESP2 and RESP3.

use crate::support::{PASSWORD, TestServer, refusal};
use allot::wire::Value;

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

/// The keys and values of a `HELLO` reply.
fn greeting(reply: Value) -> Vec<(String, Value)> {
    let pairs = reply.into_pairs().unwrap();
    let text = |key: Value| key.as_str().unwrap().to_owned();
    pairs.into_iter().map(|(k, v)| (text(k), v)).collect()
}

#[test]
fn hello_3_answers_a_map_and_hello_2_an_array() {
    let server = TestServer::start();
    let mut connection = server.connect();
    for (line, proto) in [("HELLO 3", 3), ("HELLO 2", 2), ("hello", 2), ("hello 3", 3)] {
        let reply = connection.say(line);
        match &reply {
            Value::Map(pairs) if proto == 3 => assert_eq!(pairs.len(), 7),
            Value::Array(items) if proto == 2 => assert_eq!(items.len(), 14),
            other => panic!("{line}: {other:?}"),
        }
        let greeting = greeting(reply);
        let keys: Vec<&str> = greeting.iter().map(|(k, _)| k.as_str()).collect();
        let wanted = [
            "server", "version", "proto", "id", "mode", "role", "modules",
        ];
        assert_eq!(keys, wanted);
        assert_eq!(greeting[2].1, Value::Int(proto));
        assert_eq!(greeting[4].1.as_str(), Some("standalone"));
    }
}

#[test]
fn an_unknown_protocol_version_is_refused_and_the_connection_goes_on() {
    let server = TestServer::start();
    let mut connection = server.connect();
    for line in ["HELLO 4", "HELLO 1", "HELLO x"] {
        assert_eq!(
            refusal(&connection.say(line)),
            "NOPROTO unsupported protocol version"
        );
    }
    assert_eq!(connection.say("PING"), Value::Simple("PONG".into()));
}

/// Each client's own sequence, and whether the reply may be a refusal (the client goes on then).
#[test]
fn every_client_s_greeting_is_understood() {
    let server = TestServer::start();
    let refused = true;
    let sequences: [(&str, &[(&str, bool)]); 7] = [
        (
            "redis-py",
            &[
                ("HELLO 3", false),
                (
                    "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-fqdn",
                    refused,
                ),
                ("CLIENT SETNAME host", false),
                ("CLIENT SETINFO LIB-NAME redis-py", false),
                ("CLIENT SETINFO LIB-VER 8.1.0", false),
                ("SELECT 0", false),
            ],
        ),
        (
            "ioredis",
            &[
                ("hello 3", false),
                ("select 0", false),
                ("client setname host", false),
                ("client SETINFO LIB-NAME ioredis", false),
                ("info", false),
            ],
        ),
        (
            "node-redis",
            &[
                ("HELLO 3", false),
                ("CLIENT SETINFO LIB-NAME node-redis", false),
                (
                    "CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type external-ip",
                    refused,
                ),
            ],
        ),
        (
            "valkey-glide",
            &[("HELLO 3", false), ("INFO REPLICATION", false)],
        ),
        (
            "fred",
            &[
                ("PING", false),
                ("CLIENT ID", false),
                ("INFO server", false),
            ],
        ),
        (
            "redis-benchmark",
            &[("CONFIG GET save", false), ("CONFIG GET appendonly", false)],
        ),
        (
            "StackExchange.Redis",
            &[
                ("CLIENT SETNAME host", false),
                ("CLIENT ID", false),
                ("CONFIG GET timeout", false),
                ("CONFIG GET replica-read-only", false),
                ("CONFIG GET databases", false),
                ("SENTINEL MASTERS", refused),
                ("INFO replication", false),
                ("CLUSTER NODES", refused),
                ("GET __Booksleeve_TieBreak", false),
                ("ECHO 0123456789abcdef", false),
                ("SUBSCRIBE __Booksleeve_MasterChanged", false),
            ],
        ),
    ];
    for (client, sequence) in sequences {
        let mut connection = server.connect();
        for &(line, may_refuse) in sequence {
            let reply = connection.command(&words(line));
            assert_eq!(reply.is_error(), may_refuse, "{client}: {line}: {reply:?}");
        }
        assert_eq!(connection.say("QUIT"), ok());
        connection.assert_closed();
    }
}

#[test]
fn info_says_what_libraries_look_for() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let reply = connection.say("INFO");
    let text = reply.as_str().unwrap();
    for line in [
        "redis_version:7",
        "redis_mode:standalone",
        "role:master",
        "loading:0",
    ] {
        assert!(
            text.contains(&format!("\r\n{line}")),
            "{line} is not in {text}"
        );
    }
    let reply = connection.say("INFO replication");
    let text = reply.as_str().unwrap();
    assert!(
        text.starts_with("# Replication\r\n") && !text.contains("# Server"),
        "{text}"
    );
}

#[test]
fn an_unknown_command_is_refused_in_redis_s_words() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let reply = connection.say("SENTINEL MASTERS now");
    assert_eq!(
        refusal(&reply),
        "ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS' 'now' "
    );
    let reply = connection.command(&["EVIL\r\n+OK\r\n", "\u{7}"]);
    assert!(refusal(&reply).contains(r"'EVIL\r\n+OK\r\n'"), "{reply:?}");
    assert_eq!(connection.say("PING"), Value::Simple("PONG".into()));
}

#[test]
fn select_knows_one_database() {
    let server = TestServer::start();
    let mut connection = server.connect();
    assert_eq!(connection.say("SELECT 0"), ok());
    assert!(connection.say("SELECT 1").is_error());
    assert!(connection.say("SELECT x").is_error());
    assert!(connection.say("SELECT").is_error());
}

#[test]
fn reset_returns_to_how_a_connection_begins() {
    let server = TestServer::with_password();
    let mut connection = server.connect();
    connection.command(&["HELLO", "3", "AUTH", "default", PASSWORD, "SETNAME", "me"]);
    assert_eq!(connection.say("CLIENT GETNAME").as_str(), Some("me"));
    assert_eq!(connection.say("RESET"), Value::Simple("RESET".into()));
    assert!(refusal(&connection.say("PING")).starts_with("NOAUTH"));
    assert_eq!(connection.command(&["AUTH", PASSWORD]), ok());
    assert_eq!(connection.say("CLIENT GETNAME"), Value::Null);
    assert!(matches!(connection.say("CONFIG GET save"), Value::Array(_)));
}

#[test]
fn command_docs_describe_every_command() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.say("HELLO 3");
    let count = connection.say("COMMAND COUNT").as_int().unwrap();
    let docs = connection.say("COMMAND DOCS").into_pairs().unwrap();
    assert_eq!(i64::try_from(docs.len()).unwrap(), count);
    let all = connection.say("COMMAND");
    assert_eq!(all.as_slice().unwrap().len(), docs.len());
    let one = connection.say("COMMAND DOCS ATP.GET").into_pairs().unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].0.as_str(), Some("atp.get"));
    let info = connection.say("COMMAND INFO atp.get stock.get");
    assert_eq!(info.as_slice().unwrap().len(), 2);
}

#[test]
fn client_reply_off_and_skip_silence_what_they_should() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(b"CLIENT REPLY SKIP\r\nECHO skipped\r\nECHO heard\r\n");
    assert_eq!(connection.reply().as_str(), Some("heard"));
    connection.send(b"CLIENT REPLY OFF\r\nECHO a\r\nNO.SUCH\r\nCLIENT REPLY ON\r\nECHO b\r\n");
    assert_eq!(connection.reply(), ok());
    assert_eq!(connection.reply().as_str(), Some("b"));
    assert!(connection.say("CLIENT REPLY MAYBE").is_error());
}

#[test]
fn a_write_is_carried_out_although_its_reply_is_off() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(b"CLIENT REPLY OFF\r\n");
    connection.send(b"STOCK.SET count-1 SKU-0 EAST 7\r\n");
    connection.send(b"CLIENT REPLY ON\r\n");
    assert_eq!(connection.reply(), ok());
    let units = connection.say("ATP.GET SKU-0 AT EAST");
    assert_eq!(units, Value::Array(vec![Value::Int(7)]));
}

#[test]
fn client_list_names_the_connections_and_their_names() {
    let server = TestServer::start();
    let (mut a, mut b) = (server.connect(), server.connect());
    assert_eq!(a.say("CLIENT SETNAME till-7"), ok());
    assert!(a.command(&["CLIENT", "SETNAME", "two words"]).is_error());
    let id = a.say("CLIENT ID").as_int().unwrap();
    let list = b.say("CLIENT LIST");
    let list = list.as_str().unwrap();
    assert_eq!(list.lines().count(), 2, "{list}");
    let line = format!("id={id} addr={} name=till-7 ", a.local_address());
    assert!(list.lines().any(|l| l.starts_with(&line)), "{list}");
}
