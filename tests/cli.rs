//! The program as a user meets it: arguments in, text and exit codes out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use assert_cmd::Command;
use serde_json::Value;

fn allot() -> Command {
    Command::cargo_bin("allot").unwrap()
}

fn demo(arguments: &[&str]) -> Value {
    let output = allot()
        .arg("demo")
        .arg("--json")
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_demo_tells_programs_what_it_tells_people() {
    let report = demo(&["--count", "2000"]);
    for field in [
        "orders",
        "routed",
        "split",
        "backordered",
        "refused",
        "orders_per_second",
        "cost_cents",
        "nearest_first_cents",
        "greedy_split_cents",
        "oversold",
    ] {
        assert!(report[field].is_number(), "{field}: {report}");
    }
    for quantile in ["p50", "p99", "p999"] {
        assert!(
            report["decision_us"][quantile].as_f64().unwrap() > 0.0,
            "{quantile}"
        );
    }
    assert_eq!(report["orders"], 2000);
    assert_eq!(report["oversold"], 0);
    assert_eq!(report["drifted_counters"], 0);
    let cost = |field: &str| report[field].as_i64().unwrap();
    assert!(cost("cost_cents") < cost("nearest_first_cents"), "{report}");
    assert!(cost("cost_cents") < cost("greedy_split_cents"), "{report}");
}

#[test]
fn the_same_input_gives_the_same_answer() {
    let cents = |report: &Value| {
        [
            "cost_cents_by_part",
            "nearest_first_cents_by_part",
            "greedy_split_cents_by_part",
        ]
        .map(|field| report[field].clone())
    };
    let arguments = ["--seed", "7", "--count", "500"];
    let (one, two) = (demo(&arguments), demo(&arguments));
    assert_eq!(cents(&one), cents(&two));
    assert_ne!(
        cents(&one),
        cents(&demo(&["--seed", "8", "--count", "500"]))
    );
}

#[test]
fn people_get_the_comparison_an_explanation_and_what_to_do_next() {
    let output = allot().args(["demo", "--count", "1000"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "orders a second",
        "nearest first",
        "One split order in full",
        "next best",
        "What next",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn what_cannot_be_read_is_named_in_one_line() {
    let cases: [(&[&str], &str); 4] = [
        (&["demo", "--network", "/nonexistent"], "/nonexistent"),
        (
            &["demo", "--orders", "/nonexistent.csv"],
            "/nonexistent.csv",
        ),
        (
            &["serve", "--listen", "0.0.0.0:7411", "--data-dir", "/tmp"],
            "--password-file",
        ),
        (&["cli", "--addr", "127.0.0.1:1", "PING"], "127.0.0.1:1"),
    ];
    for (arguments, named) in cases {
        let output = allot().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        assert!(
            error.starts_with("allot: ") && error.contains(named),
            "{error}"
        );
    }
    let output = allot().arg("no-such-command").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn help_shows_examples() {
    for command in [
        vec!["--help"],
        vec!["demo", "--help"],
        vec!["compare-presets", "--help"],
        vec!["compare-holds", "--help"],
        vec!["serve", "--help"],
    ] {
        let output = allot().args(&command).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:"), "{command:?}:\n{text}");
    }
}

#[test]
fn presets_are_compared_in_a_table_and_on_a_chart() {
    let dir = tempfile::tempdir().unwrap();
    let chart = dir.path().join("presets.svg");
    let compare = |more: &[&str]| {
        let mut command = allot();
        command
            .args(["compare-presets", "--count", "400"])
            .args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json = compare(&["--json", "--chart", chart.to_str().unwrap()]);
    assert_eq!(
        json,
        compare(&["--json"]),
        "the same input, the same figures"
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    let of = |name: &str, field: &str| {
        let ways = json["ways"].as_array().unwrap();
        let way = ways.iter().find(|w| w["decided_by"] == name).unwrap();
        way[field].as_f64().unwrap()
    };
    for name in [
        "cheapest",
        "balanced",
        "fewest-shipments",
        "fastest",
        "nearest first",
    ] {
        assert_eq!(of(name, "orders") + of(name, "refused"), 400.0, "{name}");
    }
    let others = ["cheapest", "balanced", "fewest-shipments"];
    for name in others {
        assert!(of("fastest", "days") < of(name, "days"), "{name}");
        assert!(
            of("fastest", "freight_cents") > of(name, "freight_cents"),
            "{name}"
        );
        assert!(
            of("fewest-shipments", "shipments") <= of(name, "shipments"),
            "{name}"
        );
    }
    let drawn = std::fs::read_to_string(chart).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>\n"));
    assert!(drawn.contains(">fewest-shipments<") && !drawn.contains("href"));
    assert!(compare(&[]).contains("one location, else greedy split"));
}
