//! Who is at the other end of a socket.

use std::os::unix::net::UnixStream;

use nix::unistd::geteuid;

/// The process and the user at the other end, as the system says.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn credentials(stream: &UnixStream) -> nix::Result<(Option<u32>, u32)> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    let found = getsockopt(stream, PeerCredentials)?;
    Ok((u32::try_from(found.pid()).ok(), found.uid()))
}

/// The user at the other end, as the system says.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn credentials(stream: &UnixStream) -> nix::Result<(Option<u32>, u32)> {
    let (user, _) = nix::unistd::getpeereid(stream)?;
    Ok((None, user.as_raw()))
}

/// Whether the two of a link may be of these users: this process', and the other's.
pub(crate) fn may(own: u32, other: u32) -> bool {
    own == other || own == 0 || other == 0
}

/// Whether this process may be linked to one of that user.
pub(crate) fn is_trusted(user: u32) -> bool {
    may(geteuid().as_raw(), user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_end_of_a_pair_is_this_process() {
        let (one, _other) = UnixStream::pair().unwrap();
        let (process, user) = credentials(&one).unwrap();
        assert!(process.is_none_or(|process| process == std::process::id()));
        assert!(is_trusted(user) && user == geteuid().as_raw());
    }

    #[test]
    fn other_users_are_not_trusted_but_root_is() {
        for (own, other, expected) in
            [(1000, 1000, true), (1000, 1001, false), (1000, 0, true), (0, 1000, true), (1000, 65534, false)]
        {
            assert_eq!(may(own, other), expected, "{own} and {other}");
        }
    }
}
