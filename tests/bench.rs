//! `allot bench` as a user meets it: a server of its own, a load, the books.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use assert_cmd::Command;
use serde_json::Value;

fn bench(arguments: &[&str]) -> Value {
    let output = Command::cargo_bin("allot")
        .unwrap()
        .args(["bench", "--tiny", "--json"])
        .args(arguments)
        .output()
        .unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{arguments:?}: {err}{out}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn the_representative_day_is_the_same_each_time_and_never_oversold() {
    let (one, two) = (bench(&[]), bench(&[]));
    for report in [&one, &two] {
        assert_eq!(report["check"]["oversold"], 0);
        assert_eq!(report["check"]["read_oversold"], 0);
        assert!(report["check"]["read"].as_u64().unwrap() > 0);
        assert_eq!(report["all"]["failed"], 0);
        let commands = report["commands"].as_array().unwrap();
        let names: Vec<&str> = commands
            .iter()
            .map(|c| c["command"].as_str().unwrap())
            .collect();
        for name in ["ATP.GET", "ORDER.SUBMIT", "FULFILLMENT.SHIP"] {
            assert!(names.contains(&name), "{names:?}");
        }
    }
    assert_eq!(one["commands_hash"], two["commands_hash"]);
}

#[test]
fn reservations_add_up_in_a_closed_loop() {
    let report = bench(&["--profile", "reserve", "--rate", "max", "--seconds", "1"]);
    let check = &report["check"];
    assert_eq!(check["granted"], check["reserved"], "{check}");
    assert!(check["reserved"].as_u64().unwrap() > 0);
    assert_eq!(report["pacing"], "closed");
}

#[test]
fn a_server_that_is_killed_loses_no_order_and_no_client() {
    let report = bench(&["--profile", "restart"]);
    let all = &report["all"];
    assert_eq!(
        (&all["failed"], &all["unanswered"]),
        (&0.into(), &0.into()),
        "{all}"
    );
    assert!(report["driver"]["reconnects"].as_u64().unwrap() > 0);
    assert!(
        report["marks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["what"] == "killed and restarted")
    );
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    for (arguments, words) in [
        (&["--profile", "nothing"][..], "flash-sale"),
        (&["--rate", "fast"], "commands a second"),
        (&["--depth", "0"], "run.depth"),
    ] {
        let output = Command::cargo_bin("allot")
            .unwrap()
            .arg("bench")
            .args(arguments)
            .output();
        let output = output.unwrap();
        assert!(!output.status.success());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn a_result_is_compared_with_itself_and_with_a_worse_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (a, b) = (path("a.json"), path("b.json"));
    let report = bench(&["--profile", "reserve", "--rate", "max", "--seconds", "1"]);
    let mut worse = report.clone();
    worse["per_second"] = (report["per_second"].as_f64().unwrap() / 2.0).into();
    std::fs::write(&a, report.to_string()).unwrap();
    std::fs::write(&b, worse.to_string()).unwrap();
    let compare = |a: &str, b: &str| {
        let mut command = Command::cargo_bin("allot").unwrap();
        command
            .args(["bench", "compare", a, b])
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(compare(&a, &a), Some(0));
    assert_eq!(compare(&a, &b), Some(1));
    assert_eq!(compare(&b, &a), Some(0));
}

#[test]
fn a_trace_is_replayed_and_its_page_loads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let output = Command::cargo_bin("allot")
        .unwrap()
        .args([
            "bench",
            "replay",
            "data/us/orders.csv",
            "--speed",
            "20000x",
            "--count",
            "300",
            "--json",
        ])
        .arg("--html")
        .arg(file("page.html"))
        .arg("--hlog")
        .arg(file("log.hlog"))
        .output()
        .unwrap();
    assert!(
        !output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let page = std::fs::read_to_string(file("page.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("ORDER.SUBMIT"));
    assert!(!page.contains("http") && !page.contains("<script"));
    let log = std::fs::read_to_string(file("log.hlog")).unwrap();
    assert!(log.contains("Tag=ORDER.SUBMIT,"), "{log}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["all"]["done"], 300);
    assert_eq!(report["check"]["oversold"], 0);
}

#[test]
fn returns_follow_from_what_the_desk_reads() {
    let report = bench(&["--profile", "returns"]);
    let done = |name: &str| {
        let commands = report["commands"].as_array().unwrap();
        let row = commands.iter().find(|row| row["command"] == name);
        row.map_or(0, |row| row["done"].as_u64().unwrap())
    };
    assert!(done("RETURN.AUTHORIZE") > 0, "{report}");
    assert!(done("RETURN.RECEIVE") >= done("RETURN.AUTHORIZE"));
    assert!(done("RETURN.GRADE") >= done("RETURN.RECEIVE"));
    assert_eq!(report["check"]["oversold"], 0);
}

fn capacity(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("allot").unwrap();
    command
        .args(["bench", "capacity", "--tiny"])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn capacity_is_searched_for_every_profile_and_durability_that_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (json, page, log) = (file("a.json"), file("a.html"), file("a.hlog"));
    // An objective that every machine holds: what is tried, how it is told, and not how fast it is.
    let output = capacity(&[
        "--profiles=reserve,browse",
        "--durabilities=none",
        "--sizes=200x3",
        "--slo=p50<100s",
        "--trial-seconds=2",
        "--confirmations=0",
        "--rate=100",
        "--most=200",
        "--json",
        &json,
        "--html",
        &page,
        "--hlog",
        &log,
    ]);
    let (out, err) = (output.stdout, output.stderr);
    let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
    assert!(output.status.success(), "{err}{out}");
    for line in [
        "[1/2] reserve, durability none, 200 SKUs x 3 locations",
        "[2/2] browse",
        " left",
    ] {
        assert!(err.contains(line), "{line}: {err}");
    }
    for line in [
        "200 commands/s hold p50 < 100000 ms",
        "knee ",
        "SKUs x locations",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let text = std::fs::read_to_string(&json).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    for search in result["searches"].as_array().unwrap() {
        assert_eq!(search["found"]["holds"], 200.0, "{search}");
        assert_eq!(search["found"]["complete"], true);
        assert_eq!(
            (&search["skus"], &search["locations"]),
            (&200.into(), &3.into())
        );
        assert_eq!(search["run"]["check"]["oversold"], 0);
    }
    assert!(
        std::fs::read_to_string(&page)
            .unwrap()
            .contains("Latency by rate")
    );
    assert!(
        std::fs::read_to_string(&log)
            .unwrap()
            .contains("Tag=ATP.GET,")
    );
    // The same again is no worse; half of it is.
    std::fs::write(
        file("b.json"),
        text.replace("\"holds\": 200.0", "\"holds\": 100.0"),
    )
    .unwrap();
    let compare = |b: &str| {
        let mut command = Command::cargo_bin("allot").unwrap();
        let output = command.args(["bench", "compare", &json, b]).output();
        output.unwrap().status.code()
    };
    assert_eq!(
        (compare(&json), compare(&file("b.json"))),
        (Some(0), Some(1))
    );
}

#[test]
fn a_load_to_come_is_answered_from_runs_of_its_kind() {
    let output = capacity(&[
        "--target=50 orders/s at peak, 400 SKUs, 4 locations, 1000 open orders",
        "--trial-seconds=2",
        "--json",
    ]);
    let (out, err) = (output.stdout, output.stderr);
    let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
    assert!(output.status.success(), "{err}{out}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["runs"].as_array().unwrap().len(), 6);
    let needs = result["plan"]["needs"].as_array().unwrap();
    let names: Vec<&str> = needs.iter().map(|n| n["what"].as_str().unwrap()).collect();
    assert_eq!(names, ["cores", "memory", "disk", "bandwidth"]);
    assert!(err.contains("[6/6] 400 SKUs x 4 locations"), "{err}");
}

#[test]
fn a_profiles_network_is_written_for_a_server_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("network");
    let write = || {
        let mut command = Command::cargo_bin("allot").unwrap();
        let output = command.args(["bench", "network", "--tiny", "--profile=stores"]);
        output.arg(&folder).output().unwrap()
    };
    let output = write();
    let (out, err) = (output.stdout, output.stderr);
    let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
    assert!(
        output.status.success() && out.contains("allot serve --network"),
        "{err}{out}"
    );
    assert!(folder.join("locations.csv").is_file());
    let again = write();
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
}

#[test]
fn what_a_search_cannot_do_is_refused_before_it_begins() {
    for (argument, words) in [
        ("--profiles=day,nothing", "flash-sale"),
        ("--slo=p99", "p99<5ms"),
        ("--sizes=0x4", "items x places"),
        ("--precision=1", "1.02"),
        ("--trial-seconds=1", "2..=3600"),
        ("--rate=max", "search begins"),
        ("--seconds=9", "--trial-seconds"),
        ("--minutes=0", "above 0"),
        ("--target=2000 orders", "no orders/s"),
        ("--target=mysql://x", "redis://host:port"),
    ] {
        let output = capacity(&[argument]);
        assert!(!output.status.success(), "{argument}");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(err.contains(words), "{argument}: {err}");
        assert!(!err.contains("[1/"), "{argument}: {err}");
    }
}
