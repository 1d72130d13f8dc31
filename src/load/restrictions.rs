//! What may not ship where: `restrictions.csv`, and `regions.csv` for the regions it names. Both may
//! be absent.

use super::LoadError;
use super::field::{Field, class};
use super::names::{Names, hint};
use super::supply::Known;
use super::table::{Column, ROWS_MAX, Table, may, must};
use crate::model::{Invalid, RegionPart, Restriction, Service, ServiceId};
use std::collections::HashSet;
use std::path::Path;

const REGION: [Column; 3] = [must("region"), must("country"), must("postal_prefix")];
const RESTRICTION: [Column; 4] = [may("location"), may("service"), may("class"), may("region")];

/// Classes of items that need no ability.
const ORDINARY: [&str; 2] = ["standard", "general"];

/// What the two files say.
#[derive(Debug, Default)]
pub(super) struct Restricted {
    pub(super) regions: Vec<RegionPart>,
    pub(super) restrictions: Vec<Restriction>,
}

/// Reads both files in `dir`.
pub(super) fn restricted(
    dir: &Path,
    known: &Known<'_>,
    services: &[Service],
) -> Result<Restricted, LoadError> {
    let regions = regions(&dir.join("regions.csv"))?;
    let file = dir.join("restrictions.csv");
    let Some(table) = Table::open_optional(&file, &RESTRICTION, ROWS_MAX)? else {
        let restrictions = Vec::new();
        return Ok(Restricted {
            regions,
            restrictions,
        });
    };
    let services = Names::new(
        "a service of services.csv",
        services.iter().map(|s| &*s.id),
        ServiceId::from_index,
    );
    let names: HashSet<&str> = regions.iter().map(|part| &*part.region).collect();
    let restrictions = table.rows(|fields| restriction(known, &services, &names, fields))?;
    Ok(Restricted {
        regions,
        restrictions,
    })
}

/// Reads `regions.csv`.
fn regions(file: &Path) -> Result<Vec<RegionPart>, LoadError> {
    let Some(table) = Table::open_optional(file, &REGION, ROWS_MAX)? else {
        return Ok(Vec::new());
    };
    let parts = table.rows(|[region, country, postal_prefix]| {
        Ok(RegionPart {
            region: class(region)?,
            country: country.country()?.into(),
            postal_prefix: postal_prefix
                .optional(Field::postal)?
                .unwrap_or_default()
                .into(),
        })
    })?;
    table.check_unique(
        "region, country, postal_prefix",
        parts
            .iter()
            .map(|part| (&part.region, &part.country, &part.postal_prefix)),
        |row| {
            let part = &parts[row];
            format!("{}, {}, {}", part.region, part.country, part.postal_prefix)
        },
    )?;
    Ok(parts)
}

fn restriction(
    known: &Known<'_>,
    services: &Names<'_, ServiceId>,
    regions: &HashSet<&str>,
    [location, service, item_class, region]: [Field<'_>; 4],
) -> Result<Restriction, Invalid> {
    let row = Restriction {
        location: location.optional(|f| known.places.find(f))?,
        service: service.optional(|f| services.find(f))?,
        class: item_class.optional(class)?.unwrap_or_default(),
        region: region.optional(class)?.unwrap_or_default(),
    };
    if row == Restriction::default() {
        return Err(location.refuse("a value in at least one of the columns"));
    }
    if ORDINARY.contains(&&*row.class) {
        return Err(item_class.refuse("a class that needs an ability, or nothing for all items"));
    }
    if row.location.is_some() && row.service.is_some() && !row.class.is_empty() {
        return Err(item_class.refuse("nothing, because there are a location and a service"));
    }
    // A region that nobody lives in is a misspelt one.
    if !row.region.is_empty() && !regions.contains(&*row.region) {
        let near = hint(&row.region, regions.iter().copied()).unwrap_or_default();
        return Err(region.refuse(format!("a region of regions.csv{near}")));
    }
    Ok(row)
}
