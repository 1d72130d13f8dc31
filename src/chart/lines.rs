//! Lines and dots over two axes.

use super::axis::{Axis, Scale};
use super::page::escape;
use super::{BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Words, alone, figure, legend};
use std::fmt::Write as _;

/// A line of a chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// From the left.
    pub points: Vec<(f64, f64)>,
    /// Only dots.
    pub dots: bool,
}

/// A chart.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its title.
    pub title: String,
    /// What goes to the right.
    pub x: (String, Scale),
    /// What goes up.
    pub y: (String, Scale),
    /// The lines.
    pub series: Vec<Series>,
    /// Spans of x with a name.
    pub bands: Vec<(f64, f64, String)>,
    /// Heights of y with a name.
    pub lines: Vec<(f64, String)>,
    /// How a value of x and of y is written.
    pub words: (Words, Words),
}

impl Chart {
    /// As a figure of a page.
    #[must_use]
    pub fn figure(&self) -> String {
        match self.inside() {
            Some(inside) => figure(&self.title, (WIDTH, HEIGHT), &inside),
            None => format!(
                "<figure><figcaption>{}</figcaption><p class=\"none\">nothing was measured</p></figure>",
                escape(&self.title)
            ),
        }
    }

    /// As a file of its own.
    #[must_use]
    pub fn file(&self) -> String {
        let inside = self.inside().unwrap_or_default();
        alone(&self.title, (WIDTH, HEIGHT), &inside)
    }

    /// What is drawn; nothing without a point.
    fn inside(&self) -> Option<String> {
        let all = || self.series.iter().flat_map(|s| s.points.iter().copied());
        all().next()?;
        let mut out = String::new();
        let x = Axis::new(self.x.1, all().map(|p| p.0), LEFT, WIDTH - RIGHT);
        let heights = self.lines.iter().map(|l| l.0);
        let ys = all().map(|p| p.1).chain(heights);
        let y = Axis::new(self.y.1, ys, HEIGHT - BOTTOM, TOP);
        self.bands(&mut out, &x);
        self.axes(&mut out, &x, &y);
        for (height, name) in &self.lines {
            let at = y.place(*height);
            let _ = write!(
                out,
                "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"limit\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                WIDTH - RIGHT - 4.0,
                at - 4.0,
                escape(name)
            );
        }
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            self.line(&mut out, series, colour, &x, &y);
        }
        if self.series.len() > 1 {
            legend(&mut out, self.series.iter().map(|s| s.name.as_str()));
        }
        Some(out)
    }

    fn bands(&self, out: &mut String, x: &Axis) {
        for (from, to, name) in &self.bands {
            let (left, right) = (x.place(*from), x.place(*to).max(x.place(*from) + 2.0));
            let _ = write!(
                out,
                "<rect class=\"band\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\">\
                 <title>{}</title></rect>\
                 <text class=\"band\" x=\"{left:.1}\" y=\"{}\">{}</text>",
                right - left,
                HEIGHT - BOTTOM - TOP,
                escape(name),
                TOP + 11.0,
                escape(name)
            );
        }
    }

    fn axes(&self, out: &mut String, x: &Axis, y: &Axis) {
        let base = HEIGHT - BOTTOM;
        for tick in y.ticks() {
            let at = y.place(tick);
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 7.0,
                at + 4.0,
                escape(&(self.words.1)(tick))
            );
        }
        for tick in x.ticks() {
            let at = x.place(tick);
            let _ = write!(
                out,
                "<line class=\"tick\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{base}\" y2=\"{}\"/>\
                 <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                base + 4.0,
                base + 17.0,
                escape(&(self.words.0)(tick))
            );
        }
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{base}\" y2=\"{base}\"/>\
             <text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text class=\"name\" transform=\"translate(13 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            WIDTH - RIGHT,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 8.0,
            escape(&self.x.0),
            (TOP + base) / 2.0,
            escape(&self.y.0)
        );
    }

    fn line(&self, out: &mut String, series: &Series, colour: &str, x: &Axis, y: &Axis) {
        let places: Vec<(f64, f64)> = series
            .points
            .iter()
            .map(|(at, value)| (x.place(*at), y.place(*value)))
            .collect();
        if !series.dots {
            let path: Vec<String> = places
                .iter()
                .map(|(a, b)| format!("{a:.1},{b:.1}"))
                .collect();
            let _ = write!(
                out,
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" points=\"{}\"/>",
                path.join(" ")
            );
        }
        if series.dots || places.len() < 40 {
            for ((a, b), (at, value)) in places.iter().zip(&series.points) {
                let _ = write!(
                    out,
                    "<circle cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"3\" fill=\"{colour}\"><title>{}: {}, {}</title>\
                     </circle>",
                    escape(&series.name),
                    escape(&(self.words.0)(*at)),
                    escape(&(self.words.1)(*value))
                );
            }
        }
    }
}
