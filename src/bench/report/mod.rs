//! Reports that outlive the terminal: HTML with charts, logs for HdrHistogram's viewers, comparisons.

mod compare;
mod hlog;
mod html;

pub use compare::{Comparison, Verdict, compare};
pub use hlog::write as write_hlog;
pub use html::page;

use super::capacity::{Answered, Found};
use super::run::Report;
use serde::{Deserialize, Serialize};

/// Everything that one call of `allot bench` found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// Version of the shape.
    pub format: u32,
    /// Runs; several of the same profile are repeats.
    #[serde(default)]
    pub runs: Vec<Report>,
    /// Searches for the highest rate; several of the same are repeats.
    #[serde(default)]
    pub searches: Vec<Searched>,
    /// What a load to come needs, by these runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Answered>,
}

/// A search, and for what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Searched {
    /// Name of the profile.
    pub profile: String,
    /// Its title.
    pub title: String,
    /// When a reply to a write leaves.
    pub durability: String,
    /// Items.
    pub skus: u32,
    /// Places.
    pub locations: u32,
    /// What had to hold.
    pub objective: String,
    /// Orders a second at the highest rate that held.
    pub orders_per_second: f64,
    /// What was found.
    pub found: Found,
    /// Where waiting begins.
    pub knee: Option<f64>,
    /// The longer run that confirmed the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Report>,
}

impl Results {
    /// Of runs alone.
    #[must_use]
    pub fn of(runs: Vec<Report>) -> Self {
        Self {
            format: super::run::FORMAT,
            runs,
            searches: Vec::new(),
            plan: None,
        }
    }

    /// Reads what was written as JSON: results, or one report.
    ///
    /// # Errors
    /// With what is wrong, when it is neither, or of another version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let format = value["format"].as_u64().unwrap_or(0);
        if format != u64::from(super::run::FORMAT) {
            let expected = super::run::FORMAT;
            return Err(format!(
                "its format is {format}; expected {expected}: made by another version"
            ));
        }
        if value["runs"].is_array() {
            return serde_json::from_value(value).map_err(|e| e.to_string());
        }
        let report: Report = serde_json::from_value(value).map_err(|e| e.to_string())?;
        Ok(Self::of(vec![report]))
    }
}
