//! What a unit is worth to the orders still to come: the dual prices of the transportation
//! programme of the remaining demand and stock (Acimovic and Graves 2015), over whole plans.
//!
//! Found by subgradient steps: at given prices every order type and metro picks its cheapest split
//! by itself, and the price of a unit rises where more is wanted than there is. The value at any
//! prices is a lower bound of what the remaining orders cost, so no step can be wrong, only early.

use super::bound::Shares;
use super::instance::{Instance, Stock};

/// Dollars of a unit by facility and item.
pub(crate) type Prices = Vec<Vec<f64>>;

/// Dollars by which a price moves in the first step where the demand is twice the stock.
const STEP: f64 = 1.5;
/// After so many steps they are half as long.
const HALVED: f64 = 20.0;

/// No price at all.
pub(crate) fn none(instance: &Instance) -> Prices {
    let held = instance.stock.iter();
    held.map(|items| vec![0.0; items.len()]).collect()
}

/// Improves `prices` for `periods` to come on `stock`; the best lower bound met, in dollars, and, if
/// asked for, the mean of what each order picked in the later steps, by type and metro.
pub(crate) fn solve(
    instance: &Instance,
    stock: &Stock,
    periods: f64,
    steps: u32,
    prices: &mut Prices,
    with_shares: bool,
) -> (f64, Vec<Vec<Shares>>) {
    let mut mean = none(instance);
    let mut shares = no_shares(instance, with_shares);
    let mut bound = f64::NEG_INFINITY;
    let kept = steps - steps / 2;
    // What each order type and metro picked last: mostly what it picks next.
    let mut last = vec![0; instance.types.len() * instance.share.len()];
    for step in 0..steps {
        let keeps = step >= steps / 2;
        let mut picks = Picks {
            wanted: none(instance),
            shares: (keeps && with_shares).then_some(&mut shares),
            weight: 1.0 / f64::from(kept),
        };
        let mut value = picks.demand(instance, stock, (periods, prices), &mut last);
        let wanted = picks.wanted;
        let length = STEP / (1.0 + f64::from(step) / HALVED);
        for (facility, held) in stock.iter().enumerate() {
            for (item, &units) in held.iter().enumerate() {
                let everywhere: f64 = wanted.iter().map(|w| w[item]).sum();
                let price = &mut prices[facility][item];
                let units = f64::from(units);
                value -= *price * units;
                let scale = units.max(0.1 * everywhere).max(1.0);
                let over = (wanted[facility][item] - units) / scale;
                *price = (*price + length * over).max(0.0);
                if keeps {
                    mean[facility][item] += *price / f64::from(kept);
                }
            }
        }
        bound = bound.max(value);
    }
    // Late prices swing around the optimum; their mean is nearer to it than any of them.
    *prices = mean;
    (bound, shares)
}

fn no_shares(instance: &Instance, with_shares: bool) -> Vec<Vec<Shares>> {
    if !with_shares {
        return Vec::new();
    }
    let of_type = |items: &Vec<usize>| {
        let of_metro = vec![vec![0.0; instance.all()]; items.len()];
        vec![of_metro; instance.share.len()]
    };
    instance.types.iter().map(of_type).collect()
}

/// What all demand picks at some prices.
struct Picks<'a> {
    /// Units by facility and item.
    wanted: Prices,
    shares: Option<&'a mut Vec<Vec<Shares>>>,
    weight: f64,
}

