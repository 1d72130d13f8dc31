//! Re-optimisations of the backlog inside the server: one at a time, on a copy of the state, by threads
//! that give way to everybody else.
//!
//! | step | where | what others feel |
//! | --- | --- | --- |
//! | copy | a thread of its own | what they feel of a snapshot |
//! | plan, check, compare | threads of low priority | as little of the processors as the system gives those |
//! | apply | a thread of its own | an order is locked while it moves |
//!
//! The copy and the moves take locks that requests wait for, so they are not done at low priority: who
//! holds a lock must not be kept from giving it back.

mod files;
mod report;

pub(super) use report::Report;

use super::clock::Clock;
use super::error::CommandError;
use super::later::Later;
use crate::backlog::{
    Effort, MoveRow, PlanFile, Progress, Rules, Scenario, Scope, Stage, WhatIf, carry_out, check,
    freed, optimize, read, serve, what_if,
};
use crate::engine::Engine;
use crate::journal::Disk;
use crate::model::{BacklogFact, EpochMillis, Invalid, RunTold, SkuId};
use crate::wire::Reply;
use files::{Files, KEPT};
use parking_lot::{Mutex, MutexGuard};
use rayon::{ThreadPool, ThreadPoolBuilder};
use report::RunState;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often progress is told at the most, but for the first step of a stage.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// By how much the threads that plan are nicer than others: 10 has about a tenth of their weight.
const NICE: i32 = 10;
/// Why a run comes to nothing.
const NOBODY: &str = "no open order that nobody has a part of is in the scope";

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    /// As it was typed.
    pub(super) asked: String,
    pub(super) scope: Scope,
    pub(super) rules: Rules,
    /// No further step is begun after this.
    pub(super) budget: Option<Duration>,
    pub(super) seed: u64,
    /// The moves are made at the end.
    pub(super) apply: bool,
    /// These are compared with today; there is no plan to apply then.
    pub(super) scenarios: Vec<Scenario>,
}

/// One run.
struct Run {
    number: u64,
    begun: Instant,
    cancel: AtomicBool,
    report: Mutex<Report>,
}

#[derive(Default)]
struct Known {
    current: Option<Arc<Run>>,
    /// Newest last.
    past: VecDeque<Report>,
    last: u64,
    /// The server is about to stop: no more moves.
    ending: bool,
}

/// All runs.
pub(super) struct Runs {
    engine: Arc<Engine>,
    clock: Clock,
    files: Files,
    threads: usize,
    known: Mutex<Known>,
    /// Held while anything is written down; whether the server has stopped.
    stopped: Mutex<bool>,
    /// Items that moves of a plan which is not through have freed.
    unserved: Mutex<Vec<SkuId>>,
}

impl Runs {
    /// Looks what became of runs before the start, and is ready for another.
    pub(super) fn start(
        engine: Arc<Engine>,
        clock: Clock,
        place: Option<(Arc<dyn Disk>, PathBuf)>,
        threads: usize,
    ) -> Arc<Self> {
        let files = match place {
            Some((disk, dir)) => Files::Kept { disk, dir },
            None => Files::Memory(Mutex::default()),
        };
        let mut known = Known::default();
        for mut report in files.reports() {
            if let Some(told) = report.after_restart() {
                let run = report.run;
                engine.tell_backlog(BacklogFact { run, told }, clock.now());
                if let Err(error) = files.put_report(&report) {
                    tracing::warn!(%error, run, "the report of a run cannot be written");
                }
            }
            known.last = known.last.max(report.run);
            known.past.push_back(report);
        }
        Arc::new(Self {
            engine,
            clock,
            files,
            threads: threads.max(1),
            known: Mutex::new(known),
            stopped: Mutex::new(false),
            unserved: Mutex::default(),
        })
    }

