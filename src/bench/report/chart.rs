//! Charts as SVG, written out: a page of them needs no script and no network.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places on a page"
)]

use std::fmt::Write as _;

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;
/// Colours that differ also for those who see few of them (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9",
];

/// Writes a value.
pub(super) type Words = fn(f64) -> String;

/// How a scale is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly, from 0.
    Linear,
    /// By powers of ten.
    Log,
}

/// A line of a chart.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// Only dots.
    pub(super) dots: bool,
}

/// A chart.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x: (String, Scale),
    pub(super) y: (String, Scale),
    pub(super) series: Vec<Series>,
    /// Spans of x with a name.
    pub(super) bands: Vec<(f64, f64, String)>,
    /// Heights of y with a name.
    pub(super) lines: Vec<(f64, String)>,
    /// How a value of x and of y is written.
    pub(super) words: (Words, Words),
}

struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(scale: Scale, values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let positive = values.clone().filter(|v| *v > 0.0);
        let most = values.fold(0.0f64, f64::max).max(1e-9);
        let (low, high) = match scale {
            Scale::Linear => (0.0, most * 1.05),
            Scale::Log => {
                let least = positive.fold(f64::INFINITY, f64::min).min(most);
                // A decade at least, so that a flat line is not drawn as noise.
                let (low, high) = (least / 1.2, most * 1.2);
                if high / low < 10.0 {
                    ((low * high).sqrt() / 3.2, (low * high).sqrt() * 3.2)
                } else {
                    (low, high)
                }
            }
        };
        Self {
            scale,
            low,
            high,
            from,
            to,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let rough = (self.high - self.low) / 5.0;
                let power = 10f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0]
                    .into_iter()
                    .map(|times| times * power)
                    .find(|step| *step >= rough)
                    .unwrap_or(rough);
                let count = (self.high / step).floor() as u32;
                (0..=count).map(|n| f64::from(n) * step).collect()
            }
            Scale::Log => {
                let decades = (self.high / self.low).log10();
                let inside: &[f64] = if decades < 2.5 {
                    &[1.0, 2.0, 5.0]
                } else {
                    &[1.0]
                };
                let first = self.low.log10().floor() as i32;
                let last = self.high.log10().ceil() as i32;
                (first..=last)
                    .flat_map(|power| inside.iter().map(move |times| times * 10f64.powi(power)))
                    .filter(|tick| (self.low..=self.high).contains(tick))
                    .collect()
            }
        }
    }
}

impl Chart {
    /// The chart as a figure.
    pub(super) fn svg(&self) -> String {
        let all = || self.series.iter().flat_map(|s| s.points.iter().copied());
        let mut out = String::new();
        let title = escape(&self.title);
        let _ = write!(out, "<figure><figcaption>{title}</figcaption>");
        if all().next().is_none() {
            out.push_str("<p class=\"none\">nothing was measured</p></figure>");
            return out;
        }
        let x = Axis::new(self.x.1, all().map(|p| p.0), LEFT, WIDTH - RIGHT);
        let heights = self.lines.iter().map(|l| l.0);
        let ys = all().map(|p| p.1).chain(heights);
        let y = Axis::new(self.y.1, ys, HEIGHT - BOTTOM, TOP);
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">"
        );
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
        out.push_str("</svg>");
        self.legend(&mut out);
        out.push_str("</figure>");
        out
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

    fn legend(&self, out: &mut String) {
        if self.series.len() < 2 {
            return;
        }
        out.push_str("<p class=\"legend\">");
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let name = escape(&series.name);
            let _ = write!(
                out,
                "<span><i style=\"background:{colour}\"></i>{name}</span>"
            );
        }
        out.push_str("</p>");
    }
}

/// Text as HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
