//! Distance: great circles over a sphere, in whole metres so that a zone never hangs on the last
//! bit of a float.

// The one place of the router with floats: trigonometry has no integers. Results are rounded to
// whole metres before anything is decided by them.
#![allow(clippy::float_arithmetic)]

use crate::model::Coordinate;

/// Mean radius of the earth in metres.
const EARTH_METRES: f64 = 6_371_008.8;

/// Great-circle distance in whole metres, rounded to the nearest.
pub(super) fn metres(a: Coordinate, b: Coordinate) -> u32 {
    let radians = |e6: i32| (f64::from(e6) / 1e6).to_radians();
    let (lat_a, lat_b) = (radians(a.lat_e6), radians(b.lat_e6));
    let half_lat = (lat_b - lat_a) / 2.0;
    let half_lon = (radians(b.lon_e6) - radians(a.lon_e6)) / 2.0;
    let h = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
    // Rounding may leave h a hair outside of 0..=1, where the root or the arc has no value.
    let arc = 2.0 * h.clamp(0.0, 1.0).sqrt().asin();
    // At most half the circumference, 20,016 km: far inside the range.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = (EARTH_METRES * arc).round() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(lat: f64, lon: f64) -> Coordinate {
        Coordinate::from_degrees(lat, lon).unwrap()
    }

    #[test]
    fn distances_are_those_of_a_globe() {
        let (york, angeles) = (place(40.7128, -74.0060), place(34.0522, -118.2437));
        assert_eq!(metres(york, york), 0);
        assert_eq!(metres(york, angeles), metres(angeles, york));
        assert_eq!(metres(york, angeles) / 1000, 3935);
        // A quarter and a half of the way round.
        assert_eq!(metres(place(0.0, 0.0), place(0.0, 90.0)), 10_007_557);
        assert_eq!(metres(place(0.0, 0.0), place(0.0, 180.0)), 20_015_114);
        assert_eq!(metres(place(90.0, 0.0), place(-90.0, 33.0)), 20_015_114);
        // Across the date line the short way counts.
        assert!(metres(place(0.0, 179.9), place(0.0, -179.9)) < 23_000);
    }
}
