//! A host on the kernel's own clock and sockets, and a rendezvous beside it.

use futures::{SinkExt, StreamExt};
use parallax_peer::{Accept, Flash, Host, Work, Worked};
use parallax_record::{Entry, Event};
use parallax_signalling::{ConnectionId, Rendezvous, RendezvousOutput};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use webrtc::runtime::{Runtime, TokioRuntime};

/// What a peer's events go into.
pub(crate) type Events = mpsc::UnboundedSender<Entry>;

#[derive(Clone)]
pub(crate) struct KernelHost {
    name: &'static str,
    start: Instant,
    flash: Arc<Memory>,
    events: Events,
    random: Arc<AtomicU64>,
    address: IpAddr,
}

#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Flash for Memory {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(name).cloned()
    }
    fn store(&self, name: &str, value: &[u8]) {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_vec());
    }
}

pub(crate) struct Listener(TcpListener);

impl Accept for Listener {
    type Stream = TcpStream;
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

impl KernelHost {
    pub(crate) fn new(name: &'static str, start: Instant, events: Events) -> Self {
        let random = Arc::new(AtomicU64::new(name.len() as u64));
        let address = Ipv4Addr::LOCALHOST.into();
        Self { name, start, flash: Arc::default(), events, random, address }
    }

    /// The same host at another address of this machine.
    #[allow(dead_code, reason = "not each program that has this file needs it")]
    pub(crate) fn on(self, address: IpAddr) -> Self {
        Self { address, ..self }
    }
}

impl Host for KernelHost {
    type Stream = TcpStream;
    type Listener = Listener;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime)
    }
    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(to).await
    }
    async fn listen(&self, at: SocketAddr) -> io::Result<Listener> {
        TcpListener::bind(at).await.map(Listener)
    }
    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.address]
    }
    async fn work<T: Send>(&self, _: Work, _: u64, job: impl FnOnce() -> T + Send) -> Worked<T> {
        let done = job();
        Worked::by_now(done, self.now_ns())
    }
    fn flash(&self) -> &dyn Flash {
        &*self.flash
    }
    fn random(&self) -> u64 {
        self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }
    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap()
    }
    fn observe(&self, event: Event) {
        let entry = Entry { run_ns: self.now_ns(), node: self.name.to_owned(), event };
        // The test may have seen enough.
        let _ = self.events.send(entry);
    }
}

/// What a rendezvous makes of a text before it sends it.
pub(crate) type Tamper = fn(String) -> String;

/// Serves the rendezvous core on a kernel socket; gives its address.
pub(crate) async fn rendezvous(tamper: Tamper) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let core = Arc::new(Mutex::new(Rendezvous::new(Vec::new())));
    let outboxes: Arc<Mutex<BTreeMap<ConnectionId, mpsc::UnboundedSender<String>>>> =
        Arc::default();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let id = ConnectionId(number);
            tokio::spawn(connection(id, stream, core.clone(), outboxes.clone(), tamper));
        }
    });
    address
}

async fn connection(
    id: ConnectionId,
    stream: TcpStream,
    core: Arc<Mutex<Rendezvous>>,
    outboxes: Arc<Mutex<BTreeMap<ConnectionId, mpsc::UnboundedSender<String>>>>,
    tamper: Tamper,
) {
    // A peer may be gone before it has said anything.
    let Ok(mut socket) = accept_async(stream).await else { return };
    let (outbox, mut to_send) = mpsc::unbounded_channel();
    outboxes.lock().unwrap().insert(id, outbox);
    core.lock().unwrap().connected(id);
    loop {
        tokio::select! {
            message = socket.next() => {
                match message {
                    Some(Ok(Message::Text(text))) => core.lock().unwrap().handle(id, &text),
                    // The library answers pings as it reads on.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                }
            }
            text = to_send.recv() => {
                let Some(text) = text else { break };
                if socket.send(Message::text(tamper(text))).await.is_err() {
                    break;
                }
            }
        }
        deliver(&core, &outboxes);
    }
    core.lock().unwrap().disconnected(id);
    deliver(&core, &outboxes);
}

fn deliver(
    core: &Mutex<Rendezvous>,
    outboxes: &Mutex<BTreeMap<ConnectionId, mpsc::UnboundedSender<String>>>,
) {
    let mut core = core.lock().unwrap();
    let mut outboxes = outboxes.lock().unwrap();
    while let Some(output) = core.poll() {
        match output {
            RendezvousOutput::Send(id, text) => {
                drop(outboxes.get(&id).map(|outbox| outbox.send(text)))
            }
            RendezvousOutput::Close(id) => drop(outboxes.remove(&id)),
        }
    }
}
