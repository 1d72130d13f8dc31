//! Names to dense ids and back: items, locations, channels.
//!
//! Tables only grow: an id never means something else later. An id is announced to history before
//! anybody else can see it, so that no fact can name what history does not know. Reading a name or an item's shipping
//! facts takes no lock that another SKU could hold.

use super::EngineError;
use crate::cut::{Before, Gate, Pass};
use crate::model::{Cents, ChannelId, Grams, Invalid, Item, LocationId, Qty, SkuId, check_id};
use crate::routing::{ClassId, Demand, Lanes};
use dashmap::{DashMap, Entry};
use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;

/// Most SKUs: dense ids stay small enough for the tables that they index.
const SKUS_MAX: usize = 1 << 24;

/// Most channels.
const CHANNELS_MAX: usize = 60_000;

/// A channel that nobody has named.
const NO_CHANNEL: ChannelId = ChannelId(u16::MAX);

/// What shipping needs to know of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parcel {
    grams: u32,
    volume_mm3: u64,
    longest_mm: u32,
    ships_alone: bool,
    value: Cents,
    ordinary: bool,
}

#[derive(Debug)]
struct ItemEntry {
    sku: Box<str>,
    parcel: RwLock<Parcel>,
    item: RwLock<Arc<Item>>,
}

/// All names.
#[derive(Debug, Default)]
pub struct Registry {
    skus: DashMap<Box<str>, SkuId, RandomState>,
    items: boxcar::Vec<ItemEntry>,
    locations: DashMap<Box<str>, LocationId, RandomState>,
    location_names: boxcar::Vec<Box<str>>,
    channels: DashMap<Box<str>, ChannelId, RandomState>,
    channel_names: boxcar::Vec<Box<str>>,
    /// Held while an id is given and announced, so that ids are announced in ascending order.
    naming: Mutex<()>,
    /// Items as they were at a cut, of those described anew since.
    items_before: Before<SkuId, Arc<Item>>,
}

impl Registry {
    /// The SKU of a text id.
    ///
    /// # Errors
    /// `NOTFOUND` naming `field`.
    pub fn sku(&self, field: &str, text: &str) -> Result<SkuId, EngineError> {
        let known = self.skus.get(text).map(|id| *id);
        known.ok_or_else(|| EngineError::not_found(field, text, "sku"))
    }

    /// The location of a text id.
    ///
    /// # Errors
    /// `NOTFOUND` naming `field`.
    pub fn location(&self, field: &str, text: &str) -> Result<LocationId, EngineError> {
        let known = self.locations.get(text).map(|id| *id);
        known.ok_or_else(|| EngineError::not_found(field, text, "location"))
    }

    /// The channel of a text id, which need not have been seen before: then it is announced.
    ///
    /// # Errors
    /// `INVALID` when the text is no id or there are too many channels.
    pub fn channel(
        &self,
        field: &str,
        text: &str,
        gate: &Gate,
        announce: impl FnOnce(ChannelId, &Pass<'_>),
    ) -> Result<ChannelId, EngineError> {
        if let Some(known) = self.channels.get(text) {
            return Ok(*known);
        }
        check_id(field, text)?;
        match self.channels.entry(text.into()) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(place) => {
                // A few at once may pass this check together: far fewer than it keeps free.
                if self.channel_names.count() >= CHANNELS_MAX {
                    return Err(Invalid::new(field, text, "one of at most 60000 channels").into());
                }
                let _in_order = self.naming.lock();
                let pass = gate.enter();
                let index = self.channel_names.push(text.into());
                let id = ChannelId::from_index(index).expect("bounded just above");
                announce(id, &pass);
                place.insert(id);
                Ok(id)
            }
        }
    }

    /// The channel of a text id for a question: one that was never seen is a channel without
    /// allocations, and asking does not introduce it.
    ///
    /// # Errors
    /// `INVALID` when the text is no id.
    pub fn channel_asked(&self, field: &str, text: &str) -> Result<ChannelId, EngineError> {
        check_id(field, text)?;
        Ok(self.channels.get(text).map_or(NO_CHANNEL, |known| *known))
    }

    /// Whether a channel was ever introduced.
    pub(super) fn is_introduced(channel: ChannelId) -> bool {
        channel != NO_CHANNEL
    }

    /// The text id of a SKU; empty for one that was never introduced.
    #[must_use]
    pub fn sku_name(&self, sku: SkuId) -> &str {
        self.items.get(sku.index()).map_or("", |e| &e.sku)
    }

    /// The text id of a location; empty for one that was never introduced.
    #[must_use]
    pub fn location_name(&self, location: LocationId) -> &str {
        self.location_names.get(location.index()).map_or("", |n| n)
    }

    /// The text id of a channel; empty for one that was never introduced.
    #[must_use]
    pub fn channel_name(&self, channel: ChannelId) -> &str {
        self.channel_names.get(channel.index()).map_or("", |n| n)
    }

