//! A server in this process on a free port, with a small network, and a raw client for it.
//!
//! Nothing here sleeps: a test waits for a reply, for the end of a connection, or for a condition
//! that it asks for again, each with a deadline far beyond what a slow machine needs.

#![allow(
    dead_code,
    reason = "each test binary that includes this file uses its own part of it"
)]

use allot::engine::{Engine, Limits};
use allot::journal::Journal;
use allot::model::{
    Cents, Coordinate, EpochMillis, Grams, Item, Location, LocationId, LocationKind, Network,
    Opening, Place, Policy, PromiseFrom, PromiseRules, Qty, Service, ServiceId, SkuId, StockRow,
    TariffStep, WeekDays, Zone,
};
use allot::server::{Clock, Password, Server, ServerConfig, SnapshotPlan, StopHandle};
use allot::wire::{ReplyDecoder, ReplyLimits, Value, encode_command};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing that is waited for takes this long, on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// SKUs of the network, `SKU-0` and on, each with [`UNITS`] at each location.
pub(crate) const SKUS: u32 = 4;
/// Locations of the network.
pub(crate) const LOCATIONS: [&str; 3] = ["EAST", "MID", "WEST"];
/// Units of each SKU at each location.
pub(crate) const UNITS: u32 = 100;
/// The password of servers that ask for one.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A server that stops when dropped.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    stop: StopHandle,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with_password() -> Self {
        Self::with(|config| config.password = Some(Password(PASSWORD.to_owned())))
    }

    /// A server whose defaults `change` has altered.
    pub(crate) fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let clock = Clock::start();
        Self::serving(engine(clock.now()), clock, change)
    }

    /// A server of another engine.
    pub(crate) fn serving(
        engine: Engine,
        clock: Clock,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        Self::keeping(engine, None, clock, change)
    }

    /// A server whose engine's facts go to a journal.
    pub(crate) fn keeping(
        engine: Engine,
        kept: Option<(Journal, SnapshotPlan)>,
        clock: Clock,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let mut config = ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..ServerConfig::default()
        };
        change(&mut config);
        let engine = Arc::new(engine);
        let served = engine.clone();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::listen(config).await.unwrap();
                let (journal, plan) = kept.unzip();
                server.opener().open(served, journal, plan, clock);
                tell.send((server.address(), server.stop_handle())).unwrap();
                server.serve().await;
            });
        });
        let (address, stop) = told.recv_timeout(DEADLINE).unwrap();
        Self {
            address,
            engine,
            clock,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::new(self.address)
    }

    /// Asks the server to stop, and does not wait.
    pub(crate) fn begin_stop(&self) {
        self.stop.stop();
    }

    /// Stops the server and waits for its end.
    pub(crate) fn stop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
    }

    /// Whether every counter of the ledger still says what it counts.
    pub(crate) fn assert_sound(&self) {
        let now = self.clock.now();
        assert_eq!(self.engine.ledger().audit(now), []);
        assert_eq!(self.engine.ledger().totals(now).oversold, 0);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A second panic while a test fails would hide the first.
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the server panicked"
            );
        }
    }
}

