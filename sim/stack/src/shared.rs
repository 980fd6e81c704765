//! A stack that tasks share: streams and listeners that wait by wakers.

use crate::{ConnectionError, Listener, Stack, TcpConnection};
use core::{
    fmt,
    future::{Future, poll_fn},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    pin::Pin,
    task::{Context, Poll, Waker},
};
use parallax_network::{Packet, Time};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many connections a listener lets wait.
const BACKLOG: usize = 16;

type Notify = Arc<dyn Fn() + Send + Sync>;

/// A [`Stack`] shared by the tasks that use it and the shell that steps it.
///
/// The shell calls [`handle`](Self::handle), [`poll`](Self::poll) and
/// [`next_deadline`](Self::next_deadline) as on the stack itself. Whenever a task may have given
/// the stack something to send, [`take_dirty`](Self::take_dirty) is true and the callback of
/// [`on_dirty`](Self::on_dirty) is called: the shell polls again.
#[derive(Clone)]
pub struct SharedStack(Arc<Mutex<Inner>>);

struct Inner {
    stack: Stack,
    readers: BTreeMap<TcpConnection, Waker>,
    writers: BTreeMap<TcpConnection, Waker>,
    acceptors: BTreeMap<Listener, Waker>,
    dirty: bool,
    notify: Option<Notify>,
}

impl SharedStack {
    /// Shares a stack.
    pub fn new(stack: Stack) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            stack,
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
            acceptors: BTreeMap::new(),
            dirty: false,
            notify: None,
        })))
    }

    /// Calls `notify` whenever there may be something to poll. It is called on the task that
    /// caused it, without any lock held.
    pub fn on_dirty(&self, notify: impl Fn() + Send + Sync + 'static) {
        self.with(|inner| inner.notify = Some(Arc::new(notify)));
    }

    /// Whether there may be something to poll since this was asked last.
    pub fn take_dirty(&self) -> bool {
        self.with(|inner| core::mem::take(&mut inner.dirty))
    }

    /// The host's address.
    pub fn address(&self) -> Ipv4Addr {
        self.with(|inner| inner.stack.address())
    }

    /// A packet came in: see [`Stack::handle`].
    pub fn handle(&self, now: Time, packet: &Packet) {
        self.step(|stack| stack.handle(now, packet));
    }

    /// The next packet to send: see [`Stack::poll`].
    pub fn poll(&self, now: Time) -> Option<Packet> {
        self.step(|stack| stack.poll(now))
    }

    /// When to poll again: see [`Stack::next_deadline`].
    pub fn next_deadline(&self, now: Time) -> Option<Time> {
        self.with(|inner| inner.stack.next_deadline(now))
    }

    /// Loss and return of power: see [`Stack::restart`]. Streams and listeners of before fail.
    pub fn restart(&self) {
        self.step(Stack::restart);
    }

    /// Opens a connection. It is given up when the future is dropped.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut` (after three minutes without an answer), `AddrInUse`,
    /// `InvalidInput`.
    pub async fn connect(&self, remote: SocketAddrV4) -> io::Result<TcpStream> {
        let (connection, local) = self.act(|stack| {
            let connection = stack.connect(remote)?;
            Ok::<_, io::Error>((connection, stack.local(connection)))
        })?;
        let local = local.ok_or(ConnectionError::Closed)?;
        let stream = TcpStream { stack: self.clone(), connection, local, remote };
        poll_fn(|context| {
            self.with(|inner| match inner.stack.send(connection, &[]) {
                Poll::Pending => {
                    inner.writers.insert(connection, context.waker().clone());
                    Poll::Pending
                }
                Poll::Ready(done) => Poll::Ready(done),
            })
        })
        .await?;
        Ok(stream)
    }

    /// Listens on a port; 0 takes an ephemeral one.
    ///
    /// # Errors
    /// `AddrInUse`.
    pub fn listen(&self, port: u16) -> io::Result<SharedListener> {
        let (listener, port) = self.act(|stack| {
            let listener = stack.listen(port, BACKLOG)?;
            Ok::<_, io::Error>((listener, stack.port(listener).unwrap_or(port)))
        })?;
        let local = SocketAddrV4::new(self.address(), port);
        Ok(SharedListener { stack: self.clone(), listener, local })
    }

    /// Does something that gives nothing to send.
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic of another task is reported elsewhere; the stack is whole between calls.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Steps the stack and wakes those who wait for what came of it.
    fn step<T>(&self, act: impl FnOnce(&mut Stack) -> T) -> T {
        let (result, woken) = self.with(|inner| {
            let result = act(&mut inner.stack);
            (result, inner.ready())
        });
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// Does something that may give the stack something to send.
    fn act<T>(&self, act: impl FnOnce(&mut Stack) -> T) -> T {
        let (result, woken, notify) = self.with(|inner| {
            let result = act(&mut inner.stack);
            inner.dirty = true;
            (result, inner.ready(), inner.notify.clone())
        });
        woken.into_iter().for_each(Waker::wake);
        if let Some(notify) = notify {
            notify();
        }
        result
    }
}

