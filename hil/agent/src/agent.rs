//! The agent: takes an order, runs the camera, reports its events.

use crate::{
    bulk::from_text,
    clock,
    host::{AgentClock, AgentHost, Events, Net},
    load,
    order::configure,
    protocol::{self, BoardTimedEvent, CameraOrder, FromBoard, PROTOCOL, ToBoard},
    say::MessageWriter,
    tunnel::Tunnel,
};
use parallax_console::{Nonce, Received, Receiver, ScanItem, Scanner, Sender as Party};
use parallax_peer::camera;
use parallax_record::Event;
use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::runtime::Runtime;

/// Stack of the camera's threads, bytes: its futures are deep in a build without optimisation.
const STACK: usize = 32 << 20;
/// Between two batches of events.
const FLUSH: Duration = Duration::from_millis(50);
/// Between two words about the load, in batches.
const LOAD_EVERY: u32 = 20;
/// Destination for finding the board's outward address where there is no rendezvous (RFC 5737).
const ANYWHERE: ([u8; 4], u16) = ([192, 0, 2, 1], 9);

/// Why an agent ended other than by order.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No thread, or no runtime.
    #[error("failed to start the agent's threads: {0}\nhelp: see what limits threads here")]
    Threads(io::Error),
    /// The console is gone.
    #[error("failed to read the console: {0}\nhelp: start the agent on the board's console")]
    Console(io::Error),
}

