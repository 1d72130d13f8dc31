//! How the units of an order may be cut into shipments.
//!
//! What is still to be shipped is a number in a mixed radix, one digit a demand: a demand that may
//! be divided counts its units, any other is there or not. All orders with the same digits share
//! one shape, which lists every way to take a shipment from every rest.

use std::collections::HashMap;

/// Most rests of an order that is looked at in full.
pub(super) const STATES_MAX: usize = 256;
/// Most demands of such an order.
pub(super) const DEMANDS_MAX: usize = 8;

/// A way to go on from a rest: what ships, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) part: u16,
    pub(super) rest: u16,
}

/// What a rest begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lowest {
    /// The lowest demand that is not done.
    pub(super) demand: u8,
    /// Its digit.
    pub(super) digit: u8,
    /// The rest without it.
    pub(super) without: u16,
}

/// The ways to cut orders of the same digits.
#[derive(Debug)]
pub(super) struct Shape {
    /// By demand: its largest digit.
    pub(super) digits: Vec<u8>,
    /// By demand: what one more in its digit adds.
    pub(super) strides: Vec<u16>,
    /// By rest but 0: its lowest demand.
    pub(super) lowest: Vec<Lowest>,
    /// By rest: where its cuts begin.
    starts: Vec<u32>,
    cuts: Vec<Cut>,
}

impl Shape {
    fn new(digits: &[u8]) -> Self {
        let mut strides = Vec::with_capacity(digits.len());
        let mut states = 1u16;
        for &digit in digits {
            strides.push(states);
            states *= u16::from(digit) + 1;
        }
        let mut shape = Self {
            digits: digits.to_vec(),
            strides,
            lowest: Vec::new(),
            starts: vec![0],
            cuts: Vec::new(),
        };
        let none = Lowest {
            demand: 0,
            digit: 0,
            without: 0,
        };
        shape.lowest.push(none);
        shape.starts.push(0);
        for rest in 1..states {
            shape.add(rest);
        }
        shape
    }

    fn add(&mut self, rest: u16) {
        let lowest = (0..self.digits.len())
            .find(|&d| self.digit(rest, d) > 0)
            .expect("a rest above 0 has a digit");
        let digit = self.digit(rest, lowest);
        self.lowest.push(Lowest {
            demand: u8::try_from(lowest).unwrap_or(u8::MAX),
            digit,
            without: rest - u16::from(digit) * self.strides[lowest],
        });
        for part in 1..=rest {
            let within = (0..self.digits.len()).all(|d| self.digit(part, d) <= self.digit(rest, d));
            if within && self.digit(part, lowest) > 0 {
                let rest = rest - part;
                self.cuts.push(Cut { part, rest });
            }
        }
        let end = u32::try_from(self.cuts.len()).unwrap_or(u32::MAX);
        self.starts.push(end);
    }

    /// How many rests there are, 0 included.
    pub(super) fn states(&self) -> usize {
        self.lowest.len()
    }

    /// Everything.
    pub(super) fn all(&self) -> u16 {
        u16::try_from(self.states() - 1).unwrap_or(u16::MAX)
    }

    /// A demand's digit in a rest.
    pub(super) fn digit(&self, rest: u16, demand: usize) -> u8 {
        let digit = rest / self.strides[demand] % (u16::from(self.digits[demand]) + 1);
        u8::try_from(digit).unwrap_or(u8::MAX)
    }

    /// The ways to take a shipment that has some of the lowest demand from a rest.
    pub(super) fn cuts(&self, rest: u16) -> &[Cut] {
        let rest = usize::from(rest);
        &self.cuts[self.starts[rest] as usize..self.starts[rest + 1] as usize]
    }

    /// Digits of everything, summed: no plan has more shipments.
    pub(super) fn shipments_max(&self) -> usize {
        self.digits.iter().map(|&d| usize::from(d)).sum()
    }
}

/// All shapes of a problem.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: HashMap<Vec<u8>, u32, foldhash::fast::FixedState>,
    all: Vec<Shape>,
}

impl Shapes {
    /// The number of the shape with these digits.
    pub(super) fn of(&mut self, digits: &[u8]) -> u32 {
        if let Some(&known) = self.known.get(digits) {
            return known;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Shape::new(digits));
        self.known.insert(digits.to_vec(), number);
        number
    }

    pub(super) fn get(&self, number: u32) -> &Shape {
        &self.all[number as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_demands_of_which_one_may_be_divided() {
        let shape = Shape::new(&[2, 1]);
        assert_eq!(shape.states(), 6);
        assert_eq!(shape.all(), 5);
        assert_eq!((shape.digit(5, 0), shape.digit(5, 1)), (2, 1));
        // From everything: one or two of the first, with or without the second.
        let parts: Vec<u16> = shape.cuts(5).iter().map(|c| c.part).collect();
        assert_eq!(parts, [1, 2, 4, 5]);
        // From the second alone: the second.
        assert_eq!(shape.cuts(3), [Cut { part: 3, rest: 0 }]);
        assert_eq!(shape.lowest[4].without, 3);
    }
}
