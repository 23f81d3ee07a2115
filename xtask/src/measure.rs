//! Figures that the documentation states: how quickly the program starts, and how much memory an export takes.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// How often the program is started.
const STARTS: usize = 100;
/// What the quickest start must stay under: what else the machine does only makes others slower.
const START_LIMIT: Duration = Duration::from_millis(10);
/// The rows of the smaller and of the larger export.
const ROWS: [u32; 2] = [100_000, 1_000_000];
/// The engines, and the most memory in KiB that an export may take: what they cache (16 MiB) and 96 MiB for
/// everything else; sled keeps some four times what it is told, and a table of all its pages. All rows of the larger
/// export would take more.
const ENGINES: [(&str, u64); 2] = [("fjall", (16 + 96) << 10), ("sled", (4 * 48 + 96) << 10)];

/// Builds the program as users have it and measures it.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--package", "ankurah-repl", "--bin", "ankurah"]);
    if let Err(reason) = command::run(&mut build) {
        return report.add("build", Outcome::Failed(reason), Duration::ZERO);
    }
    let program = workspace.target().join("release").join(format!("ankurah{}", std::env::consts::EXE_SUFFIX));
    report.step("start-up", || start_up(&program).into());
    let folder = workspace.target().join("xtask-measure");
    for (engine, limit) in ENGINES {
        report.step(&format!("memory of an export from {engine}"), || {
            if !Path::new("/proc/self/status").is_file() {
                return Outcome::skipped("the system has no /proc", "measure on Linux");
            }
            export(&program, &folder, engine, limit).into()
        });
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// Starts the program for one query, again and again.
fn start_up(program: &Path) -> Result<String, String> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let start = Instant::now();
        let rows = command::output(Command::new(program).args(["repl", "memory:", "-c", "select 1 as one"]))?;
        times.push(start.elapsed());
        if rows != "one\n1\n" {
            return Err(format!("the query gave {rows:?}"));
        }
    }
    times.sort();
    let at = |share: usize| times.get(share * STARTS / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
    let shown = format!("repl memory: -c 'select 1': {:.1} ms, median {:.1} ms", at(0), at(50));
    if times.first().is_some_and(|quickest| *quickest < START_LIMIT) {
        Ok(shown)
    } else {
        Err(format!("{shown}; at most {} ms are allowed", START_LIMIT.as_millis()))
    }
}

/// Exports stores of different sizes; the memory that it takes is bounded, whatever their size.
fn export(program: &Path, folder: &Path, engine: &str, limit: u64) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot use {}: {error}", folder.display());
    let mut peaks = Vec::new();
    for rows in ROWS {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = folder.join("rows.csv");
        write_rows(&file, rows).map_err(failed)?;
        let store = format!("{engine}:{}", folder.join("store").display());
        let start = Instant::now();
        let mut import = Command::new(program);
        import.args(["import", &store]).arg(&file).args(["--into", "measured", "--key", "number"]);
        command::output(&mut import)?;
        let imported = start.elapsed();
        std::fs::remove_file(&file).map_err(failed)?;
        let start = Instant::now();
        let (peak, lines) = peak_memory(program, &store)?;
        println!(
            "{engine}, {rows} rows: import {:.1} s, export {:.1} s, at most {} MiB in memory",
            imported.as_secs_f64(),
            start.elapsed().as_secs_f64(),
            peak >> 10
        );
        if lines != u64::from(rows) + 1 {
            return Err(format!("the export of {rows} rows has {lines} lines"));
        }
        peaks.push(peak);
    }
    let [small, large] = peaks.as_slice() else { return Err("nothing was measured".to_owned()) };
    let shown = format!("{} MiB for {} rows, {} MiB for {}", small >> 10, ROWS[0], large >> 10, ROWS[1]);
    if small.max(large) <= &limit {
        Ok(shown)
    } else {
        Err(format!("{shown}; at most {} MiB are allowed", limit >> 10))
    }
}

/// Rows of some hundred bytes, always the same ones.
fn write_rows(path: &PathBuf, rows: u32) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "number,name,price,when,note")?;
    for number in 0..rows {
        let mixed = number.wrapping_mul(2_654_435_761);
        writeln!(
            out,
            "{number},name {mixed:08x},{}.{:02},2020-01-{:02} 12:00:00,\"a note of some length, number {mixed}\"",
            mixed % 1000,
            mixed % 100,
            mixed % 28 + 1
        )?;
    }
    out.flush()
}

/// The greatest memory in KiB that an export holds at any time, and the lines that it writes.
fn peak_memory(program: &Path, store: &str) -> Result<(u64, u64), String> {
    let mut command = Command::new(program);
    command
        .args(["export", store, "measured"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("cannot run the program: {error}"))?;
    let result = read_lines(&mut child);
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { result } else { Err(format!("the export ended with {status}")) }
}

fn read_lines(child: &mut Child) -> Result<(u64, u64), String> {
    let Some(out) = child.stdout.take() else { return Err("the export has no output".to_owned()) };
    let mut out = BufReader::with_capacity(1 << 16, out);
    let mut lines = 0;
    let mut peak = 0;
    loop {
        let bytes = out.fill_buf().map_err(|error| error.to_string())?;
        if bytes.is_empty() {
            return Ok((peak, lines));
        }
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = bytes.len();
        out.consume(length);
        // The kernel keeps the greatest value itself; once the process is gone there is none.
        if let Some(now) = high_water_mark(child.id()) {
            peak = peak.max(now);
        }
    }
}

/// `VmHWM` of a process, in KiB.
fn high_water_mark(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_this_process() {
        if Path::new("/proc/self/status").is_file() {
            let before = high_water_mark(std::process::id()).unwrap();
            let block = vec![1u8; 64 << 20];
            assert!(block.iter().all(|byte| *byte == 1));
            assert!(high_water_mark(std::process::id()).unwrap() >= before.max(64 << 10));
        }
        assert_eq!(high_water_mark(u32::MAX), None);
    }
}
