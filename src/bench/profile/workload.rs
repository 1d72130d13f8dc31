//! The commands of a profile, by number.
//!
//! Every command has random numbers of its own, from the seed and its number. So command 1,000,000 is
//! the same whether or not the 999,999 before it were made, by however many threads.

use super::file::{Profile, Sizes};
use super::operation::{Kind, Operation, OrderId, TakenLine};
use super::postal::Postal;
use super::shapes::{Popularity, scattered};
use crate::bench::random::{Random, Weighted};

/// How far back the order is that a command asks for again: so far that it has its reply by then.
const BACK: u64 = 2_000;
/// How many commands are looked at for one that made an order.
const LOOKED_AT: u64 = 4_000;

/// Something that can be offered to a server.
pub trait Load: Sync {
    /// Command `number`; always the same one.
    fn operation(&self, number: u64) -> Operation;
}

/// The commands of a profile and a seed.
#[derive(Debug, Clone)]
pub struct Workload {
    seed: u64,
    kinds: Vec<Kind>,
    mix: Weighted,
    /// One of so many commands is a load of counts.
    load_every: Option<u64>,
    lines: Weighted,
    units: Weighted,
    popularity: Popularity,
    postal: Postal,
    skus: u32,
    warehouses: u32,
    hot_percent: u64,
    hot_skus: u32,
    sizes: Sizes,
    units_per_warehouse: u32,
    before: u64,
}

impl Workload {
    /// The commands of `profile`, which has been checked, by `seed`.
    #[must_use]
    pub fn new(profile: &Profile, seed: u64) -> Self {
        const CHECKED: &str = "a profile is checked for weights";
        let total: u64 = profile.mix.values().sum();
        let loads = profile
            .mix
            .get(&Kind::StockLoad)
            .copied()
            .filter(|w| *w > 0);
        // A feed visits every position in its turn, so its commands come in turn and not by chance.
        let load_every = loads.map(|weight| (total / weight).max(1));
        let others = profile.mix.iter().filter(|(k, _)| **k != Kind::StockLoad);
        let mut mix: Vec<(Kind, u64)> = others.map(|(k, w)| (*k, *w)).collect();
        if mix.iter().all(|(_, weight)| *weight == 0) {
            mix = vec![(Kind::StockLoad, 1)];
        }
        let (size, baskets) = (&profile.catalogue, &profile.baskets);
        Self {
            seed,
            kinds: mix.iter().map(|(kind, _)| *kind).collect(),
            mix: Weighted::new(mix.iter().map(|(_, weight)| *weight)).expect(CHECKED),
            load_every,
            lines: Weighted::new(baskets.lines.iter().copied()).expect(CHECKED),
            units: Weighted::new(baskets.units.iter().copied()).expect(CHECKED),
            popularity: Popularity::new(size.skus, size.popularity_exponent),
            postal: Postal::new(),
            skus: size.skus,
            warehouses: size.warehouses,
            hot_percent: baskets.hot_percent,
            hot_skus: baskets.hot_skus.max(1),
            sizes: profile.sizes,
            units_per_warehouse: size.units_per_warehouse,
            before: profile.before.orders,
        }
    }

    /// The postal code of a place.
    #[must_use]
    pub fn postal(&self, place: u32) -> &str {
        self.postal.code(place)
    }

    /// Order `number` of those before the run.
    #[must_use]
    pub fn before(&self, number: u64) -> Operation {
        let mut random = self.random(number | 1 << 63);
        Operation::Submit {
            id: OrderId::Before(number),
            place: self.postal.draw(&mut random),
            lines: self.basket(&mut random),
        }
    }

