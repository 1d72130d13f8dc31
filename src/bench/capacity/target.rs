//! What is planned for: `2000 orders/s at peak, 300k SKUs, 40 locations`.
#![allow(clippy::float_arithmetic, reason = "figures typed by people")]

use std::str::FromStr;

/// A load to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Orders a second where it is most.
    pub orders_per_second: f64,
    /// Items.
    pub skus: f64,
    /// Places that hold them.
    pub locations: f64,
    /// Orders that are kept in memory.
    pub open_orders: f64,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = |part: &str| {
            format!(
                "target has '{part}'; expected numbers with what they count, such as \
                 \"2000 orders/s at peak, 300k SKUs, 40 locations, 1M open orders\""
            )
        };
        let (mut rate, mut skus, mut locations, mut open) = (None, None, None, None);
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (number, what) = part.split_once(' ').ok_or_else(|| refused(part))?;
            let number = amount(number).ok_or_else(|| refused(part))?;
            let what = what.to_lowercase();
            let field = match what.split(' ').next().unwrap_or_default() {
                "orders/s" => &mut rate,
                "orders/day" => {
                    rate = Some(number / 86_400.0);
                    continue;
                }
                "skus" | "items" => &mut skus,
                "locations" | "places" | "stores" => &mut locations,
                "open" | "orders" => &mut open,
                _ => return Err(refused(part)),
            };
            *field = Some(number);
        }
        let orders_per_second = rate.ok_or_else(|| refused("no orders/s"))?;
        Ok(Self {
            orders_per_second,
            skus: skus.ok_or_else(|| refused("no SKUs"))?,
            locations: locations.ok_or_else(|| refused("no locations"))?,
            // A day at a quarter of the peak.
            open_orders: open.unwrap_or(orders_per_second * 86_400.0 / 4.0),
        })
    }
}

/// A number, with k or M behind it.
fn amount(text: &str) -> Option<f64> {
    let (digits, times) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text
            .strip_suffix('M')
            .map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    let number: f64 = digits.replace(['_', ' '], "").parse().ok()?;
    (number > 0.0 && number.is_finite()).then_some(number * times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_planners_write_them() {
        let text = "2000 orders/s at peak, 300k SKUs, 40 locations";
        let target: Target = text.parse().unwrap();
        assert_eq!(
            (target.orders_per_second, target.skus, target.locations),
            (2e3, 3e5, 40.0)
        );
        assert_eq!(target.open_orders, 43_200_000.0);
        let more: Target = "864k orders/day, 1M items, 3 stores, 2M open orders"
            .parse()
            .unwrap();
        assert_eq!((more.orders_per_second, more.open_orders), (10.0, 2e6));
        for wrong in [
            "",
            "2000 orders/s",
            "x orders/s, 1 SKUs, 1 locations",
            "5 SKUs, 1 locations, 7 apples",
        ] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
