//! Random steps of the world of `world`, and the test that drives it with them.

use crate::world::World;
use crate::{DELIVER, ROUTE, cancel, id, parcel, reject, ship, short, tracking};
use allot::lifecycle::{Change, State};
use proptest::prelude::*;
use std::collections::BTreeSet;

impl World {
    fn step(&mut self, (op, a, b, c): (u8, u8, u8, u8)) {
        let parts = self.parts.len();
        let part = u32::try_from(usize::from(a) % parts).unwrap() + 1;
        let line = u16::from(b % 2);
        match op {
            0..=5 => self.claim(
                part,
                usize::from(b % 3),
                c & 1 > 0,
                c & 6 == 6,
                c & 24 == 24,
            ),
            6..=17 if !self.tokens.is_empty() => {
                let from = self.tokens[usize::from(a) % self.tokens.len()].clone();
                let count = u16::try_from(self.parts[&from.part].lines.len()).unwrap();
                let change = message(b, c, count);
                match op {
                    6..=13 => self.message(&from, &change),
                    _ => self.post.push((from, change)),
                }
            }
            18..=21 if !self.post.is_empty() => {
                let place = usize::from(a) % self.post.len();
                let (from, change) = match b & 1 {
                    0 => self.post.swap_remove(place),
                    // It will come again.
                    _ => self.post[place].clone(),
                };
                self.message(&from, &change);
            }
            22..=23 => self.now += i64::from(c),
            24 => {
                let parts: Vec<u32> = self.parts.keys().copied().collect();
                parts.iter().for_each(|&part| self.take_back(part, false));
            }
            25 => self.take_back(part, true),
            26..=28 => self.decide(part, &decision(b)),
            29 => self.split(part, line, u32::from(c % 4)),
            30 => {
                let from = u32::try_from(usize::from(b) % parts).unwrap() + 1;
                self.absorb(part, from);
            }
            31..=32 => self.reroute(part),
            _ => self.come_back(part, line, u32::from(c % 4)),
        }
        self.check();
    }
}

fn message(which: u8, detail: u8, lines: u16) -> Change {
    let number = ["A", "B", "C"][usize::from(detail) % 3];
    match which % 12 {
        0 | 1 => Change::Acknowledge,
        2 | 3 => Change::Pick,
        4 => Change::Pack,
        5 => short(u16::from(detail) % lines, u32::from(detail / 8 % 7)),
        6 => ship(&[]),
        7 | 8 => ship(&[parcel(number, 100)]),
        9 if detail & 8 > 0 => DELIVER,
        9 | 10 => Change::Deliver {
            parcel: Some(tracking(number)),
        },
        _ if detail & 1 > 0 => reject(),
        _ => cancel(),
    }
}

fn decision(which: u8) -> Change {
    match which % 8 {
        0 => Change::Hold {
            reason: "fraud check".into(),
        },
        1 | 2 => Change::Resume,
        3 => Change::Backorder,
        4 => cancel(),
        _ => Change::Route(ROUTE),
    }
}

fn ops() -> impl Strategy<Value = Vec<(u8, u8, u8, u8)>> {
    prop::collection::vec((0..36_u8, any::<u8>(), any::<u8>(), any::<u8>()), 1..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Whatever happens in whatever order.
    #[test]
    fn nothing_ships_twice_goes_back_or_is_lost(ops in ops()) {
        let mut world = World::new();
        world.check();
        for op in ops {
            world.step(op);
        }
        world.replay();
        prop_assert_eq!(&world.parts[&1].id, &id(1));
    }
}

/// The random steps do reach what they are to test: every state, and every kind of answer often.
#[test]
fn the_random_steps_reach_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut states, mut answers) = (BTreeSet::new(), [0; 3]);
    for _ in 0..300 {
        let mut world = World::new();
        for op in ops().new_tree(&mut runner).unwrap().current() {
            world.step(op);
            states.extend(world.parts.values().map(|p| p.state));
        }
        let seen = [world.moved, world.late, world.refused];
        answers
            .iter_mut()
            .zip(seen)
            .for_each(|(sum, more)| *sum += more);
    }
    let missing = State::ALL
        .iter()
        .filter(|(_, state)| !states.contains(state));
    let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
    assert_eq!(missing, ["received"], "a part begins validated or routed");
    assert!(answers.iter().all(|&count| count > 1_000), "{answers:?}");
}
