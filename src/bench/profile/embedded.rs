//! The profiles that are part of the program.

use super::file::{Profile, ProfileError};

/// Name and text of each, in the order of the report.
pub const EMBEDDED: [(&str, &str); 11] = [
    ("day", include_str!("../../../data/profiles/day.toml")),
    (
        "flash-sale",
        include_str!("../../../data/profiles/flash-sale.toml"),
    ),
    ("browse", include_str!("../../../data/profiles/browse.toml")),
    ("stores", include_str!("../../../data/profiles/stores.toml")),
    ("b2b", include_str!("../../../data/profiles/b2b.toml")),
    (
        "backlog",
        include_str!("../../../data/profiles/backlog.toml"),
    ),
    (
        "returns",
        include_str!("../../../data/profiles/returns.toml"),
    ),
    (
        "inbound",
        include_str!("../../../data/profiles/inbound.toml"),
    ),
    (
        "consumers",
        include_str!("../../../data/profiles/consumers.toml"),
    ),
    (
        "restart",
        include_str!("../../../data/profiles/restart.toml"),
    ),
    (
        "reserve",
        include_str!("../../../data/profiles/reserve.toml"),
    ),
];

/// The profile of a name.
///
/// # Errors
/// [`ProfileError::Unknown`] when there is none of that name.
pub fn named(name: &str) -> Result<Profile, ProfileError> {
    let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = EMBEDDED.iter().map(|(known, _)| *known).collect();
        return Err(ProfileError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        });
    };
    Profile::parse(name, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::profile::{Load as _, Operation, Workload};

    #[test]
    fn every_profile_can_be_used() {
        for (name, text) in EMBEDDED {
            let profile = Profile::parse(name, text).unwrap_or_else(|e| panic!("{e}"));
            let tiny = profile.clone().tiny();
            tiny.check(name).unwrap_or_else(|e| panic!("{e}"));
            let written = toml::to_string(&profile).unwrap();
            assert_eq!(Profile::parse(name, &written).unwrap(), profile);
        }
        assert!(named("day").is_ok());
        let unknown = named("nacht").unwrap_err().to_string();
        assert!(unknown.contains("flash-sale"), "{unknown}");
    }

    #[test]
    fn every_number_in_a_profile_says_what_it_stands_for() {
        for (name, text) in EMBEDDED {
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with('#'),
                "{name} does not open with a sentence"
            );
            let comments = text.matches('#').count();
            assert!(comments >= 4, "{name} has {comments} comments");
        }
    }

    #[test]
    fn a_field_that_is_not_known_is_refused_by_name() {
        let (_, text) = EMBEDDED[0];
        let wrong = text.replace("warm_up_seconds", "warmup");
        let error = Profile::parse("mine", &wrong).unwrap_err().to_string();
        assert!(
            error.contains("warmup") && error.contains("mine"),
            "{error}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_commands_whoever_makes_them() {
        for (name, _) in EMBEDDED {
            let profile = named(name).unwrap().tiny();
            let (one, two) = (Workload::new(&profile, 5), Workload::new(&profile, 5));
            let other = Workload::new(&profile, 6);
            let forward: Vec<Operation> = (0..6_000).map(|n| one.operation(n)).collect();
            let mut backward: Vec<Operation> = (0..6_000).rev().map(|n| two.operation(n)).collect();
            backward.reverse();
            assert!(forward == backward, "{name}");
            let differs = (0u64..)
                .zip(&forward)
                .any(|(n, one)| other.operation(n) != *one);
            assert!(differs, "{name}");
        }
    }

    #[test]
    fn a_feed_counts_every_position_once_in_its_turn() {
        let mut profile = named("inbound").unwrap().tiny();
        (profile.catalogue.skus, profile.catalogue.warehouses) = (60, 5);
        profile.sizes.load_rows = 10;
        let workload = Workload::new(&profile, 3);
        let mut counts = std::collections::BTreeMap::new();
        // 300 positions are thirty loads; one command in eight is a load.
        for number in 0..240 {
            if let Operation::StockLoad { lines, .. } = workload.operation(number) {
                for line in lines {
                    *counts.entry((line.sku, line.location)).or_insert(0) += 1;
                }
            }
        }
        assert_eq!(counts.len(), 300);
        assert!(counts.values().all(|times| *times == 1));
    }

    #[test]
    fn a_flash_sale_is_on_one_item() {
        let workload = Workload::new(&named("flash-sale").unwrap(), 1);
        let mut lines = Vec::new();
        for number in 0..20_000 {
            if let Operation::Submit { lines: some, .. } = workload.operation(number) {
                lines.extend(some);
            }
        }
        let hot = lines.iter().filter(|line| line.sku == 0).count();
        let share = hot * 100 / lines.len();
        // Two lines of one order that name it become one.
        assert!((84..=91).contains(&share), "{share} %");
    }
}
