//! Charts as SVG and pages as HTML, written out: text from numbers, that loads nothing from anywhere.
//!
//! | file | what it draws |
//! | --- | --- |
//! | `lines` | lines and dots over two axes |
//! | `bars` | amounts side by side, by kind |
//! | `scatter` | points with a name each, that stay apart |
//! | `map` | what goes from place to place |
//! | `axis` | values to places on a page, with round ticks |
//! | `page` | the page around them |
//!
//! A chart is a *figure* of a page, or a file that stands alone with its own colours.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places on a page; nothing is computed from them"
)]

mod axis;
mod bars;
mod lines;
mod map;
mod page;
mod scatter;
mod words;

pub use axis::Scale;
pub use bars::{Bars, Group};
pub use lines::{Chart, Series};
pub use map::{Arrow, Map, Mark};
pub use page::{escape, page};
pub use scatter::{Label, Scatter};
pub use words::{money_of, plain, rate_of, share_of, time_of};

/// Writes a value.
pub type Words = fn(f64) -> String;

/// Colours that differ also for those who see few of them (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9",
];

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;

/// A drawing that stands alone: the figure's, on white and with its style in it.
fn alone(title: &str, (width, height): (f64, f64), inside: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 -34 {width} {}\" width=\"{width}\" \
         height=\"{}\" font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\" \
         role=\"img\">\n<title>{title}</title>\n<style>{}</style>\n\
         <rect y=\"-34\" width=\"{width}\" height=\"{}\" fill=\"#ffffff\"/>\n\
         <text class=\"title\" x=\"14\" y=\"-11\">{title}</text>\n{inside}\n</svg>\n",
        height + 34.0,
        height + 34.0,
        page::ALONE,
        height + 34.0,
    )
}

/// A drawing as a figure of a page.
fn figure(title: &str, (width, height): (f64, f64), inside: &str) -> String {
    let title = escape(title);
    format!(
        "<figure><figcaption>{title}</figcaption>\
         <svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">{inside}</svg></figure>"
    )
}

/// What the colours mean, in a row above the chart.
fn legend<'a>(out: &mut String, names: impl Iterator<Item = &'a str>) {
    use std::fmt::Write as _;
    let mut x = LEFT;
    for (name, colour) in names.zip(COLOURS.iter().cycle()) {
        let _ = write!(
            out,
            "<rect x=\"{x:.1}\" y=\"9\" width=\"12\" height=\"9\" rx=\"2\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"18\">{}</text>",
            x + 17.0,
            escape(name)
        );
        x += 17.0 + length(name) * 7.0 + 22.0;
    }
}

fn length(text: &str) -> f64 {
    text.chars().count() as f64
}
