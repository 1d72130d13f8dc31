//! Items, locations and policies, which come as rows of CSV, as JSON and as TOML alike: one
//! reading of each for all of them.

use super::field::{Field, GRAMS_MAX, abilities, class, coordinate, countries};
use super::table::{Column, may, must};
use crate::model::{Cents, Invalid, Item, Location, LocationKind, Policy, PolicyOverrides};

/// Longest side of an item, in millimetres.
const SIDE_MM_MAX: u64 = 100_000;

/// Longest lead time: a year of hours.
const LEAD_HOURS_MAX: u64 = 8_784;

/// Columns of `items.csv`.
pub(super) const ITEM: [Column; 9] = [
    must("sku"),
    may("name"),
    must("grams"),
    may("length_mm"),
    may("width_mm"),
    may("height_mm"),
    may("class"),
    may("value_cents"),
    may("ships_alone"),
];

/// Columns of `locations.csv`.
pub(super) const LOCATION: [Column; 20] = [
    must("location"),
    may("name"),
    must("kind"),
    must("country"),
    must("postal"),
    must("lat"),
    must("lon"),
    must("timezone"),
    must("cutoff"),
    must("working_days"),
    must("lead_hours"),
    may("shipments_per_day"),
    may("units_per_day"),
    must("handling_cents_per_shipment"),
    must("handling_cents_per_unit"),
    may("handling_cents_per_line"),
    may("packaging_cents_per_parcel"),
    may("abilities"),
    may("stock_buffer"),
    may("ships_to"),
];

/// Names of the policy fields on the wire and in `network.toml`.
pub(super) const POLICY: [&str; 9] = [
    "split_penalty_cents",
    "speed_value_cents_per_day",
    "late_cents_per_day",
    "short_cents_per_unit",
    "max_shipments",
    "ship_complete",
    "allow_backorder",
    "min_value_to_split_cents",
    "effort_percent",
];

/// The same for an order, which may start from a preset.
pub(super) const ORDER_POLICY: [&str; 10] = {
    let [a, b, c, d, e, f, g, h, i] = POLICY;
    ["preset", a, b, c, d, e, f, g, h, i]
};

/// An item of fields in the order of [`ITEM`].
pub(super) fn item(fields: [Field<'_>; 9]) -> Result<Item, Invalid> {
    let [
        sku,
        name,
        grams,
        length,
        width,
        height,
        item_class,
        value,
        alone,
    ] = fields;
    let side = |field: Field<'_>| {
        let side = field.optional(|f| f.whole(0..=SIDE_MM_MAX))?;
        Ok::<u32, Invalid>(side.unwrap_or(0))
    };
    let size_mm = [side(length)?, side(width)?, side(height)?];
    // A volume of zero would drop dimensional weight without a word.
    if size_mm.contains(&0) && size_mm != [0; 3] {
        let unknown = [length, width, height]
            .into_iter()
            .zip(size_mm)
            .find(|(_, mm)| *mm == 0);
        let (unknown, _) = unknown.unwrap_or((length, 0));
        return Err(unknown.refuse("all of length_mm, width_mm and height_mm, or none"));
    }
    Ok(Item {
        sku: sku.id()?.into(),
        name: name.optional(Field::text)?.unwrap_or_default().into(),
        grams: grams.whole(0..=GRAMS_MAX)?,
        size_mm,
        class: item_class.optional(class)?.unwrap_or_default(),
        value: value.optional(Field::cents)?.unwrap_or(Cents::ZERO),
        ships_alone: alone.optional(Field::flag)?.unwrap_or(false),
    })
}

/// A location of fields in the order of [`LOCATION`].
pub(super) fn location(fields: [Field<'_>; 20]) -> Result<Location, Invalid> {
    let [
        id,
        name,
        kind,
        country,
        postal,
        lat,
        lon,
        timezone,
        cutoff,
        working_days,
        lead_hours,
        shipments_per_day,
        units_per_day,
        handling_per_shipment,
        handling_per_unit,
        handling_per_line,
        packaging,
        able,
        stock_buffer,
        ships_to,
    ] = fields;
    let cents = |field: Field<'_>| field.optional(Field::cents).map(Option::unwrap_or_default);
    let per_day = |field: Field<'_>| field.optional(|f| f.whole(0..=u64::from(u32::MAX)));
    Ok(Location {
        id: id.id()?.into(),
        name: name.optional(Field::text)?.unwrap_or_default().into(),
        kind: kind.one_of(&LocationKind::ALL)?,
        country: country.country()?.into(),
        postal: postal.postal()?.into(),
        coordinate: coordinate(lat, lon)?,
        timezone: timezone.timezone()?,
        cutoff_minutes: cutoff.time_of_day()?,
        working_days: working_days.weekdays()?,
        lead_hours: lead_hours.whole(0..=LEAD_HOURS_MAX)?,
        shipments_per_day: per_day(shipments_per_day)?,
        units_per_day: per_day(units_per_day)?,
        handling_per_shipment: handling_per_shipment.cents()?,
        handling_per_unit: handling_per_unit.cents()?,
        handling_per_line: cents(handling_per_line)?,
        packaging_per_parcel: cents(packaging)?,
        abilities: able.optional(abilities)?.unwrap_or_default(),
        stock_buffer: stock_buffer.optional(|f| f.qty(0))?.unwrap_or_default(),
        ships_to: ships_to.optional(countries)?.unwrap_or_default(),
    })
}

/// Policy fields in the order of [`POLICY`].
pub(super) fn policy(fields: [Field<'_>; 9]) -> Result<PolicyOverrides, Invalid> {
    let [
        split,
        speed,
        late,
        short,
        max_shipments,
        ship_complete,
        allow_backorder,
        min_value,
        effort,
    ] = fields;
    Ok(PolicyOverrides {
        split_penalty: split.optional(Field::cents)?,
        speed_value_per_day: speed.optional(Field::cents)?,
        late_per_day: late.optional(Field::cents)?,
        short_per_unit: short.optional(Field::cents)?,
        max_shipments: max_shipments.optional(|f| f.whole(1..=255))?,
        ship_complete: ship_complete.optional(Field::flag)?,
        allow_backorder: allow_backorder.optional(Field::flag)?,
        min_value_to_split: min_value.optional(Field::cents)?,
        effort_percent: effort.optional(|f| f.whole(1..=u64::from(Policy::EFFORT_MAX)))?,
    })
}