    /// Random numbers of one command.
    fn random(&self, number: u64) -> Random {
        let mut mixed = Random::new(self.seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Random::new(mixed.next_u64())
    }

    fn kind(&self, number: u64) -> (Kind, Random) {
        let mut random = self.random(number);
        if let Some(every) = self.load_every {
            let place = self.random((number / every) ^ (1 << 62)).below(every);
            if number % every == place {
                return (Kind::StockLoad, random);
            }
        }
        (self.kinds[self.mix.draw(&mut random)], random)
    }

    fn sku(&self, random: &mut Random) -> u32 {
        if self.hot_percent > 0 && random.chance(self.hot_percent) {
            let rank = u32::try_from(random.below(u64::from(self.hot_skus))).unwrap_or(0);
            return scattered(rank, self.skus);
        }
        self.popularity.draw(random)
    }

    fn warehouse(&self, random: &mut Random) -> u32 {
        u32::try_from(random.below(u64::from(self.warehouses))).unwrap_or(0)
    }

    fn line(&self, random: &mut Random) -> TakenLine {
        TakenLine {
            sku: self.sku(random),
            location: self.warehouse(random),
            units: 1 + u32::try_from(self.units.draw(random)).unwrap_or(0),
        }
    }

    /// Lines of an order, each item once.
    fn basket(&self, random: &mut Random) -> Vec<TakenLine> {
        let count = 1 + self.lines.draw(random);
        let mut lines: Vec<TakenLine> = Vec::with_capacity(count);
        for _ in 0..count {
            let line = self.line(random);
            match lines.iter_mut().find(|l| l.sku == line.sku) {
                Some(same) => same.units += line.units,
                None => lines.push(line),
            }
        }
        lines
    }

    /// Counts of a feed: rows that follow each other through the whole catalogue.
    fn rows(&self, number: u64, random: &mut Random) -> Vec<TakenLine> {
        let rows = u64::from(self.sizes.load_rows);
        let all = u64::from(self.skus) * u64::from(self.warehouses);
        let first = (number / self.load_every.unwrap_or(1)).wrapping_mul(rows);
        let row = |offset: u64| {
            let place = (first + offset) % all;
            TakenLine {
                sku: u32::try_from(place % u64::from(self.skus)).unwrap_or(0),
                location: u32::try_from(place / u64::from(self.skus)).unwrap_or(0),
                units: self.counted(random),
            }
        };
        (0..rows.min(all)).map(row).collect()
    }

    /// A count: what was there, a few more.
    fn counted(&self, random: &mut Random) -> u32 {
        self.units_per_warehouse + u32::try_from(random.below(20)).unwrap_or(0)
    }

    /// Something that an earlier command of one of `kinds` made, at least [`BACK`] commands ago.
    fn earlier(&self, number: u64, kinds: &[Kind], random: &mut Random) -> Option<OrderId> {
        let newest = number.checked_sub(BACK + random.below(BACK))?;
        (newest.saturating_sub(LOOKED_AT)..=newest)
            .rev()
            .find(|&n| kinds.contains(&self.kind(n).0))
            .map(OrderId::Run)
    }

    /// An order that was accepted some time ago.
    fn order(&self, number: u64, random: &mut Random) -> Option<OrderId> {
        let earlier = self.earlier(number, &[Kind::Submit], random);
        let before = || (self.before > 0).then(|| OrderId::Before(random.below(self.before)));
        earlier.or_else(before)
    }

    fn atp(&self, random: &mut Random) -> Operation {
        let skus = (0..self.sizes.atp_skus).map(|_| self.sku(random)).collect();
        Operation::Atp { skus, units: 1 }
    }
}

impl Load for Workload {
    fn operation(&self, number: u64) -> Operation {
        let (kind, mut random) = self.kind(number);
        let (random, id) = (&mut random, OrderId::Run(number));
        let made = match kind {
            // These follow from replies.
            Kind::Atp
            | Kind::Ship
            | Kind::Deliver
            | Kind::Authorise
            | Kind::Receive
            | Kind::Grade => None,
            Kind::Return => (self.before > 0).then(|| Operation::Return {
                id: OrderId::Before(number % self.before),
            }),
            Kind::Promise => Some(Operation::Promise {
                sku: self.sku(random),
                place: self.postal.draw(random),
            }),
            Kind::Cart => Some(Operation::Cart {
                id,
                lines: self.basket(random),
                millis: u64::from(self.sizes.cart_seconds) * 1_000,
            }),
            Kind::Confirm => self
                .earlier(number, &[Kind::Cart], random)
                .map(|id| Operation::Confirm { id }),
            Kind::Drop => self
                .earlier(number, &[Kind::Cart, Kind::Reserve], random)
                .map(|id| Operation::Drop { id }),
            Kind::Reserve => Some(Operation::Reserve {
                id,
                lines: self.basket(random),
            }),
            Kind::Submit => Some(Operation::Submit {
                id,
                place: self.postal.draw(random),
                lines: self.basket(random),
            }),
            Kind::OrderGet => self
                .order(number, random)
                .map(|id| Operation::OrderGet { id }),
            Kind::OrderCancel => {
                let order = self.order(number, random);
                order.map(|id| Operation::OrderCancel { id })
            }
            Kind::StockSet => Some(Operation::StockSet {
                id,
                line: TakenLine {
                    units: self.counted(random),
                    ..self.line(random)
                },
            }),
            Kind::StockLoad => Some(Operation::StockLoad {
                id,
                lines: self.rows(number, random),
            }),
            Kind::StockAdjust => Some(Operation::StockAdjust {
                id,
                line: self.line(random),
            }),
            Kind::Claim => Some(Operation::Claim {
                id,
                location: self.warehouse(random),
                count: self.sizes.claim_count,
            }),
        };
        // Where nothing has happened yet that could be asked for again, a read takes its place.
        made.unwrap_or_else(|| self.atp(random))
    }
}