/// Runs the agent on a console until the bench stops it or the console ends. All its times are those of
/// `clock`.
///
/// # Errors
/// If it cannot start, or the console breaks.
pub fn run<N: Net>(
    net: N,
    clock: AgentClock,
    nonce: Nonce,
    mut input: impl Read,
    output: impl Write + Send + 'static,
) -> Result<(), AgentError> {
    let (voice, writer) = MessageWriter::new(nonce, output).map_err(AgentError::Threads)?;
    let voice = Arc::new(voice);
    let mut agent = Agent {
        net,
        clock,
        events: Arc::new(Events::new(Arc::clone(&voice))),
        tunnel: Arc::new(Tunnel::new(Arc::clone(&voice))),
        voice,
        nonce,
        runtime: None,
        has_clock_socket: false,
        begun: false,
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    agent.voice.say(&FromBoard::Hello { protocol: PROTOCOL, version });
    let read = agent.listen(nonce, &mut input);
    if let Some(runtime) = agent.runtime.take() {
        runtime.shutdown_background();
    }
    agent.events.flush();
    agent.voice.say(&FromBoard::Bye);
    agent.voice.end();
    // What was said is on the wire when it ends; if it panicked, the console is broken.
    let _ = writer.join();
    read.map_err(AgentError::Console)
}

struct Agent<N> {
    net: N,
    clock: AgentClock,
    voice: Arc<MessageWriter>,
    events: Arc<Events>,
    tunnel: Arc<Tunnel>,
    nonce: Nonce,
    runtime: Option<Runtime>,
    has_clock_socket: bool,
    /// It is a camera.
    begun: bool,
}

impl<N: Net> Agent<N> {
    /// Handles messages until `Stop`, or until the console ends.
    fn listen(&mut self, nonce: Nonce, input: &mut impl Read) -> io::Result<()> {
        let (mut scanner, mut receiver) = (Scanner::new(), Receiver::new(Party::Host, nonce));
        let (mut bytes, mut text) = ([0; 1_024], Vec::new());
        loop {
            let read = match input.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for byte in &bytes[..read] {
                let Some(ScanItem::Frame(frame)) = scanner.push(*byte, &mut text) else { continue };
                let (missing, received) = receiver.take(frame);
                if missing > 0 {
                    self.broken();
                    self.voice.say(&FromBoard::Broken);
                }
                let Received::Message(message) = received else { continue };
                if let Some(message) = protocol::read(&message)
                    && !self.hear(message)?
                {
                    return Ok(());
                }
            }
            text.clear();
        }
    }

    /// Does what is said; false: it was the last word.
    fn hear(&mut self, message: ToBoard) -> io::Result<bool> {
        match message {
            ToBoard::Clock { number } => {
                self.voice.say(&FromBoard::Clock { number, board_ns: self.clock.now_ns() });
            }
            ToBoard::ClockSocket { towards } => self.listen_for_clock(towards)?,
            ToBoard::Order(order) if !self.begun => self.begin(&order)?,
            // The bench does not know whether the first one came.
            ToBoard::Order(_) => {}
            ToBoard::Broken => self.broken(),
            ToBoard::Stop => return Ok(false),
            other => {
                if let Some(runtime) = &self.runtime {
                    let _within = runtime.enter();
                    self.tunnel.hear(other);
                }
            }
        }
        Ok(true)
    }

    fn broken(&self) {
        self.tunnel.break_all();
        let text = "the console lost something: signalling begins anew".to_owned();
        self.events
            .tell(BoardTimedEvent { board_ns: self.clock.now_ns(), event: Event::Note { text } });
    }

    fn begin(&mut self, order: &CameraOrder) -> io::Result<()> {
        let config = match configure(order) {
            Ok(config) => config,
            Err(error) => {
                self.voice.say(&FromBoard::CannotBe { text: error.to_string() });
                return Ok(());
            }
        };
        self.begun = true;
        self.run()?;
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let towards = order.rendezvous.unwrap_or_else(|| SocketAddr::from(ANYWHERE));
        let (events, tunnel) = (Arc::clone(&self.events), Arc::clone(&self.tunnel));
        // What was not stored by an agent is no memory of one.
        let stored = order.flash.iter();
        let stored = stored.filter_map(|(name, text)| Some((name.clone(), from_text(text).ok()?)));
        let stored = stored.collect();
        let (net, clock) = (self.net.clone(), self.clock.clone());
        let host = AgentHost::new(net, towards, clock, events, tunnel, stored);
        let (events, clock) = (Arc::clone(&self.events), self.clock.clone());
        let camera = runtime.spawn(camera::run(host, config));
        let told_by = clock.clone();
        runtime.spawn(async move {
            let text = match camera.await {
                Ok(()) => "its software ended".to_owned(),
                Err(error) => format!("its code panicked: {error}"),
            };
            events
                .tell(BoardTimedEvent { board_ns: told_by.now_ns(), event: Event::Fault { text } });
        });
        let (events, voice) = (Arc::clone(&self.events), Arc::clone(&self.voice));
        runtime.spawn(report(events, voice, clock));
        Ok(())
    }

    /// Starts the threads, once.
    fn run(&mut self) -> io::Result<()> {
        if self.runtime.is_none() {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_stack_size(STACK)
                .enable_all()
                .build()?;
            self.runtime = Some(runtime);
        }
        Ok(())
    }

    /// It may be said again, and counts once.
    fn listen_for_clock(&mut self, towards: Option<SocketAddr>) -> io::Result<()> {
        self.run()?;
        if let Some(runtime) = self.runtime.as_ref().filter(|_| !self.has_clock_socket) {
            self.has_clock_socket = true;
            let towards = towards.unwrap_or_else(|| SocketAddr::from(ANYWHERE));
            let (net, clock, voice) =
                (self.net.clone(), self.clock.clone(), Arc::clone(&self.voice));
            runtime.spawn(clock::answer(net, towards, self.nonce, clock, voice));
        }
        Ok(())
    }
}

/// Takes events to the console, and tells the load.
async fn report(events: Arc<Events>, voice: Arc<MessageWriter>, clock: AgentClock) {
    for batch in 0_u32.. {
        tokio::time::sleep(FLUSH).await;
        events.flush();
        if batch.is_multiple_of(LOAD_EVERY)
            && let Some((cpu_us, memory_bytes)) = load::of_this_process()
        {
            voice.say(&FromBoard::Load { board_ns: clock.now_ns(), cpu_us, memory_bytes });
        }
    }
}
