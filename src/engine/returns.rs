//! Returns: authorised against what was delivered, received, graded, closed.
//!
//! What may come back is decided in [`crate::lifecycle`]; here it happens, in one step with what it
//! means for units on hand and with its fact, while the order is locked. A return lies in its
//! order's record; here is only which order that is.

use super::error::{EngineError, Naming};
use super::facts::Leading;
use super::fulfillment::part_of;
use super::{Engine, PartName};
use crate::ledger::{HoldError, Moved, Reservation};
use crate::lifecycle::{OrderRecord, Return, Returns};
use crate::model::{
    EpochMillis, Fact, Grade, Invalid, LocationId, OrderKey, Qty, ReturnEvent, ReturnFact,
    ReturnStep, SkuId, State,
};
use dashmap::{DashMap, Entry};

/// Which order a return is of, by the return's id. Clients choose these ids, so the table keeps the
/// standard library's keyed hash. It follows from the orders, so no snapshot holds it.
pub(super) type Ids = DashMap<Box<str>, OrderKey>;

/// Units that are to come back, by text ids.
#[derive(Debug, Clone, Copy)]
pub struct ReturnAsk<'a> {
    /// Id of the return, chosen by the sender.
    pub id: &'a str,
    /// What they are of.
    pub part: PartName<'a>,
    /// Where they are to come back to; to where they shipped from when absent.
    pub location: Option<&'a str>,
    /// Item and units.
    pub lines: &'a [(&'a str, Qty)],
}

/// What units that came back are like, by text ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradeAsk<'a> {
    /// May be sold again where they are.
    Sellable,
    /// Broken or worn.
    Damaged,
    /// Broken on their way.
    DamagedByCarrier,
    /// May be sold again at that location, where they are now.
    OtherLocation(&'a str),
}

/// A return as it stands, and what a command did to it.
#[derive(Debug, Clone)]
pub struct ReturnView {
    /// Its id.
    pub id: Box<str>,
    /// All about it.
    pub all: Return,
    /// Where its part of the order stands.
    pub state: State,
    /// What has to be booked for this command; nothing for a repeat.
    pub booked: Vec<ReturnEvent>,
    /// Units that are on hand again by this command: item, place, movement.
    pub moved: Option<(SkuId, LocationId, Moved)>,
    /// Whether it said nothing new.
    pub repeated: bool,
}

type Record = OrderRecord<Reservation>;

impl Engine {
    /// Lets delivered units come back. The same again changes nothing.
    ///
    /// # Errors
    /// `NOTFOUND`; `INVALID` for more than was delivered and is in no other return; `CONFLICT` when
    /// the id stands for another return.
    pub fn authorise_return(
        &self,
        ask: &ReturnAsk<'_>,
        now: EpochMillis,
    ) -> Result<ReturnView, EngineError> {
        let key = OrderKey::new(ask.part.source, ask.part.order);
        let asked = ask.location.map(|l| self.registry.location("AT", l));
        let asked = asked.transpose()?;
        // Locked until the order knows it, so that two orders cannot get the same id.
        let place = self.returns.entry(ask.id.into());
        if let Entry::Occupied(known) = &place
            && *known.get() != key
        {
            return Err(taken(ask.id, known.get()));
        }
        let view = self.orders.change(&key, |record| {
            let part = part_of(record, ask.part.number).map_err(|_| ask.part.unknown())?;
            let lines = self.line_totals(record, ask.part.number, ask.lines)?;
            let from = part.route.map(|r| r.location);
            let location = asked.or(from);
            let location = location
                .ok_or_else(|| Invalid::new("fulfillment", &part.id, "a part that has shipped"))?;
            let known = record.returns.as_deref().and_then(|r| r.get(ask.id));
            if known.is_some_and(|k| k.fulfillment != part.id || k.location != location) {
                return Err(taken(ask.id, &key));
            }
            let mut returns = record.returns.as_deref().cloned().unwrap_or_default();
            let authorised = returns.authorise(ask.id, &part, location, &lines, now);
            let (_, new) = authorised.map_err(|e| match known.is_some() {
                true => taken(ask.id, &key),
                false => e.into(),
            })?;
            if new {
                let line = |&(line, qty): &(u16, Qty)| {
                    let sku = part.lines.get(usize::from(line)).map(|l| l.sku);
                    sku.map(|sku| (line, sku, qty))
                };
                let lines = lines.iter().filter_map(line).collect();
                let step = ReturnStep::Authorised { location, lines };
                let number = ask.part.number;
                let fact = return_fact(record, (ask.id, number), step, part.state, &[]);
                let pass = self.gate.enter();
                self.save(record);
                self.history.append(&pass, now, || [fact]);
                record.returns = Some(Box::new(returns));
            }
            Ok(ReturnView {
                repeated: !new,
                ..view(record, ask.id)?
            })
        });
        let view = view.ok_or_else(|| ask.part.unknown())??;
        if let Entry::Vacant(place) = place {
            place.insert(key);
        }
        Ok(view)
    }

