//! The ways that a shipment may travel, told apart where more than its weight counts.
//!
//! Where a service refuses items, units ship alone or carriers charge by size, what a shipment costs is no
//! function of its weight. It is one for a single service, for units that ship alone only or for some that are
//! packed together as well, and up to some longest side: each of these is a *mode*, in which some of the
//! goods may be, every unit that ships alone has its price, and the rest costs by weight.

use super::super::candidates::Set;
use super::super::departures::Departures;
use super::super::request::Job;

/// A way to travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    /// By which service; `None` by whichever is the best.
    pub(super) service: Option<usize>,
    /// What may be in it.
    pub(super) goods: Set,
    /// Whether some of it is packed together.
    pub(super) packed: bool,
    /// What is packed together pays like something of this length.
    pub(super) longest_mm: u32,
}

impl Mode {
    /// Any goods by any service.
    pub(super) const ANY: Self = Self {
        service: None,
        goods: Set::MAX,
        packed: true,
        longest_mm: 0,
    };

    /// All modes of an order of which more counts than the weight.
    pub(super) fn list(job: &Job<'_>, departures: &Departures) -> Vec<Self> {
        let demands = || job.request.demands.iter().enumerate();
        let set = |of: &dyn Fn(usize) -> bool| {
            let within = (0..job.request.demands.len()).filter(|&i| of(i));
            within.fold(0, |set: Set, i| set | 1 << i)
        };
        let alone = set(&|i| job.request.demands[i].ships_alone);
        let mut modes = Vec::new();
        for service in 0..job.lanes.carriers.len() {
            let refused = departures.refused(service);
            let taken = set(&|i| job.request.demands[i].class.kind() & refused == 0);
            if taken & alone != 0 {
                modes.push(Self {
                    service: Some(service),
                    goods: taken & alone,
                    packed: false,
                    longest_mm: 0,
                });
            }
            let packed = || demands().filter(|&(i, _)| (taken & !alone) >> i & 1 == 1);
            // Above each of these lengths it pays for more.
            let billing = usize::from(job.lanes.tariffs.billing_of[service]);
            let rules = job.request.destination.rules(billing).iter();
            let mut overs: Vec<u32> = rules.filter_map(|rule| rule.over_length()).collect();
            overs.sort_unstable();
            overs.dedup();
            for (at, above) in [None].into_iter().chain(overs.iter().map(Some)).enumerate() {
                let first = above.map_or(0, |above| above.saturating_add(1));
                let most = overs.get(at).copied().unwrap_or(u32::MAX);
                if !packed().any(|(_, d)| (first..=most).contains(&d.longest_mm)) {
                    continue;
                }
                let shorter = packed().filter(|(_, d)| d.longest_mm <= most);
                let goods = shorter.fold(taken & alone, |set, (i, _)| set | 1 << i);
                modes.push(Self {
                    service: Some(service),
                    goods,
                    packed: true,
                    longest_mm: first,
                });
            }
        }
        modes
    }
}
