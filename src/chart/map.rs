//! What goes from place to place: marks at their coordinates, arrows as wide as their amount.
//!
//! The projection keeps shapes right in the middle of what is shown (equirectangular, stretched by the
//! cosine of the middle latitude), which is enough for one country.

use super::page::escape;
use super::{COLOURS, figure, length};
use std::fmt::Write as _;

const WIDTH: f64 = 1000.0;
const HEIGHT_MAX: f64 = 620.0;
const EDGE: f64 = 80.0;

/// A place with a name.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// What is known of it, shown where somebody points at it.
    pub note: String,
    /// Latitude and longitude in degrees.
    pub at: (f64, f64),
    /// How large, relative to the largest.
    pub size: f64,
}

/// Something that goes from one mark to another.
#[derive(Debug, Clone, Copy)]
pub struct Arrow {
    /// Which mark.
    pub from: usize,
    /// Which mark.
    pub to: usize,
    /// How much.
    pub amount: u64,
}

/// A map.
#[derive(Debug, Clone)]
pub struct Map {
    /// Its title.
    pub title: String,
    /// Places without a name: latitude, longitude, how many of them.
    pub dots: Vec<(f64, f64, u64)>,
    /// Places with a name.
    pub marks: Vec<Mark>,
    /// What goes where.
    pub arrows: Vec<Arrow>,
    /// What the amount of an arrow counts.
    pub unit: String,
}

struct Plane {
    west: f64,
    north: f64,
    scale: f64,
    narrow: f64,
    left: f64,
    height: f64,
}

impl Plane {
    fn around(places: &[(f64, f64)]) -> Self {
        let range = |of: fn(&(f64, f64)) -> f64| {
            let all = places.iter().map(of);
            let least = all.clone().fold(f64::INFINITY, f64::min);
            (least, all.fold(f64::NEG_INFINITY, f64::max))
        };
        let (south, north) = range(|p| p.0);
        let (west, east) = range(|p| p.1);
        let narrow = (f64::midpoint(south, north).to_radians()).cos().max(0.2);
        let wide = ((east - west) * narrow).max(0.5);
        let high = (north - south).max(0.5);
        let scale = ((WIDTH - 2.0 * EDGE) / wide).min((HEIGHT_MAX - 2.0 * EDGE) / high);
        Self {
            west,
            north,
            scale,
            narrow,
            left: (WIDTH - wide * scale) / 2.0,
            height: high * scale + 2.0 * EDGE,
        }
    }

    fn place(&self, (lat, lon): (f64, f64)) -> (f64, f64) {
        let x = self.left + (lon - self.west) * self.narrow * self.scale;
        (x, EDGE + (self.north - lat) * self.scale)
    }
}

impl Map {
    /// As a figure of a page; empty without a place.
    #[must_use]
    pub fn figure(&self) -> String {
        let mut places: Vec<(f64, f64)> = self.marks.iter().map(|m| m.at).collect();
        if places.is_empty() {
            places.extend(self.dots.iter().map(|d| (d.0, d.1)));
        }
        if places.is_empty() {
            return String::new();
        }
        let plane = Plane::around(&places);
        let mut out = String::new();
        self.dots(&mut out, &plane);
        let at: Vec<(f64, f64)> = self.marks.iter().map(|m| plane.place(m.at)).collect();
        self.arrows(&mut out, &at);
        self.marks(&mut out, &at);
        let drawn = figure(&self.title, (WIDTH, plane.height), &out);
        drawn.replacen("<figure>", "<figure class=\"wide\">", 1)
    }

    fn dots(&self, out: &mut String, plane: &Plane) {
        let most = self.dots.iter().map(|d| d.2).max().unwrap_or(1).max(1) as f64;
        for (lat, lon, count) in &self.dots {
            let (x, y) = plane.place((*lat, *lon));
            // Those far from all marks would make the rest small.
            if !(0.0..=WIDTH).contains(&x) || !(0.0..=plane.height).contains(&y) {
                continue;
            }
            let radius = 1.2 + 3.0 * (*count as f64 / most).sqrt();
            let _ = write!(
                out,
                "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"
            );
        }
    }

