//! Names and values of an event as bytes: one byte for the name, no allocation for the value.
//!
//! | bytes | fields of one event |
//! | --- | --- |
//! | 0 | how many fields |
//! | then each | code of the name; bytes of the value as a varint; the value |
//!
//! These bytes live in memory only: codes may change from one version to the next.

use std::io::Write as _;

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The name of a field. Names are part of the wire format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Field {
            $($(#[$doc])* $variant,)*
        }

        impl Field {
            /// All fields, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fields! {
    /// What happened, such as `order.accepted`. The first field of every event.
    Type = "type",
    /// When it was decided, RFC 3339. The second field of every event.
    At = "at",
    /// The system that took the order.
    Source = "source",
    /// The id that system gave the order.
    Order = "order",
    /// Text id of a reservation that is not an order's.
    Reservation = "reservation",
    /// The selling channel.
    Channel = "channel",
    /// The item.
    Sku = "sku",
    /// The place; where supply will arrive.
    Location = "location",
    /// Where a transfer left.
    From = "from",
    /// Whole units.
    Qty = "qty",
    /// Units on hand before a movement.
    Before = "before",
    /// Units on hand after it.
    After = "after",
    /// `after` less `before`, with its sign.
    Change = "change",
    /// Why; a documented word or the sender's own.
    Reason = "reason",
    /// As of when a count was taken, RFC 3339.
    AsOf = "as_of",
    /// Text id of a hold.
    Hold = "hold",
    /// Text id of supply on its way.
    Incoming = "incoming",
    /// What kind of supply or location.
    Kind = "kind",
    /// When supply is expected, RFC 3339.
    ArrivesAt = "arrives_at",
    /// 1 when nothing more will come of it, else 0.
    Closed = "closed",
    /// 1 when the units went back on hand at their origin, else 0.
    Returned = "returned",
    /// Units kept for one channel.
    Protected = "protected",
    /// Most units that a channel may promise; absent for no limit.
    Cap = "cap",
    /// Higher keeps its promise longer when supply is cut.
    Priority = "priority",
    /// Place in the order of creation.
    Sequence = "sequence",
    /// 1 for a firm reservation, 0 for a soft one.
    Firm = "firm",
    /// When a soft reservation ends, RFC 3339; absent for a firm one.
    ExpiresAt = "expires_at",
    /// When units must be at the location, RFC 3339.
    NeedAt = "need_at",
    /// How many positions hold units for it.
    Claims = "claims",
    /// How many lines an order has.
    Lines = "lines",
    /// Units over all lines.
    Units = "units",
    /// How many shipments its plan has.
    Shipments = "shipments",
    /// Which shipment of the plan, from 1.
    Shipment = "shipment",
    /// Text id of a carrier service.
    Service = "service",
    /// How many parcels.
    Parcels = "parcels",
    /// When the customer placed the order, RFC 3339.
    PlacedAt = "placed_at",
    /// When a shipment is handed to the carrier, RFC 3339.
    ShipAt = "ship_at",
    /// Civil date of delivery at the destination.
    DeliverOn = "deliver_on",
    /// Money in integer cents: what the plan, or the shipment, costs by the routing objective.
    Cents = "cents",
    /// 1 when no plan can be cheaper, else 0.
    Optimal = "optimal",
    /// Name for people.
    Name = "name",
    /// Weight of one unit in whole grams.
    Grams = "grams",
    /// Units kept back by policy.
    SafetyStock = "safety_stock",
    /// Units physically at a location.
    OnHand = "on_hand",
    /// The sender's reference of a write.
    Reference = "reference",
    /// How many rows a load had.
    Rows = "rows",
    /// How many promises a change broke.
    Broken = "broken",
    /// From which supply on its way may be promised: `off`, `transfers` or `all`.
    PromiseFrom = "promise_from",
    /// Hours added to every expected arrival before it is promised against.
    BufferHours = "buffer_hours",
    /// Which part of an order, from 1.
    Fulfillment = "fulfillment",
    /// 1 for a repeat, or a message that a later one has overtaken: nothing moved; else 0.
    Late = "late",
    /// Who has a fulfilment order.
    Holder = "holder",
    /// Until when he has to acknowledge, RFC 3339.
    LeaseEnd = "lease_end",
    /// Who vouches that no work was begun.
    VouchedBy = "vouched_by",
    /// Text id of a carrier.
    Carrier = "carrier",
    /// The carrier's number of a parcel.
    Tracking = "tracking",
    /// Where a fulfilment order stands after what happened.
    State = "state",
    /// Text id of a return.
    Return = "return",
    /// Number of a booking within its return, from 1.
    N = "n",
    /// What units that came back are like.
    Grade = "grade",
    /// Number of an exception.
    Exception = "exception",
    /// Why there is one.
    Cause = "cause",
    /// Who has to act.
    Owner = "owner",
    /// Readable particulars.
    Detail = "detail",
    /// What would resolve it, or what to do.
    Action = "action",
    /// Who has taken it on; absent for nobody.
    AssignedTo = "assigned_to",
    /// Who did it; absent for a rule, or for what happened by itself.
    By = "by",
    /// What was done.
    How = "how",
    /// Which rule of the network did it.
    Rule = "rule",
    /// Civil date at a location.
    Day = "day",
    /// Cents that the plan expected.
    Forecast = "forecast",
    /// Cents more than planned, for other parcels or fewer units.
    Split = "split",
    /// Cents more for another place.
    Distance = "distance",
    /// Cents more for another partner or service.
    PremiumPartner = "premium_partner",
    /// Cents more than the tariff.
    Postage = "postage",
    /// Units that may be promised.
    Atp = "atp",
    /// Units at which an item is low.
    Low = "low",
    /// Where it stood before.
    Was = "was",
    /// Which re-optimisation of the backlog.
    Run = "run",
    /// What it was asked.
    Asked = "asked",
    /// What it is working at.
    Stage = "stage",
    /// Steps done of that.
    Done = "done",
    /// Of so many.
    Of = "of",
    /// Cents that no plan costs less than.
    Bound = "bound",
    /// Orders that were looked at.
    Orders = "orders",
    /// Orders that change.
    Moves = "moves",
    /// Orders that moved.
    Moved = "moved",
    /// Orders that had their new plan already.
    Already = "already",
    /// Orders that were skipped.
    Skipped = "skipped",
}

/// Most bytes that a varint of 64 bits takes.
const VARINT_MAX: usize = 10;

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    let mut bytes = [0u8; VARINT_MAX];
    let mut used = 0;
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        bytes[used] = if value == 0 { low } else { low | 0x80 };
        used += 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&bytes[..used]);
}

