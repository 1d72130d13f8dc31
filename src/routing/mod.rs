//! The router: where one order should ship from, what that costs, and why not otherwise.
//!
//! `routing` reads a [`StockView`] and never writes the ledger; it does not know that a clock,
//! a journal or a socket exists. Same input, same answer, on every machine.
//!
//! # The problem, exactly
//!
//! A [`Request`] has *demands* (one per SKU, duplicate lines summed). A *shipment* is one location,
//! one carrier service, one hand-over and some units of some demands. A *plan* is a set of
//! shipments plus the units it leaves short. The router minimises, in integer cents,
//!
//! ```text
//! Σ shipments [ postage + surcharges
//!               + handling per shipment + handling per line × demands + handling per unit × units
//!               + packaging × parcels
//!               + late penalty × days late + speed value × days until delivery
//!               + Σ scarcity price(sku, location) × units ]
//! + split penalty × max(0, shipments − 1) + short cost × units short
//! ```
//!
//! **Availability.** `ready` times are the view's: `now`, and the `from` of every later step of a
//! cell or a limit, whichever location or demand it belongs to. Units of a demand that a location
//! hands over in shipments with a ready time up to `t` are at most its ATP at `t`; over all
//! locations also at most the view's `limit` at `t`.
//!
//! **Hand-over.** A shipment's ready time is the earliest at which all its units are available: to
//! wait longer is not another plan. Its `ship_at` is the first cut-off, at the location's local time
//! on one of its working days that is no holiday, at or after ready + lead hours. (A cut-off that
//! the clocks skip happens as much later as they skip; of one that happens twice the first counts.)
//! Where a location hands over so many shipments or units a local day only, counting what other orders
//! have there, the cut-off is the first one on a day with room for the shipment beside the others of
//! the plan; what has to wait for room is ready at that cut-off − lead hours. Hand-overs are looked at
//! until one has room for the whole order or as many untouched days were met as a plan has shipments.
//! Its `need_at` is `max(ready, ship_at − lead hours)`.
//!
//! **Delivery.** The carrier starts on the first day, from the location's local date of `ship_at`
//! on, that the service works on and that is no holiday. Of `transit_days` further such days the last
//! one is instead the next day that the service delivers on and that is no holiday; where there are
//! none it delivers on the starting day or the next such day after it. *Days until delivery* are calendar days from the location's
//! local date at `now` to `deliver_on`: waiting for stock or for a cut-off is time the customer
//! waits, so it counts. *Days late* are `max(0, deliver_on − deliver_by)`; with a hard promise date
//! a shipment that is late does not exist.
//!
//! **Postage.** The zone of (service, location, destination) is the zone pair's, if any
//! (longest origin prefix, then longest destination prefix), else the first band whose `max_km` is
//! not exceeded by the great-circle distance, in whole metres on a sphere of radius 6,371,008.8 m
//! (no band: the service does not go there). A zone pair
//! that names a zone which the service has no band for means: the service does not go there.
//! Weight is Σ units × grams; when the service has a dimensional divisor and the shipment's volume
//! (Σ units × length × width × height, mm³ summed, divided by 1000 rounding up to cm³) exceeds its
//! threshold, it is the larger of that and ⌈cm³ × 1000 ÷ divisor⌉ grams; then rounded up to the
//! billing step. That is the billable weight W. Units with W above the service's `max` travel as
//! ⌈W ÷ max⌉ parcels, all but the last of exactly `max`. A parcel costs the first tariff step whose
//! `max` is not exceeded; a weight beyond the last step of the tariff cannot be carried by that
//! service. A parcel of weight 0 is priced at the first step. The postage of a shipment is the sum
//! over its parcels, at least the service's minimum.
//!
//! **Parcels.** Each unit of an item that ships alone is a parcel by itself, with its own billable
//! weight; one above `max` cannot be carried by that service. The other units of the shipment are
//! weighed together as above. *Handling per line* counts the demands of which the shipment holds
//! any units, *packaging* all its parcels.
//!
//! **Surcharges.** A row of the service's surcharges is paid for every parcel that meets all of its
//! conditions: the destination is in its area; the parcel's billable weight is above `over_grams`;
//! its volume is above `over_cm3`; its longest side is above `over_length_mm`. A unit that ships
//! alone has its own volume and longest side. Of units weighed together every parcel has the longest
//! side of the longest unit, and as volume their cm³ divided by the number of parcels, rounded up.
//! The area of a destination is that of the place with the longest prefix of its postal code, even
//! where the order brings its own coordinate; the area `residential` is every order to a home.
//!
//! **Eligibility.** A location is out when it is paused, when the order excludes it, when it ships to
//! some countries only and the destination's is not among them, and for a demand when the item's
//! class (other than empty, `standard`, `general`) is not among its abilities. Where a location has
//! a stock buffer, the ATP of the view less the buffer counts as its ATP. A *restriction* forbids
//! what meets all of the conditions that it has: from this location, by this service, an item of this
//! class, to this region. A region is a set of postal prefixes.
//!
//! **Collecting.** What the customer collects at a location only ships from there, by no carrier: at
//! its hand-over it is delivered. Nothing is paid for postage, surcharges and packaging, and neither
//! countries nor restrictions count.
//!
//! **Division.** A demand is *divisible* if it may split and no eligible location has its whole
//! quantity promisable now. A divisible demand may be drawn from any locations and hand-overs in
//! any amounts, the rest short. Any other demand ships whole in one shipment, or is wholly short.
//! Demands that go together may not be divided: one shipment has all of them, or all are short.
//!
//! So a constraint taken away, or units added, never make the best plan dearer, with one exception that
//! is meant: where somebody comes to have a whole quantity that had to be divided, it is divided no more.
//!
//! **Limits.** At most `max_shipments` shipments; at most one where the order's goods (Σ units ×
//! value) are worth less than `min_value_to_split`. Two shipments may leave one location. With
//! `ship_complete` either nothing is short or nothing ships. Without `allow_backorder` a plan that
//! leaves anything short is no plan. To leave everything short is a plan with no shipment. What
//! would cost more than 2⁵⁰ cents counts as impossible.
//!
//! **Ties.** Of plans with the same total the one with fewer shipments is chosen, then the one whose
//! ascending list of (location, hand-over) is the smallest. Of services with the same cost a shipment
//! takes the one that delivers earlier, then the lower id. Where demands are divided and more plans of the
//! same total may be than the work allows to look at, it is one of those that were looked at, the same everywhere.
//!
//! **Runner-up.** The cheapest plan that differs from the chosen one in the grouping of demands into
//! shipments, in a location or a hand-over, or in which demands are short. (Another service for the
//! same shipment, or other amounts of a divided demand between the same shipments, is the same plan.) With a
//! divided demand, shipments that crowd a day, or more than [`EXACT_DEMANDS_MAX`] demands, it is the cheapest other plan that the
//! search met, which need not be the cheapest there is.
//!
//! Up to [`EXACT_DEMANDS_MAX`] demands the answer is the proven minimum, and up to 16 where none is
//! divisible, no day is crowded and the locations do not hold too many sets of them; beyond, or
//! where dividing demands exhausts the node budget, it is the best plan found with a proven lower
//! bound, and the decision's proof says so.
//!
//! [`StockView`]: crate::ledger::StockView

mod basis;
mod binding;
mod calendar;
mod candidates;
mod cargo;
mod carriage;
mod days;
mod departures;
mod divide;
mod eager;
mod explain;
mod frontier;
mod joint;
mod lanes;
mod large;
mod partition;
mod places;
mod policies;
mod price;
mod pricer;
mod promise;
mod quote;
mod request;
mod restrictions;
mod solve;
mod subsets;
mod surcharges;
mod tariff;
#[cfg(test)]
mod tests;
mod whole;
mod worth;
mod zones;

pub use basis::{Forgotten, binding_then, locations_then, pack};
pub use binding::{Binding, Constraint, binding, fits_without_capacity};
pub use days::Limit;
pub use frontier::{Frontier, frontier};
pub use lanes::Lanes;
pub use large::{LeastCosts, LeastDemand, LeastGood, LeastPlace};
pub use places::Destination;
pub use price::{between_km, carried, distance_km, price};
pub use pricer::Pricer;
pub use promise::promise;
pub use quote::{Goal, quote};
pub use request::{ClassId, DEMANDS_MAX, Demand, EXACT_DEMANDS_MAX, Request, Unroutable};
pub use solve::{Scratch, draft, route};