    /// Begins a run. Returns its number.
    ///
    /// # Errors
    /// `BUSY` while another runs, or where no thread can be had.
    pub(super) fn begin(self: &Arc<Self>, ask: Ask) -> Result<u64, CommandError> {
        let mut known = self.known.lock();
        check_idle(&known)?;
        let now = self.clock.now();
        let number = u64::try_from(now.0).unwrap_or(0).max(known.last + 1);
        let report = Report {
            run: number,
            asked: ask.asked.clone(),
            ..Report::default()
        };
        let run = Arc::new(Run::new(report));
        let (this, working) = (self.clone(), run.clone());
        let asked = ask.asked.as_str().into();
        // Before anything else of it.
        self.tell(&run, RunTold::Began { asked });
        self.spawn(move || this.work(&working, &ask))
            .inspect_err(|_| {
                let why = "no thread for it".into();
                self.tell(&run, RunTold::Failed { why });
            })?;
        known.last = number;
        known.current = Some(run);
        Ok(number)
    }

    /// Makes the moves of a run's plan; answered when they are made.
    ///
    /// # Errors
    /// `NOTFOUND` where there is no such plan, `BUSY` as [`Runs::begin`].
    pub(super) fn apply(self: &Arc<Self>, number: u64) -> Result<Later, CommandError> {
        let mut known = self.known.lock();
        check_idle(&known)?;
        if known.ending {
            let text = "the server is shutting down; apply the plan once it is back".to_owned();
            return Err(CommandError::new("BUSY", text));
        }
        let at = known.past.iter().position(|report| report.run == number);
        if at.is_some_and(|at| known.past[at].compares()) {
            let expected = "the run of a plan: this one compared scenarios (WHATIF), which are never \
                applied; begin one without WHATIF";
            return Err(Invalid::new("run", number, expected).into());
        }
        let Some(at) = at.filter(|&at| known.past[at].has_plan()) else {
            return Err(no_plan(number));
        };
        let mut report = known.past[at].clone();
        report.begin_apply();
        let run = Arc::new(Run::new(report));
        let (this, working) = (self.clone(), run.clone());
        let (tell, told) = oneshot::channel();
        self.spawn(move || {
            let plan = this.files.plan(number);
            match plan.map(|text| PlanFile::parse(&text)) {
                Some(Ok(plan)) => {
                    let made = this.make_moves(&working, &plan.moves);
                    this.end(&working, made);
                }
                Some(Err(error)) => this.end_with(&working, error.to_string()),
                None => this.end_with(&working, "the plan's file is gone".to_owned()),
            }
            // Whoever is answered may begin the next.
            let _ = tell.send(working.report.lock().reply());
        })?;
        known.past.remove(at);
        known.current = Some(run);
        drop(known);
        Ok(Box::pin(async {
            let stopped = Reply::error("ERR", "the server is shutting down");
            told.await.unwrap_or(stopped)
        }))
    }

    /// What is known of a run; of the newest when no number is given.
    pub(super) fn status(&self, number: Option<u64>) -> Result<Report, CommandError> {
        let known = self.known.lock();
        let running = known.current.as_ref().map(|run| {
            let mut report = run.report.lock().clone();
            report.not_over();
            if matches!(report.state, RunState::Reading | RunState::Optimizing) {
                report.millis = run.millis();
            }
            report
        });
        let mut all = running.iter().chain(known.past.iter().rev());
        let found = all.find(|report| number.is_none_or(|n| report.run == n));
        found.cloned().ok_or_else(|| {
            let which = number.map_or("no run was begun".to_owned(), |n| {
                format!("run {n} is not known")
            });
            let text = format!(
                "{which}: the newest {KEPT} are, those before a restart only with a data directory; \
                 begin one with BACKLOG.OPTIMIZE"
            );
            CommandError::new("NOTFOUND", text)
        })
    }

    /// The text of a run's plan.
    pub(super) fn plan(&self, number: u64) -> Result<Arc<str>, CommandError> {
        self.status(Some(number))?;
        self.files.plan(number).ok_or_else(|| no_plan(number))
    }

