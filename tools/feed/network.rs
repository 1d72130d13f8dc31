//! The sample network, in which no location is full and no item runs out: what is measured is the life of
//! orders and not what happens when something is short.

use anyhow::Context as _;
use std::path::Path;

/// Units of every item at every location that has it.
const UNITS: &str = "1000000";

/// Writes it into a folder.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let files = std::fs::read_dir(&sample).with_context(|| sample.display().to_string())?;
    for file in files {
        let name = file?.file_name();
        let (from, to) = (sample.join(&name), folder.join(&name));
        match name.to_str() {
            Some("stock.csv") => set(&from, &to, &[("on_hand", UNITS)])?,
            Some("locations.csv") => {
                set(
                    &from,
                    &to,
                    &[("shipments_per_day", ""), ("units_per_day", "")],
                )?;
            }
            // A unit that is kept back costs, and so would other places.
            Some("scarcity.csv" | "allocations.csv") => {}
            _ => drop(std::fs::copy(&from, &to)?),
        }
    }
    Ok(())
}

/// Copies a table with other values in some columns.
fn set(from: &Path, to: &Path, values: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut rows = csv::Reader::from_path(from)?;
    let mut out = csv::Writer::from_path(to)?;
    let names = rows.headers()?.clone();
    out.write_record(&names)?;
    for row in rows.records() {
        let row = row?;
        let cells = names.iter().zip(&row).map(|(name, cell)| {
            let other = values.iter().find(|(column, _)| *column == name);
            other.map_or(cell, |(_, value)| value)
        });
        out.write_record(cells)?;
    }
    out.flush()?;
    Ok(())
}
