//! A viewer's end of a session.

use super::{
    Health, Playing, Sessions,
    jitter::{Playout, Release},
    nack::Repairs,
    playback,
};
use crate::{
    connection::{self, ExchangeEnd},
    control::{self, ToCamera, ToViewer},
    exchange::{Exchange, ExchangeEvent, Post},
    frames::Piece,
    h264,
    host::Host,
    probe::{Arrivals, Early, Probe, WIRE, piece},
    round_trip::SharedRoundTrip,
    tasks::Tasks,
};
use parallax_record::{Event, Ice, JitterBuffer, LossPhase, Phase, Session, SetupTask};
use parallax_signalling::{CloseReason, IceServer, SessionId, ToRendezvous};
use playback::Item;
use rtc::{
    interceptor::{ReceiverReportBuilder, Registry, Slot, TwccReceiverBuilder},
    rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication,
    shared::error::Result,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    peer_connection::RTCSessionDescription,
};

/// What a session begins with.
pub(super) struct Start {
    pub(super) id: SessionId,
    pub(super) name: Session,
    pub(super) ice_servers: Vec<IceServer>,
    /// The camera waits for the last candidate.
    pub(super) whole: bool,
    pub(super) playing: Playing,
    pub(super) jitter_buffer: JitterBuffer,
    pub(super) nack: Option<parallax_spec::Nack>,
    pub(super) ice: Ice,
}

/// Longest time of a session from finding the camera to the end of DTLS; then it is given up
/// and the camera asked for again. The viewer's driver may stop without a word.
pub(super) const SETUP: Duration = Duration::from_secs(8);
/// Between two requests for a key frame that does not come.
const KEY_FRAME_RETRY_NS: u64 = 250_000_000;
/// Between two pings over the data channel.
const PING: Duration = Duration::from_secs(1);

struct Live<H: Host> {
    exchange: Exchange<H>,
    playing: Playing,
    jitter_buffer: JitterBuffer,
    health: Arc<Health>,
    /// What asks for lost packets; none: nothing.
    repairs: Option<Repairs>,
    /// What came before there was a track.
    early: Early,
    round_trip: SharedRoundTrip,
    /// Whom to tell that nothing comes any more.
    silent: mpsc::UnboundedSender<SessionId>,
    tasks: Tasks,
}

/// The stack of this crate.
#[derive(Clone)]
pub(super) struct Stack;

impl<H: Host> Sessions<H> for Stack {
    fn run(
        &self,
        host: H,
        start: Start,
        post: Post,
        silent: mpsc::UnboundedSender<SessionId>,
        health: Arc<Health>,
    ) -> impl Future<Output = ExchangeEnd> + Send + 'static {
        run(host, start, post, silent, health)
    }
}

async fn run<H: Host>(
    host: H,
    start: Start,
    post: Post,
    silent: mpsc::UnboundedSender<SessionId>,
    health: Arc<Health>,
) -> ExchangeEnd {
    let name = start.name.clone();
    let end = match run_to_end(&host, start, post, silent, health).await {
        Ok(end) => end,
        Err(error) => ExchangeEnd::here(CloseReason::Failed, error.to_string()),
    };
    host.observe(Event::Closed { session: name, reason: end.text.clone() });
    end
}

async fn run_to_end<H: Host>(
    host: &H,
    start: Start,
    post: Post,
    silent: mpsc::UnboundedSender<SessionId>,
    health: Arc<Health>,
) -> Result<ExchangeEnd> {
    connection::prepare(host)?;
    let round_trip = SharedRoundTrip::default();
    let repairs = start.nack.map(|nack| Repairs::new(nack, round_trip.clone()));
    let early = Early::keeping();
    let registry = interceptors(host, &start, repairs.as_ref(), early.clone());
    // A viewer records it.
    let media = (start.playing.profile_level_id(), true);
    let ice = (&start.ice_servers[..], start.ice);
    let learns = (registry, round_trip.clone());
    let built = connection::build(host, &start.name.clone().into(), ice, learns, media).await?;
    let session = (start.id, start.name);
    let mut exchange = Exchange::new(host.clone(), session, built, post, SETUP);
    exchange.whole = start.whole;
    let mut live = Live {
        exchange,
        playing: start.playing,
        jitter_buffer: start.jitter_buffer,
        health,
        repairs,
        early,
        round_trip,
        silent,
        tasks: Tasks::default(),
    };
    let end = live.run().await;
    // Nothing more is shown while it closes.
    live.tasks = Tasks::default();
    live.exchange.close().await?;
    end
}

