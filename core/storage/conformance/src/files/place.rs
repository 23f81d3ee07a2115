//! Places that only an administrator can make: what cannot be written, what is soon full.
//!
//! The parts of a case that need one run in a process of their own, which sees the file systems in its own way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::entries;

/// How to have the cases run that need such places.
pub(super) const ENABLE: &str =
    "run as root on Linux, or where users may make namespaces, with `unshare` (util-linux)";

/// Runs a script for the shell in which mounting is allowed and seen by nobody else; `None` where the system allows
/// no such thing. The script gets the further arguments as `$1`, `$2` and so on.
pub(super) fn mounting(script: &str, arguments: &[&Path]) -> Option<Command> {
    let allowed = |flags: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(flags).args(["sh", "-c", "mount -t tmpfs none /mnt"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let flags =
        [&["--mount"][..], &["--mount", "--map-root-user"]].into_iter().find(|flags| allowed(flags))?;
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-c", script, "sh"]).args(arguments).stdin(Stdio::null());
    Some(command)
}

/// Runs a program without an administrator's powers, so that it may write only what the permissions say.
pub(super) fn without_powers(program: &Path) -> Option<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(program).stdin(Stdio::null());
    let folder = tempfile::tempdir().unwrap();
    set_writable(folder.path(), false);
    let mut probe = Command::new("setpriv");
    probe.args(["--bounding-set=-all", "--inh-caps=-all", "touch"]).arg(folder.path().join("file"));
    let written = probe.stderr(Stdio::null()).status();
    if written.is_ok_and(|status| !status.success()) && Command::new("setpriv").arg("true").status().is_ok() {
        return Some(command);
    }
    // Whoever has no such powers anyway needs none taken.
    let is_bound = fs::write(folder.path().join("file"), "").is_err();
    is_bound.then(|| {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        command
    })
}

/// Lets everything below a folder be written, or not.
pub(super) fn set_writable(path: &Path, writable: bool) {
    for entry in entries(path) {
        set(&entry, writable);
    }
    set(path, writable);
}

fn set(path: &Path, writable: bool) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    let mode = if writable { mode | 0o200 } else { mode & !0o222 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
