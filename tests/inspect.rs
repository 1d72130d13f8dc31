//! `allot inspect` and `allot repair` as a user meets them, on a directory with snapshots and facts
//! after them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/v1")
}

/// A copy that may be changed.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(golden()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

fn newest(dir: &Path) -> PathBuf {
    let mut all: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("snapshot-"))
        .collect();
    all.sort();
    all.pop().unwrap()
}

fn inspect(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::cargo_bin("allot").unwrap();
    let output = command.arg("inspect").arg(dir).args(arguments).output();
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let (_, text) = inspect(dir, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_snapshot_is_described_and_every_byte_verified() {
    let report = json(&golden(), &["--verify"]);
    let snapshots = report["snapshots"].as_array().unwrap();
    assert_eq!(snapshots.len(), 2);
    for snapshot in snapshots {
        for count in ["skus", "positions", "orders", "bytes", "last_fact"] {
            assert!(snapshot[count].as_u64().unwrap() > 0, "{count}: {snapshot}");
        }
        assert!(snapshot["refused"].is_null());
    }
    assert_eq!(report["state_hash"].as_str().unwrap().len(), 16);
    let (fine, text) = inspect(&golden(), &["--verify"]);
    assert!(fine && text.contains("every batch is whole"), "{text}");
    for word in ["positions", "orders", "state_hash"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn an_item_and_an_order_are_looked_up_in_the_newest_snapshot() {
    let item = &json(&golden(), &["--sku", "SKU-0"])["item"];
    assert_eq!(item["found"], true, "{item}");
    assert!(!item["positions"].as_array().unwrap().is_empty());
    assert_eq!(
        json(&golden(), &["--sku", "nothing"])["item"]["found"],
        false
    );
    let found: Vec<Value> = (0..40)
        .map(|id| json(&golden(), &["--order", "shop", &id.to_string()]))
        .filter(|answer| !answer["order"].is_null())
        .collect();
    assert!(found.len() > 3, "{} orders", found.len());
    for order in &found {
        assert!(order["order"]["state"].is_string(), "{order}");
        assert!(!order["order"]["lines"].as_array().unwrap().is_empty());
    }
}

#[test]
fn damage_is_named_and_the_exit_code_says_it() {
    let dir = copy();
    let path = newest(dir.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let (fine, text) = inspect(dir.path(), &["--verify"]);
    assert!(!fine && text.contains("cannot be used"), "{text}");
    // The state is brought back from the one before it.
    assert!(text.contains("state_hash"), "{text}");
}

#[test]
fn a_repaired_copy_takes_the_snapshots_along_that_are_old_enough() {
    let dir = copy();
    let report = json(dir.path(), &[]);
    let last = report["segments"].as_array().unwrap().last().unwrap();
    let until = format!("{}:{}", last["name"].as_str().unwrap(), last["bytes"]);
    let into = tempfile::tempdir().unwrap();
    let into = into.path().join("repaired");
    let mut command = Command::cargo_bin("allot").unwrap();
    let command = command.arg("repair").arg(dir.path());
    let command = command.args(["--until", &until, "--into"]).arg(&into);
    command.assert().success();
    let repaired = json(&into, &["--verify"]);
    let hash = |report: &Value| report["state_hash"].as_str().unwrap().to_owned();
    assert_eq!(repaired["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(hash(&repaired), hash(&json(dir.path(), &["--verify"])));
}