fn interceptors<H: Host>(
    host: &H,
    start: &Start,
    repairs: Option<&Repairs>,
    early: Early,
) -> Registry {
    let name = &start.name;
    let registry = Registry::new()
        .with(Slot::from(WIRE), Probe::new(Arrivals::new(host.clone(), name.clone(), early)))
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build());
    match repairs {
        Some(repairs) => registry.with(Slot::NackGenerator, repairs.interceptor()),
        None => registry,
    }
}

impl<H: Host> Live<H> {
    async fn run(&mut self) -> Result<ExchangeEnd> {
        loop {
            match self.exchange.next().await? {
                ExchangeEvent::Connected => {
                    self.health.note(self.exchange.host.now_ns());
                    self.health.set(Health::STREAMING);
                }
                ExchangeEvent::Heard => self.health.set(Health::STREAMING),
                ExchangeEvent::Silent => {
                    self.health.set(Health::DOUBTED);
                    let (host, health) = (self.exchange.host.clone(), self.health.clone());
                    let told = (self.exchange.id, self.silent.clone());
                    self.tasks.spawn(&host, doubt(host.clone(), health, told));
                }
                ExchangeEvent::Description(sdp) => self.answer(sdp).await?,
                ExchangeEvent::Track(track) => self.play(track),
                ExchangeEvent::Channel(channel) => {
                    let (host, name) = (self.exchange.host.clone(), self.exchange.name.clone());
                    let round_trip = self.round_trip.clone();
                    self.tasks.spawn(&host, ping(host.clone(), channel.clone()));
                    self.tasks.spawn(&host, listen(host.clone(), name, channel, round_trip));
                }
                ExchangeEvent::Ended(end) => return Ok(end),
            }
        }
    }

    async fn answer(&mut self, sdp: String) -> Result<()> {
        let (connection, id) = (self.exchange.connection.clone(), self.exchange.id);
        self.exchange.phase(Phase::Signalling);
        let host = self.exchange.host.clone();
        let since_ns = host.now_ns();
        connection.set_remote_description(RTCSessionDescription::offer(sdp)?).await?;
        let answer = connection.create_answer(None).await?;
        let sdp = answer.sdp.clone();
        host.spend(SetupTask::Answer, since_ns);
        connection.set_local_description(answer).await?;
        self.exchange.tell(ToRendezvous::Description { session: id, sdp });
        Ok(())
    }

    fn play(&mut self, track: Arc<dyn TrackRemote>) {
        let (host, name) = (self.exchange.host.clone(), self.exchange.name.clone());
        let (items, queue) = mpsc::channel(playback::QUEUE_FRAMES);
        // One wish waits at most: a second one says the same.
        let (wish, wishes) = mpsc::channel(1);
        let receiver = Receiver {
            host: host.clone(),
            health: self.health.clone(),
            name: name.clone(),
            track: track.clone(),
            items,
            wish: wish.clone(),
            buffer: Playout::new(self.jitter_buffer, self.repairs.is_some()),
            repairs: self.repairs.clone(),
            early: self.early.take(),
            any: false,
            gap: false,
        };
        self.tasks.spawn(&host, receiver.run());
        self.tasks.spawn(&host, ask_for_key_frames(host.clone(), name.clone(), track, wishes));
        let shows = playback::run(host.clone(), name.clone(), self.playing.clone(), queue, wish);
        self.tasks.spawn(&host, shows);
    }
}

/// Packets into frames, each at its time.
struct Receiver<H> {
    host: H,
    health: Arc<Health>,
    name: Session,
    track: Arc<dyn TrackRemote>,
    items: mpsc::Sender<Item>,
    /// A key frame is needed.
    wish: mpsc::Sender<()>,
    buffer: Playout,
    repairs: Option<Repairs>,
    /// Packets that came before there was a track.
    early: Vec<Piece>,
    /// Packets have come.
    any: bool,
    /// A frame was lost on its way to the decoder: the next one does not follow it.
    gap: bool,
}