    /// Ends a run soon. Tells what is known of it; one that has ended is as it was.
    pub(super) fn cancel(&self, number: u64) -> Result<Report, CommandError> {
        if let Some(run) = &self.known.lock().current
            && run.number == number
        {
            run.cancel.store(true, Ordering::Relaxed);
        }
        self.status(Some(number))
    }

    /// Items that moves have freed and that are given to who waits later.
    pub(super) fn serve_later(&self, skus: Vec<SkuId>) {
        let mut unserved = self.unserved.lock();
        unserved.extend(skus);
        unserved.sort_unstable();
        unserved.dedup();
    }

    /// Gives what moves have freed to the orders that wait for it.
    pub(super) fn serve(&self, mut skus: Vec<SkuId>, now: EpochMillis) -> usize {
        skus.append(&mut self.unserved.lock());
        self.engine.serve_waiting(skus, now)
    }

    /// Has moves that are being made end soon, so that whoever waits for them is answered: the server is
    /// about to stop.
    pub(super) fn end_moves(&self) {
        let mut known = self.known.lock();
        known.ending = true;
        if let Some(run) = &known.current
            && run.report.lock().is_applying()
        {
            run.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Ends: what is being planned is left where it is, the move that is being made is made, and no other.
    pub(super) fn stop(&self) {
        if let Some(run) = &self.known.lock().current {
            run.cancel.store(true, Ordering::Relaxed);
        }
        *self.stopped.lock() = true;
    }

    fn spawn(&self, work: impl FnOnce() + Send + 'static) -> Result<(), CommandError> {
        let thread = std::thread::Builder::new().name("backlog".to_owned());
        let spawned = thread.spawn(work).map(drop);
        spawned.map_err(|error| {
            let text = format!("no thread for it: {error}; send the command again later");
            CommandError::new("BUSY", text)
        })
    }

    /// All of a run.
    fn work(&self, run: &Arc<Run>, ask: &Ask) {
        self.keep(run);
        if !ask.scenarios.is_empty() {
            return self.compare(run, ask);
        }
        let planned = self.make_plan(run, ask);
        run.report.lock().millis = run.millis();
        let told = match planned {
            Ok(plan) if !run.is_cancelled() => {
                let told = run.report.lock().planned(&plan);
                match self.files.put_plan(run.number, plan.text()) {
                    Ok(()) if ask.apply => {
                        self.tell(run, told);
                        match self.make_moves(run, &plan.moves) {
                            Some(made) => made,
                            None => return self.end(run, None),
                        }
                    }
                    Ok(()) => told,
                    Err(error) => run.fail(format!("the plan cannot be written: {error}")),
                }
            }
            Ok(_) => run.give_up(),
            Err(why) => run.fail(why),
        };
        self.end(run, Some(told));
    }

    /// Copies the state and plans on the copy.
    fn make_plan(&self, run: &Arc<Run>, ask: &Ask) -> Result<PlanFile, String> {
        let now = self.clock.now();
        let (copy, _) = self.engine.copy(now).map_err(|e| e.to_string())?;
        let pool = self.pool().map_err(|e| format!("no threads for it: {e}"))?;
        pool.install(|| {
            let snapshot = read(copy, &ask.scope, &ask.rules, now);
            if snapshot.problem.orders.is_empty() {
                return Err(NOBODY.to_owned());
            }
            run.report.lock().orders = snapshot.problem.orders.len() as u64;
            let effort = Effort {
                seed: ask.seed,
                ..Effort::usual(snapshot.problem.orders.len())
            };
            let mut teller = Teller::new(self, run, ask.budget);
            let mut hear = |at: Progress| teller.hear("", at);
            let outcome = optimize(&snapshot.problem, &snapshot.lanes, effort, &mut hear);
            check(&snapshot.problem, &outcome)
                .map_err(|rule| format!("the plan breaks a rule, please report it: {rule}"))?;
            Ok(PlanFile::new(&snapshot, &outcome))
        })
    }

    /// All of a run that compares scenarios.
    fn compare(&self, run: &Arc<Run>, ask: &Ask) {
        let compared = self.compared(run, ask);
        run.report.lock().millis = run.millis();
        let told = match compared {
            Ok(compared) if !run.is_cancelled() => {
                let told = run.report.lock().compared(&compared);
                match self.files.put_plan(run.number, compared.text()) {
                    Ok(()) => told,
                    Err(error) => run.fail(format!("the comparison cannot be written: {error}")),
                }
            }
            Ok(_) => run.give_up(),
            Err(why) => run.fail(why),
        };
        self.end(run, Some(told));
    }

    /// Copies the state and plans the scenarios on copies of the copy.
    fn compared(&self, run: &Arc<Run>, ask: &Ask) -> Result<WhatIf, String> {
        let now = self.clock.now();
        let (copy, _) = self.engine.copy(now).map_err(|e| e.to_string())?;
        let pool = self.pool().map_err(|e| format!("no threads for it: {e}"))?;
        pool.install(|| {
            let mut teller = Teller::new(self, run, ask.budget);
            let mut hear = |name: &str, at: Progress| teller.hear(name, at);
            let (asked, of) = ((&ask.scope, &ask.rules), (ask.seed, now));
            let go_on = || !run.is_cancelled();
            let compared = what_if(&copy, asked, &ask.scenarios, of, &mut hear, &go_on);
            let compared = compared.map_err(|error| error.to_string())?;
            match compared.orders {
                0 => Err(NOBODY.to_owned()),
                _ => Ok(compared),
            }
        })
    }

    fn pool(&self) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
        ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .thread_name(|number| format!("backlog-{number}"))
            .start_handler(|_| give_way())
            .build()
    }

    /// Makes the moves of a plan, unless the server has stopped. Returns what is to be told of it.
    fn make_moves(&self, run: &Arc<Run>, moves: &[MoveRow]) -> Option<RunTold> {
        {
            let mut report = run.report.lock();
            report.begin_apply();
            report.of = u32::try_from(moves.len()).unwrap_or(u32::MAX);
        }
        self.keep(run);
        if *self.stopped.lock() {
            return None;
        }
        if self.known.lock().ending {
            // It began to apply after the others were told to end.
            run.cancel.store(true, Ordering::Relaxed);
        }
        let mut turns = Turns::new(self, run);
        let results = carry_out(&self.engine, moves, &mut |done| {
            run.report.lock().done = u32::try_from(done).unwrap_or(u32::MAX);
            turns.next()
        });
        let mut skus = freed(&self.engine, moves, &results);
        skus.append(&mut self.unserved.lock());
        serve(&self.engine, &mut skus, &mut || turns.next());
        drop(turns);
        let left = skus.len();
        self.serve_later(skus);
        Some(run.report.lock().applied(&results, left))
    }

    /// Tells a step of a run, unless the server has stopped.
    fn tell(&self, run: &Run, told: RunTold) {
        let stopped = self.stopped.lock();
        if !*stopped {
            let run = run.number;
            let fact = BacklogFact { run, told };
            self.engine.tell_backlog(fact, self.clock.now());
        }
    }

    /// Keeps what is known of a run.
    fn keep(&self, run: &Run) {
        let report = run.report.lock().clone();
        let stopped = self.stopped.lock();
        // A run that ends with the server is found as it was.
        if !*stopped && let Err(error) = self.files.put_report(&report) {
            tracing::warn!(%error, run = report.run, "the report of a run cannot be written");
        }
    }

    /// A run that could not be applied is over: its plan is as it was.
    fn end_with(&self, run: &Arc<Run>, why: String) {
        let mut report = run.report.lock();
        (report.state, report.why) = (RunState::Done, Some(why));
        drop(report);
        self.end(run, None);
    }

    /// A run is over; then that is told, so that whoever hears it may begin the next.
    fn end(&self, run: &Arc<Run>, told: Option<RunTold>) {
        self.keep(run);
        self.files.forget_old();
        let report = run.report.lock().clone();
        tracing::info!(run = report.run, "the backlog: {}", report.running());
        let mut known = self.known.lock();
        known.current = None;
        known.past.push_back(report);
        known.past.make_contiguous().sort_by_key(|r| r.run);
        while known.past.len() > KEPT {
            known.past.pop_front();
        }
        drop(known);
        if let Some(told) = told {
            self.tell(run, told);
        }
    }
}

/// Who hears how far a run is, tells it to others, and ends what takes too long.
struct Teller<'a> {
    runs: &'a Runs,
    run: &'a Run,
    budget: Option<Duration>,
    /// The scenario that is being planned, and since when.
    scenario: String,
    since: Instant,
    last: Option<(Instant, Stage)>,
}

