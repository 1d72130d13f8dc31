//! The example of every command does on the sample network what it says it does.

use crate::support::TestServer;
use allot::engine::{Engine, Limits};
use allot::load::network_folder;
use allot::server::{Clock, commands};
use allot::wire::split_line;
use std::path::Path;

#[test]
fn every_example_of_the_reference_works_on_the_sample_network() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let files = network_folder(&folder).unwrap();
    let clock = Clock::start();
    let limits = Limits::default();
    let engine = Engine::new(files.network, files.opening, limits, None, clock.now()).unwrap();
    let server = TestServer::serving(engine, clock, |_| {});
    let mut connection = server.connect();
    // In the order of the reference, so that each finds what the ones before it made.
    for command in commands() {
        let words = split_line(command.example.as_bytes()).unwrap();
        let reply = connection.command(&words);
        assert!(!reply.is_error(), "{}: {reply:?}", command.example);
    }
    server.assert_sound();
}
