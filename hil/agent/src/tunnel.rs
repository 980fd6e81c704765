//! TCP by way of the console: what a camera connects to and listens at.

use crate::{
    bulk, lock,
    protocol::{CHUNK_BYTES, FromBoard, ToBoard},
    say::MessageWriter,
};
use parallax_peer::Accept;
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{mpsc, oneshot},
};

/// Bytes of a stream that wait at either end of it on the board.
const ROOM: usize = 64 << 10;

type Ends = mpsc::UnboundedSender<Vec<u8>>;
type Guest = (DuplexStream, SocketAddr);

/// The board's end of all streams.
pub(crate) struct Tunnel {
    voice: Arc<MessageWriter>,
    next: AtomicU32,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Who waits for a stream to be opened.
    asked: BTreeMap<u32, oneshot::Sender<bool>>,
    open: BTreeMap<u32, Ends>,
    places: BTreeMap<u32, mpsc::UnboundedSender<Guest>>,
}

impl Tunnel {
    pub(crate) fn new(voice: Arc<MessageWriter>) -> Self {
        Self { voice, next: AtomicU32::new(0), inner: Mutex::default() }
    }

    pub(crate) async fn connect(self: &Arc<Self>, to: SocketAddr) -> io::Result<DuplexStream> {
        let stream = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, opened) = oneshot::channel();
        lock(&self.inner).asked.insert(stream, tell);
        // The caller may give up: then the stream is not wanted any more.
        let unasked = Unasked { tunnel: Arc::clone(self), stream };
        self.voice.say(&FromBoard::Open { stream, to });
        let open = opened.await.unwrap_or(false);
        if !open {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let near = self.begin(stream);
        drop(unasked);
        Ok(near)
    }

    pub(crate) fn listen(self: &Arc<Self>, at: SocketAddr) -> TunnelListener {
        let listener = self.next.fetch_add(1, Ordering::Relaxed);
        let (guests, come) = mpsc::unbounded_channel();
        lock(&self.inner).places.insert(listener, guests);
        self.voice.say(&FromBoard::Listen { listener, at });
        TunnelListener { come, tunnel: Arc::clone(self), listener }
    }

    /// Carries the bytes of a stream from now on.
    fn begin(self: &Arc<Self>, stream: u32) -> DuplexStream {
        let (near, far) = duplex(ROOM);
        let (ends, inbox) = mpsc::unbounded_channel();
        lock(&self.inner).open.insert(stream, ends);
        tokio::spawn(carry(Arc::clone(self), stream, far, inbox));
        near
    }

    /// What the bench says about streams. It runs within the camera's runtime.
    pub(crate) fn hear(self: &Arc<Self>, message: ToBoard) {
        match message {
            ToBoard::Opened { stream } => {
                let asked = lock(&self.inner).asked.remove(&stream);
                // One that was given up is closed by `Unasked`.
                let _ = asked.map(|asked| asked.send(true));
            }
            ToBoard::Refused { stream } => {
                let mut inner = lock(&self.inner);
                let _ = inner.asked.remove(&stream).map(|asked| asked.send(false));
                inner.places.remove(&stream);
            }
            ToBoard::Accepted { listener, stream, from } => {
                let place = lock(&self.inner).places.get(&listener).cloned();
                let near = self.begin(stream);
                // Without a place the near end is dropped, and the stream with it.
                let _ = place.map(|place| place.send((near, from)));
            }
            ToBoard::Bytes { stream, base64 } => {
                let ends = lock(&self.inner).open.get(&stream).cloned();
                if let (Some(ends), Ok(bytes)) = (ends, bulk::from_text(&base64)) {
                    let _ = ends.send(bytes);
                }
            }
            ToBoard::Closed { stream } => {
                let mut inner = lock(&self.inner);
                inner.open.remove(&stream);
                let _ = inner.asked.remove(&stream).map(|asked| asked.send(false));
            }
            ToBoard::Clock { .. }
            | ToBoard::Order(_)
            | ToBoard::ClockSocket { .. }
            | ToBoard::Broken
            | ToBoard::Stop => {}
        }
    }

    /// Something was lost on the console: every stream ends, and so does every place to listen.
    pub(crate) fn break_all(&self) {
        let gone = std::mem::take(&mut *lock(&self.inner));
        drop(gone);
    }
}

/// Carries the bytes of one stream until either end is over.
async fn carry(
    tunnel: Arc<Tunnel>,
    stream: u32,
    far: DuplexStream,
    mut inbox: mpsc::UnboundedReceiver<Vec<u8>>,
) {
    let (mut reader, mut writer) = tokio::io::split(far);
    let mut bytes = vec![0; CHUNK_BYTES];
    loop {
        tokio::select! {
            read = reader.read(&mut bytes) => {
                let read = read.unwrap_or(0);
                if read == 0 {
                    break;
                }
                let base64 = bulk::to_text(&bytes[..read]);
                tunnel.voice.say(&FromBoard::Bytes { stream, base64 });
            }
            came = inbox.recv() => {
                let Some(came) = came else { break };
                if writer.write_all(&came).await.is_err() {
                    break;
                }
            }
        }
    }
    lock(&tunnel.inner).open.remove(&stream);
    tunnel.voice.say(&FromBoard::Closed { stream });
}

/// Closes a stream whose caller gave up.
struct Unasked {
    tunnel: Arc<Tunnel>,
    stream: u32,
}

impl Drop for Unasked {
    fn drop(&mut self) {
        let mut inner = lock(&self.tunnel.inner);
        inner.asked.remove(&self.stream);
        if !inner.open.contains_key(&self.stream) {
            drop(inner);
            self.tunnel.voice.say(&FromBoard::Closed { stream: self.stream });
        }
    }
}

/// A place to listen at.
pub(crate) struct TunnelListener {
    come: mpsc::UnboundedReceiver<Guest>,
    tunnel: Arc<Tunnel>,
    listener: u32,
}

impl Accept for TunnelListener {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<Guest> {
        self.come.recv().await.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl Drop for TunnelListener {
    fn drop(&mut self) {
        lock(&self.tunnel.inner).places.remove(&self.listener);
        self.tunnel.voice.say(&FromBoard::Closed { stream: self.listener });
    }
}