impl<'a> Teller<'a> {
    fn new(runs: &'a Runs, run: &'a Run, budget: Option<Duration>) -> Self {
        Self {
            runs,
            run,
            budget,
            scenario: String::new(),
            since: run.begun,
            last: None,
        }
    }

    /// Hears of a step, of a scenario where it has a name; each has the whole time.
    fn hear(&mut self, scenario: &str, at: Progress) -> ControlFlow<()> {
        if scenario != self.scenario {
            scenario.clone_into(&mut self.scenario);
            (self.since, self.last) = (Instant::now(), None);
        }
        self.run.report.lock().go_on(scenario, &at);
        let due = self
            .last
            .is_none_or(|(told, stage)| stage != at.stage || told.elapsed() >= TELL_EVERY);
        if due {
            self.last = Some((Instant::now(), at.stage));
            let progress = self.run.report.lock().progress();
            self.runs.tell(self.run, progress);
        }
        let late = |budget| self.since.elapsed() > at.stage.share(budget);
        match self.run.is_cancelled() || self.budget.is_some_and(late) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// The turns of a run that changes orders: nobody stops the server within one, and everybody may between
/// two.
struct Turns<'a> {
    runs: &'a Runs,
    run: &'a Run,
    turn: Option<MutexGuard<'a, bool>>,
}

impl<'a> Turns<'a> {
    const fn new(runs: &'a Runs, run: &'a Run) -> Self {
        let turn = None;
        Self { runs, run, turn }
    }

