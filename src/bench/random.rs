//! A small seeded generator, so that the same seed gives the same workload everywhere and for ever.
//!
//! SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014):
//! sixty-four bits of state, passes the usual batteries, and is ten lines. Not for secrets.

/// Seeded random numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0. The bias is below 2⁻³² for bounds of 32 bits.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// The same as an index.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Whether a chance of `percent` in a hundred came true.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// Draws indexes by integer weights.
#[derive(Debug, Clone)]
pub struct Weighted {
    sums: Vec<u64>,
}

impl Weighted {
    /// Index `i` comes with a probability in proportion to `weights[i]`. `None` when all are 0.
    #[must_use]
    pub fn new(weights: impl Iterator<Item = u64>) -> Option<Self> {
        let mut sum = 0u64;
        let sums: Vec<u64> = weights
            .map(|weight| {
                sum = sum.saturating_add(weight);
                sum
            })
            .collect();
        (sum > 0).then_some(Self { sums })
    }

    /// The next index.
    pub fn draw(&self, random: &mut Random) -> usize {
        let total = self.sums.last().copied().unwrap_or(0);
        let point = random.below(total);
        self.sums.partition_point(|&sum| sum <= point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs of SplitMix64 for seed 1234567, as printed by the reference program.
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(
            first,
            [
                6457827717110365317,
                3203168211198807973,
                9817491932198370423
            ]
        );
    }

    #[test]
    fn weights_are_kept() {
        let weighted = Weighted::new([0, 3, 0, 1].into_iter()).unwrap();
        let mut random = Random::new(1);
        let mut counts = [0u32; 4];
        (0..4000).for_each(|_| counts[weighted.draw(&mut random)] += 1);
        assert_eq!((counts[0], counts[2]), (0, 0));
        assert!((2850..3150).contains(&counts[1]), "{counts:?}");
        assert!(Weighted::new([0, 0].into_iter()).is_none());
    }
}
