//! The books after a run: nothing may be promised that is not there.

use super::server::info;
use crate::client::Client;
use crate::wire::Value;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use xxhash_rust::xxh3::Xxh3;

/// How many of the best sellers are read position by position.
const READ: usize = 2_000;
/// Questions sent before their answers are read.
const AT_ONCE: usize = 100;

/// What the books say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Positions that promise more than they have, as the server counts all of them.
    pub oversold: u64,
    /// Positions read one by one by the driver.
    pub read: u64,
    /// Those among them that promise more than they have.
    pub read_oversold: u64,
    /// Units promised.
    pub reserved: u64,
    /// Units on hand.
    pub on_hand: u64,
    /// Live reservations of units.
    pub claims: u64,
    /// Units that were granted to firm reservations by the driver's own count, where it can know them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<u64>,
}

impl Check {
    /// Whether all of it is as it must be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let counted = self.granted.is_none_or(|granted| granted == self.reserved);
        self.oversold == 0 && self.read_oversold == 0 && counted
    }
}

/// The check, and a hash of what was read for it.
pub struct Checked {
    /// What the books say.
    pub check: Check,
    /// Of the units of every item that was read.
    pub hash: Xxh3,
    /// Items, places and positions that the server has, where it says so.
    pub sizes: Option<(u32, u32, u64)>,
}

/// Reads the books of an Allot server.
pub(super) fn allot(address: SocketAddr, skus: &[u32]) -> anyhow::Result<Checked> {
    let mut client = Client::connect(&address.to_string())?;
    let fields = info(&mut client, &["ledger"])?;
    let number = |key: &str| -> anyhow::Result<u64> {
        let value = fields
            .get(key)
            .with_context(|| format!("INFO has no {key}"))?;
        Ok(value.parse()?)
    };
    let mut check = Check {
        oversold: number("positions_oversold")?,
        reserved: number("units_reserved")?,
        on_hand: number("units_on_hand")?,
        claims: number("claims")?,
        ..Check::default()
    };
    let mut hash = Xxh3::new();
    let skus = &skus[..skus.len().min(READ)];
    for some in skus.chunks(AT_ONCE) {
        for sku in some {
            client.send(&["STOCK.GET", &format!("SKU-{sku}")]);
        }
        client.flush()?;
        for sku in some {
            let reply = client.receive()?;
            let promised = item(&reply, &mut check).with_context(|| format!("of SKU-{sku}"))?;
            hash.update(&sku.to_le_bytes());
            hash.update(&promised.to_le_bytes());
        }
    }
    hash.update(&check.on_hand.to_le_bytes());
    hash.update(&check.reserved.to_le_bytes());
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let sizes = (
        narrow(number("skus")?),
        narrow(number("locations")?),
        number("positions")?,
    );
    Ok(Checked {
        check,
        hash,
        sizes: Some(sizes),
    })
}

/// Looks at every position of an item; the units promised of it.
fn item(reply: &Value, check: &mut Check) -> anyhow::Result<i64> {
    let mut promised = 0;
    let positions = reply.as_slice().context(
        "the server has no such item; one that runs already needs the profile's network: see allot bench network",
    )?;
    for position in positions {
        let field = |name: &str| -> anyhow::Result<i64> {
            let value = lookup(position, name);
            value.with_context(|| format!("STOCK.GET has no {name}"))
        };
        let (on_hand, held, reserved) = (field("on_hand")?, field("held")?, field("reserved")?);
        check.read += 1;
        // Nothing of these loads is promised against units on their way.
        if reserved + held > on_hand {
            check.read_oversold += 1;
        }
        promised += reserved;
    }
    if promised < 0 {
        bail!("{promised} units are promised");
    }
    Ok(promised)
}

/// An integer of a map, which RESP2 writes as a list of names and values.
fn lookup(map: &Value, name: &str) -> Option<i64> {
    if let Value::Map(pairs) = map {
        let pair = pairs.iter().find(|(key, _)| key.as_str() == Some(name));
        return pair.and_then(|(_, value)| value.as_int());
    }
    let pairs = map.as_slice()?.chunks_exact(2);
    let mut values = pairs.filter(|pair| pair[0].as_str() == Some(name));
    values.next().and_then(|pair| pair[1].as_int())
}
