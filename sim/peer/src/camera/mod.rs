//! The camera: it registers, and offers its stream to every viewer that the rendezvous sends.

mod film;
mod gcc;
mod history;
mod key_frames;
mod outlet;
mod pacer;
mod rates;
mod session;
mod source;
mod whip;

use crate::{
    connection,
    exchange::ExchangeInput,
    host::Host,
    identity,
    rendezvous::{self, RendezvousEvent, RendezvousLink},
    source_clip::{SourceClip, TooLarge},
    tasks::{self, Tasks},
};
use key_frames::KeyFrames;
use parallax_media::{EncoderConfig, Recording, Size};
use parallax_record::{Event, Ice, Session};
use parallax_signalling::{CloseReason, FromRendezvous, SessionId, ToRendezvous, Token};
use parallax_spec::{Camera, GccBounds};
use rates::Rates;
use source::Frame;
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc};

/// What a camera is to do.
#[derive(Clone, Debug)]
pub struct CameraConfig {
    /// Its name at the rendezvous.
    pub name: String,
    /// What a viewer has to show to get an offer.
    pub token: Token,
    /// Where its viewers find it.
    pub signalling: Signalling,
    /// How it films, encodes and sends.
    pub camera: Camera,
    /// Where the frames come from.
    pub media: Media,
    /// How its ICE agent is set.
    pub ice: Ice,
}

/// Where a camera's viewers find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signalling {
    /// At the rendezvous that listens there.
    Rendezvous(SocketAddr),
    /// At the camera itself, which listens there: on its own address, for viewers in its LAN. They
    /// get no STUN or TURN server.
    Own(SocketAddr),
    /// At the rendezvous that listens there, to which it pushes by WHIP (RFC 9725): to one viewer at a time.
    Whip(SocketAddr),
}

impl CameraConfig {
    /// Itself, if its encoder and its pacer take all its numbers.
    ///
    /// # Errors
    /// With the first that is too large.
    pub fn checked(self) -> Result<Self, TooLarge> {
        let camera = &self.camera;
        let (narrow, wide) = (u64::from(u16::MAX), u64::from(u32::MAX));
        let ceiling = camera.congestion_control.map_or(0, |bounds| bounds.ceiling_bps);
        let limits = [
            ("size", camera.width_px.max(camera.height_px).into(), narrow),
            ("frames_per_second", camera.frames_per_second.into(), narrow),
            ("bit_rate", camera.bit_rate_bps, wide),
            ("pacer", camera.pacer_bps.unwrap_or(0), wide),
            ("ceiling", ceiling, wide),
        ];
        match limits.into_iter().find(|(_, value, most)| value > most) {
            Some((key, value, _)) => Err(TooLarge { key, value }),
            None => Ok(self),
        }
    }

    /// Frames per second, at least 1.
    fn frames_per_second(&self) -> u16 {
        u16::try_from(self.camera.frames_per_second).unwrap_or(u16::MAX).max(1)
    }

    fn pacer_bps(&self) -> Option<u32> {
        self.camera.pacer_bps.map(narrow)
    }

    /// What bounds the encoder's bit rate where it follows the path, and where it begins, bits per
    /// second. A recording follows no viewer.
    fn follows(&self) -> Option<(GccBounds, u32)> {
        match &self.media {
            Media::Live(_) => {
                Some((self.camera.congestion_control?, narrow(self.camera.bit_rate_bps)))
            }
            Media::Prerecorded(_) => None,
        }
    }

    fn encoder(&self) -> EncoderConfig {
        let [width, height] = [self.camera.width_px, self.camera.height_px]
            .map(|pixels| u16::try_from(pixels).unwrap_or(u16::MAX));
        EncoderConfig {
            size: Size { width, height },
            frames_per_second: self.frames_per_second(),
            bit_rate_bps: narrow(self.camera.bit_rate_bps),
            key_frame_interval: self.camera.key_frame_interval_frames,
            // One slice a frame: the viewer decodes whole frames or none, so smaller slices would
            // cost bits and save nothing.
            max_slice_bytes: None,
            skip_frames: self.camera.skip_frames,
            scene_change_key_frames: true,
        }
    }
}

/// A rate that was checked.
fn narrow(bps: u64) -> u32 {
    u32::try_from(bps).unwrap_or(u32::MAX)
}

/// Where a camera's frames come from.
#[derive(Clone, Debug)]
pub enum Media {
    /// It films this clip, whose pictures have the stream's size, and encodes.
    Live(SourceClip),
    /// It sends the next frame of a recording for each that it captures, as it is, and encodes
    /// nothing. Who asks for a key frame waits for the next one of the recording. Stages take
    /// their time all the same.
    Prerecorded(Recording),
}