    /// Units are back: totals by item. What is known already gives nothing.
    ///
    /// # Errors
    /// `NOTFOUND`; `INVALID` for more than authorised, or once it is closed.
    pub fn receive_return(
        &self,
        id: &str,
        totals: &[(&str, Qty)],
        now: EpochMillis,
    ) -> Result<ReturnView, EngineError> {
        self.change_return(id, |record, mut returns, number| {
            let totals = self.line_totals(record, number, totals)?;
            let mut part = part_of(record, number)?;
            let booked = returns.receive(id, &mut part, &totals, now)?;
            if booked.is_empty() {
                return view(record, id);
            }
            let step = ReturnStep::Received { totals };
            let fact = return_fact(record, (id, number), step, part.state, &booked);
            let pass = self.gate.enter();
            self.save(record);
            self.history.append(&pass, now, || [fact]);
            self.put_part(record, part);
            record.returns = Some(Box::new(returns));
            Ok(ReturnView {
                booked,
                repeated: false,
                ..view(record, id)?
            })
        })
    }

    /// Units that came back were looked at: the total of one item and grade. They are on hand in the
    /// same step: sellable ones to be sold, damaged ones on hold, others at another location. What
    /// is known already gives nothing.
    ///
    /// # Errors
    /// `NOTFOUND`; `INVALID` for more than received and not graded otherwise; `CONFLICT` when
    /// somebody has placed a hold under the name that theirs would have.
    pub fn grade_return(
        &self,
        id: &str,
        sku: &str,
        grade: GradeAsk<'_>,
        total: Qty,
        now: EpochMillis,
    ) -> Result<ReturnView, EngineError> {
        let grade = match grade {
            GradeAsk::Sellable => Grade::Sellable,
            GradeAsk::Damaged => Grade::Damaged,
            GradeAsk::DamagedByCarrier => Grade::DamagedByCarrier,
            GradeAsk::OtherLocation(to) => Grade::OtherLocation(self.registry.location("TO", to)?),
        };
        let graded = self.change_return(id, |record, mut returns, number| {
            let (line, _) = self.line_totals(record, number, &[(sku, total)])?[0];
            let mut booked = returns.grade(id, &[(line, grade, total)], now)?;
            let Some(event) = booked.first().cloned() else {
                return view(record, id);
            };
            let state = part_of(record, number)?.state;
            let step = ReturnStep::Graded { line, grade, total };
            let fact = return_fact(record, (id, number), step, state, &booked);
            let hold = grade.is_damaged().then(|| hold_of(id, event.number));
            let pass = self.gate.enter();
            self.save(record);
            let log = Leading::new(self, &pass, fact);
            let spot = (event.sku, event.location);
            let moved = self
                .ledger
                .take_back(spot, event.qty, hold.as_deref(), now, &log);
            let moved = moved
                .map_err(|e: HoldError| Naming::hold(&e, hold.as_deref().unwrap_or_default()))?
                .map_err(|e| Naming::stock(&e, "qty"))?;
            // The shard may have been further: the return has the fact's moment.
            for event in &mut booked {
                event.at = log.at();
            }
            record.returns = Some(Box::new(returns));
            Ok(ReturnView {
                booked,
                moved: Some((event.sku, event.location, moved)),
                repeated: false,
                ..view(record, id)?
            })
        })?;
        // Units that can be sold again go to who waits for them.
        if let Some((sku, _, moved)) = &graded.moved {
            self.after_change(&moved.broken, &[*sku], now);
        }
        Ok(graded)
    }

    /// No more may come back: what did not is free for another return. Closing again changes
    /// nothing.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn close_return(&self, id: &str, now: EpochMillis) -> Result<ReturnView, EngineError> {
        self.change_return(id, |record, mut returns, number| {
            if !returns.get(id).is_some_and(|r| r.closed) {
                returns.close(id)?;
                let state = part_of(record, number)?.state;
                let fact = return_fact(record, (id, number), ReturnStep::Closed, state, &[]);
                let pass = self.gate.enter();
                self.save(record);
                self.history.append(&pass, now, || [fact]);
                record.returns = Some(Box::new(returns));
                return Ok(ReturnView {
                    repeated: false,
                    ..view(record, id)?
                });
            }
            view(record, id)
        })
    }

    /// A return as it stands.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn return_of(&self, id: &str) -> Result<ReturnView, EngineError> {
        let key = self.order_of_return(id)?;
        let found = self.orders.read(&key, |record| view(record, id));
        found.ok_or_else(|| unknown(id))?
    }

    /// All returns of an order, by id.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn returns_of(&self, source: &str, order: &str) -> Result<Vec<ReturnView>, EngineError> {
        let key = OrderKey::new(source, order);
        let found = self.orders.read(&key, |record| {
            let returns = record.returns.as_deref();
            let ids = returns.into_iter().flat_map(Returns::ids);
            ids.map(|id| view(record, id)).collect()
        });
        found.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }
}

