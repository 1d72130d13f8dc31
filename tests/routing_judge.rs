//! The router against independent judges of the same problem; see `support`.
//!
//! `ALLOT_JUDGE_CASES` multiplies the number of cases of every test, `ALLOT_JUDGE_SEED` starts at
//! another seed. A failure prints the seed and the smallest instance found that still fails.

mod support;

use support::coverage::Coverage;
use support::easier::{CONSTRAINTS, easier};
use support::generate::{Shape, another, instance};
use support::instance::Instance;
use support::shrink::shrink;
use support::{
    Verdict, ask, binding, checker, enumerate, frontier, milp, quotes, rules, sample, subsets,
};

use allot::model::Decision;
use allot::routing::{EXACT_DEMANDS_MAX, Scratch};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |t| t.parse().expect("a whole number"))
}

/// How many cases a test runs that runs `cases` by default.
fn scaled(cases: u64) -> u64 {
    cases * setting("ALLOT_JUDGE_CASES", 1)
}

/// Holds `rule` against `cases` instances of `shape`; a panic is a failure too.
fn hold(shape: &Shape, cases: u64, rule: impl Fn(&Instance) -> Result<(), String>) {
    let kept = |inst: &Instance| {
        catch_unwind(AssertUnwindSafe(|| rule(inst))).unwrap_or_else(|_| Err("a panic".into()))
    };
    let first = setting("ALLOT_JUDGE_SEED", 0);
    for seed in first..first + scaled(cases) {
        let inst = instance(seed, shape);
        if let Err(why) = kept(&inst) {
            // Only instances that the router takes and that fail alike count as smaller ones.
            let alike = |other: String| kind(&other) == kind(&why);
            let small = shrink(&inst, |i| ask::accepted(i) && kept(i).is_err_and(alike));
            let small_why = kept(&small).expect_err("shrinking keeps the failure");
            panic!("seed {seed}: {why}\n\nsmallest: {small_why}\n\n{small}");
        }
    }
}

