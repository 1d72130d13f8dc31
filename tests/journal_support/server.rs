//! A server whose disk fails: every client is told, reads go on, nothing is trusted again.

use crate::disk::FaultDisk;
use allot::client::Client;
use allot::engine::{FactSink, Limits, Replay};
use allot::journal::{Journal, Options};
use allot::load;
use allot::model::Lsn;
use allot::server::{Clock, Server, ServerConfig, StopHandle};
use allot::wire::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

struct Served {
    address: String,
    stop: StopHandle,
    journal: Journal,
    thread: Option<JoinHandle<()>>,
}

fn serve(disk: &FaultDisk) -> Served {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let files = load::network_folder(&folder).unwrap();
    let mut replay = Replay::new(files.network, Limits::default()).unwrap();
    let mut apply = |_, at, fact| replay.apply(at, fact);
    let disk = Arc::new(disk.clone());
    let opened = Journal::open(
        disk,
        Path::new("/data"),
        Options::default(),
        Lsn(0),
        &mut apply,
    );
    let (journal, recovered) = opened.unwrap();
    let clock = Clock::start().not_before(recovered.last_at);
    let sink: Box<dyn FactSink> = Box::new(journal.clone());
    let engine = replay.finish(files.opening, Some(sink), recovered.last, clock.now());
    let engine = Arc::new(engine.unwrap());
    let config = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..ServerConfig::default()
    };
    let (tell, told) = std::sync::mpsc::channel();
    let kept = journal.clone();
    let thread = std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::bind(engine, Some(kept), config, clock)
                .await
                .unwrap();
            tell.send((server.address(), server.stop_handle())).unwrap();
            server.serve().await;
        });
    });
    let (address, stop) = told.recv().unwrap();
    Served {
        address: address.to_string(),
        stop,
        journal,
        thread: Some(thread),
    }
}

impl Served {
    fn client(&self) -> Client {
        let client = Client::connect(&self.address).unwrap();
        client.timeout(Duration::from_secs(20)).unwrap()
    }

