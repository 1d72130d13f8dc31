//! Other systems under the same load: what must be there before, and their books afterwards.

use super::audit::{Check, Checked};
use super::exchange::pipeline;
use super::server::info;
use crate::bench::dialect::{Dialect, Postgres, Redis, redis_stock};
use crate::bench::profile::{Catalogue, Kind, Profile};
use crate::client::Client;
use anyhow::{Context as _, bail};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::str::FromStr;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Items given their stock at a time.
const AT_ONCE: usize = 500;

/// A system that is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// `redis://host:port`: its data are lost.
    Redis(SocketAddr),
    /// `postgres://user:password@host:port/database`: tables `allot_bench_*` are made in it.
    Postgres {
        /// Where it listens.
        address: SocketAddr,
        /// Who asks.
        user: String,
        /// If it wants one.
        password: Option<String>,
        /// In which of its databases.
        database: String,
    },
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "target is '{url}'; expected redis://host:port or \
                 postgres://user:password@host:port/database"
            )
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(refused)?;
        let (login, rest) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(l, r)| (Some(l), r));
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let port = match scheme {
            "redis" => 6379,
            "postgres" | "postgresql" => 5432,
            _ => return Err(refused()),
        };
        let place = match place.rsplit_once(':') {
            Some(_) => place.to_owned(),
            None => format!("{place}:{port}"),
        };
        let mut found = place
            .to_socket_addrs()
            .map_err(|error| format!("target is '{url}': {error}"))?;
        let address = found.next().ok_or_else(refused)?;
        if scheme == "redis" {
            return Ok(Self::Redis(address));
        }
        let login = login.unwrap_or("postgres");
        let (user, password) = login
            .split_once(':')
            .map_or((login, None), |(u, p)| (u, Some(p)));
        Ok(Self::Postgres {
            address,
            user: user.to_owned(),
            password: password.map(str::to_owned),
            database: if database.is_empty() {
                "postgres"
            } else {
                database
            }
            .to_owned(),
        })
    }
}

/// Kinds of commands that the peers answer as well.
#[must_use]
pub fn common(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Atp
            | Kind::Reserve
            | Kind::Submit
            | Kind::StockSet
            | Kind::StockLoad
            | Kind::StockAdjust
    )
}

/// The part of a profile that all three systems can be asked for; what was left out.
#[must_use]
pub fn common_part(mut profile: Profile) -> (Profile, Vec<Kind>) {
    let left: Vec<Kind> = profile
        .mix
        .keys()
        .copied()
        .filter(|k| !common(*k))
        .collect();
    profile.mix.retain(|kind, _| common(*kind));
    profile.before.orders = 0;
    (profile.consumers, profile.restart) = (None, None);
    (profile, left)
}

impl Peer {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Redis(_) => "Redis",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Redis(address) | Self::Postgres { address, .. } => *address,
        }
    }

    fn postgres(&self, durable: bool) -> Option<Postgres> {
        match self {
            Self::Redis(_) => None,
            Self::Postgres {
                user,
                password,
                database,
                ..
            } => Some(Postgres::new(user, password.as_deref(), database, durable)),
        }
    }

    /// Gives it the catalogue's stock, and says how to speak to it.
    pub(super) fn prepare(
        &self,
        catalogue: &Arc<Catalogue>,
        durable: bool,
        mut tell: impl FnMut(u64, u64),
    ) -> anyhow::Result<Arc<dyn Dialect>> {
        let mut stream = TcpStream::connect(self.address())
            .with_context(|| format!("cannot connect to {} at {}", self.name(), self.address()))?;
        stream.set_nodelay(true)?;
        if let Some(postgres) = self.postgres(durable) {
            postgres
                .prepare(&mut stream, catalogue)
                .context("PostgreSQL does not take the stock")?;
            return Ok(Arc::new(postgres));
        }
        let redis = Redis::new(catalogue.clone(), &mut stream)?;
        let mut client = Client::connect(&self.address().to_string())?;
        let durable = if durable { "yes" } else { "no" };
        for command in [
            &["FLUSHALL"][..],
            &["CONFIG", "SET", "appendonly", "no"],
            &["CONFIG", "SET", "appendfsync", "always"],
        ] {
            expect_ok(&mut client, command)?;
        }
        let stock: Vec<_> = catalogue.stock().collect();
        let items: Vec<_> = stock.chunk_by(|a, b| a.sku == b.sku).collect();
        let mut done = 0;
        for some in items.chunks(AT_ONCE) {
            let mut out = Vec::new();
            for item in some {
                let places: Vec<(&str, u32)> = item
                    .iter()
                    .map(|at| (catalogue.location(at.location), at.units))
                    .collect();
                redis_stock(item[0].sku, &places, &mut out);
            }
            pipeline(&mut stream, &redis, &out, some.len())?;
            done += some.len() as u64;
            tell(done, items.len() as u64);
        }
        // The stock itself is not what is measured.
        expect_ok(&mut client, &["CONFIG", "SET", "appendonly", durable])?;
        while rewrites(&mut client)? {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(Arc::new(redis))
    }

    /// Its books. `granted` is what the driver counted, where it can.
    pub(super) fn check(
        &self,
        catalogue: &Catalogue,
        granted: Option<u64>,
    ) -> anyhow::Result<Checked> {
        let mut hash = Xxh3::new();
        let check = match self.postgres(true) {
            Some(postgres) => {
                let mut stream = TcpStream::connect(self.address())?;
                let [oversold, reserved, on_hand, read] = postgres.books(&mut stream)?;
                Check {
                    oversold,
                    read,
                    read_oversold: oversold,
                    reserved,
                    on_hand,
                    claims: 0,
                    granted,
                }
            }
            None => self.redis_books(catalogue, granted)?,
        };
        hash.update(&check.reserved.to_le_bytes());
        Ok(Checked {
            check,
            hash,
            sizes: None,
        })
    }

    /// A hash holds what is left: below nothing is promised too much.
    fn redis_books(&self, catalogue: &Catalogue, granted: Option<u64>) -> anyhow::Result<Check> {
        let mut client = Client::connect(&self.address().to_string())?;
        let stock: u64 = catalogue.stock().map(|at| u64::from(at.units)).sum();
        let mut check = Check {
            granted,
            ..Check::default()
        };
        let mut left = 0i64;
        let skus: Vec<u32> = (0..catalogue.skus()).collect();
        for some in skus.chunks(AT_ONCE) {
            for sku in some {
                client.send(&["HVALS", &format!("SKU-{sku}")]);
            }
            client.flush()?;
            for _ in some {
                let reply = client.receive()?;
                for units in reply.as_slice().context("HVALS answers a list")? {
                    let units = units.as_int().context("a position is a number")?;
                    check.read += 1;
                    check.read_oversold += u64::from(units < 0);
                    left += units;
                }
            }
        }
        check.oversold = check.read_oversold;
        check.on_hand = stock;
        check.reserved = u64::try_from(i64::try_from(stock)? - left).unwrap_or(0);
        Ok(check)
    }
}

fn expect_ok(client: &mut Client, command: &[&str]) -> anyhow::Result<()> {
    let reply = client.command(command)?;
    if reply.is_error() {
        bail!("{} was answered {reply:?}", command.join(" "));
    }
    Ok(())
}

/// Whether Redis still writes its first append-only file.
fn rewrites(client: &mut Client) -> anyhow::Result<bool> {
    let fields = info(client, &["persistence"])?;
    let is = |key: &str| fields.get(key).is_some_and(|v| v == "1");
    Ok(is("aof_rewrite_in_progress") || is("aof_rewrite_scheduled"))
}
