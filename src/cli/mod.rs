//! The commands of the `allot` program.
//!
//! Each command is a file; this one only says what there is. Results go to standard output,
//! progress and errors to standard error, so that `--json` can be piped. Exit codes: 0 done, 1 it
//! failed (one line says why), 2 the command line is wrong.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this room talks to people"
)]

mod bench;
mod compare;
pub mod console;
mod demo;
mod explain;
mod folder_lock;
mod holds;
mod inspect;
mod plan;
mod progress;
mod reoptimize;
mod repair;
mod serve;
mod trace;
mod what_if;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// In-memory available-to-promise and order-routing engine.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  allot demo                         route 20,000 sample orders and compare with rules of thumb
  allot demo --json | jq .cost_cents
  allot bench                        what load a server holds on this machine
  allot compare-presets              what speed costs: a table, and a chart with --chart FILE.svg
  allot serve                        serve the sample network on 127.0.0.1:7411
  allot serve --network my-network --listen 127.0.0.1:7500
  allot inspect allot-data           what the server's data directory holds
  allot reoptimize --data-dir allot-data  what its open orders could save together
  allot cli ATP.GET SKU-00001        ask a running server
  allot cli                          the same, as a console with history and help"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Route a day's orders in this process and compare with the rules that shops use today.
    Demo(demo::DemoArgs),
    /// Route the same orders by every preset and by the rules of thumb: cost beside delivery days.
    ComparePresets(compare::CompareArgs),
    /// Play orders held for some hours and optimised together at their release: shipments and cost.
    CompareHolds(holds::HoldArgs),
    /// Serve a network over TCP; any Redis client can talk to it.
    Serve(serve::ServeArgs),
    /// Offer a load to a server of its own and print what it holds: throughput, latencies, the books.
    Bench(Box<bench::BenchArgs>),
    /// Look into a data directory: what its journal holds, and whether it is whole.
    Inspect(inspect::InspectArgs),
    /// Copy what is whole of a damaged data directory into a new one.
    Repair(repair::RepairArgs),
    /// Optimise all open orders together, on a snapshot or a data directory.
    Reoptimize(Box<reoptimize::ReoptimizeArgs>),
    /// Show a plan that `reoptimize` wrote, or have a server carry it out.
    Plan(plan::PlanArgs),
    /// Talk to a running server: a console, or one command.
    Cli(CliArgs),
    /// Print the reference of all server commands, as it stands in the README.
    Reference,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  allot cli                                       a console with history, completion and help
  allot cli ATP.GET SKU-00001 FOR 5               one command; exit code 1 when it is refused
  allot cli --json ORDER.GET shopify S1001 | jq
  allot cli --addr 10.0.0.5:7411 --password-file secret INFO
  allot cli < commands.txt                        one command a line")]
struct CliArgs {
    /// Where the server listens.
    #[arg(long, default_value = "127.0.0.1:7411", env = "ALLOT_ADDR")]
    addr: String,
    /// Print replies as JSON, one a line.
    #[arg(long)]
    json: bool,
    /// File whose first line is the server's password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A command to run once; without it a console starts, or commands are read from a pipe.
    #[arg(trailing_var_arg = true)]
    command: Vec<String>,
}

/// Runs the program on the process's own arguments.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::ComparePresets(args) => compare::run(&args),
        Command::CompareHolds(args) => holds::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Bench(args) => bench::run(*args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Repair(args) => repair::mend(&args),
        Command::Reoptimize(args) => reoptimize::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Cli(args) => console(args),
        Command::Reference => {
            emit(&crate::server::reference());
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("allot: {error:#}");
        ExitCode::FAILURE
    })
}

fn console(args: CliArgs) -> anyhow::Result<ExitCode> {
    let password = args
        .password_file
        .as_deref()
        .map(serve::read_password)
        .transpose()?;
    console::run(&console::ConsoleOptions {
        addr: args.addr,
        json: args.json,
        password: password.map(|p| p.0),
        command: args.command,
    })
}

/// Writes a result to standard output. A reader that has seen enough (`| head`) is no error.
fn emit(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Where the sample network is: beside the working directory, or in the checkout this was built
/// from.
fn sample_network() -> PathBuf {
    let here = PathBuf::from("data/us");
    if here.is_dir() {
        return here;
    }
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/us")
}
