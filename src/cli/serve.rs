//! `allot serve`: an engine behind a socket.

use super::{emit, folder_lock, progress, sample_network};
use crate::engine::{Engine, FactSink, Limits, Opened, Replay, Step};
use crate::journal::{Durability, Journal, Options, RealDisk};
use crate::load;
use crate::server::{Clock, Early, Opener, Password, Server, ServerConfig, SnapshotPlan};
use anyhow::{Context as _, bail};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Arguments of `allot serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  allot serve
  allot serve --data-dir /var/lib/allot --network my-network --listen 127.0.0.1:7411
  redis-cli -p 7411 ATP.GET SKU-00001")]
pub(super) struct ServeArgs {
    /// Folder that belongs to this server alone; a second server on it is refused. Made if absent.
    #[arg(long, value_name = "DIR", default_value = "allot-data")]
    data_dir: PathBuf,
    /// When a reply to a write may leave: `sync`, once the disk has it; `interval:MS`, at once, and the
    /// disk gets it within so many milliseconds; `none`, at once, and the system writes when it likes.
    #[arg(long, value_name = "MODE", default_value_t = Durability::Sync)]
    durability: Durability,
    /// Take a snapshot once the journal has grown by so many MiB, so that a start has no more than
    /// that to read; 0 for never.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    snapshot_every_mb: u64,
    /// Take a snapshot once the last one is so old and something has happened since; 0 for never.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    snapshot_every_minutes: u64,
    /// Keep so many of the newest events of each stream, over restarts too; 0 for no event feed.
    #[arg(long, value_name = "EVENTS", default_value_t = 1_000_000)]
    feed_keep: usize,
    /// Network folder: locations, items, tariffs, stock (CSV and TOML). The sample when absent.
    #[arg(long, value_name = "DIR")]
    network: Option<PathBuf>,
    /// Address to listen on. Anything but loopback needs a password and --insecure-public.
    #[arg(long, default_value = "127.0.0.1:7411")]
    listen: SocketAddr,
    /// File whose first line is the password that clients must give. Only its owner may read it.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Listen beyond loopback although the protocol is not encrypted.
    #[arg(long)]
    insecure_public: bool,
    /// Most connections at once.
    #[arg(long, default_value_t = 1024)]
    connections_max: usize,
    /// Most lines of one order or reservation.
    #[arg(long, default_value_t = Limits::default().lines)]
    lines_max: usize,
    /// Threads that serve connections; one a core when absent.
    #[arg(long)]
    threads: Option<usize>,
    /// Threads that route the orders of ORDER.ROUTEBATCH; one a core when absent.
    #[arg(long)]
    batch_threads: Option<usize>,
    /// Threads of BACKLOG.OPTIMIZE, at low priority.
    #[arg(long, default_value_t = 1)]
    backlog_threads: usize,
}

pub(super) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("ALLOT_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        .init();
    let password = args
        .password_file
        .as_deref()
        .map(read_password)
        .transpose()?;
    check_exposure(args, password.is_some())?;
    let _lock = folder_lock::take(&args.data_dir)?;
    let config = ServerConfig {
        listen: args.listen,
        password,
        connections_max: args.connections_max,
        feed_keep: args.feed_keep,
        backlog_threads: args.backlog_threads,
        workers: args.batch_threads.filter(|&threads| threads > 0),
        ..ServerConfig::default()
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = args.threads {
        builder.worker_threads(threads.max(1));
    }
    let runtime = builder
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(Arc::new(args.clone()), config))
}

/// Listens at once, and reads all state while what is asked already is answered as far as it can.
async fn serve(args: Arc<ServeArgs>, config: ServerConfig) -> anyhow::Result<ExitCode> {
    let listen = config.listen;
    let server = Server::listen(config)
        .await
        .with_context(|| format!("cannot listen on {listen}; is another server running there?"))?;
    let (address, opener, stop) = (server.address(), server.opener(), server.stop_handle());
    tracing::info!(%address, "reading state");
    let stopper = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping");
        stopper.stop();
        wait_for_signal().await;
        std::process::exit(1);
    });
    if !listen.ip().is_loopback() {
        tokio::spawn(warn_of_exposure());
    }
    let opening = tokio::task::spawn_blocking(move || {
        let opened = open(&args, &opener);
        match &opened {
            Ok(state) => state.tell(&args, address),
            // Nobody can be served.
            Err(_) => stop.stop(),
        }
        opened.map(|state| state.journal)
    });
    server.serve().await;
    let journal = opening
        .await
        .context("the thread that reads state died")??;
    journal
        .close()
        .map_err(|reason| anyhow::anyhow!("the journal could not be closed: {reason}"))?;
    Ok(ExitCode::SUCCESS)
}

/// What a server was opened with.
struct State {
    engine: Arc<Engine>,
    journal: Journal,
}

/// Reads all state and opens the server.
fn open(args: &ServeArgs, opener: &Opener) -> anyhow::Result<State> {
    let disk = Arc::new(RealDisk);
    if let Some(early) = Early::of(&*disk, &args.data_dir) {
        opener.early(early);
    }
    let folder = args.network.clone().unwrap_or_else(sample_network);
    let spinner = progress::spinner(&format!("reading {}", folder.display()));
    let files = load::network_folder(&folder)?;
    let clock = Clock::start();
    let limits = Limits {
        lines: args.lines_max,
        ..Limits::default()
    };
    let data_dir = args.data_dir.display();
    spinner.set_message(format!("reading {data_dir}"));
    let options = Options {
        durability: args.durability,
        ..Options::default()
    };
    let step = |step| match step {
        Step::Snapshot(done, of) => {
            spinner.set_message(format!("reading the snapshot: {done} of {of} parts"));
        }
        Step::Facts(facts) => spinner.set_message(format!("reading the journal: {facts} facts")),
    };
    let fresh = || Replay::new(files.network.clone(), limits);
    let opened = Replay::open(disk.clone(), &args.data_dir, options, &fresh, &step)?;
    tell_recovered(&opened);
    let Opened {
        replay,
        journal,
        recovered,
        last_at,
        ..
    } = opened;
    // What has run out by the last fact must not count again, whatever the wall clock says.
    let clock = clock.not_before(last_at);
    let sink: Box<dyn FactSink> = Box::new(journal.clone());
    let engine = replay.finish(files.opening, Some(sink), recovered.last, clock.now())?;
    let engine = Arc::new(engine);
    if let Some(demand) = &files.network.pricing.demand {
        let orders = load::orders_file(&folder.join(demand), None, None)?.orders;
        engine.expect_orders(orders.into_iter().map(Arc::new).collect());
    }
    let plan = SnapshotPlan {
        disk,
        dir: args.data_dir.clone(),
        every_bytes: Some(args.snapshot_every_mb << 20).filter(|&b| b > 0),
        every: Some(Duration::from_secs(60 * args.snapshot_every_minutes)).filter(|e| !e.is_zero()),
        behind: recovered.bytes,
    };
    take_small_pages();
    opener.open(engine.clone(), Some(journal.clone()), Some(plan), clock);
    spinner.finish_and_clear();
    Ok(State { engine, journal })
}

/// Takes memory in small pages from here on. A huge page is cleared while the thread that touched it
/// first stands still, with whatever it has locked: a tenth of a millisecond at best, and 4 to 5 ms where a
/// host has to find the memory of its guest, some twenty times a second while orders come. What has
/// been read until now, the stock above all, stays in huge ones.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory is taken in huge pages");
    }
}

fn tell_recovered(opened: &Opened) {
    for why in &opened.refused {
        tracing::warn!("a snapshot was not used: {why}");
    }
    let recovered = &opened.recovered;
    if recovered.facts > 0 || opened.snapshot.is_some() {
        let how = match recovered.sealed {
            true => "after a clean stop",
            false => "after a crash",
        };
        tracing::info!(
            snapshot = opened.snapshot.as_deref().unwrap_or("none"),
            facts = recovered.facts,
            segments = recovered.segments,
            "recovered {how}"
        );
    }
    if let Some(cut) = &recovered.cut {
        tracing::warn!(
            segment = %cut.segment,
            offset = cut.offset,
            bytes = cut.bytes,
            "the last batch was not whole and was cut; nobody had an answer to it"
        );
    }
}

impl State {
    fn tell(&self, args: &ServeArgs, address: SocketAddr) {
        let registry = self.engine.registry();
        let (skus, locations) = (registry.sku_count(), registry.location_count());
        let network = self.engine.with_network(|n| n.name.clone());
        emit(&format!(
            "network   {network}: {skus} items, {locations} locations\n\
             durable   {}: {}\n\
             listening {address}\n\
             try       redis-cli -p {} ATP.GET SKU-00001\n          allot cli --addr {address}\n",
            self.journal.durability(),
            args.data_dir.display(),
            address.port(),
        ));
    }
}

async fn warn_of_exposure() {
    let mut every = tokio::time::interval(Duration::from_secs(60));
    loop {
        every.tick().await;
        tracing::warn!("listening beyond loopback without encryption (--insecure-public)");
    }
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn check_exposure(args: &ServeArgs, has_password: bool) -> anyhow::Result<()> {
    if args.listen.ip().is_loopback() {
        return Ok(());
    }
    let address = args.listen;
    if !has_password {
        bail!("--listen is '{address}', which is not loopback; give --password-file");
    }
    if !args.insecure_public {
        bail!(
            "--listen is '{address}', which is not loopback, and the protocol is not encrypted; put a \
             TLS proxy in front and listen on loopback, or give --insecure-public"
        );
    }
    Ok(())
}

/// The first line of a file that nobody else may read.
pub(super) fn read_password(path: &Path) -> anyhow::Result<Password> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!("{shown} may be read by others (mode {mode:o}); run: chmod 600 {shown}");
        }
    }
    let password = text.lines().next().unwrap_or_default();
    if password.len() < 16 {
        bail!(
            "{shown}: the password has {} characters; expected at least 16",
            password.len()
        );
    }
    Ok(Password(password.to_owned()))
}
