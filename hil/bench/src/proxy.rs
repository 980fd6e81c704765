//! TCP proxy of a board: connections that it requests over the console are opened at its place.

use parallax_agent::{
    from_text,
    protocol::{CHUNK_BYTES, FROM_OUTSIDE, FromBoard, ToBoard},
    to_text,
};
use parallax_fabric::{TcpListener, TcpStream};
use parallax_lab::BoardSite;
use parallax_peer::Accept as _;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc::Sender,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::AbortHandle,
};

/// Pieces of a stream that wait for the network, at most.
const WAITING_MOST: usize = 256;

/// What goes on for one board. It is shared by the tasks that carry.
struct Proxy {
    place: BoardSite,
    to_board: Sender<ToBoard>,
    next: AtomicU32,
    ends: Mutex<BTreeMap<u32, End>>,
}

/// A stream, or a place to listen.
enum End {
    Stream(mpsc::Sender<Vec<u8>>),
    Task(AbortHandle),
}

impl Drop for End {
    fn drop(&mut self) {
        if let Self::Task(task) = self {
            task.abort();
        }
    }
}

/// Does what the board asks for, until the sender of its messages is gone.
pub(crate) async fn serve(
    place: BoardSite,
    mut from_board: mpsc::UnboundedReceiver<FromBoard>,
    to_board: Sender<ToBoard>,
) {
    let (next, ends) = (AtomicU32::new(FROM_OUTSIDE), Mutex::default());
    let proxy = Arc::new(Proxy { place, to_board, next, ends });
    while let Some(message) = from_board.recv().await {
        proxy.hear(message);
    }
}

impl Proxy {
    fn ends(&self) -> MutexGuard<'_, BTreeMap<u32, End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without a receiver, the run is over.
    fn say(&self, message: ToBoard) {
        let _ = self.to_board.send(message);
    }

    fn hear(self: &Arc<Self>, message: FromBoard) {
        match message {
            FromBoard::Open { stream, to } => {
                let task = tokio::spawn(open(Arc::clone(self), stream, to));
                self.ends().insert(stream, End::Task(task.abort_handle()));
            }
            FromBoard::Listen { listener, at } => match self.place.listen(at) {
                Ok(open) => {
                    let task = tokio::spawn(accept(Arc::clone(self), listener, open));
                    self.ends().insert(listener, End::Task(task.abort_handle()));
                }
                Err(_) => self.say(ToBoard::Refused { stream: listener }),
            },
            FromBoard::Bytes { stream, base64 } => {
                let mut ends = self.ends();
                if let Some(End::Stream(inbox)) = ends.get(&stream)
                    && let Ok(bytes) = from_text(&base64)
                    && (bytes.len() > CHUNK_BYTES || inbox.try_send(bytes).is_err())
                {
                    // A board that sends more than is taken has lost its stream: the carrier reports it.
                    ends.remove(&stream);
                }
            }
            FromBoard::Closed { stream } => drop(self.ends().remove(&stream)),
            FromBoard::Broken => self.ends().clear(),
            _ => {}
        }
    }

    /// Where bytes for a stream go from now on.
    fn begin(&self, stream: u32) -> mpsc::Receiver<Vec<u8>> {
        let (inbox, waiting) = mpsc::channel(WAITING_MOST);
        // It replaces the task that opened it: that one waits for nothing any more, and ends whole.
        self.ends().insert(stream, End::Stream(inbox));
        waiting
    }
}

async fn open(proxy: Arc<Proxy>, stream: u32, to: SocketAddr) {
    match proxy.place.connect(to).await {
        Ok(open) => {
            let waiting = proxy.begin(stream);
            proxy.say(ToBoard::Opened { stream });
            tokio::spawn(carry(proxy, stream, open, waiting));
        }
        Err(_) => {
            proxy.say(ToBoard::Refused { stream });
        }
    }
}

async fn accept(proxy: Arc<Proxy>, listener: u32, mut open: TcpListener) {
    while let Ok((guest, from)) = open.accept().await {
        let stream = proxy.next.fetch_add(1, Ordering::Relaxed);
        let waiting = proxy.begin(stream);
        proxy.say(ToBoard::Accepted { listener, stream, from });
        tokio::spawn(carry(Arc::clone(&proxy), stream, guest, waiting));
    }
    proxy.say(ToBoard::Refused { stream: listener });
}

/// Carries the bytes of one stream until either end is over.
async fn carry(
    proxy: Arc<Proxy>,
    stream: u32,
    open: TcpStream,
    mut waiting: mpsc::Receiver<Vec<u8>>,
) {
    let (mut reader, mut writer) = tokio::io::split(open);
    let mut bytes = vec![0; CHUNK_BYTES];
    loop {
        tokio::select! {
            read = reader.read(&mut bytes) => {
                let read = read.unwrap_or(0);
                if read == 0 {
                    break;
                }
                proxy.say(ToBoard::Bytes { stream, base64: to_text(&bytes[..read]) });
            }
            said = waiting.recv() => {
                let Some(said) = said else { break };
                if writer.write_all(&said).await.is_err() {
                    break;
                }
            }
        }
    }
    proxy.ends().remove(&stream);
    proxy.say(ToBoard::Closed { stream });
    // Whatever becomes of it: the stream is dropped.
    let _ = writer.shutdown().await;
}
