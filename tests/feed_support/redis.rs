//! A real Redis 7.0 on a free port, without files that outlive it.

use super::resp2::{Value, read_value};
use allot::feed::{Event, StreamName};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Ends with its owner.
struct Process(Child);

pub(crate) struct Redis {
    stream: BufReader<TcpStream>,
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one; `None` when there is none of this version.
    pub(crate) fn start() -> Option<Self> {
        let version = Command::new("redis-server").arg("--version").output();
        let version = String::from_utf8(version.ok()?.stdout).unwrap();
        if !version.contains("v=7.0.") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let port = address.port().to_string();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", ""])
            .args(["--appendonly", "no", "--daemonize", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = Process(process.unwrap());
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let listens = lines.any(|line| line.contains("Ready to accept connections"));
        assert!(listens, "redis-server does not listen on {address}");
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Self {
            stream: BufReader::new(stream),
            address,
            _process: process,
            _folder: folder,
        })
    }

    pub(crate) fn say<W: AsRef<str>>(&mut self, words: &[W]) -> Value {
        let mut bytes = Vec::new();
        write!(bytes, "*{}\r\n", words.len()).unwrap();
        for word in words {
            let word = word.as_ref();
            write!(bytes, "${}\r\n{word}\r\n", word.len()).unwrap();
        }
        self.stream.get_mut().write_all(&bytes).unwrap();
        read_value(&mut self.stream)
    }

    /// Empty streams, which the feed always has.
    pub(crate) fn reset(&mut self) {
        self.say(&["FLUSHALL"]);
        for stream in StreamName::ALL {
            self.say(&["XGROUP", "CREATE", stream.name(), "x", "0", "MKSTREAM"]);
            self.say(&["XGROUP", "DESTROY", stream.name(), "x"]);
        }
    }

    pub(crate) fn add(&mut self, stream: StreamName, event: &Event<'_>, limit: usize) {
        let (limit, id) = (limit.to_string(), event.id.to_string());
        let mut words = vec!["XADD", stream.name(), "MAXLEN", "=", &limit, &id];
        for (name, value) in event.fields() {
            words.extend([name.name(), std::str::from_utf8(value).unwrap()]);
        }
        assert_eq!(self.say(&words), Value::Bulk(id.clone()));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
