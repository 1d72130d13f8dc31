//! Values in numbered slots; a freed slot is used again.
//!
//! The numbers of free slots are kept beside the slots rather than in them: the next free number
//! is then known without waiting for the memory of a slot, which is only written to.

/// Values by slot.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Keeps a value; returns its slot.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(value);
                slot
            }
            None => {
                let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 slots");
                self.slots.push(Some(value));
                slot
            }
        }
    }

    /// Takes the value out of a slot, which is free then.
    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.slots.get_mut(slot as usize)?.take();
        if value.is_some() {
            self.free.push(slot);
        }
        value
    }

    /// The value in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The value in a slot, to change.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Reads the slot that the next value goes to, so that its memory is there by then.
    pub(super) fn peek_free(&self) -> bool {
        let next = self.free.last().map(|&slot| &self.slots[slot as usize]);
        next.is_some_and(Option::is_some)
    }

    /// All values with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..)
            .zip(&self.slots)
            .filter_map(|(slot, value)| Some((slot, value.as_ref()?)))
    }

    /// Bytes it occupies.
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Option<T>>() + self.free.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_slot_is_used_again() {
        let mut slots = Slots::default();
        let (a, b) = (slots.insert('a'), slots.insert('b'));
        assert_eq!(slots.remove(a), Some('a'));
        assert_eq!(slots.remove(a), None);
        assert_eq!(slots.remove(7), None);
        assert_eq!(
            (slots.get(a), slots.get(b), slots.len()),
            (None, Some(&'b'), 1)
        );
        assert_eq!(slots.insert('c'), a);
        let all: Vec<(u32, &char)> = slots.iter().collect();
        assert_eq!(all, [(a, &'c'), (b, &'b')]);
    }
}