impl Engine {
    /// Changes a copy of the returns of the order that a return is of, while that is locked; the
    /// third is the number of the part.
    fn change_return(
        &self,
        id: &str,
        change: impl FnOnce(&mut Record, Returns, u32) -> Result<ReturnView, EngineError>,
    ) -> Result<ReturnView, EngineError> {
        let key = self.order_of_return(id)?;
        let changed = self.orders.change(&key, |record| {
            let returns = record.returns.as_deref().cloned().unwrap_or_default();
            let known = returns.get(id).ok_or_else(|| unknown(id))?;
            let number = known.fulfillment.number;
            change(record, returns, number)
        });
        changed.ok_or_else(|| unknown(id))?
    }

    /// The same again, from a fact. What it did to units on hand are facts of their own.
    pub(super) fn change_return_again(
        &self,
        at: EpochMillis,
        fact: &ReturnFact,
    ) -> Result<(), String> {
        let means = |e: Invalid| e.to_string();
        let id = &*fact.id;
        let changed = self.orders.change(&fact.key, |record| {
            let mut part = part_of(record, fact.number).map_err(|e| e.to_string())?;
            let mut returns = record.returns.take().unwrap_or_default();
            let booked = match &fact.step {
                ReturnStep::Authorised { location, lines } => {
                    let lines: Vec<_> = lines.iter().map(|&(line, _, qty)| (line, qty)).collect();
                    let new = returns.authorise(id, &part, *location, &lines, at);
                    if !new.map_err(means)?.1 {
                        return Err(format!("return {id} is authorised twice"));
                    }
                    self.returns.insert(id.into(), fact.key.clone());
                    0
                }
                ReturnStep::Received { totals } => {
                    let booked = returns.receive(id, &mut part, totals, at);
                    booked.map_err(|e| e.to_string())?.len()
                }
                &ReturnStep::Graded { line, grade, total } => {
                    let booked = returns.grade(id, &[(line, grade, total)], at);
                    booked.map_err(means)?.len()
                }
                ReturnStep::Closed => {
                    returns.close(id).map_err(means)?;
                    0
                }
            };
            if (part.state, booked) != (fact.state, fact.booked.len()) {
                let is = part.state.name();
                return Err(format!(
                    "return {id} books {booked} and leaves its part {is}"
                ));
            }
            if matches!(fact.step, ReturnStep::Received { .. }) {
                self.put_part(record, part);
            }
            record.returns = Some(returns);
            Ok(())
        });
        changed.unwrap_or_else(|| Err(format!("order {} was never accepted", fact.key)))
    }

    /// Notes whose the returns of an order are that a snapshot holds.
    pub(super) fn name_returns(&self, record: &Record) -> Result<(), String> {
        for id in record.returns.as_deref().into_iter().flat_map(Returns::ids) {
            let before = self.returns.insert(id.into(), record.order.key.clone());
            if before.is_some() {
                return Err(format!("return {id} is there twice"));
            }
        }
        Ok(())
    }

    fn order_of_return(&self, id: &str) -> Result<OrderKey, EngineError> {
        let known = self.returns.get(id).map(|key| key.clone());
        known.ok_or_else(|| unknown(id))
    }

    /// Lines of a part by the names of their items; each at most once.
    fn line_totals(
        &self,
        record: &Record,
        number: u32,
        lines: &[(&str, Qty)],
    ) -> Result<Vec<(u16, Qty)>, EngineError> {
        self.check_lines(lines.len())?;
        let part = part_of(record, number)?;
        let mut found: Vec<(u16, Qty)> = Vec::with_capacity(lines.len());
        for &(name, qty) in lines {
            let mut skus = part.lines.iter().map(|l| self.registry.sku_name(l.sku));
            let line = skus.position(|sku| sku == name);
            let line = line.and_then(|line| u16::try_from(line).ok());
            let fresh = line.filter(|line| found.iter().all(|(known, _)| known != line));
            let expected = "an item of the fulfilment order, once";
            let line = fresh.ok_or_else(|| Invalid::new("sku", name, expected))?;
            found.push((line, qty));
        }
        Ok(found)
    }
}

/// A return as it stands; whoever changed it says more.
fn view(record: &Record, id: &str) -> Result<ReturnView, EngineError> {
    let returns = record.returns.as_deref();
    let all = returns.and_then(|r| r.get(id)).ok_or_else(|| unknown(id))?;
    Ok(ReturnView {
        id: id.into(),
        all: all.clone(),
        state: part_of(record, all.fulfillment.number)?.state,
        booked: Vec::new(),
        moved: None,
        repeated: true,
    })
}

fn return_fact(
    record: &Record,
    (id, number): (&str, u32),
    step: ReturnStep,
    state: State,
    booked: &[ReturnEvent],
) -> Fact {
    Fact::ReturnChanged(Box::new(ReturnFact {
        id: id.into(),
        key: record.order.key.clone(),
        number,
        step,
        state,
        booked: booked.to_vec(),
    }))
}

/// The hold of damaged units: named after the return and the number of its event.
fn hold_of(id: &str, event: u32) -> String {
    format!("return/{id}/{event}")
}

fn unknown(id: &str) -> EngineError {
    EngineError::not_found("return", id, "return")
}

fn taken(id: &str, key: &OrderKey) -> EngineError {
    EngineError::Conflict {
        field: "return",
        value: id.to_owned(),
        why: format!("it is a return of order {key} with other content; use a new id"),
    }
}
