//! What a row can earn at the most when draws of each size have a price of their own.
//!
//! A row of three units serves one draw of two units, not one and a half: prices by size know that,
//! a price per unit does not. The most that whole draws can earn is a small knapsack.

/// Largest row that has prices by size; in larger ones a rest that fits nobody matters little.
pub(super) const CAP_MAX: i64 = 96;

/// What a row can earn at the most, by what is left in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Earning {
    /// So much a unit.
    Unit(i64),
    /// By units.
    Table(Vec<i64>),
}

impl Earning {
    /// The most that so many units can earn.
    #[inline]
    pub(super) fn of(&self, units: i64) -> i64 {
        match self {
            Self::Unit(each) => each * units,
            Self::Table(table) => {
                let last = table.len() - 1;
                table[usize::try_from(units).unwrap_or(0).min(last)]
            }
        }
    }
}

/// Memory of the knapsack.
#[derive(Debug, Default)]
pub(super) struct Knapsack {
    best: Vec<(i64, u16)>,
}

impl Knapsack {
    /// The most that each number of units up to `cap` can earn, `prices[i]` being what a draw of `i + 1`
    /// units pays.
    pub(super) fn table(&mut self, cap: usize, prices: &[i64]) -> Vec<i64> {
        self.fill(cap, prices, &mut vec![0; prices.len()]);
        self.best.iter().map(|(earned, _)| *earned).collect()
    }

    /// The most that `cap` units can earn, `prices[i]` being what a draw of `i + 1` units pays; adds to
    /// `counts` how many draws of each size that takes.
    pub(super) fn fill(&mut self, cap: usize, prices: &[i64], counts: &mut [i64]) -> i64 {
        self.best.clear();
        self.best.push((0, 0));
        for units in 1..=cap {
            let mut found = (self.best[units - 1].0, 0);
            for (size, &price) in (1u16..).zip(prices.iter().take(units)) {
                let earned = self.best[units - usize::from(size)].0 + price;
                if earned > found.0 {
                    found = (earned, size);
                }
            }
            self.best.push(found);
        }
        let mut units = cap;
        while units > 0 {
            let size = usize::from(self.best[units].1);
            if size == 0 {
                units -= 1;
            } else {
                counts[size - 1] += 1;
                units -= size;
            }
        }
        self.best[cap].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_units_serve_one_draw_of_two() {
        let mut counts = [0; 2];
        let earned = Knapsack::default().fill(3, &[0, 10], &mut counts);
        assert_eq!((earned, counts), (10, [0, 1]));
        let mut counts = [0; 3];
        let earned = Knapsack::default().fill(7, &[3, 8, 13], &mut counts);
        assert_eq!((earned, counts), (29, [1, 0, 2]));
        let table = Knapsack::default().table(4, &[3, 8, 13]);
        assert_eq!(table, [0, 3, 8, 13, 16]);
    }
}
