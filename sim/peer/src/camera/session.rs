//! A camera's end of a session.

use super::{
    Frame, Media, Shared,
    outlet::Outlet,
    pacer::Load,
    rates::{self, Estimator},
};
use crate::{
    connection::{self, Built, ExchangeEnd},
    control::{self, ToCamera, ToViewer},
    exchange::{Exchange, ExchangeEvent, ExchangeInput, Post},
    host::Host,
    name::SessionName,
    probe::{Departures, Probe, WIRE},
    round_trip::SharedRoundTrip,
    tasks::Tasks,
};
use parallax_record::{Event, LossPhase, Phase, Session, SetupTask};
use parallax_signalling::{CloseReason, IceServer, SessionId, ToRendezvous};
use rtc::{
    interceptor::{
        CongestionControlBuilder, Registry, SenderReportBuilder, Slot, TwccSenderBuilder,
    },
    media_stream::MediaStreamTrack,
    rtp,
    rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind},
    shared::error::{Error, Result},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::RTCSessionDescription,
    rtp_transceiver::RtpSender,
};

/// What a session begins with.
pub(super) struct Start {
    pub(super) id: SessionId,
    pub(super) name: Session,
    pub(super) ice_servers: Vec<IceServer>,
}

/// Longest time of a session from the viewer's coming to the end of DTLS. The viewer gives up
/// earlier and says so; this is for one that is gone with its signalling.
const SETUP: Duration = Duration::from_secs(20);
/// The same from the answer to the end of DTLS, where the offer was made before a viewer came: the viewer has been at it for a while.
const ANSWERED_SETUP: Duration = Duration::from_secs(8);
/// How long a packet that was sent is kept for the feedback on it. The crate's 2 s are too short where
/// the bottleneck queue is longer: no feedback would count, and the estimate stay where it was, so
/// that the queue never drained.
const UNREPORTED: Duration = Duration::from_secs(60);
/// Between two telemetry messages.
const TELEMETRY: Duration = Duration::from_secs(1);
/// Between what is recorded of the pacer.
const PACER_LOAD: Duration = Duration::from_secs(1);

struct Live<H: Host> {
    shared: Arc<Shared<H>>,
    exchange: Exchange<H>,
    track: Arc<TrackLocalStaticRTP>,
    sender: Arc<dyn RtpSender>,
    ssrc: u32,
    control: Arc<dyn DataChannel>,
    /// Bytes of RTP that have left for the wire.
    sent: Arc<AtomicU64>,
    outlet: Outlet,
    tasks: Tasks,
}

/// Runs a session from the viewer's coming to its end.
pub(super) async fn run<H: Host>(
    shared: Arc<Shared<H>>,
    start: Start,
    inbox: mpsc::UnboundedReceiver<ExchangeInput>,
    out: mpsc::UnboundedSender<ToRendezvous>,
) {
    let (id, name) = (start.id, start.name.clone());
    shared.host.observe(Event::Phase { session: name.clone(), phase: Phase::Requested });
    let end = run_to_end(&shared, start, Post { inbox, out: out.clone() }).await;
    conclude(&shared, (id, name), end, &out);
}

/// Runs a session whose offer has its answer to its end.
pub(super) async fn run_answered<H: Host>(
    shared: &Arc<Shared<H>>,
    prepared: Prepared,
    (start, answer): (Start, String),
    post: Post,
) {
    let (id, name, out) = (start.id, start.name.clone(), post.out.clone());
    // What the session before said of itself is over.
    shared.set_silent(false);
    shared.host.observe(Event::Phase { session: name.clone(), phase: Phase::Requested });
    let end = run_answered_to_end(shared, prepared, (start, answer), post).await;
    conclude(shared, (id, name), end, &out);
}

fn conclude<H: Host>(
    shared: &Shared<H>,
    (id, name): (SessionId, Session),
    end: Result<ExchangeEnd>,
    out: &mpsc::UnboundedSender<ToRendezvous>,
) {
    let end = end.unwrap_or_else(|error| ExchangeEnd::here(CloseReason::Failed, error.to_string()));
    shared.unwatch(&id);
    if let Some(reason) = end.tell {
        // The rendezvous may be gone.
        let _ = out.send(ToRendezvous::Close { session: id, reason });
    }
    shared.host.observe(Event::Closed { session: name, reason: end.text });
}

