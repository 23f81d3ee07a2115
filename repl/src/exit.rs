//! Exit codes.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything went well.
    Ok,
    /// The command line was wrong.
    Usage,
    /// The target cannot be opened or reached, or a file cannot be read or written.
    CannotOpen,
    /// A statement failed.
    Failed,
    /// Something differs from what was expected, or is at fault.
    Differs,
    /// Cancelled with Ctrl-C.
    Cancelled,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Usage => 1,
            Exit::CannotOpen => 2,
            Exit::Failed => 3,
            Exit::Differs => 4,
            Exit::Cancelled => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
