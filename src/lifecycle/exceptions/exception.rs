//! One exception, and how it ended.

use crate::model::{ByRule, Cause, EpochMillis, ExceptionKind, Finding, Order};
use bincode::enc::EncoderImpl;
use bincode::enc::write::SizeWriter;
use bincode::{Decode, Encode};
use std::sync::Arc;

/// How an exception ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Resolved {
    /// When.
    pub at: EpochMillis,
    /// By whom; `None` is by a rule.
    pub by: Option<Box<str>>,
    /// What was done.
    pub how: Box<str>,
    /// By which rule of the network.
    pub rule: Option<ByRule>,
}

/// Something that needs a decision, or needed one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Exception {
    /// Its number, from 1.
    pub id: u64,
    /// What was found.
    pub finding: Finding,
    /// When.
    pub opened: EpochMillis,
    /// Who took it on.
    pub assigned_to: Option<Box<str>>,
    /// How it ended.
    pub resolved: Option<Resolved>,
    /// When the last rule that did not resolve it was to act.
    pub tried: Option<EpochMillis>,
    /// The refused order that it is about, where a rule may still place it.
    pub kept: Option<Arc<Order>>,
}

impl Exception {
    /// Why.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.finding.subject.cause
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> ExceptionKind {
        self.cause().kind()
    }

    /// Whether no rule that was to act at `due`, or later, has acted in vain.
    #[must_use]
    pub fn untried(&self, due: EpochMillis) -> bool {
        self.tried.is_none_or(|at| at < due)
    }

    /// Bytes of the order that it keeps.
    pub(super) fn bytes_kept(&self) -> u64 {
        self.kept.as_ref().map_or(0, |order| bytes_of(order))
    }
}

/// Bytes of an order as it is encoded; in memory it has up to a few times as many.
pub(super) fn bytes_of(order: &Order) -> u64 {
    let mut counted = EncoderImpl::new(SizeWriter::default(), bincode::config::legacy());
    order
        .encode(&mut counted)
        .expect("whoever counts takes what is written");
    counted.into_writer().bytes_written as u64
}
