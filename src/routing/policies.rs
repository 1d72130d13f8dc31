//! Which weights and limits an order is routed by: the network's, changed by its channel's, by a
//! preset and by its own, in this order.

use crate::model::{Cents, Invalid, Network, Policy, PolicyOverrides};
use foldhash::HashMap;

/// Presets that every network has; one of the same name in the network replaces it.
///
/// | name | what it changes |
/// | --- | --- |
/// | `balanced` | nothing |
/// | `cheapest` | time has no value, only a missed promise costs |
/// | `fastest` | a day costs 100 major units: a day earlier is worth any usual postage |
/// | `fewest-shipments` | a further shipment costs 1,000 major units |
///
/// In the last two a unit that is left short costs 10,000: no plan is faster, or in fewer shipments,
/// for shipping less.
const BUILT_IN: [(&str, PolicyOverrides); 4] = [
    ("balanced", NOTHING),
    (
        "cheapest",
        PolicyOverrides {
            speed_value_per_day: Some(Cents(0)),
            ..NOTHING
        },
    ),
    (
        "fastest",
        PolicyOverrides {
            speed_value_per_day: Some(Cents(10_000)),
            short_per_unit: Some(SHORT),
            ..NOTHING
        },
    ),
    (
        "fewest-shipments",
        PolicyOverrides {
            split_penalty: Some(Cents(100_000)),
            short_per_unit: Some(SHORT),
            ..NOTHING
        },
    ),
];

/// More than any days or shipments come to.
const SHORT: Cents = Cents(1_000_000);

const NOTHING: PolicyOverrides = PolicyOverrides {
    split_penalty: None,
    speed_value_per_day: None,
    late_per_day: None,
    short_per_unit: None,
    max_shipments: None,
    ship_complete: None,
    allow_backorder: None,
    min_value_to_split: None,
    effort_percent: None,
};

/// The policies of a network.
#[derive(Debug)]
pub(super) struct Policies {
    default: Policy,
    channels: HashMap<Box<str>, PolicyOverrides>,
    presets: HashMap<Box<str>, PolicyOverrides>,
}

impl Policies {
    pub(super) fn new(network: &Network) -> Self {
        let built_in = BUILT_IN.iter().map(|&(name, policy)| (name.into(), policy));
        let own = network.presets.iter().cloned();
        Self {
            default: network.policy,
            channels: network.channels.iter().cloned().collect(),
            presets: built_in.chain(own).collect(),
        }
    }

    pub(super) fn of(
        &self,
        channel: &str,
        preset: Option<&str>,
        own: &PolicyOverrides,
    ) -> Result<Policy, Invalid> {
        let mut policy = self.default;
        if let Some(channel) = self.channels.get(channel) {
            policy = channel.over(&policy);
        }
        if let Some(name) = preset {
            let preset = self.presets.get(name).ok_or_else(|| self.unknown(name))?;
            policy = preset.over(&policy);
        }
        // Whoever sends an order may ask for less work, not for more.
        let effort_percent = own.effort_percent.unwrap_or(policy.effort_percent);
        let most = policy.effort_percent;
        Ok(Policy {
            effort_percent: effort_percent.min(most),
            ..own.over(&policy)
        })
    }

    /// The presets by name.
    pub(super) fn presets(&self) -> Vec<&str> {
        let mut known: Vec<&str> = self.presets.keys().map(|name| &**name).collect();
        known.sort_unstable();
        known
    }

    fn unknown(&self, name: &str) -> Invalid {
        let expected = format!("one of {}", self.presets().join(", "));
        Invalid::new("policy.preset", name, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(cents: i64) -> PolicyOverrides {
        PolicyOverrides {
            speed_value_per_day: Some(Cents(cents)),
            ..NOTHING
        }
    }

    #[test]
    fn an_order_may_ask_for_less_work_than_its_preset_allows_not_for_more() {
        let effort = |percent| PolicyOverrides {
            effort_percent: Some(percent),
            ..NOTHING
        };
        let network = Network {
            presets: vec![("nightly".into(), effort(1_000))],
            ..Network::default()
        };
        let policies = Policies::new(&network);
        let of = |preset, percent| {
            let policy = policies.of("web", preset, &effort(percent)).unwrap();
            policy.effort_percent
        };
        assert_eq!((of(None, 1_000), of(None, 5)), (100, 5));
        let nightly = Some("nightly");
        assert_eq!((of(nightly, 10_000), of(nightly, 500)), (1_000, 500));
    }

    #[test]
    fn an_order_wins_over_its_preset_that_over_the_channel_that_over_the_network() {
        let network = Network {
            channels: vec![("web".into(), speed(60))],
            presets: vec![("gift".into(), speed(70)), ("cheapest".into(), speed(1))],
            ..Network::default()
        };
        let policies = Policies::new(&network);
        let of = |channel, preset, own| {
            let policy = policies.of(channel, preset, &own);
            policy.unwrap().speed_value_per_day.0
        };
        assert_eq!(of("shop", None, NOTHING), 40);
        assert_eq!(of("web", None, NOTHING), 60);
        assert_eq!(of("web", Some("balanced"), NOTHING), 60);
        assert_eq!(of("web", Some("gift"), NOTHING), 70);
        assert_eq!(of("web", Some("gift"), speed(80)), 80);
        assert_eq!(of("shop", Some("fastest"), NOTHING), 10_000);
        assert_eq!(
            of("shop", Some("cheapest"), NOTHING),
            1,
            "the network's own"
        );
        let unknown = policies.of("web", Some("quickest"), &NOTHING).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "policy.preset is 'quickest'; expected one of balanced, cheapest, fastest, \
             fewest-shipments, gift"
        );
    }
}
