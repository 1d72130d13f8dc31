//! A chart of points as SVG: no font, script or image from elsewhere, readable on any background.
#![allow(
    clippy::float_arithmetic,
    reason = "places on a picture; nothing is computed from them"
)]

use std::fmt::Write as _;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 540.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 120.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 68.0;
/// Height of a label of two lines, and what stays free around it.
const LABEL_HEIGHT: f64 = 36.0;
/// Width of a character of a label's first and second line, on average.
const NAME_WIDTH: f64 = 7.6;
const NOTE_WIDTH: f64 = 5.9;

/// How often each label may move.
const PASSES: usize = 6;

/// Whose point it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    Rule,
}

impl Kind {
    const fn colour(self) -> &'static str {
        match self {
            Self::Ours => "#1f6feb",
            Self::Rule => "#bc4c00",
        }
    }
}

/// One way of deciding.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) name: String,
    pub(super) note: String,
    pub(super) kind: Kind,
    /// Days to deliver.
    pub(super) x: f64,
    /// Money per unit shipped.
    pub(super) y: f64,
}

/// A range of values on a range of pixels.
struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    step: f64,
}

impl Axis {
    /// Round ends around all values, four to eight steps apart.
    fn around(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        let span = (most - least).max(most.abs() * 0.05).max(0.01);
        let rough = span / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power);
        let step = steps.into_iter().find(|s| *s >= rough).unwrap_or(rough);
        Self {
            from: ((least - 0.4 * step) / step).floor() * step,
            to: ((most + 0.4 * step) / step).ceil() * step,
            start,
            end,
            step,
        }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + (value - self.from) / (self.to - self.from) * (self.end - self.start)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (from, to, step) = (self.from, self.to, self.step);
        let ticks = (0..64).map(move |n| from + f64::from(n) * step);
        ticks.take_while(move |tick| *tick <= to + step * 0.01)
    }

    fn shown(&self, tick: f64) -> String {
        let decimals = match self.step {
            s if s >= 1.0 && s.fract() == 0.0 => 0,
            s if s >= 0.1 && (s * 10.0).fract() < 1e-9 => 1,
            _ => 2,
        };
        format!("{tick:.decimals$}")
    }
}

/// A rectangle that text or a dot takes up.
#[derive(Debug, Clone, Copy)]
struct Spot {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Spot {
    fn overlap(&self, other: &Self) -> f64 {
        let wide = self.right.min(other.right) - self.left.max(other.left);
        let high = self.bottom.min(other.bottom) - self.top.max(other.top);
        wide.max(0.0) * high.max(0.0)
    }

    /// How much of it lies outside the drawing.
    fn outside(&self) -> f64 {
        (LEFT - self.left).max(0.0)
            + (self.right - (WIDTH - 8.0)).max(0.0)
            + (TOP - 6.0 - self.top).max(0.0)
            + (self.bottom - (HEIGHT - BOTTOM)).max(0.0)
    }
}

/// Where the label of each point goes: around it, wherever least else is.
fn label_spots(points: &[(f64, f64, f64)]) -> Vec<(Spot, bool)> {
    let dot = |x: f64, y: f64| Spot {
        left: x - 9.0,
        top: y - 9.0,
        right: x + 9.0,
        bottom: y + 9.0,
    };
    let dots: Vec<Spot> = points.iter().map(|&(x, y, _)| dot(x, y)).collect();
    let mut placed: Vec<Option<(Spot, bool)>> = vec![None; points.len()];
    // Each in turn goes where it is best beside the others, until that moves nobody.
    for at in (0..PASSES).flat_map(|_| 0..points.len()) {
        let (x, y, width) = points[at];
        let heights = [-18.0, -34.0, -2.0, -52.0, 16.0, -70.0, 34.0, 52.0, -88.0];
        let choices = heights.into_iter().flat_map(|up| {
            [false, true].map(|leftwards| {
                let left = if leftwards {
                    x - 14.0 - width
                } else {
                    x + 14.0
                };
                let spot = Spot {
                    left,
                    top: y + up,
                    right: left + width,
                    bottom: y + up + LABEL_HEIGHT,
                };
                (spot, leftwards)
            })
        });
        let others = placed.iter().enumerate().filter(|(other, _)| *other != at);
        let others: Vec<Spot> = others.filter_map(|(_, p)| p.map(|p| p.0)).collect();
        let cost = |spot: &Spot| {
            let taken = others.iter().chain(&dots);
            let hidden: f64 = taken.map(|other| spot.overlap(other)).sum();
            hidden * 10.0 + spot.outside() * 50.0 + (spot.top + 18.0 - y).abs()
        };
        placed[at] = choices.min_by(|a, b| cost(&a.0).total_cmp(&cost(&b.0)));
    }
    placed.into_iter().flatten().collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Cost per unit shipped against days to deliver.
pub(super) fn svg(subtitle: &str, points: &[Point]) -> String {
    let across = Axis::around(points.iter().map(|p| p.x), LEFT, WIDTH - RIGHT);
    let up = Axis::around(points.iter().map(|p| p.y), HEIGHT - BOTTOM, TOP);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\" \
         role=\"img\">\n<title>Cost per unit shipped against days to deliver</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"36\" font-size=\"19\" font-weight=\"600\" fill=\"#1f2328\">Cost per unit shipped \
         against days to deliver</text>\n\
         <text x=\"{LEFT}\" y=\"58\" font-size=\"13\" fill=\"#59636e\">{}</text>",
        escaped(subtitle)
    );
    key(&mut out);
    axes(&mut out, &across, &up);
    let places: Vec<(f64, f64, f64)> = points
        .iter()
        .map(|p| {
            let width = (length(&p.name) * NAME_WIDTH).max(length(&p.note) * NOTE_WIDTH);
            (across.at(p.x), up.at(p.y), width)
        })
        .collect();
    for ((point, (x, y, _)), (spot, leftwards)) in
        points.iter().zip(&places).zip(label_spots(&places))
    {
        let (anchor, at) = if leftwards {
            ("end", spot.right)
        } else {
            ("start", spot.left)
        };
        let (name, note, colour) = (
            escaped(&point.name),
            escaped(&point.note),
            point.kind.colour(),
        );
        // Where the label stands off, a line says whose it is.
        let beside = (spot.top + LABEL_HEIGHT / 2.0 - y).abs();
        if beside > LABEL_HEIGHT / 2.0 {
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" \
                 stroke-opacity=\"0.6\"/>",
                spot.top + 10.0
            );
        }
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\" fill=\"{colour}\"/>\n\
             <text x=\"{at:.1}\" y=\"{:.1}\" font-size=\"14\" font-weight=\"600\" fill=\"{colour}\" \
             text-anchor=\"{anchor}\">{name}</text>\n\
             <text x=\"{at:.1}\" y=\"{:.1}\" font-size=\"11.5\" fill=\"#59636e\" \
             text-anchor=\"{anchor}\">{note}</text>",
            spot.top + 14.0,
            spot.top + 29.0,
        );
    }
    out.push_str("</svg>\n");
    out
}

