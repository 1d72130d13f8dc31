//! A small seeded generator and weighted choice, in integers only.
//!
//! Invariant: the same seed and label give the same numbers on every machine and with every
//! compiler. Each part of the network draws from a stream of its own, named by a label, so that a
//! change in one part leaves the others as they were.

/// SplitMix64 (Steele, Lea and Flood 2014): one word of state, no parameters.
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream named `label` of `seed`.
    pub(crate) fn stream(seed: u64, label: &str) -> Self {
        // FNV-1a: any mixing of the label does, as long as it never changes.
        let label = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut rng = Self(seed ^ label);
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(end);
        u64::try_from(product >> 64).expect("the upper half of a 128-bit number fits in 64 bits")
    }

    /// A number in `first..=last`.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True in `per_mille` of 1,000 cases.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `all`, each as likely as the next.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.index(all.len())]
    }

    /// A position in a slice of `len` elements.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).expect("a length fits in 64 bits");
        usize::try_from(self.below(len)).expect("less than a length")
    }

    /// Puts `all` in a random order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.index(last + 1));
        }
    }
}

/// Positions drawn in proportion to weights.
#[derive(Debug)]
pub(crate) struct Weighted {
    /// Running sums of the weights.
    sums: Vec<u64>,
}

impl Weighted {
    /// From weights of which at least one is above 0.
    pub(crate) fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let mut sum = 0;
        let sums = weights
            .into_iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        assert!(sum > 0, "weighted choice without any weight");
        Self { sums }
    }

    /// Sum of all weights.
    pub(crate) fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// A position.
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        let at = rng.below(self.total());
        self.sums.partition_point(|&sum| sum <= at)
    }

    /// The weight at `position`.
    pub(crate) fn weight(&self, position: usize) -> u64 {
        self.sums[position]
            - position
                .checked_sub(1)
                .map_or(0, |before| self.sums[before])
    }
}

/// Divides `total` in proportion to `weights`, without losing a unit: every part is rounded down
/// and what is left goes to the largest remainders, the earlier first.
pub(crate) fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: u64| u128::from(total) * u128::from(weight);
    let mut parts: Vec<u64> = weights
        .iter()
        .map(|&weight| u64::try_from(exact(weight) / sum).expect("a part is at most the total"))
        .collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(exact(weights[i]) % sum), i));
    let left = total - parts.iter().sum::<u64>();
    for (_, &i) in (0..left).zip(&order) {
        parts[i] += 1;
    }
    parts
}

/// Cube root, rounded down.
pub(crate) fn cube_root(value: u64) -> u64 {
    let (mut low, mut high) = (0_u64, 2_642_245);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle.pow(3) <= value {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}
