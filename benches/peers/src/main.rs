//! Our stores beside the engines alone, the public crates and SQLite, in one run, since only ratios within one
//! run mean something. Prints figures and ratios, and writes them as JSON where asked.

mod dag;
mod data;
mod ours;
mod raw;
mod reads;
mod record;
mod report;
mod sqlite;
mod writes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use report::{Peer, Report, Wanted};

/// The allocator of our command, for everybody.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What goes wrong.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Measures our stores beside their peers.
#[derive(Debug, Parser)]
#[command(name = "peers")]
struct Args {
    /// Run only the benches whose names contain this; can be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Measure only the peers whose names contain this; can be repeated.
    #[arg(long, value_name = "NAME")]
    peer: Vec<String>,
    /// Do so many times as much.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    scale: f64,
    /// Do everything so often, and take the best.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Write figures and ratios to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where stores are made, and removed afterwards.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// List the benches.
    #[arg(long)]
    list: bool,
}

/// How much is done, and where.
pub struct Setup {
    scale: f64,
    rounds: usize,
    folder: PathBuf,
    peers: Vec<String>,
}

impl Setup {
    /// So many times the scale that was asked for.
    pub fn scaled(&self, count: usize) -> usize {
        #[allow(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is at least 1")]
        let scaled = (count as f64 * self.scale).max(1.0) as usize;
        scaled
    }

    /// Where stores are made.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a peer is measured.
    pub fn wants(&self, peer: Peer) -> bool {
        let name = peer.name();
        self.peers.is_empty() || self.peers.iter().any(|wanted| name.contains(wanted.as_str()))
    }

    /// Runs a peer's round as often as was asked for, each in an empty folder.
    ///
    /// # Errors
    /// Those of the rounds.
    pub fn rounds(&self, peer: Peer, mut round: impl FnMut(&Path) -> Result<(), Error>) -> Result<(), Error> {
        if !self.wants(peer) {
            return Ok(());
        }
        for _ in 0..self.rounds.max(1) {
            let folder = tempfile::tempdir_in(&self.folder)?;
            round(folder.path())?;
        }
        Ok(())
    }
}

/// A bench: its name, what it does, and the ratios of interest.
struct Bench {
    name: &'static str,
    run: fn(&Setup, &mut Report) -> Result<(), Error>,
}

/// All benches in the order in which they run.
const BENCHES: &[Bench] = &[
    Bench { name: writes::BUFFERED, run: writes::buffered },
    Bench { name: writes::SYNCED, run: writes::synced },
    Bench { name: writes::BULK, run: writes::bulk },
    Bench { name: dag::COMPARE, run: dag::compare },
    Bench { name: reads::FETCH, run: reads::fetch },
    Bench { name: "queries", run: reads::queries },
];

/// All ratios of interest, bench by bench.
const WANTED: &[&[Wanted]] = &[writes::WANTED, reads::WANTED];

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    if args.list {
        BENCHES.iter().for_each(|bench| println!("{}", bench.name));
        return Ok(());
    }
    let chosen: Vec<&Bench> = BENCHES
        .iter()
        .filter(|bench| {
            args.only.is_empty() || args.only.iter().any(|only| bench.name.contains(only.as_str()))
        })
        .collect();
    if chosen.is_empty() {
        return Err("there is no such bench; --list names them".into());
    }
    let folder = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let setup = Setup { scale: args.scale, rounds: args.rounds, folder, peers: args.peer.clone() };
    let mut report = Report::default();
    for bench in chosen {
        eprintln!("{} …", bench.name);
        (bench.run)(&setup, &mut report)?;
    }
    let wanted = WANTED.concat();
    print!("{}", report.table(&wanted));
    if let Some(path) = &args.json {
        std::fs::write(path, report.json(&wanted)?)?;
    }
    Ok(())
}
