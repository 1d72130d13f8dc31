//! Amounts side by side, by kind: bars in groups.

use super::axis::{Axis, Scale};
use super::page::escape;
use super::{BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Words, alone, figure, legend};
use std::fmt::Write as _;

/// A kind, with one value for each series.
#[derive(Debug, Clone)]
pub struct Group {
    /// What it is.
    pub name: String,
    /// By series.
    pub values: Vec<f64>,
}

/// A chart of bars.
#[derive(Debug, Clone)]
pub struct Bars {
    /// Its title.
    pub title: String,
    /// What the groups are.
    pub x: String,
    /// What is counted.
    pub y: String,
    /// Names of the series.
    pub series: Vec<String>,
    /// The groups, from the left.
    pub groups: Vec<Group>,
    /// How a value is written.
    pub words: Words,
}

impl Bars {
    /// As a figure of a page.
    #[must_use]
    pub fn figure(&self) -> String {
        figure(&self.title, (WIDTH, HEIGHT), &self.inside())
    }

    /// As a file of its own.
    #[must_use]
    pub fn file(&self) -> String {
        alone(&self.title, (WIDTH, HEIGHT), &self.inside())
    }

    fn inside(&self) -> String {
        let mut out = String::new();
        let values = self.groups.iter().flat_map(|g| g.values.iter().copied());
        let y = Axis::new(Scale::Linear, values, HEIGHT - BOTTOM, TOP);
        let right = WIDTH - RIGHT;
        for tick in y.ticks() {
            let at = y.place(tick);
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 7.0,
                at + 4.0,
                escape(&(self.words)(tick))
            );
        }
        let wide = (right - LEFT) / self.groups.len().max(1) as f64;
        let bar = (wide * 0.74 / self.series.len().max(1) as f64).min(46.0);
        for (number, group) in self.groups.iter().enumerate() {
            self.group(
                &mut out,
                group,
                LEFT + wide * (number as f64 + 0.5),
                bar,
                &y,
            );
        }
        let zero = y.place(0.0);
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{zero:.1}\" y2=\"{zero:.1}\"/>\
             <text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text class=\"name\" transform=\"translate(13 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 8.0,
            escape(&self.x),
            f64::midpoint(TOP, HEIGHT - BOTTOM),
            escape(&self.y)
        );
        legend(&mut out, self.series.iter().map(String::as_str));
        out
    }

    fn group(&self, out: &mut String, group: &Group, middle: f64, bar: f64, y: &Axis) {
        let left = middle - bar * group.values.len() as f64 / 2.0;
        let zero = y.place(0.0);
        let named = group.values.iter().zip(COLOURS.iter().cycle()).enumerate();
        for (number, (value, colour)) in named {
            let at = y.place(*value);
            let _ = write!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\">\
                 <title>{}, {}: {}</title></rect>",
                left + bar * number as f64 + 1.0,
                at.min(zero),
                (bar - 2.0).max(1.0),
                (zero - at).abs(),
                escape(&group.name),
                escape(self.series.get(number).map_or("", String::as_str)),
                escape(&(self.words)(*value))
            );
        }
        let _ = write!(
            out,
            "<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM + 17.0,
            escape(&group.name)
        );
    }
}
