//! Points with a name each: two kinds of ways, and labels that stay apart.

use super::axis::{Axis, Scale};
use super::length;
use super::page::escape;
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

/// The colours of the two kinds.
const KINDS: [&str; 2] = ["#1f6feb", "#bc4c00"];

/// A point.
#[derive(Debug, Clone)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// What stands under its name.
    pub note: String,
    /// Of the second kind.
    pub second: bool,
    /// Where: right, then up.
    pub at: (f64, f64),
}

/// A chart of points.
#[derive(Debug, Clone)]
pub struct Scatter {
    /// Its title.
    pub title: String,
    /// What stands under it.
    pub subtitle: String,
    /// What goes to the right.
    pub x: String,
    /// What goes up.
    pub y: String,
    /// What the two kinds are.
    pub kinds: [String; 2],
    /// The points.
    pub points: Vec<Label>,
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

impl Scatter {
    /// As a file of its own.
    #[must_use]
    pub fn file(&self) -> String {
        let across = self.points.iter().map(|p| p.at.0);
        let across = Axis::new(Scale::Around, across, LEFT, WIDTH - RIGHT);
        let up = self.points.iter().map(|p| p.at.1);
        let up = Axis::new(Scale::Around, up, HEIGHT - BOTTOM, TOP);
        let mut out = String::new();
        let title = escape(&self.title);
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\" \
             role=\"img\">\n<title>{title}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
             <text x=\"{LEFT}\" y=\"36\" font-size=\"19\" font-weight=\"600\" fill=\"#1f2328\">{title}</text>\n\
             <text x=\"{LEFT}\" y=\"58\" font-size=\"13\" fill=\"#59636e\">{}</text>",
            escape(&self.subtitle)
        );
        self.key(&mut out);
        self.axes(&mut out, &across, &up);
        self.labels(&mut out, &across, &up);
        out.push_str("</svg>\n");
        out
    }

    fn labels(&self, out: &mut String, across: &Axis, up: &Axis) {
        let place = |p: &Label| {
            let width = (length(&p.name) * NAME_WIDTH).max(length(&p.note) * NOTE_WIDTH);
            (across.place(p.at.0), up.place(p.at.1), width)
        };
        let places: Vec<(f64, f64, f64)> = self.points.iter().map(place).collect();
        let spots = label_spots(&places);
        for ((point, (x, y, _)), (spot, leftwards)) in self.points.iter().zip(&places).zip(spots) {
            let (anchor, at) = if leftwards {
                ("end", spot.right)
            } else {
                ("start", spot.left)
            };
            let (name, note) = (escape(&point.name), escape(&point.note));
            let colour = KINDS[usize::from(point.second)];
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
    }

    /// What the colours mean.
    fn key(&self, out: &mut String) {
        let mut x = LEFT + 6.0;
        for (text, colour) in self.kinds.iter().zip(KINDS) {
            let _ = writeln!(
                out,
                "<circle cx=\"{x}\" cy=\"75\" r=\"5\" fill=\"{colour}\"/><text x=\"{}\" y=\"79\" \
                 font-size=\"12\" fill=\"#1f2328\">{}</text>",
                x + 10.0,
                escape(text)
            );
            x += 130.0;
        }
    }

    fn axes(&self, out: &mut String, across: &Axis, up: &Axis) {
        let (floor, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for tick in up.ticks() {
            let y = up.place(tick);
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
            let x = across.place(tick);
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{floor}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"#8c959f\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" font-size=\"12\" fill=\"#59636e\" \
                 text-anchor=\"middle\">{}</text>",
                floor + 5.0,
                floor + 20.0,
                across.shown(tick)
            );
        }
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{floor}\" x2=\"{right}\" y2=\"{floor}\" stroke=\"#8c959f\"/>\n\
             <text x=\"{}\" y=\"{}\" font-size=\"13\" fill=\"#1f2328\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(22 {}) rotate(-90)\" font-size=\"13\" fill=\"#1f2328\" \
             text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 22.0,
            escape(&self.x),
            f64::midpoint(TOP, floor),
            escape(&self.y)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, x: f64, y: f64) -> Label {
        Label {
            name: name.to_owned(),
            note: "1.20 shipments per order".to_owned(),
            second: false,
            at: (x, y),
        }
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
        let scatter = Scatter {
            title: "points".into(),
            subtitle: "a & b".into(),
            x: "x".into(),
            y: "y".into(),
            kinds: ["one".into(), "two".into()],
            points: vec![point("<x>", 1.0, 10.0), point("y", 2.0, 20.0)],
        };
        let drawn = scatter.file();
        assert!(drawn.contains("a &amp; b") && drawn.contains("&lt;x&gt;"));
        assert_eq!(drawn.matches("<circle").count(), 4);
    }
}
