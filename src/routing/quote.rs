//! Three answers to one order: cheapest, fastest and balanced.

use super::eager::Eager;
use super::lanes::{Lanes, NO_ZONE};
use super::price::reprice;
use super::request::{Job, Request, Unroutable};
use super::solve::{Scratch, decide};
use crate::model::{Cents, Day, Decision, EpochMillis, Plan};

/// What a quote is best at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The least cost by the order's policy with no value of speed.
    Cheapest,
    /// The fewest units short that any plan has, then the earliest date of the last delivery, then
    /// the order's policy.
    Fastest,
    /// The order's policy as it is.
    Balanced,
}

impl Goal {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cheapest => "cheapest",
            Self::Fastest => "fastest",
            Self::Balanced => "balanced",
        }
    }
}

/// Routes one request for every goal. The costs in an answer are by the policy of its goal; the
/// proof of the fastest is about the cheapest plan among those with as few units short that are
/// delivered as early, and so is its runner-up.
///
/// # Errors
/// As [`route`](super::route).
pub fn quote(
    lanes: &Lanes,
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<[(Goal, Decision); 3], Unroutable> {
    let job = Job::new(lanes, request)?;
    let mut unhurried = job;
    unhurried.policy.speed_value_per_day = Cents(0);
    let cheapest = decide(&unhurried, scratch)?;
    let fastest = fastest(&job, scratch)?;
    let balanced = decide(&job, scratch)?;
    Ok([
        (Goal::Cheapest, cheapest),
        (Goal::Fastest, fastest),
        (Goal::Balanced, balanced),
    ])
}

fn fastest(job: &Job<'_>, scratch: &mut Scratch) -> Result<Decision, Unroutable> {
    let (eager, mut best) = Eager::new(job, scratch)?;
    let fewest = eager.fewest;
    if let Some(slowest) = best.plan.delivered_on() {
        // Invariant: `best` delivers by dates[high]; no plan delivers by dates[low - 1].
        let dates = dates(job, slowest);
        let mut within = eager.job();
        let (mut low, mut high) = (0, dates.len().saturating_sub(1));
        while low < high {
            let middle = low + (high - low) / 2;
            within.latest = Some(dates[middle]);
            match eager.at_any_cost(&within, scratch) {
                Some(found) => {
                    best = found;
                    high = middle;
                }
                None => low = middle + 1,
            }
        }
    }
    let dear = best.plan.objective.total();
    for plan in std::iter::once(&mut best.plan).chain(&mut best.runner_up) {
        reprice(job, plan);
    }
    // Another plan is only a runner-up if it leaves no more short and is delivered as early.
    let by = best.plan.delivered_on();
    let as_good = |other: &Plan| other.short_units() == fewest && other.delivered_on() <= by;
    best.runner_up = best.runner_up.filter(as_good);
    let cheaper = dear - best.plan.objective.total();
    best.proof.bound -= cheaper;
    Ok(best)
}

/// The dates up to `last` on which something could be delivered, ascending, `last` included.
pub(super) fn dates(job: &Job<'_>, last: Day) -> Vec<Day> {
    let destination = job.request.destination;
    let services = job.lanes.carriers.len();
    let moments = moments(job);
    let mut dates = vec![last];
    for class in 0..destination.sample.len() {
        let site = &job.lanes.sites[usize::from(destination.sample[class])];
        let zones = destination.zones(class, services);
        for &ready in &moments {
            let Some((_, day)) = job.lanes.hours(site).handover(ready) else {
                continue;
            };
            if job.request.pickup.is_some() {
                dates.extend(Some(day).filter(|d| *d < last));
                continue;
            }
            for (service, &zone) in zones.iter().enumerate().filter(|z| *z.1 != NO_ZONE) {
                let delivery = job.lanes.delivery(job.lanes.run(service, zone), day);
                dates.extend(delivery.filter(|d| *d < last));
            }
        }
    }
    let tight = (0..job.lanes.sites.len()).filter(|&l| job.tight(l));
    for location in tight {
        let hours = job.lanes.hours(&job.lanes.sites[location]);
        let class = usize::from(destination.class_of[location]);
        let zones = destination.zones(class, services);
        let handed = moments.iter().flat_map(|&m| job.hand_overs(location, m));
        for day in handed.filter_map(|h| hours.date_of(h.ship_at)) {
            if job.request.pickup.is_some() {
                dates.extend(Some(day).filter(|d| *d < last));
                continue;
            }
            for (service, &zone) in zones.iter().enumerate().filter(|z| *z.1 != NO_ZONE) {
                let delivery = job.lanes.delivery(job.lanes.run(service, zone), day);
                dates.extend(delivery.filter(|d| *d < last));
            }
        }
    }
    dates.sort_unstable();
    dates.dedup();
    dates
}

/// All moments at which more may be promised.
fn moments(job: &Job<'_>) -> Vec<EpochMillis> {
    let stock = job.request.stock;
    let mut moments = vec![job.request.now];
    for line in 0..stock.len() {
        for cell in stock.cells(line) {
            moments.extend(stock.later(cell).iter().map(|s| s.from));
        }
        moments.extend(stock.limit(line).unwrap_or(&[]).iter().map(|s| s.from));
    }
    moments.retain(|&m| m >= job.request.now);
    moments.sort_unstable();
    moments.dedup();
    moments
}