/// A connection with its offer, which is not set yet: nothing is gathered.
pub(super) struct Prepared {
    pub(super) offer: RTCSessionDescription,
    built: Built,
    track: Arc<TrackLocalStaticRTP>,
    sender: Arc<dyn RtpSender>,
    ssrc: u32,
    control: Arc<dyn DataChannel>,
    sent: Arc<AtomicU64>,
    outlet: Outlet,
}

/// Makes a connection and its offer.
///
/// # Errors
/// What the `webrtc` crate says.
pub(super) async fn prepare<H: Host>(
    shared: &Arc<Shared<H>>,
    id: SessionId,
    name: &SessionName,
    ice_servers: &[IceServer],
) -> Result<Prepared> {
    let host = &shared.host;
    connection::prepare(host)?;
    let since_ns = host.now_ns();
    let sent = Arc::default();
    let round_trip = SharedRoundTrip::default();
    let live = matches!(shared.config.media, Media::Live(_));
    let outlet = Outlet::new(shared.config.pacer_bps(), live, round_trip.clone());
    let registry = interceptors(shared, (id, name), &sent, &outlet);
    let feedback = shared.config.camera.congestion_control.is_some();
    let media = (shared.config.media.profile_level_id(), feedback);
    let ice = (ice_servers, shared.config.ice);
    let built = connection::build(host, name, ice, (registry, round_trip), media).await?;
    let connection = built.connection.clone();
    let ssrc = host.random() as u32;
    let track = Arc::new(TrackLocalStaticRTP::new(media_track(shared, ssrc)));
    let sender = connection.add_track(track.clone() as Arc<dyn TrackLocal>).await?;
    let control = connection.create_data_channel(control::LABEL, None).await?;
    let offer = connection.create_offer(None).await?;
    host.spend(SetupTask::Offer, since_ns);
    Ok(Prepared { offer, built, track, sender, ssrc, control, sent, outlet })
}

impl Prepared {
    /// Sets the offer, with which gathering begins.
    async fn begin<H: Host>(
        self,
        shared: &Arc<Shared<H>>,
        session: (SessionId, Session),
        post: Post,
        setup: Duration,
    ) -> Result<Live<H>> {
        let Self { offer, built, track, sender, ssrc, control, sent, outlet } = self;
        built.connection.set_local_description(offer).await?;
        let exchange = Exchange::new(shared.host.clone(), session, built, post, setup);
        let (shared, tasks) = (shared.clone(), Tasks::default());
        Ok(Live { shared, exchange, track, sender, ssrc, control, sent, outlet, tasks })
    }
}

async fn run_to_end<H: Host>(
    shared: &Arc<Shared<H>>,
    start: Start,
    post: Post,
) -> Result<ExchangeEnd> {
    let Start { id, name, ice_servers } = start;
    let prepared = prepare(shared, id, &name.clone().into(), &ice_servers).await?;
    let sdp = prepared.offer.sdp.clone();
    let live = prepared.begin(shared, (id, name), post, SETUP).await?;
    live.exchange.tell(ToRendezvous::Description { session: id, sdp });
    live.run_to_end().await
}

async fn run_answered_to_end<H: Host>(
    shared: &Arc<Shared<H>>,
    prepared: Prepared,
    (start, answer): (Start, String),
    post: Post,
) -> Result<ExchangeEnd> {
    connection::use_servers(&prepared.built.connection, &start.ice_servers).await?;
    let mut live = prepared.begin(shared, (start.id, start.name), post, ANSWERED_SETUP).await?;
    live.exchange.whole = true;
    live.answered(answer).await?;
    live.run_to_end().await
}

