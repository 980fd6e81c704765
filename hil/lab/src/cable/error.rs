//! Why there is no cable, and the cure.

use std::{io, path::PathBuf};

/// Why a cable cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CableError {
    /// No interface has that name.
    #[error(
        "failed to open the network interface {name}: there is none of that name\n\
         help: there are: {}; `ip link` shows them", there.join(", ")
    )]
    Missing {
        /// The name.
        name: String,
        /// Those that are there.
        there: Vec<String>,
    },
    /// It is no Ethernet.
    #[error(
        "failed to open the network interface {name}: it is no Ethernet\n\
         help: name the interface that the board's cable is plugged into"
    )]
    NotEthernet {
        /// Its name.
        name: String,
    },
    /// It is switched off.
    #[error(
        "failed to open the network interface {name}: it is down\n\
         help: `sudo ip link set {name} up`"
    )]
    Down {
        /// Its name.
        name: String,
    },
    /// The program may not.
    #[error(
        "failed to open the network interface {name}: you may not\n\
         help: run it as root, or once: `sudo setcap cap_net_raw,cap_net_admin+ep {}`",
        program.display()
    )]
    NotPermitted {
        /// Its name.
        name: String,
        /// What may not.
        program: PathBuf,
    },
    /// A TAP interface that another process holds, or that is of another kind.
    #[error(
        "failed to open the TAP interface {name}: another program holds it, or it is no TAP interface\n\
         help: end that program, or name an interface that `ip tuntap` shows as `tap`"
    )]
    Held {
        /// Its name.
        name: String,
    },
    /// A unix datagram socket in a folder that is not there.
    #[error(
        "failed to make the socket {}: there is no folder {}\n\
         help: build or start the board that makes it (`fixtures/benches/qemu.sh build` for the bench qemu.toml), \
         or correct `network.socket` of the bench file", path.display(), folder.display()
    )]
    NoFolder {
        /// The socket.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// A unix datagram socket.
    #[error("failed to make the socket {}: {source}\nhelp: name a new file in a folder that can be written", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error(
        "failed to open the network interface {name}: {source}\nhelp: `ip link show {name}` tells its state"
    )]
    Failed {
        /// Its name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl CableError {
    pub(super) fn of(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                let program = std::env::current_exe().unwrap_or_else(|_| "parallax".into());
                Self::NotPermitted { name, program }
            }
            Some(libc::ENETDOWN) => Self::Down { name },
            _ => Self::Failed { name, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_permitted_has_its_cure() {
        let error = CableError::of("eth1", io::Error::from_raw_os_error(libc::EPERM)).to_string();
        assert!(error.contains("eth1: you may not"), "{error}");
        assert!(error.contains("sudo setcap cap_net_raw,cap_net_admin+ep /"), "{error}");
    }
}
