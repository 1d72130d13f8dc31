//! Weight and size of units that are packed together. Nothing here knows a carrier.

/// Units as a carrier sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Mass; saturated at the top, where nothing is carried.
    pub(super) grams: u64,
    /// Volume; saturated likewise.
    pub(super) mm3: u64,
    /// Longest side of any unit.
    pub(super) longest_mm: u32,
    /// How many lots were put together; 0 is nothing at all, which is no parcel.
    pub(super) lots: u32,
    /// Classes of the units, of those that a carrier may refuse: see [`ClassId::kind`].
    ///
    /// [`ClassId::kind`]: super::ClassId::kind
    pub(super) kinds: u64,
}

impl Load {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            grams: self.grams.saturating_add(other.grams),
            mm3: self.mm3.saturating_add(other.mm3),
            longest_mm: self.longest_mm.max(other.longest_mm),
            lots: self.lots.saturating_add(other.lots),
            kinds: self.kinds | other.kinds,
        }
    }

    /// The rest when `part`, which was added before, is taken away. The longest side and the
    /// kinds stay: who asks for them looks at the rest anew.
    pub(super) fn less(self, part: Self) -> Self {
        Self {
            grams: self.grams.saturating_sub(part.grams),
            mm3: self.mm3.saturating_sub(part.mm3),
            longest_mm: self.longest_mm,
            lots: self.lots.saturating_sub(part.lots),
            kinds: self.kinds,
        }
    }

    /// `units` of something; a lot if there are any.
    pub(super) fn of(units: u32, grams: u32, mm3: u64, longest_mm: u32) -> Self {
        Self {
            grams: u64::from(units) * u64::from(grams),
            mm3: mm3.saturating_mul(u64::from(units)),
            longest_mm: if units > 0 { longest_mm } else { 0 },
            lots: u32::from(units > 0),
            kinds: 0,
        }
    }
}