    /// Ends the turn that was, and begins the next at this moment; `None` where the run or the server is to
    /// end.
    fn next(&mut self) -> Option<EpochMillis> {
        self.turn = None;
        if self.run.is_cancelled() {
            return None;
        }
        let stopped = self.runs.stopped.lock();
        if *stopped {
            return None;
        }
        self.turn = Some(stopped);
        Some(self.runs.clock.now())
    }
}

impl Run {
    fn new(report: Report) -> Self {
        Self {
            number: report.run,
            begun: Instant::now(),
            cancel: AtomicBool::new(false),
            report: Mutex::new(report),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Somebody ended it before there was anything.
    fn give_up(&self) -> RunTold {
        self.report.lock().state = RunState::Cancelled;
        RunTold::Cancelled
    }

    fn fail(&self, why: String) -> RunTold {
        tracing::warn!(run = self.number, "a re-optimisation failed: {why}");
        let mut report = self.report.lock();
        report.state = RunState::Failed;
        report.why = Some(why.clone());
        RunTold::Failed { why: why.into() }
    }
}

fn check_idle(known: &Known) -> Result<(), CommandError> {
    match &known.current {
        None => Ok(()),
        Some(run) => {
            let mut report = run.report.lock().clone();
            report.not_over();
            let (running, number) = (report.running(), report.run);
            let text = format!("{running}; one runs at a time: wait, or BACKLOG.CANCEL {number}");
            Err(CommandError::new("BUSY", text))
        }
    }
}

fn no_plan(number: u64) -> CommandError {
    let text = format!(
        "there is no plan of run {number}: it is not known, has not come to one, or is no longer \
         kept; BACKLOG.STATUS tells"
    );
    CommandError::new("NOTFOUND", text)
}

/// Lets other threads go first, where the system can tell threads apart.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