    /// The largest last, so that they are on top.
    fn arrows(&self, out: &mut String, at: &[(f64, f64)]) {
        let mut arrows: Vec<&Arrow> = self.arrows.iter().filter(|a| a.from != a.to).collect();
        arrows.sort_by_key(|a| (a.amount, a.from, a.to));
        let most = arrows.last().map_or(1, |a| a.amount).max(1) as f64;
        for arrow in arrows {
            let ((x1, y1), (x2, y2)) = (at[arrow.from], at[arrow.to]);
            let share = (arrow.amount as f64 / most).sqrt();
            let width = 0.8 + 5.2 * share;
            let (dx, dy) = (x2 - x1, y2 - y1);
            let far = dx.hypot(dy).max(1.0);
            // Bent to the right, so that two that go to and fro stay apart.
            let (mx, my) = (
                f64::midpoint(x1, x2) - dy * 0.14,
                f64::midpoint(y1, y2) + dx * 0.14,
            );
            let (tx, ty) = (
                (x2 - mx) / (x2 - mx).hypot(y2 - my),
                (y2 - my) / (x2 - mx).hypot(y2 - my),
            );
            let head = (5.0 + 2.2 * width).min(far * 0.4);
            let (bx, by) = (x2 - tx * (head + 5.0), y2 - ty * (head + 5.0));
            let (ex, ey) = (x2 - tx * 5.0, y2 - ty * 5.0);
            let half = head * 0.45;
            let _ = write!(
                out,
                "<g opacity=\"{:.2}\"><title>{} → {}: {} {}</title>\
                 <path d=\"M{x1:.1} {y1:.1}Q{mx:.1} {my:.1} {bx:.1} {by:.1}\" fill=\"none\" stroke=\"{c}\" \
                 stroke-width=\"{width:.1}\"/>\
                 <path d=\"M{ex:.1} {ey:.1}L{:.1} {:.1}L{:.1} {:.1}Z\" fill=\"{c}\"/></g>",
                0.35 + 0.6 * share,
                escape(&self.marks[arrow.from].name),
                escape(&self.marks[arrow.to].name),
                arrow.amount,
                escape(&self.unit),
                bx - ty * half,
                by + tx * half,
                bx + ty * half,
                by - tx * half,
                c = COLOURS[1],
            );
        }
    }

    fn marks(&self, out: &mut String, at: &[(f64, f64)]) {
        let most = self.marks.iter().map(|m| m.size).fold(1e-9, f64::max);
        let mut taken: Vec<(f64, f64, f64)> = Vec::new();
        for (mark, &(x, y)) in self.marks.iter().zip(at) {
            let radius = 3.0 + 5.0 * (mark.size / most).sqrt();
            let _ = write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{}\"><title>{}: {}</title></circle>",
                COLOURS[0],
                escape(&mark.name),
                escape(&mark.note)
            );
            let wide = length(&mark.name) * 6.4;
            let right = x + radius + 4.0 + wide < WIDTH;
            let left = if right {
                x + radius + 4.0
            } else {
                x - radius - 4.0 - wide
            };
            // A name that would lie on another is left to the pointer.
            let free = taken
                .iter()
                .all(|&(l, b, w)| left > l + w || l > left + wide || (b - y).abs() > 12.0);
            if free {
                taken.push((left, y, wide));
                let _ = write!(
                    out,
                    "<text class=\"name\" x=\"{left:.1}\" y=\"{:.1}\">{}</text>",
                    y + 4.0,
                    escape(&mark.name)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(name: &str, at: (f64, f64)) -> Mark {
        Mark {
            name: name.into(),
            note: "a & b".into(),
            at,
            size: 1.0,
        }
    }

    #[test]
    fn north_is_up_and_east_is_right_and_an_arrow_says_what_goes() {
        let plane = Plane::around(&[(30.0, -120.0), (45.0, -70.0)]);
        let (west, east) = (plane.place((45.0, -120.0)), plane.place((30.0, -70.0)));
        assert!(west.0 < east.0 && west.1 < east.1);
        let map = Map {
            title: "flows".into(),
            dots: vec![(40.0, -100.0, 3)],
            marks: vec![mark("A", (30.0, -120.0)), mark("B", (45.0, -70.0))],
            arrows: vec![Arrow {
                from: 0,
                to: 1,
                amount: 7,
            }],
            unit: "units".into(),
        };
        let drawn = map.figure();
        assert!(drawn.contains("A → B: 7 units") && drawn.contains("a &amp; b"));
        let nothing = Map {
            dots: Vec::new(),
            marks: Vec::new(),
            ..map
        };
        assert_eq!(nothing.figure(), "");
    }
}