/// Takes a number off the front of bytes that [`put_varint`] wrote.
pub(super) fn take_varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0u64, 0u32);
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 || shift > 63 {
            break;
        }
    }
    value
}

/// The fields of one event, read from its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    left: usize,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads what [`FieldsWriter`] wrote.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let (left, bytes) = bytes.split_first().map_or((0, bytes), |(n, b)| (*n, b));
        Self {
            left: usize::from(left),
            bytes,
        }
    }

    /// The value of the first field of that name.
    #[must_use]
    pub fn get(mut self, field: Field) -> Option<&'a [u8]> {
        self.find(|(name, _)| *name == field)
            .map(|(_, value)| value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Field, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&code, rest) = self.bytes.split_first().filter(|_| self.left > 0)?;
        self.bytes = rest;
        let length = usize::try_from(take_varint(&mut self.bytes)).ok()?;
        let (value, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        self.left -= 1;
        Some((*Field::ALL.get(usize::from(code))?, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// Appends the fields of one event to a buffer.
#[derive(Debug)]
pub struct FieldsWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where the count is.
    head: usize,
}

impl<'a> FieldsWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        let head = out.len();
        out.push(0);
        Self { out, head }
    }

    /// A field with text; an empty text is left out, since nothing is known then.
    ///
    /// # Panics
    /// With more than 255 fields in one event: a bug.
    pub fn text(&mut self, field: Field, value: &str) -> &mut Self {
        if value.is_empty() {
            return self;
        }
        self.begin(field);
        put_varint(self.out, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
        self
    }

    /// A field with a whole number.
    pub fn number(&mut self, field: Field, value: impl itoa::Integer) -> &mut Self {
        self.text(field, itoa::Buffer::new().format(value))
    }

    /// A field that is 1 or 0.
    pub fn flag(&mut self, field: Field, value: bool) -> &mut Self {
        self.number(field, u8::from(value))
    }

    /// A field with a value that can print itself.
    pub fn shown(&mut self, field: Field, value: impl std::fmt::Display) -> &mut Self {
        let before = self.out.len();
        self.begin(field);
        // Most values are short: their length is one byte, filled in when they are there.
        self.out.push(0);
        let start = self.out.len();
        write!(self.out, "{value}").expect("memory takes what is written to it");
        match u8::try_from(self.out.len() - start) {
            Ok(length @ 1..=0x7f) => {
                self.out[start - 1] = length;
                self
            }
            _ => {
                self.out.truncate(before);
                self.out[self.head] -= 1;
                self.text(field, &value.to_string())
            }
        }
    }

    fn begin(&mut self, field: Field) {
        let count = self.out[self.head].checked_add(1);
        self.out[self.head] = count.expect("an event has few fields");
        self.out.push(field as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_places_in_the_list_and_names_differ() {
        let mut names: Vec<_> = Field::ALL.iter().map(|f| f.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Field::ALL.len());
        for (code, &field) in Field::ALL.iter().enumerate() {
            assert_eq!(field as usize, code);
        }
    }

    #[test]
    fn fields_read_back_as_they_were_written() {
        let long = "x".repeat(70_000);
        let mut bytes = vec![7];
        FieldsWriter::new(&mut bytes)
            .text(Field::Type, "order.accepted")
            .number(Field::Change, -12)
            .text(Field::Service, "")
            .text(Field::Name, &long)
            .shown(Field::Day, "x".repeat(200))
            .shown(Field::How, "")
            .shown(Field::Rule, 12)
            .flag(Field::Firm, true);
        let fields = Fields::new(&bytes[1..]);
        assert_eq!(fields.len(), 6, "an empty text is left out");
        assert_eq!(fields.get(Field::Change), Some(&b"-12"[..]));
        assert_eq!(fields.get(Field::Service), None);
        let all: Vec<_> = fields.map(|(f, v)| (f.name(), v.len())).collect();
        assert_eq!(
            all,
            [
                ("type", 14),
                ("change", 3),
                ("name", 70_000),
                ("day", 200),
                ("rule", 2),
                ("firm", 1)
            ]
        );
    }

    #[test]
    fn varints_of_all_sizes_read_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut rest = &out[..];
            assert_eq!((take_varint(&mut rest), rest.len()), (value, 0));
        }
    }
}
