//! The scripts in /fixtures, and what the runner does with wrong ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ankurah_core::node::link::ClientOptions;
use ankurah_core::node::protocol::Connection;
use ankurah_repl::client::Interrupt;
use ankurah_repl::display::Style;
use ankurah_repl::fixture::{Report, Verdict, collect, junit, run_all, run_file, text};
use ankurah_repl::target::fresh_fixed;

use crate::common::snapshot;

fn run(path: &Path, blessing: bool) -> Report {
    let connect = || fresh_fixed().map(|opened| (opened.connection.clone(), Some(opened)));
    run_file(path, connect, blessing, &Interrupt::default())
}

#[test]
fn every_fixture_passes() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"));
    let files = collect(&[folder]).unwrap();
    assert!(files.len() >= 10, "{files:?}");
    let reports = run_all(&files, 2, &Interrupt::default(), &|path| run(path, false));
    assert_eq!(reports.len(), files.len());
    let wrong: String = reports.iter().map(|report| text(report, Style::PLAIN)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_fixture_passes_over_a_link() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"));
    let files = collect(&[folder]).unwrap();
    let reports = run_all(&files, 2, &Interrupt::default(), &|path| {
        let connect = || {
            let opened = fresh_fixed()?;
            // Pieces of ever other sizes.
            let mut size = 0;
            let carry = move |waiting: usize| {
                size = (size + 1) % 97;
                Some(if size == 0 { waiting } else { size })
            };
            let link = opened.node().unwrap().loopback(ClientOptions::default(), Box::new(carry));
            Ok((Arc::new(link) as Arc<dyn Connection>, Some(opened)))
        };
        run_file(path, connect, false, &Interrupt::default())
    });
    let wrong: String = reports.iter().map(|report| text(report, Style::PLAIN)).collect();
    assert!(wrong.is_empty() && !reports.is_empty(), "{wrong}");
}

#[test]
fn hundreds_run_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..300 {
        let script = format!(
            "create model m (name string key);\ninsert into m (name) values ('n{number:03}');\n\
             select name, id from m;\n--|  name | id\n--| ------+-----\n--|  n{number:03} | $e1\n"
        );
        std::fs::write(folder.path().join(format!("{number:03}.ank")), script).unwrap();
    }
    let files = collect(&[folder.path().to_owned()]).unwrap();
    let reports = run_all(&files, 4, &Interrupt::default(), &|path| run(path, false));
    assert_eq!(reports.iter().map(|report| report.path.clone()).collect::<Vec<_>>(), files);
    let wrong: String = reports.iter().map(|report| text(report, Style::PLAIN)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn wrong_fixtures_are_said_and_blessed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.ank");
    let script = "-- About\nselect 1 as a, 'x' as b;\n--|  a | b\n--| ---+---\n--|  2 | x\nselect 2 as c; select 3 as d;\n\
                  select yaer;\n--| error: something else\ncreate model m (a i64);\n";
    std::fs::write(&path, script).unwrap();
    let before = run(&path, false);
    assert!(matches!(before.verdict, Verdict::Differs(_)));
    let place = folder.path().display().to_string();
    let mut shown = text(&before, Style::PLAIN).replace(&place, "FOLDER");
    assert_eq!(run(&path, true).verdict, Verdict::Blessed);
    assert_eq!(run(&path, false).verdict, Verdict::Passed);
    shown += &format!("== blessed\n{}", std::fs::read_to_string(&path).unwrap());
    let mut report = junit(&[before], std::time::Duration::ZERO).replace(&place, "FOLDER");
    while let Some(at) = report.find(" time=\"0.0") {
        report.replace_range(at..at + " time=\"0.000\"".len(), "");
    }
    snapshot("fixture_report", &format!("{shown}== junit\n{report}"));
}

#[test]
fn a_last_statement_without_its_end_is_blessed_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.ank");
    std::fs::write(&path, "select 1 as a").unwrap();
    assert_eq!(run(&path, true).verdict, Verdict::Blessed);
    assert_eq!(run(&path, false).verdict, Verdict::Passed);
    let blessed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(blessed, "select 1 as a;\n--|  a\n--| ---\n--|  1\n");
}

#[test]
fn a_fixture_writes_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let (path, written) = (folder.path().join("writes.ank"), folder.path().join("written"));
    let script = format!(
        "\\o '{}'\n--| error: \\o: a fixture writes no files: what it prints is compared\nselect 1 as a;\n\
         --|  a\n--| ---\n--|  1\n\\o\n",
        written.display()
    );
    std::fs::write(&path, script).unwrap();
    assert_eq!(run(&path, false).verdict, Verdict::Passed);
    assert!(!written.exists());
}

#[test]
fn a_fixture_shows_no_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("times.ank");
    let error = "a fixture shows no times: they differ whenever it is run";
    let script =
        format!("\\timing off\n\\timing on\n--| error: {error}\n\\pset timing on\n--| error: {error}\n");
    std::fs::write(&path, script).unwrap();
    assert_eq!(run(&path, false).verdict, Verdict::Passed);
}

#[test]
fn nothing_stands_behind_the_end_of_a_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ends.ank");
    let one = "select 1 as a;\n--|  a\n--| ---\n--|  1\n";
    let check = |script: String, verdict: Verdict| {
        std::fs::write(&path, script).unwrap();
        assert_eq!(run(&path, false).verdict, verdict);
    };
    check(format!("{one}\\q\n-- the end\n"), Verdict::Passed);
    let early = "line 5: it ends here, and what stands behind would never be run";
    check(format!("{one}\\q\n{one}"), Verdict::Broken(early.to_owned()));
    std::fs::write(folder.path().join("quits.sql"), "\\q\n").unwrap();
    let included = format!("{one}\\i '{}'\n{one}", folder.path().join("quits.sql").display());
    check(included, Verdict::Broken(early.to_owned()));
    // What is printed before the end is compared all the same.
    std::fs::write(folder.path().join("rows.sql"), "select 1 as a;\n\\q\n").unwrap();
    let include = format!("\\i '{}'\n", folder.path().join("rows.sql").display());
    std::fs::write(&path, format!("{one}{include}")).unwrap();
    assert!(matches!(run(&path, false).verdict, Verdict::Differs(_)));
    check(format!("{one}{include}--|  a\n--| ---\n--|  1\n"), Verdict::Passed);
}

#[test]
fn what_is_no_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.ank");
    for (content, message) in [
        (&b"--| x\nselect 1;"[..], "line 1: an expectation without a statement right before it"),
        (b"select 1;\nselect '\xff';", "line 2: invalid UTF-8 at byte 9 of the line"),
        (b"", "it has 0 statements: a fixture without any tests nothing"),
        (b"\n-- about nothing\n;\n", "it has 0 statements: a fixture without any tests nothing"),
    ] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(run(&path, false).verdict, Verdict::Broken(message.to_owned()));
    }
    assert!(matches!(run(&folder.path().join("missing.ank"), false).verdict, Verdict::Broken(_)));
    assert!(collect(&[folder.path().join("none")]).is_err());
    std::fs::remove_file(&path).unwrap();
    assert!(collect(&[folder.path().to_owned()]).is_err());
}
