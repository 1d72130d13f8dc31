//! The blocking client against a server in a thread.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use allot::client::{Client, ClientError};
use allot::wire::{Limits, Protocol, Reply, Value};

use super::{Session, command};

/// Serves one connection with `serve`; returns the address.
fn listen(serve: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (
        address,
        thread::spawn(move || serve(listener.accept().unwrap().0)),
    )
}

/// Answers each command with its arguments, a few bytes at a time; `AUTH wrong` with an error, and
/// puts a push before each reply.
fn echo(mut stream: TcpStream) {
    let mut session = Session::default();
    let mut piece = [0; 1_000];
    loop {
        let count = stream.read(&mut piece).unwrap();
        if count == 0 {
            return;
        }
        session
            .feed(&piece[..count], &Limits::authenticated())
            .unwrap();
        for words in session.commands.drain(..) {
            let mut out = b">1\r\n+news\r\n".to_vec();
            let reply = if words == command(&["AUTH", "wrong"]) {
                Reply::error("DENIED", "wrong password")
            } else {
                Reply::Array(words.into_iter().map(Reply::from).collect())
            };
            reply.encode(Protocol::Resp3, &mut out);
            out.chunks(7)
                .for_each(|chunk| stream.write_all(chunk).unwrap());
        }
    }
}

fn words(words: &[&str]) -> Value {
    Value::Array(
        words
            .iter()
            .map(|word| Value::Bulk(word.as_bytes().to_vec()))
            .collect(),
    )
}

#[test]
fn commands_and_pipelines() {
    let (address, server) = listen(echo);
    let mut client = Client::connect(&address)
        .unwrap()
        .timeout(Duration::from_secs(20))
        .unwrap();
    assert_eq!(client.peer().unwrap().to_string(), address);
    client.auth(Some(b"user"), b"right").unwrap();
    assert!(
        matches!(client.auth(None, b"wrong"), Err(ClientError::Denied(text)) if text == "DENIED wrong password")
    );
    assert_eq!(
        client.command(&["ECHO", "a"]).unwrap(),
        words(&["ECHO", "a"])
    );
    for number in 0..500 {
        client.send(&["N", &number.to_string()]);
    }
    client.flush().unwrap();
    assert_eq!(client.owed(), 500);
    for number in 0..499 {
        assert_eq!(
            client.receive().unwrap(),
            words(&["N", &number.to_string()])
        );
    }
    assert_eq!(
        client.command(&["LAST"]).unwrap(),
        words(&["LAST"]),
        "drops what is owed"
    );
    assert!(matches!(client.receive(), Err(ClientError::NothingOwed)));
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_large_value_goes_both_ways() {
    let (address, server) = listen(echo);
    let mut client = Client::connect(&address).unwrap();
    let large = "x".repeat(300_000);
    assert_eq!(
        client.command(&["ECHO", &large]).unwrap(),
        words(&["ECHO", &large])
    );
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_server_that_leaves_or_is_silent_or_speaks_otherwise() {
    let (address, server) = listen(|mut stream| {
        let mut piece = [0; 1_000];
        assert!(stream.read(&mut piece).unwrap() > 0);
        stream.write_all(b"$100\r\nshort").unwrap();
    });
    let mut client = Client::connect(&address).unwrap();
    assert!(matches!(
        client.command(&["PING"]),
        Err(ClientError::Closed { owed: 1 })
    ));
    server.join().unwrap();

    let (address, server) = listen(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let client = Client::connect(&address).unwrap();
    let mut client = client.timeout(Duration::from_millis(30)).unwrap();
    assert!(matches!(
        client.command(&["PING"]),
        Err(ClientError::TimedOut { owed: 1 })
    ));
    drop(client);
    server.join().unwrap();

    let (address, server) = listen(|mut stream| {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut client = Client::connect(&address).unwrap();
    let error = client.command(&["PING"]).unwrap_err();
    assert_eq!(error.to_string(), "Protocol error: unknown reply type 'H'");
    drop(client);
    server.join().unwrap();
}