impl Picks<'_> {
    /// Dollars of all demand at these prices.
    fn demand(
        &mut self,
        instance: &Instance,
        stock: &Stock,
        (periods, prices): (f64, &Prices),
        last: &mut [usize],
    ) -> f64 {
        let mut value = 0.0;
        let mut last = last.iter_mut();
        let mut search = Search::new(instance);
        for (kind, (items, chance)) in instance.types.iter().zip(&instance.chance).enumerate() {
            for (metro, share) in instance.share.iter().enumerate() {
                let orders = periods * chance * share;
                for (facility, units) in instance.unit.iter().enumerate().take(instance.all()) {
                    let unit = units[metro];
                    for (row, &item) in items.iter().enumerate() {
                        search.dollars[facility][row] = match stock.get(facility) {
                            None => unit,
                            Some(held) if held[item] > 0 => unit + prices[facility][item],
                            Some(_) => f64::INFINITY,
                        };
                    }
                }
                let mut none = 0;
                let last = last.next().unwrap_or(&mut none);
                let (cost, set) = search.cheapest(items.len(), *last);
                *last = set;
                value += orders * cost;
                for (row, &item) in items.iter().enumerate() {
                    let open = (0..instance.all()).filter(|k| set >> k & 1 == 1);
                    let dollars = |k: &usize| search.dollars[*k][row];
                    let Some(from) = open.min_by(|a, b| dollars(a).total_cmp(&dollars(b))) else {
                        continue;
                    };
                    if let Some(wanted) = self.wanted.get_mut(from) {
                        wanted[item] += orders;
                    }
                    if let Some(shares) = &mut self.shares {
                        shares[kind][metro][row][from] += self.weight;
                    }
                }
            }
        }
        value
    }
}

/// The cheapest set of facilities for an order, exactly: depth first over the facilities, leaving out
/// what cannot become cheaper than the best so far.
struct Search {
    /// Dollars of an empty box by facility.
    boxes: Vec<f64>,
    /// Dollars of each item of the order by facility.
    dollars: Vec<Vec<f64>>,
    /// By facility: the least dollars of each item from there on.
    rest: Vec<Vec<f64>>,
    best: (f64, usize),
}

impl Search {
    fn new(instance: &Instance) -> Self {
        let rows = vec![vec![f64::INFINITY; instance.sizes]; instance.all() + 1];
        Self {
            boxes: (0..instance.all()).map(|k| instance.fixed(k)).collect(),
            dollars: rows.clone(),
            rest: rows,
            best: (f64::INFINITY, 0),
        }
    }

    /// Dollars and facilities, as bits, for the first `count` items; `guess` is a set that is likely
    /// good, or 0.
    fn cheapest(&mut self, count: usize, guess: usize) -> (f64, usize) {
        for facility in (0..self.boxes.len()).rev() {
            for row in 0..count {
                let least = self.rest[facility + 1][row].min(self.dollars[facility][row]);
                self.rest[facility][row] = least;
            }
        }
        self.best = match guess {
            0 => (f64::INFINITY, 0),
            set => (self.cost(set, count), set),
        };
        let nothing = [f64::INFINITY; ROWS_MAX];
        self.open(0, count, 0.0, 0, &nothing);
        self.best
    }

    /// Dollars of the first `count` items from a set of facilities.
    fn cost(&self, set: usize, count: usize) -> f64 {
        let open = || (0..self.boxes.len()).filter(|k| set >> k & 1 == 1);
        let boxes: f64 = open().map(|k| self.boxes[k]).sum();
        let item = |row| {
            open()
                .map(|k| self.dollars[k][row])
                .fold(f64::INFINITY, f64::min)
        };
        boxes + (0..count).map(item).sum::<f64>()
    }

    /// Tries all sets that add facilities from `facility` on to `set`, whose boxes cost `boxes` and
    /// from which each item costs `least`.
    fn open(
        &mut self,
        facility: usize,
        count: usize,
        boxes: f64,
        set: usize,
        least: &[f64; ROWS_MAX],
    ) {
        for next in facility..self.boxes.len() {
            let boxes = boxes + self.boxes[next];
            let bound: f64 = (0..count)
                .map(|row| least[row].min(self.rest[next][row]))
                .sum();
            if boxes + bound >= self.best.0 {
                // The boxes of later facilities cost as much or more, and there are fewer of them.
                return;
            }
            let mut here = *least;
            for (least, dollars) in here.iter_mut().zip(&self.dollars[next]).take(count) {
                *least = least.min(*dollars);
            }
            let total = boxes + here.iter().take(count).sum::<f64>();
            let set = set | 1 << next;
            if total < self.best.0 {
                self.best = (total, set);
            }
            self.open(next + 1, count, boxes, set, &here);
        }
    }
}

/// Items of the largest order type of any network.
const ROWS_MAX: usize = 10;