#[allow(clippy::cast_precision_loss, reason = "a short text")]
fn length(text: &str) -> f64 {
    text.chars().count() as f64
}

/// What the colours mean.
fn key(out: &mut String) {
    let entries = [
        (Kind::Ours, "Allot, by preset"),
        (Kind::Rule, "rule of thumb"),
    ];
    let mut x = LEFT + 6.0;
    for (kind, text) in entries {
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"75\" r=\"5\" fill=\"{}\"/><text x=\"{}\" y=\"79\" font-size=\"12\" \
             fill=\"#1f2328\">{text}</text>",
            kind.colour(),
            x + 10.0
        );
        x += 130.0;
    }
}

fn axes(out: &mut String, across: &Axis, up: &Axis) {
    let (floor, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for tick in up.ticks() {
        let y = up.at(tick);
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#e6e8eb\"/>\
             <text x=\"{}\" y=\"{:.1}\" font-size=\"12\" fill=\"#59636e\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            y + 4.0,
            up.shown(tick)
        );
    }
    for tick in across.ticks() {
        let x = across.at(tick);
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{floor}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"#8c959f\"/>\
             <text x=\"{x:.1}\" y=\"{}\" font-size=\"12\" fill=\"#59636e\" text-anchor=\"middle\">{}</text>",
            floor + 5.0,
            floor + 20.0,
            across.shown(tick)
        );
    }
    let _ = writeln!(
        out,
        "<line x1=\"{LEFT}\" y1=\"{floor}\" x2=\"{right}\" y2=\"{floor}\" stroke=\"#8c959f\"/>\n\
         <text x=\"{}\" y=\"{}\" font-size=\"13\" fill=\"#1f2328\" text-anchor=\"middle\">days from order to \
         last delivery, mean</text>\n\
         <text transform=\"translate(22 {}) rotate(-90)\" font-size=\"13\" fill=\"#1f2328\" \
         text-anchor=\"middle\">cost per unit shipped</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 22.0,
        f64::midpoint(TOP, floor)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, x: f64, y: f64) -> Point {
        Point {
            name: name.to_owned(),
            note: "1.20 shipments per order".to_owned(),
            kind: Kind::Ours,
            x,
            y,
        }
    }

    #[test]
    fn axes_have_round_ends_around_all_values() {
        let axis = Axis::around([1.23, 4.56].into_iter(), 0.0, 100.0);
        assert_eq!((axis.from, axis.to, axis.step), (0.0, 5.0, 1.0));
        assert!(axis.at(1.23) > 0.0 && axis.at(4.56) < 100.0);
        let same = Axis::around([2.0, 2.0].into_iter(), 0.0, 100.0);
        assert!(same.from < 2.0 && same.to > 2.0 && same.ticks().count() < 12);
    }

    #[test]
    fn labels_stay_apart_and_names_are_escaped() {
        let close = [
            (400.0, 300.0, 150.0),
            (405.0, 304.0, 150.0),
            (398.0, 290.0, 150.0),
        ];
        let spots = label_spots(&close);
        for (at, (one, _)) in spots.iter().enumerate() {
            for (other, _) in &spots[at + 1..] {
                assert!(one.overlap(other) < 1.0, "{one:?} {other:?}");
            }
        }
        let drawn = svg("a & b", &[point("<x>", 1.0, 10.0), point("y", 2.0, 20.0)]);
        assert!(drawn.contains("a &amp; b") && drawn.contains("&lt;x&gt;"));
        assert_eq!(drawn.matches("<circle").count(), 4);
    }
}