impl Media {
    /// The profile that the camera offers: its encoder's, or that of the recording.
    fn profile_level_id(&self) -> [u8; 3] {
        match self {
            Self::Live(_) => connection::CONSTRAINED_BASELINE,
            Self::Prerecorded(recording) => {
                connection::profile_level_id(recording.profile_level_id())
            }
        }
    }
}

/// Frames that may wait for one viewer's transport.
const SEND_QUEUE_FRAMES: usize = 30;
/// Between two tries to reach the rendezvous.
const RETRY: Duration = Duration::from_secs(1);
/// Where the count of boots lies in flash.
const BOOTS: &str = "boots.camera";

/// What the camera's tasks share.
struct Shared<H> {
    host: H,
    config: CameraConfig,
    boot: u32,
    booted_ns: u64,
    rtp_base: u32,
    counters: Counters,
    key_frames: Mutex<KeyFrames>,
    watchers: Mutex<BTreeMap<SessionId, Watcher>>,
    /// None without congestion control.
    rates: Option<Mutex<Rates>>,
    watched: Notify,
    /// From a viewer nothing comes any more: the way to the rendezvous may have died as well.
    silent: Notify,
    /// So it is still, of the session that said so last.
    is_silent: AtomicBool,
}

#[derive(Default)]
struct Counters {
    captured: AtomicU32,
    encoded: AtomicU32,
    dropped: AtomicU32,
}

struct Watcher {
    session: Session,
    frames: mpsc::Sender<Arc<Frame>>,
}

/// Runs a camera for ever: from power on until its host drops it.
pub async fn run<H: Host>(host: H, config: CameraConfig) {
    let boot = identity::next_boot(host.flash(), BOOTS);
    host.observe(Event::Started { boot });
    let shared = Arc::new(Shared {
        boot,
        booted_ns: host.now_ns(),
        rtp_base: host.random() as u32,
        counters: Counters::default(),
        key_frames: Mutex::new(KeyFrames::new(config.camera.congestion_control.is_none())),
        watchers: Mutex::default(),
        rates: config.follows().map(|(_, start_bps)| Mutex::new(Rates::new(start_bps))),
        watched: Notify::new(),
        silent: Notify::new(),
        is_silent: AtomicBool::new(false),
        host,
        config,
    });
    let mut tasks = Tasks::default();
    tasks.spawn(&shared.host, source::run(shared.clone()));
    shared.host.observe(Event::Ready { boot });
    let mut sessions = Sessions::new();
    loop {
        let link = match shared.config.signalling {
            Signalling::Rendezvous(at) => rendezvous::connect(&shared.host, at).await,
            Signalling::Own(at) => rendezvous::listen(&shared.host, at, boot).await,
            Signalling::Whip(at) => return whip::run(&shared, at).await,
        };
        match link {
            Ok(link) => serve(&shared, link, &mut sessions, &mut tasks).await,
            Err(error) => {
                let text = format!("failed to reach the rendezvous: {error}");
                shared.host.observe(Event::Note { text });
            }
        }
        shared.host.runtime().sleep(RETRY).await;
    }
}

/// Each session's viewer, and where messages for it go.
type Sessions = BTreeMap<SessionId, (String, mpsc::UnboundedSender<ExchangeInput>)>;

/// Registers, and serves what comes until the connection is gone. Sessions outlive it.
async fn serve<H: Host>(
    shared: &Arc<Shared<H>>,
    mut link: RendezvousLink<H>,
    sessions: &mut Sessions,
    tasks: &mut Tasks,
) {
    let (out, mut to_send) = mpsc::unbounded_channel();
    let register = ToRendezvous::Register {
        camera: shared.config.name.clone(),
        token: shared.config.token.clone(),
        boot: shared.boot,
    };
    if out.send(register).is_err() {
        return;
    }
    let runtime = shared.host.runtime();
    let mut keep_alive = runtime.interval(rendezvous::KEEP_ALIVE);
    let mut probe = None;
    loop {
        let done = tokio::select! {
            biased;
            heard = link.receive() => heard.map(|heard| match heard {
                RendezvousEvent::Message(message) => take(shared, message, sessions, tasks, &out),
                RendezvousEvent::Pong => probe = None,
            }),
            Some(message) = to_send.recv() => link.send(&message).await,
            () = keep_alive.tick(), if probe.is_none() => link.keep_alive().await,
            () = shared.silent.notified(), if probe.is_none() => {
                probe = Some(runtime.sleep(rendezvous::PROBE));
                link.probe().await
            }
            () = tasks::due(&mut probe) => {
                probe = None;
                if link.is_silent() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
            }
        };
        if let Err(error) = done {
            let text = format!("lost the rendezvous: {error}");
            return shared.host.observe(Event::Note { text });
        }
    }
}

