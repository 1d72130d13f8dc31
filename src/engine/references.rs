//! One reference, one effect: the first answer to every write that has no identity of its own.
//!
//! Client libraries retry by themselves. A write therefore carries a reference chosen by its
//! sender; the same reference with the same content gets the first answer again, with other
//! content a conflict. References are kept for good: a retry may come after any delay.

use super::EngineError;
use crate::cut::{Before, Pass};
use crate::model::check_id;
use dashmap::{DashMap, Entry};
use foldhash::fast::RandomState;

#[derive(Debug)]
struct Done<A> {
    content: Box<str>,
    answer: A,
}

/// First answers of type `A` by reference.
#[derive(Debug)]
pub(super) struct References<A> {
    done: DashMap<Box<str>, Done<A>, RandomState>,
    /// Those that came after a cut.
    before: Before<Box<str>, ()>,
}

impl<A: Clone> References<A> {
    pub(super) fn new() -> Self {
        Self {
            done: DashMap::with_hasher_and_shard_amount(RandomState::default(), 256),
            before: Before::default(),
        }
    }

    /// Does `act` once for `reference`. `content` says what is done, in one readable line. A
    /// refused act leaves the reference free. The pass that it acted under lasts until the answer is
    /// remembered.
    pub(super) fn once<'g>(
        &self,
        reference: &str,
        content: String,
        act: impl FnOnce(&str) -> Result<(A, Pass<'g>), EngineError>,
    ) -> Result<A, EngineError> {
        check_id("ref", reference)?;
        // The entry stays locked while acting, so a second sender waits for the first one's answer.
        match self.done.entry(reference.into()) {
            Entry::Occupied(first) if *first.get().content == *content => {
                Ok(first.get().answer.clone())
            }
            Entry::Occupied(first) => Err(EngineError::Conflict {
                field: "ref",
                value: reference.to_owned(),
                why: format!("it was used for '{}'; use a new one", first.get().content),
            }),
            Entry::Vacant(place) => {
                let (answer, _pass) = act(&content)?;
                self.before.save(|| reference.into(), || None);
                place.insert(Done {
                    content: content.into_boxed_str(),
                    answer: answer.clone(),
                });
                Ok(answer)
            }
        }
    }

    /// Remembers what history says was answered.
    pub(super) fn restore(&self, reference: &str, content: &str, answer: A) {
        let content = content.into();
        self.done.insert(reference.into(), Done { content, answer });
    }

    /// References are to be seen as they are now. Nobody is using any.
    pub(super) fn cut(&self) {
        self.before.begin();
    }

    /// Every reference that there was at the cut.
    pub(super) fn each_at_cut(&self, mut see: impl FnMut(&str, &str, &A)) {
        for entry in &self.done {
            if self.before.or_read(entry.key(), ()).is_some() {
                see(entry.key(), &entry.content, &entry.answer);
            }
        }
    }

    /// Nobody looks any more.
    pub(super) fn end_cut(&self) {
        self.before.end();
    }

    /// Every reference with what was done and answered.
    pub(super) fn for_each(&self, mut see: impl FnMut(&str, &str, &A)) {
        for entry in &self.done {
            see(entry.key(), &entry.content, &entry.answer);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.done.len()
    }
}