fn interceptors<H: Host>(
    shared: &Arc<Shared<H>>,
    (id, name): (SessionId, &SessionName),
    sent: &Arc<AtomicU64>,
    outlet: &Outlet,
) -> Registry {
    let config = &shared.config;
    let (wisher, asked) = (Arc::downgrade(shared), outlet.clone());
    let wish = move || {
        if let Some(shared) = wisher.upgrade() {
            shared.key_frames().wish(asked.loses_many());
        }
    };
    let departures = Departures::new(shared.host.clone(), name.clone(), sent.clone(), wish);
    let mut registry = Registry::new()
        .with(Slot::from(WIRE), Probe::new(departures))
        .with(Slot::Pacer, outlet.interceptor())
        .with(Slot::SenderReport, SenderReportBuilder::new().build());
    if let Some((bounds, start_bps)) = config.follows() {
        let listener = Arc::downgrade(shared);
        let tell = move |bps| {
            if let Some(shared) = listener.upgrade() {
                shared.with_rates(|rates| rates.estimate(&id, bps));
            }
        };
        let pacer_bps = config.pacer_bps().unwrap_or(start_bps);
        let estimator = Estimator::new(bounds, start_bps, pacer_bps, tell);
        let congestion_control =
            CongestionControlBuilder::new(estimator).with_prune_horizon(UNREPORTED).build();
        registry = registry
            .with(Slot::CongestionControl, congestion_control)
            .with(Slot::TwccSender, TwccSenderBuilder::new().build());
    }
    registry
}

fn media_track<H: Host>(shared: &Shared<H>, ssrc: u32) -> MediaStreamTrack {
    let name = &shared.config.name;
    MediaStreamTrack::new(
        name.clone(),
        format!("{name}-video"),
        format!("{name}-video"),
        RtpCodecKind::Video,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                ..Default::default()
            },
            codec: connection::h264(shared.config.media.profile_level_id()),
            ..Default::default()
        }],
    )
}

impl<H: Host> Live<H> {
    async fn run_to_end(mut self) -> Result<ExchangeEnd> {
        let end = self.run().await;
        // Nothing more is sent or answered while it closes.
        self.tasks = Tasks::default();
        self.exchange.close().await?;
        end
    }

    async fn answered(&mut self, sdp: String) -> Result<()> {
        let host = self.shared.host.clone();
        let since_ns = host.now_ns();
        let answer = RTCSessionDescription::answer(sdp)?;
        self.exchange.connection.set_remote_description(answer).await?;
        host.spend(SetupTask::Answer, since_ns);
        self.exchange.phase(Phase::Signalling);
        Ok(())
    }

    async fn run(&mut self) -> Result<ExchangeEnd> {
        loop {
            match self.exchange.next().await? {
                ExchangeEvent::Connected => self.stream().await?,
                ExchangeEvent::Description(sdp) => self.answered(sdp).await?,
                // If the way to the rendezvous has died with it, the viewer cannot come anew.
                ExchangeEvent::Silent => self.shared.set_silent(true),
                ExchangeEvent::Heard => self.shared.set_silent(false),
                // A viewer sends neither track nor channel.
                ExchangeEvent::Track(_) | ExchangeEvent::Channel(_) => {}
                ExchangeEvent::Ended(end) => return Ok(end),
            }
        }
    }

    async fn stream(&mut self) -> Result<()> {
        let parameters = self.sender.get_parameters().await?;
        let payload_type = parameters
            .rtp_parameters
            .codecs
            .first()
            .map(|codec| codec.payload_type)
            .ok_or_else(|| Error::Other("no codec was agreed on".to_owned()))?;
        let frames = self.shared.watch(self.exchange.id, self.exchange.name.clone());
        let host = self.shared.host.clone();
        let stream = Stream {
            track: self.track.clone(),
            payload_type,
            ssrc: self.ssrc,
            sequence: host.random() as u16,
            shared: self.shared.clone(),
            name: self.exchange.name.clone(),
            outlet: self.outlet.clone(),
        };
        self.tasks.spawn(&host, stream.run(frames));
        let name = self.exchange.name.clone();
        self.tasks.spawn(&host, pacer_load(host.clone(), name, self.outlet.clone()));
        self.tasks.spawn(&host, answer(self.shared.clone(), self.control.clone()));
        self.tasks.spawn(&host, report(self.shared.clone(), self.control.clone()));
        if self.shared.config.camera.congestion_control.is_some() {
            let session = (self.exchange.id, self.exchange.name.clone());
            let report = rates::report(self.shared.clone(), session, self.sent.clone());
            self.tasks.spawn(&host, report);
        }
        Ok(())
    }
}

