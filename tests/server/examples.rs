//! The example of every command does on the sample network what it says it does.

use crate::support::{TestServer, refusal, wait_until};
use allot::engine::{FactSink, Limits, Replay};
use allot::journal::{Options, RealDisk};
use allot::load::network_folder;
use allot::model::Lsn;
use allot::server::{Clock, SnapshotPlan, commands};
use allot::wire::split_line;
use std::path::Path;
use std::sync::Arc;

#[test]
fn every_example_of_the_reference_works_on_the_sample_network() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let files = network_folder(&folder).unwrap();
    let clock = Clock::start();
    let limits = Limits::default();
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk);
    let fresh = || Replay::new(files.network.clone(), limits);
    let options = Options::default();
    let opened = Replay::open(disk.clone(), dir.path(), options, &fresh, &|_| {}).unwrap();
    let journal = opened.journal;
    let sink: Box<dyn FactSink> = Box::new(journal.clone());
    let engine = opened
        .replay
        .finish(files.opening, Some(sink), Lsn(0), clock.now());
    let plan = SnapshotPlan {
        disk,
        dir: dir.path().to_owned(),
        every_bytes: None,
        every: None,
        behind: 0,
    };
    let kept = Some((journal, plan));
    let server = TestServer::keeping(engine.unwrap(), kept, clock, |_| {});
    let mut connection = server.connect();
    // The feed is read from the journal when everything else can be asked already.
    wait_until("the feed is there", || {
        !connection.say("XLEN events").is_error()
    });
    // What the examples about exceptions decide.
    let refused = r#"{"source":"web","order":"e-1","ship_to":{"country":"US","postal":"94107"},"lines":[{"sku":"NO-SUCH","qty":1}]}"#;
    assert!(connection.command(&["ORDER.SUBMIT", refused]).is_error());
    // In the order of the reference, so that each finds what the ones before it made.
    for command in commands() {
        let words = split_line(command.example.as_bytes()).unwrap();
        let reply = connection.command(&words);
        let only = match command.group {
            "Fulfilment" if command.writes => &["STALE ", "STATE "][..],
            // No example can know the number of a run.
            "Backlog" => &["NOTFOUND run 1795849200000"],
            "Returns" => &[
                "INVALID lines[0].qty is '1'; expected 1 to 0",
                "NOTFOUND return",
            ],
            _ => &[],
        };
        if !only.is_empty() && reply.is_error() {
            // The order of the examples is cancelled by then, so nothing of it was delivered, and no
            // example can know a token: that must be the only thing that is wrong with it.
            let refusal = refusal(&reply);
            let known = only.iter().any(|c| refusal.starts_with(c));
            assert!(known, "{}: {refusal}", command.example);
            continue;
        }
        assert!(!reply.is_error(), "{}: {reply:?}", command.example);
    }
    server.assert_sound();
}