    fn info(&self, section: &str) -> String {
        match self.client().command(&["INFO", section]).unwrap() {
            Value::Bulk(bytes) => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        let _ = self.journal.close();
    }
}

fn put(id: &str) -> [&str; 7] {
    [
        "RESERVATION.PUT",
        id,
        "FIRM",
        "LINES",
        "SKU-00001",
        "*",
        "1",
    ]
}

#[test]
fn a_failed_disk_stops_writes_and_not_reads() {
    let disk = FaultDisk::default();
    let served = serve(&disk);
    let mut first = served.client();
    let mut idle = served.client();
    assert!(matches!(
        first.command(&put("a")).unwrap(),
        Value::Map(_) | Value::Array(_)
    ));
    let before = served.client().command(&["ATP.GET", "SKU-00002"]).unwrap();

    disk.fail_from(0);
    let Value::Error(told) = first.command(&put("b")).unwrap() else {
        panic!("nobody may be told that it is done");
    };
    assert!(
        told.starts_with("IOERR") && told.contains("unknown"),
        "{told}"
    );
    assert!(
        first.command(&["PING"]).is_err(),
        "what else it was told cannot be trusted"
    );

    for client in [&mut idle, &mut served.client()] {
        let Value::Error(told) = client.command(&put("c")).unwrap() else {
            panic!("nothing may be written");
        };
        assert!(
            told.starts_with("IOERR") && told.contains("nothing can be written"),
            "{told}"
        );
        assert_eq!(
            client.command(&["ATP.GET", "SKU-00002"]).unwrap(),
            before,
            "reads go on"
        );
    }
    let info = served.info("Persistence");
    for line in [
        "journal_status:failed",
        "journal_failure:",
        "the test's disk fails",
    ] {
        assert!(info.contains(line), "{info}");
    }

    // The disk is mended and the server started again: what was acknowledged is there.
    let files = disk.files();
    drop(served);
    let served = serve(&FaultDisk::of(files));
    let known = served.client().command(&["RESERVATION.GET", "a"]).unwrap();
    assert!(!matches!(known, Value::Error(_)), "{known:?}");
    assert!(!matches!(
        served.client().command(&put("b")).unwrap(),
        Value::Error(_)
    ));
}

#[test]
fn commands_that_come_together_wait_once() {
    let disk = FaultDisk::default();
    let served = serve(&disk);
    let mut client = served.client();
    client.command(&put("first")).unwrap();
    let (before, last) = (served.journal.stats(), served.journal.latest().0);
    disk.hold();
    for n in 0..200 {
        client.send(&put(&format!("together-{n}")));
    }
    client.flush().unwrap();
    // All are carried out while the first of them waits for the disk.
    wait_for_fact(&served, last + 200);
    disk.let_go();
    for _ in 0..200 {
        let reply = client.receive().unwrap();
        assert!(!matches!(reply, Value::Error(_)), "{reply:?}");
    }
    let after = served.journal.stats();
    assert_eq!(after.facts - before.facts, 200);
    let syncs = after.syncs - before.syncs;
    assert!(syncs <= 2, "{syncs}: of the first ones, and of all others");
    assert_eq!(served.journal.durable(), served.journal.latest());
}

/// Bytes to and from the server as they are.
struct Raw(TcpStream);

impl Raw {
    fn connect(served: &Served) -> Self {
        let stream = TcpStream::connect(&served.address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        Self(stream)
    }

    fn say(&mut self, lines: &str) {
        self.0
            .write_all(lines.replace('\n', "\r\n").as_bytes())
            .unwrap();
    }

    /// Reads until the text has come so often.
    fn hear(&mut self, text: &str, times: usize) -> String {
        let mut heard = String::new();
        let mut buffer = [0; 4096];
        while heard.matches(text).count() < times {
            let count = self.0.read(&mut buffer).unwrap();
            assert!(count > 0, "the end came after {heard}");
            heard.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        heard
    }

    fn hear_to_the_end(&mut self) -> String {
        let mut heard = String::new();
        self.0.read_to_string(&mut heard).unwrap();
        heard
    }

    fn assert_silence(&self) {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        assert_eq!(peeked.unwrap_err().kind(), ErrorKind::WouldBlock);
        self.0.set_nonblocking(false).unwrap();
    }
}

const PUT_A: &str = "RESERVATION.PUT a FIRM LINES SKU-00001 * 1\n";
const PUT_B: &str = "RESERVATION.PUT b FIRM LINES SKU-00001 * 2\n";

fn wait_for_fact(served: &Served, fact: u64) {
    while served.journal.latest() < Lsn(fact) {
        std::thread::yield_now();
    }
}

#[test]
fn a_reply_waits_for_the_disk_and_no_command_does() {
    let disk = FaultDisk::default();
    let served = serve(&disk);
    let mut raw = Raw::connect(&served);
    raw.say("PING\n");
    raw.hear("PONG", 1);
    let before = served.journal.latest().0;

    disk.hold();
    raw.say(&format!("PING\n{PUT_A}PING\n"));
    // What is before the write is answered; the rest is not, in its order.
    raw.hear("PONG", 1);
    wait_for_fact(&served, before + 1);
    // What comes now is carried out although the first write is not on the disk.
    raw.say(&format!("{PUT_B}PING\n"));
    wait_for_fact(&served, before + 2);
    served.client().command(&["PING"]).unwrap();
    assert!(served.journal.durable() <= Lsn(before));
    raw.assert_silence();

    disk.let_go();
    let heard = raw.hear("PONG", 2);
    assert!(!heard.contains("-ERR"), "{heard}");
    let place = |text: &str| {
        heard
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {heard}"))
    };
    assert!(place("\r\n:1\r\n") < place("+PONG"), "{heard}");
    assert!(place("+PONG") < place("\r\n:2\r\n"), "{heard}");
    assert!(served.journal.durable() >= Lsn(before + 2));
}

#[test]
fn what_waits_when_the_disk_fails_is_unknown_and_what_was_before_is_not() {
    let disk = FaultDisk::default();
    let served = serve(&disk);
    let mut raw = Raw::connect(&served);
    let before = served.journal.latest().0;
    disk.hold();
    raw.say(&format!("PING\n{PUT_A}PING\n"));
    wait_for_fact(&served, before + 1);
    raw.say(PUT_B);
    wait_for_fact(&served, before + 2);
    disk.fail_from(0);
    disk.let_go();
    let heard = raw.hear_to_the_end();
    assert!(
        heard.starts_with("+PONG\r\n-IOERR the journal failed"),
        "{heard}"
    );
    assert_eq!(heard.matches("\r\n").count(), 2, "nothing more: {heard}");
}

#[test]
fn who_says_no_more_still_hears_everything() {
    let disk = FaultDisk::default();
    let served = serve(&disk);
    let mut raw = Raw::connect(&served);
    let before = served.journal.latest().0;
    disk.hold();
    raw.say(&format!("{PUT_A}PING\n"));
    raw.0.shutdown(Shutdown::Write).unwrap();
    wait_for_fact(&served, before + 1);
    disk.let_go();
    let heard = raw.hear_to_the_end();
    assert!(heard.ends_with("+PONG\r\n"), "{heard}");
}