/// Frames on their way into the transport.
struct Stream<H> {
    track: Arc<TrackLocalStaticRTP>,
    payload_type: u8,
    ssrc: u32,
    sequence: u16,
    shared: Arc<Shared<H>>,
    name: Session,
    outlet: Outlet,
}

impl<H: Host> Stream<H> {
    async fn run(mut self, mut frames: mpsc::Receiver<Arc<Frame>>) {
        // A frame was lost or dropped: those that refer to it are of no use.
        let mut broken = false;
        while let Some(frame) = frames.recv().await {
            broken |= self.outlet.take_broken();
            broken = !self.outlet.admits() || (broken && !frame.key);
            if broken {
                self.drop_frame(&frame);
                continue;
            }
            let last = frame.payloads.len().saturating_sub(1);
            for (n, payload) in frame.payloads.iter().enumerate() {
                let header = rtp::Header {
                    version: 2,
                    marker: n == last,
                    payload_type: self.payload_type,
                    sequence_number: self.sequence,
                    timestamp: frame.timestamp,
                    ssrc: self.ssrc,
                    ..Default::default()
                };
                self.sequence = self.sequence.wrapping_add(1);
                let packet = rtp::Packet { header, payload: payload.clone() };
                if self.track.write_rtp(packet).await.is_err() {
                    // The connection is gone; its session is about to say so.
                    return;
                }
            }
        }
    }

    /// Drops a frame that would leave too late.
    fn drop_frame(&self, frame: &Frame) {
        self.shared.key_frames().wish(self.outlet.loses_many());
        self.shared.host.observe(Event::FrameLost {
            session: self.name.clone(),
            rtp_timestamp: frame.timestamp,
            phase: LossPhase::Send,
        });
    }
}

/// Records once a second what left the pacer, if something did.
async fn pacer_load<H: Host>(host: H, session: Session, outlet: Outlet) {
    loop {
        let from_run_ns = host.now_ns();
        host.runtime().sleep(PACER_LOAD).await;
        let load = outlet.take_load();
        if load != Load::default() {
            host.observe(Event::PacerLoad {
                session: session.clone(),
                from_run_ns,
                packets: load.packets,
                waited_longest_ns: load.waited_longest_ns,
                resent: load.resent,
                resent_waited_longest_ns: load.resent_waited_longest_ns,
                refused: load.refused,
            });
        }
    }
}

/// Answers what the viewer sends over the data channel.
async fn answer<H: Host>(shared: Arc<Shared<H>>, control: Arc<dyn DataChannel>) {
    while let Some(event) = control.poll().await {
        let DataChannelEvent::OnMessage(message) = event else { continue };
        match control::read(&message.data) {
            Some(ToCamera::Ping { viewer_us }) => {
                let pong = ToViewer::Pong { viewer_us, camera_us: shared.camera_us() };
                if control.send_text(&control::write(&pong)).await.is_err() {
                    return;
                }
            }
            None => {
                let text = "a message on the data channel that makes no sense".to_owned();
                shared.host.observe(Event::Note { text });
            }
        }
    }
}

/// Sends the camera's counters once a second.
async fn report<H: Host>(shared: Arc<Shared<H>>, control: Arc<dyn DataChannel>) {
    loop {
        shared.host.runtime().sleep(TELEMETRY).await;
        let telemetry = ToViewer::Telemetry {
            camera_us: shared.camera_us(),
            captured: shared.counters.captured.load(Ordering::Relaxed),
            encoded: shared.counters.encoded.load(Ordering::Relaxed),
            dropped: shared.counters.dropped.load(Ordering::Relaxed),
        };
        if control.send_text(&control::write(&telemetry)).await.is_err() {
            return;
        }
    }
}