fn take<H: Host>(
    shared: &Arc<Shared<H>>,
    message: FromRendezvous,
    sessions: &mut Sessions,
    tasks: &mut Tasks,
    out: &mpsc::UnboundedSender<ToRendezvous>,
) {
    sessions.retain(|_, (_, session)| !session.is_closed());
    match message {
        FromRendezvous::ViewerCame { session, viewer, number, ice_servers, .. } => {
            // A viewer that comes again has let go of what it had, and of that the rendezvous may
            // have told a connection that was dead.
            for (old, (_, inbox)) in sessions.iter().filter(|(_, (of, _))| *of == viewer) {
                let closed =
                    FromRendezvous::Closed { session: *old, reason: CloseReason::Replaced };
                let _ = inbox.send(ExchangeInput::From(closed));
            }
            let (to_session, inbox) = mpsc::unbounded_channel();
            sessions.insert(session, (viewer.clone(), to_session));
            let name = Session { camera: shared.config.name.clone(), viewer, number };
            let start = session::Start { id: session, name, ice_servers };
            tasks.spawn(&shared.host, session::run(shared.clone(), start, inbox, out.clone()));
        }
        FromRendezvous::Refused { why, session: None, .. } => {
            shared.fault(format!("the rendezvous refused the camera: {why:?}"));
        }
        other => {
            let session = rendezvous::session_of(&other).and_then(|id| sessions.get(&id));
            if let Some((_, session)) = session {
                // A session that has just ended no longer listens.
                let _ = session.send(ExchangeInput::From(other));
            }
        }
    }
}

impl<H: Host> Shared<H> {
    /// Microseconds since the camera booted.
    fn camera_us(&self) -> u64 {
        self.camera_us_at(self.host.now_ns())
    }

    /// Microseconds from the camera's boot to a time on the run's clock.
    fn camera_us_at(&self, run_ns: u64) -> u64 {
        run_ns.saturating_sub(self.booted_ns) / 1_000
    }

    /// The RTP timestamp of a frame captured at `camera_us`. It wraps around.
    fn rtp_timestamp(&self, camera_us: u64) -> u32 {
        let ticks = camera_us * connection::VIDEO_CLOCK_HZ / 1_000_000;
        self.rtp_base.wrapping_add(ticks as u32)
    }

    fn key_frames(&self) -> std::sync::MutexGuard<'_, KeyFrames> {
        self.key_frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> std::sync::MutexGuard<'_, BTreeMap<SessionId, Watcher>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `look` sees in the rates, or does to them; none without congestion control.
    fn with_rates<T>(&self, look: impl FnOnce(&mut Rates) -> T) -> Option<T> {
        let rates = self.rates.as_ref()?;
        Some(look(&mut rates.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn is_watched(&self) -> bool {
        !self.watchers().is_empty()
    }

    async fn until_watched(&self) {
        loop {
            let notified = self.watched.notified();
            if self.is_watched() {
                return;
            }
            notified.await;
        }
    }

    /// Frames for a session from now on, the first of them a key frame.
    fn watch(&self, id: SessionId, session: Session) -> mpsc::Receiver<Arc<Frame>> {
        let (frames, queue) = mpsc::channel(SEND_QUEUE_FRAMES);
        self.watchers().insert(id, Watcher { session, frames });
        self.with_rates(|rates| rates.join(id));
        self.key_frames().wish_at_once();
        self.watched.notify_one();
        queue
    }

    fn unwatch(&self, id: &SessionId) {
        self.watchers().remove(id);
        self.with_rates(|rates| rates.leave(id));
    }

    /// Gives a frame to every session's transport. One whose queue is full loses it.
    fn hand_out(&self, frame: &Arc<Frame>) {
        for watcher in self.watchers().values() {
            if watcher.frames.try_send(frame.clone()).is_err() {
                self.host.observe(Event::FrameLost {
                    session: watcher.session.clone(),
                    rtp_timestamp: frame.timestamp,
                    phase: parallax_record::LossPhase::Send,
                });
                self.key_frames().wish(false);
            }
        }
    }

    /// Whether nothing comes from the viewer.
    fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Acquire)
    }

    fn set_silent(&self, silent: bool) {
        self.is_silent.store(silent, Ordering::Release);
        if silent {
            self.silent.notify_one();
        }
    }

    /// Something that must not happen on a sound camera.
    fn fault(&self, text: String) {
        self.host.observe(Event::Fault { text });
    }
}
