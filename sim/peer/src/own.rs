//! A camera's own rendezvous: viewers reach it on the camera's address, without a server.
//!
//! What is said and refused, and every limit, is [`Server`]'s: here bytes are carried. The camera
//! is a connection of its own rendezvous, without a socket in between.

use crate::{
    host::{Accept, Flash, Host},
    tasks::Tasks,
};
use parallax_record::Event;
use parallax_signalling::{
    ConnectionId, FromRendezvous, Limits, Server, SessionId, ToRendezvous, is_name,
};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
};

/// A camera serves up to 16 viewers; one that has just lost its path may hold two connections. One
/// bad neighbour leaves room for the others.
const LIMITS: Limits = Limits { clients: 32, clients_per_address: 8 };
/// After a failure to accept a connection.
const RETRY: Duration = Duration::from_secs(1);
/// Where the numbers of the last sessions with viewers lie in flash.
const NUMBERS: &str = "sessions.own";
/// Viewers whose numbers are kept in flash: those that came last.
const MOST_NUMBERS: usize = 64;
/// Ids of the sessions of one boot.
const SESSIONS_PER_BOOT: u64 = 1 << 32;

/// The camera's end of its own rendezvous, which lives and listens as long as this does.
pub(crate) struct Own<H: Host> {
    host: H,
    hub: Arc<Hub>,
    id: ConnectionId,
    numbers: Numbers,
    _tasks: Tasks,
}

/// Listens at `at` for viewers of the camera that has booted `boot` times before.
///
/// # Errors
/// The host cannot listen there.
pub(crate) async fn listen<H: Host>(host: &H, at: SocketAddr, boot: u32) -> io::Result<Own<H>> {
    let listener = host.listen(at).await?;
    let numbers = Numbers::load(host.flash());
    let after = SessionId(u64::from(boot) * SESSIONS_PER_BOOT);
    let (server, id) = Server::of_camera(LIMITS, after, numbers.0.iter().cloned().collect());
    let state = State { server, bells: BTreeMap::new() };
    let hub = Arc::new(Hub { state: Mutex::new(state), camera: Notify::new() });
    let mut tasks = Tasks::default();
    tasks.spawn(host, accept(host.clone(), hub.clone(), listener));
    Ok(Own { host: host.clone(), hub, id, numbers, _tasks: tasks })
}

impl<H: Host> Own<H> {
    /// The next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The camera broke its own rules.
    pub(crate) async fn receive(&mut self) -> io::Result<FromRendezvous> {
        loop {
            let heard = self.hub.lock().server.hear(self.id).map_err(io::Error::other)?;
            let Some(text) = heard else {
                self.hub.camera.notified().await;
                continue;
            };
            let message = FromRendezvous::from_text(&text).map_err(io::Error::other)?;
            if let FromRendezvous::ViewerCame { viewer, number, .. } = &message {
                self.numbers.note(viewer, *number);
                self.numbers.store(self.host.flash());
            }
            return Ok(message);
        }
    }

    /// Says a message.
    pub(crate) fn send(&mut self, message: &ToRendezvous) {
        let text = message.to_text();
        self.hub.act(None, |server| server.say(now(&self.host), self.id, &text));
    }
}

/// The rendezvous, and whom to tell that it has something to do for them.
struct Hub {
    state: Mutex<State>,
    camera: Notify,
}

struct State {
    server: Server,
    /// Of each client's task.
    bells: BTreeMap<ConnectionId, Arc<Notify>>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something for a client, and wakes the other clients with news by it.
    fn act<T>(&self, of: Option<ConnectionId>, act: impl FnOnce(&mut Server) -> T) -> T {
        let mut state = self.lock();
        let State { server, bells } = &mut *state;
        let done = act(server);
        for (id, bell) in bells.iter().filter(|(id, _)| Some(**id) != of) {
            if server.has_news(*id) {
                bell.notify_one();
            }
        }
        self.camera.notify_one();
        done
    }
}

fn now<H: Host>(host: &H) -> Duration {
    Duration::from_nanos(host.now_ns())
}

/// Accepts connections. Dropped, it drops them all.
async fn accept<H: Host>(host: H, hub: Arc<Hub>, mut listener: H::Listener) {
    let mut tasks = Tasks::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let mut state = hub.lock();
                // A client too many is dropped, and its connection closed.
                let Some(id) = state.server.open(now(&host), from.ip()) else { continue };
                let bell = Arc::new(Notify::new());
                state.bells.insert(id, bell.clone());
                drop(state);
                tasks.spawn(&host, serve(host.clone(), hub.clone(), (id, bell), stream));
            }
            Err(error) => {
                let text = format!("failed to accept a viewer: {error}");
                host.observe(Event::Note { text });
                host.runtime().sleep(RETRY).await;
            }
        }
    }
}

/// Carries the bytes of one client until it is over.
async fn serve<H: Host>(
    host: H,
    hub: Arc<Hub>,
    (id, bell): (ConnectionId, Arc<Notify>),
    stream: H::Stream,
) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut bytes = [0; 4096];
    let mut reads = true;
    loop {
        let next = hub.act(Some(id), |server| {
            server.time(now(&host));
            let waiting = server.outgoing(id)?;
            let chunk = waiting[..waiting.len().min(bytes.len())].to_vec();
            Some((chunk, server.next_deadline()))
        });
        let Some((chunk, deadline)) = next else { break };
        let timer = async {
            match deadline {
                Some(at) => host.runtime().sleep(at.saturating_sub(now(&host))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            written = writer.write(&chunk), if !chunk.is_empty() => {
                let written = written.unwrap_or(0);
                if written == 0 {
                    break;
                }
                hub.act(Some(id), |server| {
                    if let Some(waiting) = server.outgoing(id) {
                        waiting.drain(..written);
                    }
                });
            }
            read = reader.read(&mut bytes), if reads => {
                // After a reset nothing is read there either.
                let Ok(read) = read else { break };
                reads = read > 0;
                let bytes = &bytes[..read];
                hub.act(Some(id), |server| server.receive(now(&host), id, bytes));
            }
            () = bell.notified() => {}
            () = timer => {}
        }
    }
    hub.lock().bells.remove(&id);
    hub.act(None, |server| server.gone(now(&host), id));
    // Whatever becomes of it: the stream is dropped.
    let _ = writer.shutdown().await;
}

/// How many sessions viewers had, of earlier boots too: who came last is last.
struct Numbers(Vec<(String, u32)>);

impl Numbers {
    fn load(flash: &dyn Flash) -> Self {
        let stored = flash.load(NUMBERS).and_then(|bytes| String::from_utf8(bytes).ok());
        let read = |line: &str| {
            let (number, viewer) = line.split_once(' ')?;
            is_name(viewer).then_some((viewer.to_owned(), number.parse().ok()?))
        };
        Self(stored.unwrap_or_default().lines().filter_map(read).collect())
    }

    fn note(&mut self, viewer: &str, number: u32) {
        self.0.retain(|(known, _)| known != viewer);
        self.0.push((viewer.to_owned(), number));
        let too_many = self.0.len().saturating_sub(MOST_NUMBERS);
        self.0.drain(..too_many);
    }

    fn store(&self, flash: &dyn Flash) {
        let lines: String =
            self.0.iter().map(|(viewer, number)| format!("{number} {viewer}\n")).collect();
        flash.store(NUMBERS, lines.as_bytes());
    }
}