/// The first line of a failure without its numbers.
fn kind(why: &str) -> String {
    let first = why.lines().next().unwrap_or_default();
    first.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Counters of one test, filled from inside its rule.
#[derive(Default)]
struct Tally {
    judged: Cell<u64>,
    unknown: Cell<u64>,
    unproven: Cell<u64>,
    coverage: RefCell<Coverage>,
}

impl Tally {
    fn count(&self, inst: &Instance, verdict: &Verdict, answer: Option<&Decision>) {
        if *verdict == Verdict::Unknown {
            self.unknown.set(self.unknown.get() + 1);
            return;
        }
        self.judged.set(self.judged.get() + 1);
        if let Some(decision) = answer {
            let unproven = u64::from(!decision.proof.optimal);
            self.unproven.set(self.unproven.get() + unproven);
            self.coverage
                .borrow_mut()
                .count(inst, &decision.plan, soft_cost(inst));
        }
    }

    /// Fails when more than one instance in `of` could not be judged, or more than one in a
    /// hundred answers is not proven.
    #[allow(clippy::print_stderr)] // what was covered, for whoever looks with --nocapture
    fn require(&self, what: &str, of: u64) {
        let (judged, unknown) = (self.judged.get(), self.unknown.get());
        let (unproven, coverage) = (self.unproven.get(), self.coverage.borrow());
        eprintln!("{what}: {judged} judged, {unknown} not; {unproven} unproven; {coverage}");
        assert!(
            unknown * of <= judged + unknown,
            "{unknown} were not judged, {judged} were"
        );
        assert!(
            unproven * 100 <= judged,
            "{unproven} of {judged} answers are not proven"
        );
    }
}

/// What the best plan costs when a hard date is dropped; `None` where there is none to drop.
fn soft_cost(inst: &Instance) -> Option<i64> {
    if !inst.hard || inst.deliver_by.is_none() {
        return None;
    }
    let soft = Instance {
        deliver_by: None,
        ..inst.clone()
    };
    match enumerate::all(&soft) {
        Verdict::Best(best) => Some(best.total),
        Verdict::NoPlan | Verdict::Unknown => None,
    }
}

#[test]
fn small_orders_cost_what_trying_everything_finds() {
    let tally = Tally::default();
    let rule = |inst: &Instance| {
        let verdict = enumerate::all(inst);
        let answer = rules::optimal(inst, &verdict)?;
        if let (Verdict::Best(best), Some(decision)) = (&verdict, &answer) {
            rules::explained(inst, decision, best)?;
        }
        tally.count(inst, &verdict, answer.as_ref());
        Ok(())
    };
    hold(&Shape::TINY, 6000, rule);
    hold(&Shape::DIVIDED, 3000, rule);
    let limited = Shape {
        limited: 80,
        may_split: 80,
        ..Shape::TINY
    };
    hold(&limited, 2000, rule);
    let scarce = Shape {
        limited: 80,
        ..Shape::DIVIDED
    };
    hold(&scarce, 1000, rule);
    tally.require("enumeration", 50);
    let rare = tally.coverage.borrow().rarer_than(50);
    assert!(rare.is_empty(), "too few plans: {rare:?}");
}

#[test]
fn tariffs_that_fall_with_weight_are_priced_too() {
    let tally = Tally::default();
    hold(
        &Shape {
            falling: 70,
            ..Shape::TINY
        },
        2000,
        |inst| {
            let verdict = enumerate::all(inst);
            let answer = rules::optimal(inst, &verdict)?;
            tally.count(inst, &verdict, answer.as_ref());
            Ok(())
        },
    );
    tally.require("falling tariffs", 50);
}

#[test]
fn small_orders_cost_what_the_general_model_finds() {
    let tally = Tally::default();
    let rule = |inst: &Instance| {
        let verdict = milp::solve(inst, 60);
        let answer = rules::optimal(inst, &verdict)?;
        tally.count(inst, &verdict, answer.as_ref());
        Ok(())
    };
    hold(&Shape::MODEL, 2000, rule);
    hold(&Shape::DIVIDED, 300, rule);
    let falling = Shape {
        falling: 70,
        ..Shape::MODEL
    };
    hold(&falling, 200, rule);
    let crowded = Shape {
        demands: (1, 2),
        locations: (1, 2),
        services: (1, 1),
        days: 100,
        ..Shape::DIVIDED
    };
    hold(&crowded, 600, rule);
    tally.require("general model", 5);
    let rare = tally.coverage.borrow().rarer_than(10);
    assert!(rare.is_empty(), "too few plans: {rare:?}");
}

/// More lines and locations than enumeration can try: some are few enough for the general model, and all
/// must be proven.
#[test]
fn lines_that_are_divided_over_many_locations_are_proven_and_cost_what_the_model_finds() {
    let tally = Tally::default();
    let rule = |inst: &Instance| {
        let verdict = milp::solve(inst, 120);
        let answer = rules::optimal(inst, &verdict)?;
        if let Some(decision) = &answer {
            rules::ensure(decision.proof.optimal, || "not proven".into())?;
        }
        tally.count(inst, &verdict, answer.as_ref());
        Ok(())
    };
    let few = Shape {
        demands: (2, 5),
        locations: (3, 8),
        services: (1, 1),
        days: 0,
        ..Shape::DIVIDED
    };
    hold(&few, 60, rule);
    let many = Shape {
        demands: (2, 12),
        locations: (6, 30),
        services: (1, 3),
        may_split: 60,
        stocked: 50,
        days: 0,
        ..Shape::DIVIDED
    };
    hold(&many, 60, rule);
    // Hundreds of units of some: nearly all are proven.
    let units = Shape {
        qty_max: 300,
        ..few
    };
    hold(&units, 20, |inst| {
        let verdict = milp::solve(inst, 120);
        rules::optimal(inst, &verdict).map(drop)
    });
    let judged = tally.judged.get();
    assert!(judged >= scaled(20), "only {judged} judged");
}

/// The same of goods so large that carriers bill their volume, most of them above a threshold only: nearly all are
/// proven.
#[test]
fn divided_lines_of_bulky_goods_cost_what_the_model_finds() {
    let tally = Tally::default();
    let bulky = |inst: &Instance| {
        let mut inst = inst.clone();
        for (i, demand) in inst.demands.iter_mut().enumerate() {
            demand.volume_mm3 = (demand.volume_mm3.max(500_000) * 6).min(40_000_000) + i as u64;
        }
        for (service, (divisor, threshold)) in
            inst.network
                .services
                .iter_mut()
                .zip([(6_000, 28_317), (5_000, 9_000), (4_000, 0)])
        {
            service.dim_divisor_cm3_per_kg = Some(divisor);
            service.dim_threshold_cm3 = threshold;
        }
        inst
    };
    let rule = |inst: &Instance| {
        let inst = bulky(inst);
        let verdict = milp::solve(&inst, 60);
        let answer = rules::optimal(&inst, &verdict)?;
        tally.count(&inst, &verdict, answer.as_ref());
        Ok(())
    };
    let few = Shape {
        demands: (2, 5),
        locations: (3, 8),
        services: (1, 2),
        qty_max: 12,
        days: 0,
        ..Shape::DIVIDED
    };
    hold(&few, 40, rule);
    let judged = tally.judged.get();
    assert!(judged >= scaled(10), "only {judged} judged");
    let unproven = tally.unproven.get();
    assert!(unproven * 20 <= judged, "{unproven} of {judged} not proven");
}

/// Where much less or more work is allowed than usual, plans are no cheaper than they can be and bounds no higher.
#[test]
fn with_any_effort_answers_lie_between_their_bound_and_what_the_model_finds() {
    let (judged, unproven) = (Cell::new(0), Cell::new(0));
    let rule = |inst: &Instance| {
        let verdict = milp::solve(inst, 60);
        for effort in [1, 7, 2_000] {
            let mut inst = inst.clone();
            inst.policy.effort_percent = effort;
            let answer = rules::optimal(&inst, &verdict)?;
            let open = answer.is_some_and(|decision| !decision.proof.optimal);
            unproven.set(unproven.get() + u64::from(open));
            judged.set(judged.get() + u64::from(verdict != Verdict::Unknown));
        }
        Ok(())
    };
    let divided = Shape {
        demands: (3, 8),
        locations: (4, 12),
        services: (1, 2),
        may_split: 60,
        stocked: 50,
        qty_max: 40,
        days: 0,
        ..Shape::DIVIDED
    };
    hold(&divided, 40, rule);
    let large = Shape {
        demands: (17, 20),
        locations: (2, 6),
        services: (1, 1),
        may_split: 30,
        qty_max: 5,
        measured: 0,
        days: 0,
        ..Shape::WHOLE
    };
    hold(&large, 20, rule);
    let (judged, unproven) = (judged.get(), unproven.get());
    assert!(judged >= scaled(30), "only {judged} judged");
    assert!(
        unproven >= scaled(10),
        "only {unproven} not proven: nothing was cut short"
    );
}

/// More lines than are searched exactly: exchanges find the plans, prices and steps of weight bound them.
#[test]
#[allow(clippy::print_stderr)] // what was covered, for whoever looks with --nocapture
fn orders_of_thirteen_to_twenty_lines_lie_between_their_bound_and_what_the_model_finds() {
    let (judged, proven) = (Cell::new(0), Cell::new(0));
    let (excess, total) = (Cell::new(0), Cell::new(0));
    let rule = |inst: &Instance| {
        let verdict = match milp::solve(inst, 120) {
            Verdict::Unknown => subsets::solve(inst),
            known => known,
        };
        // Neither is the plan below the optimum nor the bound above it.
        let answer = rules::optimal(inst, &verdict)?;
        if let (Verdict::Best(best), Some(decision)) = (&verdict, &answer) {
            judged.set(judged.get() + 1);
            proven.set(proven.get() + u64::from(decision.proof.optimal));
            excess.set(excess.get() + decision.plan.objective.total().0 - best.total);
            total.set(total.get() + best.total);
        }
        Ok(())
    };
    let whole = Shape {
        demands: (13, 20),
        locations: (2, 6),
        services: (1, 1),
        days: 0,
        ..Shape::WHOLE
    };
    hold(&whole, 80, rule);
    let divided = Shape {
        may_split: 30,
        qty_max: 5,
        measured: 0,
        ..whole
    };
    hold(&divided, 120, rule);
    let (judged, proven) = (judged.get(), proven.get());
    let (excess, total) = (excess.get(), total.get());
    eprintln!("{judged} judged, {proven} proven; {excess} cents above {total}");
    assert!(judged >= scaled(20), "only {judged} judged");
    // Which of them the model solves in its time differs from machine to machine.
    assert!(excess * 50 <= total, "{excess} cents above {total}");
}

#[test]
fn orders_of_whole_demands_cost_what_the_table_of_subsets_says() {
    let tally = Tally::default();
    let rule = |inst: &Instance| {
        let verdict = subsets::solve(inst);
        let answer = rules::optimal(inst, &verdict)?;
        tally.count(inst, &verdict, answer.as_ref());
        Ok(())
    };
    hold(&Shape::WHOLE, 200, rule);
    hold(
        &Shape {
            demands: (9, 10),
            locations: (2, 5),
            ..Shape::WHOLE
        },
        5,
        rule,
    );
    tally.require("subsets", u64::MAX);
}

#[test]
fn the_judges_agree_with_each_other() {
    let rule = |inst: &Instance| {
        let tried = enumerate::all(inst);
        if let Verdict::Best(best) = &tried {
            let plan = best.plan.as_ref().expect("enumeration keeps it");
            checker::check(inst, plan)?;
        }
        for other in [milp::solve(inst, 40), subsets::solve(inst)] {
            if tried != Verdict::Unknown && other != Verdict::Unknown {
                let (tried, other) = (tried.total(), other.total());
                let same = tried == other;
                same.then_some(())
                    .ok_or_else(|| format!("{tried:?} and {other:?}"))?;
            }
        }
        Ok(())
    };
    hold(&Shape::MODEL, 300, rule);
    hold(
        &Shape {
            may_split: 0,
            ..Shape::TINY
        },
        300,
        rule,
    );
}

#[test]
fn every_plan_of_a_large_order_keeps_the_rules() {
    hold(&Shape::MIXED, 300, |inst| rules::answer(inst).map(drop));
    hold(&Shape::LARGE, 60, |inst| rules::answer(inst).map(drop));
}

/// How often something was made easier in one way, and how often that made the answer cheaper.
#[derive(Default)]
struct Eased {
    tried: u32,
    cheaper: u32,
}

#[test]
#[allow(clippy::print_stderr)] // what was covered, for whoever looks with --nocapture
fn what_can_only_help_never_makes_an_order_dearer() {
    let eased: RefCell<BTreeMap<&str, Eased>> = RefCell::default();
    let rule = |inst: &Instance| {
        let Some(harder) = rules::answer(inst)? else {
            return Ok(());
        };
        let total = harder.plan.objective.total();
        for (change, easy) in easier(inst) {
            let answer = ask::ask(&easy, &mut Scratch::default());
            let found = answer.map_err(|e| format!("{change}: {e}, not {total}"))?;
            checker::check(&easy, &found.plan).map_err(|e| format!("{change}: {e}"))?;
            let easy = found;
            let cents = if easy.proof.optimal {
                easy.plan.objective.total()
            } else {
                easy.proof.bound
            };
            let fine = cents <= total;
            fine.then_some(())
                .ok_or_else(|| format!("{change}: {cents}, not {total}"))?;
            let mut eased = eased.borrow_mut();
            let count = eased.entry(change).or_default();
            count.tried += 1;
            count.cheaper += u32::from(cents < total);
        }
        Ok(())
    };
    hold(&Shape::TINY, 800, rule);
    let crowded = Shape {
        days: 100,
        demands: (1, 2),
        locations: (1, 3),
        limited: 0,
        ..Shape::TINY
    };
    hold(&crowded, 100, rule);
    hold(&Shape::MIXED, 60, rule);
    hold(
        &Shape {
            demands: (9, 30),
            locations: (5, 20),
            ..Shape::LARGE
        },
        4,
        rule,
    );
    let eased = eased.borrow();
    for (change, Eased { tried, cheaper }) in eased.iter() {
        eprintln!("{change}: tried {tried} times, cheaper {cheaper} times");
    }
    // Each constraint is there, and matters, in orders of the test.
    for (constraint, change) in CONSTRAINTS {
        let Eased { tried, cheaper } = &eased[change];
        assert!(
            *tried >= 10 && *cheaper >= 1,
            "{constraint}: {tried}, {cheaper}"
        );
    }
}

/// The judges know the network's rows and what may be promised; of the router, the engine and the
/// loader of files they read nothing.
#[test]
fn the_judges_share_no_code_with_the_router() {
    let judges = [
        "checker",
        "enumerate",
        "milp",
        "naive",
        "stock",
        "subsets",
        "instance",
        "supply",
    ];
    for name in judges {
        let file = format!("{}/tests/support/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(file).expect("the judge's source");
        let rooms = text.split("allot::").skip(1);
        let rooms = rooms.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
        for room in rooms.flatten() {
            assert!(["model", "ledger"].contains(&room), "{name} uses {room}");
        }
        // Of the ledger only the shape in which it shows stock.
        let shown = [
            "allot::ledger::DayUse",
            "allot::ledger::{DayUse, Step, StockView}",
        ];
        let ledger = text.matches("allot::ledger").count();
        let allowed: usize = shown.iter().map(|s| text.matches(s).count()).sum();
        assert_eq!(ledger, allowed, "{name} uses more of the ledger");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let used = RefCell::new(Scratch::default());
    let rule = |inst: &Instance| {
        let fresh = ask::ask(inst, &mut Scratch::default());
        let again = ask::ask(inst, &mut used.borrow_mut());
        let same = format!("{fresh:?}") == format!("{again:?}");
        same.then_some(())
            .ok_or_else(|| format!("{fresh:#?}\nwith used scratch: {again:#?}"))
    };
    for shape in [Shape::TINY, Shape::DIVIDED, Shape::MIXED, Shape::TINY] {
        hold(&shape, 200, rule);
    }
    hold(&Shape::LARGE, 15, rule);
    hold(&Shape::TINY, 200, rule);
}

/// Every plan on the network that a new user sees is priced from its files by the checker, and what
/// its files can say is used by some plan.
#[test]
fn plans_on_the_sample_network_keep_its_rules_and_cost_what_its_rows_say() {
    let mut coverage = Coverage::default();
    for inst in sample::instances(125) {
        let answer = rules::answer(&inst).unwrap_or_else(|e| panic!("{e}\n{inst:.3000}"));
        if let Some(decision) = answer {
            coverage.count(&inst, &decision.plan, None);
        }
    }
    assert!(coverage.plans >= 150);
    let used = [
        "several shipments",
        "pays for lines",
        "pays for cartons",
        "pays a surcharge for weight",
        "pays a surcharge for a home",
        "pays a surcharge for an area",
        "from a location that keeps a buffer",
        "from a location with a limit",
        "ships a class that needs an ability",
    ];
    let missing = coverage.rarer_than(1);
    let missing: Vec<_> = missing.iter().filter(|n| used.contains(n)).collect();
    assert!(missing.is_empty(), "no plan {missing:?}");
}

#[test]
fn any_number_of_threads_gives_the_same_answers() {
    use rayon::prelude::*;
    let shapes = [Shape::TINY, Shape::MIXED, Shape::DIVIDED];
    let shapes = shapes.iter().cycle();
    let instances: Vec<Instance> = (0..scaled(120))
        .zip(shapes)
        .map(|(seed, shape)| instance(seed, shape))
        .collect();
    let shared: Vec<_> = instances.iter().map(ask::lanes).collect();
    let answer = |at: usize| {
        let mut scratch = Scratch::default();
        ask::ask_with(&shared[at], &instances[at], &mut scratch)
    };
    let alone: Vec<_> = (0..instances.len()).map(answer).collect();
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads start");
        let found: Vec<_> =
            pool.install(|| (0..instances.len()).into_par_iter().map(answer).collect());
        assert_eq!(found, alone, "{threads} threads");
    }
}

#[test]
fn quotes_are_cheapest_fastest_and_balanced() {
    hold(&Shape::TINY, 1000, quotes::quoted);
    hold(&Shape::DIVIDED, 300, quotes::quoted);
}

#[test]
fn the_frontier_is_what_no_other_plan_beats() {
    let judged = Cell::new(0);
    let choices = |inst: &Instance| {
        let seen = frontier::all_choices(inst)?;
        judged.set(judged.get() + u64::from(seen));
        Ok(())
    };
    let whole = Shape {
        may_split: 0,
        ..Shape::TINY
    };
    hold(&whole, 250, choices);
    hold(&Shape::TINY, 50, choices);
    assert!(judged.get() >= scaled(230), "only {} judged", judged.get());
    let before = judged.get();
    let divided = Shape {
        days: 0,
        ..Shape::DIVIDED
    };
    hold(&divided, 150, choices);
    let judged = judged.get() - before;
    assert!(judged >= scaled(60), "only {judged} judged");
}

#[test]
fn what_binds_is_what_is_cheaper_without() {
    hold(&Shape::TINY, 600, binding::bound);
    hold(&Shape::DIVIDED, 150, binding::bound);
}

#[test]
fn promises_are_the_best_shipment_of_each_service() {
    hold(&Shape::TINY, 1500, frontier::all_services);
    let crowded = Shape {
        demands: (1, 1),
        days: 100,
        ..Shape::TINY
    };
    hold(&crowded, 500, frontier::all_services);
}

#[test]
fn a_warm_router_answers_as_a_fresh_one() {
    let mut scratch = Scratch::default();
    for seed in 0..scaled(60) {
        let first = instance(seed, &Shape::TINY);
        let lanes = ask::lanes(&first);
        for order in 0..25 {
            let inst = another(&first, seed * 1000 + order, &Shape::TINY);
            let warm = ask::ask_with(&lanes, &inst, &mut scratch);
            let fresh = ask::ask(&inst, &mut Scratch::default());
            assert_eq!(warm, fresh, "seed {seed}, order {order}: {inst}");
        }
    }
}

#[test]
fn the_order_of_demands_does_not_matter() {
    let rule = |inst: &Instance| {
        let mut turned = inst.clone();
        turned.demands.reverse();
        turned.stock.reverse();
        let cost = |i: &Instance| {
            let answer = rules::answer(i)?;
            Ok::<_, String>(answer.map(|d| (d.proof.optimal, d.plan.objective.total())))
        };
        let (one, other) = (cost(inst)?, cost(&turned)?);
        let proven = [one, other]
            .into_iter()
            .flatten()
            .all(|(optimal, _)| optimal);
        let same = !proven || one == other;
        same.then_some(())
            .ok_or_else(|| format!("{one:?}, turned round {other:?}"))
    };
    hold(&Shape::TINY, 300, rule);
    hold(&Shape::MIXED, 200, rule);
    hold(
        &Shape {
            demands: (9, EXACT_DEMANDS_MAX.max(9)),
            ..Shape::MIXED
        },
        5,
        rule,
    );
}