/// One raw connection.
pub(crate) struct Connection {
    stream: TcpStream,
    decoder: ReplyDecoder,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self {
            stream,
            decoder: ReplyDecoder::new(ReplyLimits::default()),
            received: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends bytes; a server that has closed already is no failure.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Nothing more will be sent.
    pub(crate) fn finish(&self) {
        // The server may have closed the connection already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next reply.
    pub(crate) fn reply(&mut self) -> Value {
        self.next_reply()
            .expect("the connection ended, but a reply was owed")
    }

    /// The next reply, or `None` if the connection ends first.
    pub(crate) fn next_reply(&mut self) -> Option<Value> {
        let mut chunk = [0; 16 << 10];
        loop {
            if let Some((value, used)) = self.decoder.decode(&self.received).unwrap() {
                self.received.drain(..used);
                return Some(value);
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    assert!(self.received.is_empty(), "the last reply is cut off");
                    return None;
                }
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    /// All replies up to the end of the connection.
    pub(crate) fn replies_to_the_end(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.next_reply()).collect()
    }

    /// The bytes up to the end of the connection, without a reset.
    pub(crate) fn bytes_to_the_end(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.received);
        self.stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Asserts that the server ends the connection without another reply.
    pub(crate) fn assert_closed(&mut self) {
        assert_eq!(self.next_reply(), None);
    }

    /// Sends one command and waits for its reply.
    pub(crate) fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Value {
        self.send(&frame(arguments));
        self.reply()
    }

    /// Sends one command, as words between blanks, and waits for its reply.
    pub(crate) fn say(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        self.command(&words)
    }

    /// How long reading may take before it fails.
    pub(crate) fn set_patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
    }

    /// How long sending may take before it fails.
    pub(crate) fn set_write_patience(&self, patience: Duration) {
        self.stream.set_write_timeout(Some(patience)).unwrap();
    }

    /// Whether the server has ended the connection, waiting at most `patience` for it.
    pub(crate) fn has_ended_within(&mut self, patience: Duration) -> bool {
        self.set_patience(patience);
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => {
                self.received.push(byte[0]);
                false
            }
            Err(e) => !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    pub(crate) fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }
}

/// A command as a client sends it.
pub(crate) fn frame<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_command(arguments, &mut bytes);
    bytes
}

/// The text of a refusal.
pub(crate) fn refusal(reply: &Value) -> &str {
    match reply {
        Value::Error(text) => text,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Asks until the answer is yes.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// A value of `INFO`.
pub(crate) fn info(connection: &mut Connection, key: &str) -> String {
    let reply = connection.say("INFO");
    let text = reply.as_str().unwrap();
    let prefix = format!("{key}:");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("INFO has no {key}"))
        .to_owned()
}

/// Everything that a refused command must leave as it was, as a client sees it: the counts of
/// `INFO` that are not about traffic, and every position.
pub(crate) fn state(connection: &mut Connection) -> Vec<String> {
    let reply = connection.say("INFO Orders Ledger Persistence");
    // Memory may be taken in advance and a channel's name noted, by reads too; a refused order is
    // counted as one.
    let traffic = ["ledger_bytes:", "channels:", "orders_refused:"];
    let counts = reply.as_str().unwrap().lines();
    let mut state: Vec<String> = counts
        .filter(|line| !traffic.iter().any(|key| line.starts_with(key)))
        .map(str::to_owned)
        .collect();
    for sku in 0..SKUS {
        state.push(format!(
            "{:?}",
            connection.say(&format!("STOCK.GET SKU-{sku}"))
        ));
    }
    state
}

fn location(id: &str, lon: f64) -> Location {
    Location {
        id: id.into(),
        name: id.into(),
        kind: LocationKind::DistributionCentre,
        country: "US".into(),
        postal: "10001".into(),
        coordinate: Coordinate::from_degrees(40.0, lon).unwrap(),
        timezone: "America/New_York".into(),
        cutoff_minutes: 17 * 60,
        working_days: WeekDays(0b111_1111),
        lead_hours: 2,
        shipments_per_day: None,
        units_per_day: None,
        handling_per_shipment: Cents(100),
        handling_per_unit: Cents(10),
        abilities: Vec::new(),
        ..Location::default()
    }
}

fn network() -> Network {
    let ground = Service {
        id: "ground".into(),
        carrier: "Test".into(),
        works_on: WeekDays(0b111_1111),
        dim_divisor_cm3_per_kg: None,
        dim_threshold_cm3: 0,
        billing_step: Grams(1),
        max: Grams(30_000),
        ..Service::default()
    };
    let service = ServiceId(0);
    let zone = |zone, max_km, transit_days| Zone {
        service,
        zone,
        max_km,
        transit_days,
    };
    let step = |zone, cents| TariffStep {
        service,
        zone,
        max: Grams(30_000),
        cents: Cents(cents),
    };
    let place = |postal: &str, lon| Place {
        country: "US".into(),
        postal_prefix: postal.into(),
        coordinate: Coordinate::from_degrees(40.0, lon).unwrap(),
        population: 1,
        ..Place::default()
    };
    let places = [("100", -74.0), ("606", -90.0), ("941", -120.0)];
    let lons = [-74.0, -90.0, -120.0];
    Network {
        name: "three coasts".into(),
        currency: "USD".into(),
        policy: Policy::default(),
        promise: PromiseRules {
            default: PromiseFrom::All,
            ..PromiseRules::default()
        },
        locations: std::iter::zip(LOCATIONS, lons)
            .map(|(id, lon)| location(id, lon))
            .collect(),
        services: vec![ground],
        zones: vec![zone(1, Some(500), 1), zone(2, None, 3)],
        tariffs: vec![step(1, 600), step(2, 900)],
        places: places.map(|(postal, lon)| place(postal, lon)).into(),
        ..Network::default()
    }
}

fn engine(now: EpochMillis) -> Engine {
    let item = |sku: u32| Item {
        sku: format!("SKU-{sku}").into(),
        name: "".into(),
        grams: 400,
        size_mm: [0; 3],
        class: "".into(),
        value: Cents(1000),
        ..Item::default()
    };
    let positions = (0..SKUS).flat_map(|sku| (0..3).map(move |at| (sku, at)));
    let stock = positions.map(|(sku, at)| StockRow {
        sku: SkuId(sku),
        location: LocationId(at),
        on_hand: Qty(UNITS),
        safety_stock: Qty(0),
        held: None,
    });
    let opening = Opening {
        items: (0..SKUS).map(item).collect(),
        stock: stock.collect(),
        ..Opening::default()
    };
    Engine::new(network(), opening, Limits::default(), None, now).unwrap()
}

/// An order as JSON, of lines of SKU number and units, to `postal`.
pub(crate) fn order(id: &str, postal: &str, lines: &[(u32, u32)]) -> String {
    let lines = lines.iter();
    let lines: Vec<String> = lines
        .map(|(sku, qty)| format!(r#"{{"sku":"SKU-{sku}","qty":{qty}}}"#))
        .collect();
    format!(
        r#"{{"source":"web","order":"{id}","placed_at":"2026-11-23T10:00:00Z","ship_to":{{"country":"US","postal":"{postal}"}},"lines":[{}]}}"#,
        lines.join(",")
    )
}

/// A seeded stream of numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `bound` − 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}
