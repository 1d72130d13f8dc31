//! What the three quotes of an order must be.

use super::ask::{ask, quotes};
use super::instance::Instance;
use super::rules::ensure;
use super::{Best, Verdict, checker, enumerate};
use allot::model::{Cents, Day, Decision};
use allot::routing::{Goal, Scratch, Unroutable};

/// A price of a unit short that no plan of a tiny instance outweighs.
const DEAR: i64 = 1_000_000_000;

/// Holds the quotes for `inst` against single answers and enumeration.
pub(crate) fn quoted(inst: &Instance) -> Result<(), String> {
    let plain = ask(inst, &mut Scratch::default());
    let (quotes, plain) = match (quotes(inst), plain) {
        (Ok(quotes), Ok(plain)) => (quotes, plain),
        (Err(refusal), Err(plain)) => {
            // The units that stay short are as few; which ones may differ with the goal's policy.
            let alike = units_short(&refusal) == units_short(&plain);
            return ensure(alike, || format!("refused as {refusal}, routed as {plain}"));
        }
        (quotes, plain) => return Err(format!("quoted {quotes:?}, routed {plain:?}")),
    };
    let goals = quotes.each_ref().map(|(goal, _)| *goal);
    let right = goals == [Goal::Cheapest, Goal::Fastest, Goal::Balanced];
    ensure(right, || format!("goals are {goals:?}"))?;
    let [(_, cheapest), (_, fastest), (_, balanced)] = &quotes;
    ensure(*balanced == plain, || "balanced is not the plan".into())?;
    let mut unhurried = inst.clone();
    unhurried.policy.speed_value_per_day = Cents(0);
    let unhurried = ask(&unhurried, &mut Scratch::default());
    let same = unhurried.as_ref() == Ok(cheapest);
    ensure(same, || format!("cheapest is not {unhurried:?}"))?;
    fastest_is_fastest(inst, fastest)
        .map_err(|e| format!("fastest: {e}\n{}", checker::brief(&fastest.plan)))
}

/// The fewest units short, then the earliest last delivery, then the least cost.
fn fastest_is_fastest(inst: &Instance, fastest: &Decision) -> Result<(), String> {
    let mut eager = inst.clone();
    eager.policy.short_per_unit = Cents(DEAR);
    let Some(mut best) = cheapest(&eager) else {
        return Ok(());
    };
    let fewest = best.total / DEAR;
    while let Some(date) = delivered(&best) {
        let latest = Some(date + (-1));
        let earlier = cheapest(&Instance {
            latest,
            ..eager.clone()
        });
        match earlier.filter(|earlier| earlier.total / DEAR == fewest) {
            Some(earlier) => best = earlier,
            None => break,
        }
    }
    let date = delivered(&best);
    let timely = Instance {
        latest: date,
        ..inst.clone()
    };
    for (name, plan) in [
        ("plan", Some(&fastest.plan)),
        ("runner-up", fastest.runner_up.as_ref()),
    ] {
        let Some(plan) = plan else { continue };
        checker::check(&timely, plan).map_err(|e| format!("{name}: {e}"))?;
        let short = i64::try_from(plan.short_units()).expect("tiny");
        ensure(short == fewest, || {
            format!("{name}: {short} short, not {fewest}")
        })?;
        let total = plan.objective.total();
        ensure(total >= fastest.plan.objective.total(), || {
            format!("{name}: {total} cents")
        })?;
    }
    let is = fastest.plan.delivered_on();
    ensure(is == date, || format!("delivered on {is:?}, not {date:?}"))?;
    let cents = best.total - fewest * (DEAR - inst.policy.short_per_unit.0);
    let (total, proof) = (fastest.plan.objective.total().0, fastest.proof);
    let right = total == cents || (!proof.optimal && total > cents);
    ensure(right, || format!("{total} cents, not {cents}"))?;
    ensure(proof.bound.0 <= cents, || {
        format!("bound {} is above {cents}", proof.bound)
    })
}

fn units_short(refusal: &Unroutable) -> Option<u32> {
    match refusal {
        Unroutable::Short { short, .. } => Some(short.iter().map(|s| s.qty.0).sum()),
        Unroutable::TooManyDemands { .. } | Unroutable::Malformed(_) => None,
    }
}

fn delivered(best: &Best) -> Option<Day> {
    best.plan.as_ref()?.delivered_on()
}

fn cheapest(inst: &Instance) -> Option<Best> {
    match enumerate::all(inst) {
        Verdict::Best(best) => Some(*best),
        Verdict::NoPlan | Verdict::Unknown => None,
    }
}
