//! A unix datagram socket as a cable: a frame per datagram.

use super::{Cable, CableError, drain, readable};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::{
    fs, io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

/// A jumbo frame.
const LONGEST_FRAME: usize = 9_216;

fn receive(
    socket: &UnixDatagram,
    patience: Duration,
    take: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    if !readable(socket, patience)? {
        return Ok(());
    }
    let mut frame = [0; LONGEST_FRAME];
    drain(|| match recv(socket, &mut frame[..], RecvFlags::DONTWAIT) {
        Ok((length, _)) => {
            take(&frame[..length]);
            Ok(())
        }
        // Reported once each: the other end is not there yet, or gone.
        Err(rustix::io::Errno::CONNREFUSED | rustix::io::Errno::CONNRESET) => Ok(()),
        Err(error) => Err(error.into()),
    })
}

/// A socket that is connected to the board's. What that has no room for is lost: a board that hangs
/// does not hold up the run.
impl Cable for UnixDatagram {
    fn receive(&self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        receive(self, patience, take)
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(self, frame, SendFlags::DONTWAIT)?;
        Ok(())
    }
}

/// Two unix datagram sockets by their names, as QEMU's `-netdev dgram` has them. The board's may come
/// and go.
#[derive(Debug)]
pub struct Datagrams {
    socket: UnixDatagram,
    own: PathBuf,
    board: PathBuf,
}

impl Datagrams {
    /// Makes the lab's socket, `own`; frames go to the socket `board`.
    ///
    /// # Errors
    /// If it cannot be made, or `own` is there and is no socket, or is in use.
    pub fn open(own: &Path, board: &Path) -> Result<Self, CableError> {
        let fail = |source| CableError::Socket { path: own.to_owned(), source };
        // One that an earlier lab left behind does not answer.
        match UnixDatagram::unbound().and_then(|probe| probe.connect(own)) {
            Ok(()) => return Err(fail(io::ErrorKind::AddrInUse.into())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(own).map_err(fail)?;
            }
            Err(_) => {}
        }
        let socket = UnixDatagram::bind(own).map_err(|source| match own.parent() {
            Some(folder) if source.kind() == io::ErrorKind::NotFound => {
                CableError::NoFolder { path: own.to_owned(), folder: folder.to_owned() }
            }
            _ => fail(source),
        })?;
        // What the board's has no room for is lost: a board that hangs does not hold up the run.
        socket.set_nonblocking(true).map_err(fail)?;
        Ok(Self { socket, own: own.to_owned(), board: board.to_owned() })
    }
}

impl Cable for Datagrams {
    fn receive(&self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        receive(&self.socket, patience, take)
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &self.board).map(drop)
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.own);
    }
}
