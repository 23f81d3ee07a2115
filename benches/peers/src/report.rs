//! What was measured: figures, the ratios that matter, and their forms for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Our store in memory.
    OursMemory,
    /// An ordered map, given what our store in memory writes.
    RawMemory,
    /// Our store on fjall.
    OursFjall,
    /// fjall, given what our store writes.
    RawFjall,
    /// Our store on sled.
    OursSled,
    /// sled, given what our store writes.
    RawSled,
    /// The public crates on sled.
    PublicSled,
    /// SQLite.
    Sqlite,
    /// SQLite, preparing the statement each time.
    SqlitePrepares,
}

impl Peer {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Peer::OursMemory => "ours-memory",
            Peer::RawMemory => "raw-memory",
            Peer::OursFjall => "ours-fjall",
            Peer::RawFjall => "raw-fjall",
            Peer::OursSled => "ours-sled",
            Peer::RawSled => "raw-sled",
            Peer::PublicSled => "public-sled",
            Peer::Sqlite => "sqlite",
            Peer::SqlitePrepares => "sqlite-prepares",
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A measured piece of work: the best of all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was done.
    pub bench: &'static str,
    /// By whom.
    pub peer: Peer,
    /// How many of it, such as commits or rows.
    pub count: u64,
    /// How long the best round took.
    pub seconds: f64,
    /// How many a second.
    pub per_second: f64,
    /// The least time of processors that a round took, of all threads together, in seconds; where the system
    /// tells. On a machine that has other work to do it says more than the clock.
    pub cpu_seconds: Option<f64>,
}

/// A ratio of two figures.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    /// What was done.
    pub bench: &'static str,
    /// By whom.
    pub ours: Peer,
    /// And by whom for comparison.
    pub against: Peer,
    /// How many times as much the first did in the same time.
    pub ratio: f64,
    /// How many times as much the first did in the same time of processors.
    pub cpu_ratio: Option<f64>,
    /// What it must be at least.
    pub required: Option<f64>,
}

/// A ratio to show: bench, first, second, and what it must be at least.
pub type Wanted = (&'static str, Peer, Peer, Option<f64>);

/// The best of all rounds.
#[derive(Debug)]
struct Best {
    count: u64,
    took: Duration,
    cpu: Option<Duration>,
}

/// The time of processors that this process has taken so far, in its own and the system's code, from the two
/// fields of Linux' `/proc/self/stat` that count it in hundredths of a second.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let own: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((own + system) * 10))
}

/// Collects figures.
#[derive(Debug, Default)]
pub struct Report {
    best: BTreeMap<(&'static str, Peer), Best>,
    order: Vec<(&'static str, Peer)>,
}

impl Report {
    /// Notes how long `count` pieces of work took.
    fn add(&mut self, bench: &'static str, peer: Peer, count: usize, took: Duration, cpu: Option<Duration>) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let key = (bench, peer);
        if !self.order.contains(&key) {
            self.order.push(key);
        }
        let best = self.best.entry(key).or_insert(Best { count, took, cpu });
        best.took = best.took.min(took);
        best.cpu = best.cpu.min(cpu);
    }

    /// Measures `work`, which does `count` pieces.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn time<T, E>(
        &mut self,
        bench: &'static str,
        peer: Peer,
        count: usize,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let (start, cpu) = (Instant::now(), cpu_time());
        let result = work()?;
        let took = start.elapsed();
        let cpu = cpu_time().zip(cpu).map(|(after, before)| after.saturating_sub(before));
        self.add(bench, peer, count, took, cpu);
        Ok(result)
    }

    /// The figures in the order in which they were first measured.
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |key: &(&'static str, Peer)| {
            let Best { count, took, cpu } = self.best.get(key)?;
            let seconds = took.as_secs_f64();
            #[allow(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
            let per_second = *count as f64 / seconds.max(1e-9);
            let cpu_seconds = cpu.map(|cpu| cpu.as_secs_f64());
            Some(Figure { bench: key.0, peer: key.1, count: *count, seconds, per_second, cpu_seconds })
        };
        self.order.iter().filter_map(figure).collect()
    }

    /// Those of the wanted ratios whose figures were measured.
    pub fn ratios(&self, wanted: &[Wanted]) -> Vec<Ratio> {
        let figures = self.figures();
        let find = |bench: &str, peer: Peer| {
            figures.iter().find(|figure| figure.bench == bench && figure.peer == peer)
        };
        let ratio = |(bench, ours, against, required): &Wanted| {
            let (first, second) = (find(bench, *ours)?, find(bench, *against)?);
            Some(Ratio {
                bench,
                ours: *ours,
                against: *against,
                ratio: first.per_second / second.per_second,
                cpu_ratio: second.cpu_seconds.zip(first.cpu_seconds).map(|(second, first)| second / first),
                required: *required,
            })
        };
        wanted.iter().filter_map(ratio).collect()
    }

    /// For people.
    pub fn table(&self, wanted: &[Wanted]) -> String {
        let mut text = String::new();
        let mut bench = "";
        for figure in self.figures() {
            if figure.bench != bench {
                bench = figure.bench;
                text.push_str(&format!("\n{bench}\n"));
            }
            let Figure { peer, count, seconds, per_second, cpu_seconds, .. } = figure;
            let cpu = cpu_seconds.map(|cpu| format!(", {cpu:.2} s of processors")).unwrap_or_default();
            text.push_str(&format!("  {peer:12} {per_second:>12.0} /s   ({count} in {seconds:.3} s{cpu})\n"));
        }
        text.push('\n');
        for Ratio { bench, ours, against, ratio, cpu_ratio, required } in self.ratios(wanted) {
            let required = match required {
                None => String::new(),
                Some(least) if ratio >= least => format!("  at least {least}: yes"),
                Some(least) => format!("  at least {least}: NO"),
            };
            let cpu = cpu_ratio.map(|cpu| format!("  ({cpu:.2} by processors)")).unwrap_or_default();
            text.push_str(&format!("{bench:24} {ours:12} / {against:12} {ratio:>8.2}{cpu}{required}\n"));
        }
        text
    }

    /// For programs.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn json(&self, wanted: &[Wanted]) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Whole {
            figures: Vec<Figure>,
            ratios: Vec<Ratio>,
        }
        serde_json::to_string_pretty(&Whole { figures: self.figures(), ratios: self.ratios(wanted) })
    }
}
