//! Running other programs: never with the terminal's input, always shown before they start.

use std::process::{Command, Stdio};

/// Runs `command` with its output on this terminal; an unsuccessful end is an error that says how.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    println!("$ {}", shown(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot run {}: {error}", program(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", program(command))) }
}

/// Runs `command` and returns what it wrote on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", program(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} ended with {}: {}", shown(command), output.status, stderr.trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{} wrote no UTF-8", program(command)))
}

/// Whether `program` can be started and succeeds with these arguments; nothing is shown.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The cargo that runs this task, or the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn program(command: &Command) -> String {
    let path = std::path::Path::new(command.get_program());
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The command as one could type it: its own variables, the program's name, the arguments.
fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        }
    }
    words.push(program(command));
    words.extend(command.get_args().map(|argument| quoted(&argument.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--", "it's", "", "-p=a"]).env("RUSTDOCFLAGS", "-D warnings").env_remove("CI");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo test -- 'it'\''s' '' -p=a");
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let error = output(&mut Command::new("/nowhere/at-all")).unwrap_err();
        assert!(error.starts_with("cannot run at-all: "), "{error}");
        assert!(!succeeds("/nowhere/at-all", &[]));
    }
}