impl<H: Host> Receiver<H> {
    async fn run(mut self) {
        // The track may give some of them again: the buffer takes each once.
        std::mem::take(&mut self.early).into_iter().for_each(|piece| self.handle(piece));
        loop {
            let now_ns = self.host.now_ns();
            while let Some(release) = self.buffer.poll(now_ns) {
                self.let_go(release);
            }
            let wait = self.buffer.next_deadline().map(|due| due.saturating_sub(now_ns));
            let timer = async {
                match wait {
                    Some(ns) => self.host.runtime().sleep(Duration::from_nanos(ns)).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                event = self.track.poll() => event,
                () = timer => continue,
            };
            match event {
                Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                    self.health.note(self.host.now_ns());
                    self.handle(piece(&packet, self.host.now_ns()));
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    fn handle(&mut self, piece: Piece) {
        // A stream that does not begin with the head of a key frame has lost it.
        if !std::mem::replace(&mut self.any, true) {
            let said = h264::inspect(&piece.payload);
            if !(said.starts_frame && said.key) {
                let _ = self.wish.try_send(());
            }
        }
        self.buffer.handle(piece);
        if let Some(target_ns) = self.buffer.moved() {
            let (session, target_us) = (self.name.clone(), target_ns / 1_000);
            self.host.observe(Event::JitterBufferTarget { session, target_us });
        }
    }

    fn let_go(&mut self, release: Release) {
        let session = self.name.clone();
        if let Some(repairs) = &self.repairs {
            repairs.done(match &release {
                Release::Frame { frame, .. } => frame.timestamp,
                Release::Lost { timestamp, .. } => *timestamp,
            });
        }
        let held = self.buffer.holds_key();
        match release {
            Release::Frame { frame, follows, margin_ns } => {
                let rtp_timestamp = frame.timestamp;
                let margin_us = margin_ns.and_then(|ns| i64::try_from(ns.div_euclid(1_000)).ok());
                let session_of = session.clone();
                self.host.observe(Event::FrameReleased {
                    session: session_of,
                    rtp_timestamp,
                    margin_us,
                });
                let follows = follows && !std::mem::replace(&mut self.gap, false);
                if self.items.try_send(Item { frame, follows, held }).is_err() {
                    self.gap = true;
                    let phase = LossPhase::Decode;
                    self.host.observe(Event::FrameLost { session, rtp_timestamp, phase });
                }
            }
            Release::Lost { timestamp: rtp_timestamp, late } => {
                // What follows refers to it, up to the next key frame. If a wish waits already, that one will do.
                if !held {
                    let _ = self.wish.try_send(());
                }
                let phase = if late { LossPhase::Late } else { LossPhase::Transport };
                self.host.observe(Event::FrameLost { session, rtp_timestamp, phase });
            }
        }
    }
}

/// While ICE hears nothing: tells when media have not come for as long either, and again as long as
/// nothing comes. Then the path is dead.
pub(super) async fn doubt<H: Host>(
    host: H,
    health: Arc<Health>,
    (id, silent): (SessionId, mpsc::UnboundedSender<SessionId>),
) {
    while health.get() != Health::STREAMING {
        let quiet = health.quiet(host.now_ns());
        let wait = if quiet >= connection::SILENT {
            health.set(Health::SILENT);
            // The receiver is gone only with the viewer itself.
            let _ = silent.send(id);
            connection::SILENT
        } else {
            health.set(Health::DOUBTED);
            connection::SILENT - quiet
        };
        host.runtime().sleep(wait).await;
    }
}

/// Asks the camera for a key frame at each wish, but not before the last one had time to come.
async fn ask_for_key_frames<H: Host>(
    host: H,
    name: Session,
    track: Arc<dyn TrackRemote>,
    mut wishes: mpsc::Receiver<()>,
) {
    let mut last_ns: Option<u64> = None;
    while wishes.recv().await.is_some() {
        let now = host.now_ns();
        if last_ns.is_some_and(|last| now.saturating_sub(last) < KEY_FRAME_RETRY_NS) {
            continue;
        }
        last_ns = Some(now);
        for media_ssrc in track.ssrcs().await {
            let request = PictureLossIndication { sender_ssrc: 0, media_ssrc };
            if track.write_rtcp(vec![Box::new(request)]).await.is_err() {
                return;
            }
        }
        host.observe(Event::KeyFrameRequested { session: name.clone() });
    }
}

async fn ping<H: Host>(host: H, channel: Arc<dyn DataChannel>) {
    loop {
        host.runtime().sleep(PING).await;
        let ping = ToCamera::Ping { viewer_us: host.now_ns() / 1_000 };
        if channel.send_text(&control::write(&ping)).await.is_err() {
            return;
        }
    }
}

async fn listen<H: Host>(
    host: H,
    session: Session,
    channel: Arc<dyn DataChannel>,
    round_trip: SharedRoundTrip,
) {
    while let Some(event) = channel.poll().await {
        let DataChannelEvent::OnMessage(message) = event else { continue };
        let session = session.clone();
        match control::read(&message.data) {
            Some(ToViewer::Pong { viewer_us, .. }) => {
                let round_trip_us = (host.now_ns() / 1_000).saturating_sub(viewer_us);
                round_trip.sample(round_trip_us.saturating_mul(1_000));
                host.observe(Event::RoundTrip { session, round_trip_us });
            }
            Some(ToViewer::Telemetry { camera_us, captured, encoded, dropped }) => {
                host.observe(Event::Telemetry { session, camera_us, captured, encoded, dropped });
            }
            None => {
                let text = "a message on the data channel that makes no sense".to_owned();
                host.observe(Event::Note { text });
            }
        }
    }
}
