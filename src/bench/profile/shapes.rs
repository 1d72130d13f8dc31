//! Popularity: which item a line names.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "weights of a distribution"
)]

use crate::bench::random::{Random, Weighted};

/// Draws items by a power law; popular ones are scattered over the numbers.
#[derive(Debug, Clone)]
pub(super) struct Popularity {
    weights: Weighted,
    skus: u32,
}

impl Popularity {
    /// Sales fall with rank to the power `exponent`.
    pub(super) fn new(skus: u32, exponent: f64) -> Self {
        let weight = |rank: u32| ((1e9 * f64::from(rank).powf(-exponent)) as u64).max(1);
        let weights = Weighted::new((1..=skus.max(1)).map(weight));
        Self {
            weights: weights.expect("a weight is at least 1"),
            skus: skus.max(1),
        }
    }

    pub(super) fn draw(&self, random: &mut Random) -> u32 {
        let rank = u32::try_from(self.weights.draw(random)).unwrap_or(0);
        scattered(rank, self.skus)
    }
}

/// The item of a rank: a prime multiplier that no count has as a factor keeps ranks apart.
pub(super) fn scattered(rank: u32, skus: u32) -> u32 {
    const PRIME: u64 = 2_654_435_761;
    let sku = u64::from(rank) * PRIME % u64::from(skus.max(1));
    u32::try_from(sku).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_is_an_item_of_its_own() {
        for skus in [1, 7, 1_000, 99_991] {
            let mut seen: Vec<u32> = (0..skus).map(|rank| scattered(rank, skus)).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..skus));
        }
    }

    #[test]
    fn sales_fall_with_the_power_of_the_rank() {
        let popularity = Popularity::new(1_000, 1.0);
        let mut random = Random::new(5);
        let mut counts = vec![0u32; 1_000];
        (0..200_000).for_each(|_| counts[popularity.draw(&mut random) as usize] += 1);
        // The harmonic number of 1000 is 7.485: the first has 13.4 %, the second half of it.
        let share = |rank| f64::from(counts[scattered(rank, 1_000) as usize]) / 200_000.0;
        assert!((share(0) - 0.1336).abs() < 0.005, "{}", share(0));
        assert!((share(1) - 0.0668).abs() < 0.004, "{}", share(1));
        assert!((share(9) - 0.0134).abs() < 0.002, "{}", share(9));
    }
}
