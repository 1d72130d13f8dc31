//! The end of a replay: what is new in the network folder is taken over, and the engine is ready.

use super::error::{EngineError, Naming};
use super::replay::Replay;
use super::supply::field_of;
use super::{Engine, FactSink};
use crate::model::{
    EpochMillis, Fact, IncomingFact, Invalid, LocationId, Lsn, Network, Opening, PromiseRules,
    ReplanRules, ScarcityRow, SkuId,
};
use crate::routing::Lanes;
use std::sync::Arc;

impl Replay {
    /// The engine, ready for commands: what is new in the network folder is taken over, and its
    /// opening stock when no start before has. Facts go to `sink` from now on; `latest` is the
    /// number of the last one that was applied.
    ///
    /// # Errors
    /// `INVALID` naming what in the network cannot be used with this history.
    pub fn finish(
        self,
        opening: Opening,
        sink: Option<Box<dyn FactSink>>,
        latest: Lsn,
        now: EpochMillis,
    ) -> Result<Engine, EngineError> {
        let Self {
            engine,
            locations,
            paused,
            services,
            rules,
            opened,
            last_at,
            ..
        } = self;
        engine.history.attach(sink, latest);
        engine.desk.begin();
        if let Some(before) = &services {
            check_services(&engine.services, before)?;
        }
        let folder = engine.network.lock().clone();
        let known = locations.len();
        let mut network = Network {
            locations,
            // They name items and places by their order in the folder; `take_over` has their ids.
            scarcity: Vec::new(),
            ..folder.clone()
        };
        for location in &folder.locations {
            if !network.locations.iter().any(|l| l.id == location.id) {
                network.locations.push(location.clone());
            }
        }
        rename_restrictions(&mut network, &folder);
        let lanes = Lanes::new(&network)?;
        for location in paused {
            lanes.set_paused(location, true);
        }
        engine.lanes.store(Arc::new(lanes));
        if services.is_none() {
            let name = network.name.as_str().into();
            engine.history.append(&engine.gate.enter(), now, || {
                [Fact::NetworkOpened {
                    name,
                    services: engine.services.to_vec(),
                }]
            });
        }
        for location in &network.locations[known..] {
            let gate = &engine.gate;
            engine
                .registry
                .put_location(&location.id, gate, |id, pass| {
                    engine.history.append(pass, now, || {
                        [Fact::LocationPut {
                            location: id,
                            row: Box::new(location.clone()),
                        }]
                    });
                })?;
        }
        *engine.network.lock() = network;
        engine.make_release_key(now);
        if engine.lanes.load().limited() {
            engine.count_days(now);
        }
        engine.take_over(&folder, opening, &rules, opened, now)?;
        engine.begin_watching(&folder, last_at, now)?;
        engine.begin_remedies(&folder, now)?;
        Ok(engine)
    }
}

impl Engine {
    /// Items that are new, rules that changed, and the opening stock unless it is in already.
    fn take_over(
        &self,
        folder: &Network,
        opening: Opening,
        rules: &PromiseRules,
        opened: bool,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        let mut skus = Vec::with_capacity(opening.items.len());
        for item in opening.items {
            let known = self.registry.sku("sku", &item.sku);
            skus.push(match known {
                Ok(sku) => sku,
                Err(_) => {
                    let text = item.sku.clone();
                    self.put_item(item, now)?;
                    self.registry.sku("sku", &text)?
                }
            });
        }
        let places: Vec<LocationId> = folder
            .locations
            .iter()
            .map(|l| self.registry.location("location", &l.id))
            .collect::<Result<_, _>>()?;
        let replan = ReplanRules {
            skus: folder
                .replan
                .skus
                .iter()
                .map(|&(s, q)| (skus[s.index()], q))
                .collect(),
            ..folder.replan.clone()
        };
        // Nobody else has the engine yet, so nobody has set them.
        let _ = self.replan_rules.set(replan);
        let prices = folder.scarcity.iter().map(|row| ScarcityRow {
            sku: skus[row.sku.index()],
            location: places[row.location.index()],
            cents: row.cents,
        });
        self.set_scarcity(prices.collect())?;
        self.begin_thresholds(folder, &skus, now)?;
        let wanted = renamed(&folder.promise, &skus, &places);
        if wanted != *rules {
            self.ledger.set_rules(&wanted, now);
            self.history.append(&self.gate.enter(), now, || {
                [Fact::PromiseRulesSet {
                    rules: Box::new(wanted),
                }]
            });
        }
        if opened {
            return Ok(());
        }
        let sku = |id: SkuId| skus[id.index()];
        let place = |id: LocationId| places[id.index()];
        let mut stock = opening.stock;
        for row in &mut stock {
            (row.sku, row.location) = (sku(row.sku), place(row.location));
        }
        let pass = self.gate.enter();
        let log = super::facts::AsIs(self, &pass);
        self.ledger.open(&stock, now, &log);
        for row in opening.incoming {
            let announced = IncomingFact {
                id: row.id,
                kind: row.kind,
                sku: sku(row.sku),
                from: row.from.map(place),
                to: place(row.to),
                qty: row.qty,
                arrives_at: row.arrives_at,
            };
            let taken = self.ledger.expect_supply(&announced, now, &log);
            let field = field_of(announced.kind);
            taken.map_err(|e| Naming::supply(&e, field, &announced.id))?;
        }
        drop(pass);
        for row in opening.allocations {
            let channel = self.channel("channel", &row.channel, now)?;
            let pass = self.gate.enter();
            let log = super::facts::AsIs(self, &pass);
            let sku = sku(row.sku);
            self.ledger
                .set_allocation(sku, channel, row.protected, row.cap, now, &log);
        }
        self.history
            .append(&self.gate.enter(), now, || [Fact::OpeningDone]);
        Ok(())
    }
}

/// Restrictions name locations by their order in the folder; here by that of the whole network.
fn rename_restrictions(network: &mut Network, folder: &Network) {
    let Network {
        locations,
        restrictions,
        ..
    } = network;
    for location in restrictions.iter_mut().filter_map(|r| r.location.as_mut()) {
        let id = folder.locations.get(location.index()).map(|l| &l.id);
        let known = locations.iter().position(|l| Some(&l.id) == id);
        // Every location of the folder is in the network by now.
        *location = known.and_then(LocationId::from_index).unwrap_or(*location);
    }
}

/// Rules that name items and places by their order in the folder, by the registry's ids.
fn renamed(rules: &PromiseRules, skus: &[SkuId], places: &[LocationId]) -> PromiseRules {
    PromiseRules {
        skus: rules
            .skus
            .iter()
            .map(|&(s, p)| (skus[s.index()], p))
            .collect(),
        locations: rules
            .locations
            .iter()
            .map(|&(l, p)| (places[l.index()], p))
            .collect(),
        ..rules.clone()
    }
}

fn check_services(now: &[Box<str>], before: &[Box<str>]) -> Result<(), EngineError> {
    match now.get(..before.len()) == Some(before) {
        true => Ok(()),
        false => {
            let expected = format!(
                "those of the data directory first, in its order ({}): plans name services by place",
                before.join(", ")
            );
            Err(Invalid::new("services", now.join(", "), expected).into())
        }
    }
}
