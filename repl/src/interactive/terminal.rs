//! The terminal around the prompt.

use std::io::Write;
use std::process::{Command, Stdio};

use signal_hook::consts::{SIGHUP, SIGTERM};

/// As long as it is there, signals that end the program are watched for.
pub(super) struct Watch(Option<signal_hook::iterator::Handle>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.close();
        }
    }
}

/// Gives the terminal back in order where the program is told to end while it reads keys.
pub(super) fn restore_on_signals() -> Watch {
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP]) else { return Watch(None) };
    let handle = signals.handle();
    let watch = move || {
        if let Some(signal) = signals.forever().next() {
            let _ = std::io::stdout().write_all(b"\x1b[?2004l\n");
            let _ = std::io::stdout().flush();
            let _ = Command::new("stty").arg("sane").stderr(Stdio::null()).status();
            std::process::exit(128 + signal);
        }
    };
    // Without the thread the signals end the program as they do by themselves.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(watch);
    Watch(Some(handle))
}

/// How long nothing must come in before it counts as all, in milliseconds. What is pasted comes in pieces.
#[cfg(unix)]
const SILENCE: u16 = 250;

/// Throws away what was typed or pasted and not read yet, until nothing more comes.
#[cfg(unix)]
pub(super) fn discard_input() {
    use nix::poll::{PollFd, PollFlags, poll};
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    use std::os::fd::AsFd;

    let stdin = std::io::stdin();
    let Ok(cooked) = tcgetattr(&stdin) else { return };
    let mut raw = cooked.clone();
    // Whole lines would be waited for, and all of it would be shown.
    raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::IEXTEN);
    if tcsetattr(&stdin, SetArg::TCSANOW, &raw).is_err() {
        return;
    }
    let mut bytes = [0; 4096];
    loop {
        match poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], SILENCE) {
            Ok(1..) if matches!(nix::unistd::read(&stdin, &mut bytes), Ok(1..)) => {}
            Err(nix::errno::Errno::EINTR) => {}
            _ => break,
        }
    }
    let _ = tcsetattr(&stdin, SetArg::TCSANOW, &cooked);
}

/// Elsewhere the line editor gets characters, never bytes.
#[cfg(not(unix))]
pub(super) fn discard_input() {}

/// Clears what is below the cursor, which may have stood in the midst of a text of several lines.
pub(super) fn clear_below() {
    let _ = std::io::stdout().write_all(b"\x1b[J");
    let _ = std::io::stdout().flush();
}

/// Lets a person edit a text in `$VISUAL`, `$EDITOR` or vi.
pub(super) fn edit(text: &str) -> Result<String, String> {
    let editor =
        ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let folder = std::env::temp_dir().join(format!("ankurah-{}", std::process::id()));
    let failed = |error: std::io::Error| format!("cannot edit in {}: {error}", folder.display());
    // A folder of our own that must not exist: nobody else's file or link is written to.
    std::fs::create_dir(&folder).map_err(failed)?;
    let path = folder.join("statement.sql");
    let result = (|| {
        std::fs::write(&path, text).map_err(failed)?;
        let status =
            Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(&path).status();
        match status {
            Ok(status) if status.success() => {
                std::fs::read_to_string(&path).map(|text| text.trim_end().to_owned()).map_err(failed)
            }
            Ok(status) => Err(format!("the editor `{editor}` ended with {status}")),
            Err(error) => Err(format!("cannot start the editor `{editor}`: {error}")),
        }
    })();
    let _ = std::fs::remove_dir_all(&folder);
    result
}
