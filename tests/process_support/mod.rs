//! The real server in a process of its own, to be killed.

#![allow(
    dead_code,
    reason = "each test program that includes this uses its own part of it"
)]

use allot::client::Client;
use allot::wire::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing that is waited for takes this long, on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_allot"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
        let address = address.expect("it says where it listens");
        Self { child, address }
    }

    pub(crate) fn client(&self) -> Client {
        let client = Client::connect(&self.address).unwrap();
        client.timeout(DEADLINE).unwrap()
    }

    /// One line of a section of `INFO`.
    pub(crate) fn info(&self, section: &str, key: &str) -> String {
        let told = self.client().command(&["INFO", section]).unwrap();
        let Value::Bulk(text) = told else {
            panic!("INFO answers {told:?}");
        };
        let text = String::from_utf8(text).unwrap();
        let prefix = format!("{key}:");
        let line = text.lines().find_map(|l| l.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("no {key} in {text}"))
            .to_owned()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    /// No server outlives a test that failed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says a line, again while the server is reading its state.
pub(crate) fn say(client: &mut Client, line: &str) -> Value {
    let words: Vec<&str> = line.split(' ').collect();
    let mut answer = None;
    wait_until("the server has read its state", || {
        answer = match client.command(&words).unwrap() {
            Value::Error(text) if text.starts_with("LOADING") => None,
            Value::Error(text) => panic!("{line}: {text}"),
            other => Some(other),
        };
        answer.is_some()
    });
    answer.unwrap()
}

/// Asks until the answer is yes.
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_true(is_so), "waited in vain: {what}");
}

/// Asks until the answer is yes; `false` when that takes too long. Of another process nothing tells when
/// it is so: between two questions it gets the processor for a moment.
pub(crate) fn comes_true(mut is_so: impl FnMut() -> bool) -> bool {
    const PAUSE: Duration = Duration::from_millis(5);
    let since = Instant::now();
    while !is_so() {
        if since.elapsed() > DEADLINE {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
    true
}