    /// Number of SKUs.
    #[must_use]
    pub fn sku_count(&self) -> usize {
        self.items.count()
    }

    /// Number of locations.
    #[must_use]
    pub fn location_count(&self) -> usize {
        self.location_names.count()
    }

    /// Number of channels.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.channel_names.count()
    }

    /// What a SKU is.
    #[must_use]
    pub fn item(&self, sku: SkuId) -> Option<Arc<Item>> {
        self.items.get(sku.index()).map(|e| e.item.read().clone())
    }

    /// Introduces an item or describes it anew, and announces it. Returns its id and whether it is new.
    ///
    /// # Errors
    /// `INVALID` when the SKU is no id or there are too many.
    pub fn put_item(
        &self,
        item: Item,
        gate: &Gate,
        announce: impl FnOnce(SkuId, &Pass<'_>),
    ) -> Result<(SkuId, bool), EngineError> {
        check_id("sku", &item.sku)?;
        let parcel = Parcel {
            grams: item.grams,
            volume_mm3: item.size_mm.iter().map(|&mm| u64::from(mm)).product(),
            longest_mm: item.size_mm.into_iter().max().unwrap_or(0),
            ships_alone: item.ships_alone,
            value: item.value,
            ordinary: matches!(&*item.class, "" | "standard" | "general"),
        };
        match self.skus.entry(item.sku.clone()) {
            Entry::Occupied(known) => {
                let sku = *known.get();
                let entry = &self.items[sku.index()];
                let pass = gate.enter();
                let was = || Some(entry.item.read().clone());
                self.items_before.save(|| sku, was);
                *entry.item.write() = Arc::new(item);
                *entry.parcel.write() = parcel;
                announce(sku, &pass);
                Ok((sku, false))
            }
            Entry::Vacant(place) => {
                if self.items.count() >= SKUS_MAX {
                    return Err(
                        Invalid::new("sku", &item.sku, "one of at most 16777216 SKUs").into(),
                    );
                }
                let sku = item.sku.clone();
                let parcel = RwLock::new(parcel);
                let entry = ItemEntry {
                    sku,
                    parcel,
                    item: RwLock::new(Arc::new(item)),
                };
                let _in_order = self.naming.lock();
                let pass = gate.enter();
                let index = self.items.push(entry);
                let id = SkuId::from_index(index).expect("bounded just above");
                announce(id, &pass);
                place.insert(id);
                Ok((id, true))
            }
        }
    }

    /// Introduces a location, or finds it, and announces it. Returns its id and whether it is new.
    ///
    /// # Errors
    /// `INVALID` when the text is no id or there are too many.
    pub fn put_location(
        &self,
        text: &str,
        gate: &Gate,
        announce: impl FnOnce(LocationId, &Pass<'_>),
    ) -> Result<(LocationId, bool), EngineError> {
        check_id("location", text)?;
        match self.locations.entry(text.into()) {
            Entry::Occupied(known) => {
                announce(*known.get(), &gate.enter());
                Ok((*known.get(), false))
            }
            Entry::Vacant(place) => {
                if self.location_names.count() >= usize::from(u16::MAX) {
                    return Err(Invalid::new("location", text, "one of at most 65535").into());
                }
                let _in_order = self.naming.lock();
                let pass = gate.enter();
                let index = self.location_names.push(text.into());
                let id = LocationId::from_index(index).expect("bounded just above");
                announce(id, &pass);
                place.insert(id);
                Ok((id, true))
            }
        }
    }

    /// Items are to be seen as they are now. Nobody is changing any.
    pub(super) fn cut(&self) {
        self.items_before.begin();
    }

    /// An item as it was at the cut.
    pub(super) fn item_at_cut(&self, sku: SkuId) -> Option<Arc<Item>> {
        let read = self.item(sku)?;
        self.items_before.or_read(&sku, read)
    }

    /// Nobody looks any more.
    pub(super) fn end_cut(&self) {
        self.items_before.end();
    }

    /// What the router needs to know of `qty` units of a SKU.
    #[must_use]
    pub fn demand(&self, sku: SkuId, qty: Qty, may_split: bool, lanes: &Lanes) -> Demand {
        let entry = &self.items[sku.index()];
        let Parcel {
            grams,
            volume_mm3,
            longest_mm,
            ships_alone,
            value,
            ordinary,
        } = *entry.parcel.read();
        let class = match ordinary {
            true => ClassId::default(),
            false => lanes.class(&entry.item.read().class),
        };
        Demand {
            sku,
            qty,
            may_split,
            grams,
            volume_mm3,
            longest_mm,
            ships_alone,
            class,
            value,
            together: 0,
        }
    }

    /// Weight of `qty` units of a SKU.
    #[must_use]
    pub fn weight(&self, sku: SkuId, qty: Qty) -> Grams {
        let grams = self
            .items
            .get(sku.index())
            .map_or(0, |e| e.parcel.read().grams);
        Grams(u64::from(grams) * u64::from(qty.0))
    }
}
