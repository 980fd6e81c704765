//! Why a program is no board.

use std::io;

/// Why a program cannot be a board, or is none any more.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The helper is started in another way.
    #[error("failed to start: a bench starts this, with a socket as its standard input")]
    Arguments,
    /// No TAP interface.
    #[error(
        "failed to give a program an Ethernet port: /dev/net/tun: {0}\nhelp: `sudo modprobe tun`; for a container, \
         `--device /dev/net/tun`"
    )]
    NoTun(io::Error),
    /// No namespace.
    #[error(
        "failed to give a program a network namespace: {0}\nhelp: run it as root, or permit user namespaces: `sudo \
         sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000`, on Ubuntu `sudo sysctl -w \
         kernel.apparmor_restrict_unprivileged_userns=0`; for a container, `--cap-add SYS_ADMIN --cap-add NET_ADMIN`"
    )]
    NoNamespace(io::Error),
    /// The namespace is there, and something in it is not.
    #[error("failed to set up a program's namespace: {what}: {cause}")]
    SetUp {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// The program.
    #[error("failed to start {program}: {cause}\nhelp: see that it is there and may be run")]
    NoProgram {
        /// Which.
        program: String,
        /// What the system said.
        cause: io::Error,
    },
    /// What the helper says is wrong.
    #[error("{0}")]
    Helper(String),
    /// Sockets, processes, threads.
    #[error("failed to run a program's helper: {0}")]
    System(#[from] io::Error),
}