impl Inner {
    /// Those whose wait is over.
    fn ready(&mut self) -> Vec<Waker> {
        let stack = &self.stack;
        let mut woken = Vec::new();
        woken.extend(self.readers.extract_if(.., |id, _| stack.readable(*id)).map(|(_, w)| w));
        woken.extend(self.writers.extract_if(.., |id, _| stack.writable(*id)).map(|(_, w)| w));
        let over = |id: &Listener| stack.acceptable(*id) || stack.port(*id).is_none();
        woken.extend(self.acceptors.extract_if(.., |id, _| over(id)).map(|(_, w)| w));
        woken
    }
}

impl fmt::Debug for SharedStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedStack").field(&self.address()).finish()
    }
}

/// A TCP connection. Dropped, it closes: what was written still arrives.
#[derive(Debug)]
pub struct TcpStream {
    stack: SharedStack,
    connection: TcpConnection,
    local: SocketAddrV4,
    remote: SocketAddrV4,
}

impl TcpStream {
    /// This end.
    pub fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    /// The other end.
    pub fn peer_addr(&self) -> SocketAddrV4 {
        self.remote
    }

    /// Resets the connection.
    pub fn abort(&self) {
        self.stack.act(|stack| stack.abort(self.connection));
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let id = self.connection;
        let space = buffer.initialize_unfilled();
        match self.stack.with(|inner| inner.stack.receive(id, space)) {
            Poll::Pending => {
                self.stack.with(|inner| inner.readers.insert(id, context.waker().clone()));
                Poll::Pending
            }
            Poll::Ready(received) => {
                // The window may have opened.
                self.stack.act(|_| ());
                Poll::Ready(received.map(|bytes| buffer.advance(bytes)).map_err(Into::into))
            }
        }
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let id = self.connection;
        match self.stack.act(|stack| stack.send(id, data)) {
            Poll::Pending => {
                self.stack.with(|inner| inner.writers.insert(id, context.waker().clone()));
                Poll::Pending
            }
            Poll::Ready(sent) => Poll::Ready(sent.map_err(Into::into)),
        }
    }

    /// Ready at once, as on a kernel's socket: what was written is on its way.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stack.act(|stack| stack.close(self.connection));
        Poll::Ready(Ok(()))
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let id = self.connection;
        self.stack.with(|inner| {
            inner.readers.remove(&id);
            inner.writers.remove(&id);
        });
        self.stack.act(|stack| stack.release(id));
    }
}

/// A TCP listener. Dropped, it listens no more.
#[derive(Debug)]
pub struct SharedListener {
    stack: SharedStack,
    listener: Listener,
    local: SocketAddrV4,
}

impl SharedListener {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    /// The next connection, and where it comes from.
    ///
    /// # Errors
    /// `BrokenPipe` if the host was restarted.
    pub fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        poll_fn(|context| self.poll_accept(context))
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let id = self.listener;
        let accepted = self.stack.act(|stack| {
            if stack.port(id).is_none() {
                return Err(ConnectionError::Closed);
            }
            Ok(loop {
                let Some(connection) = stack.accept(id) else { break None };
                match stack.local(connection).zip(stack.remote(connection)) {
                    Some((local, remote)) => break Some((connection, local, remote)),
                    // Reset before anyone accepted it.
                    None => stack.release(connection),
                }
            })
        })?;
        match accepted {
            Some((connection, local, remote)) => {
                let stack = self.stack.clone();
                let stream = TcpStream { stack, connection, local, remote };
                Poll::Ready(Ok((stream, remote.into())))
            }
            None => {
                self.stack.with(|inner| inner.acceptors.insert(id, context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for SharedListener {
    fn drop(&mut self) {
        let id = self.listener;
        self.stack.with(|inner| inner.acceptors.remove(&id));
        self.stack.act(|stack| stack.close_listener(id));
    }
}
