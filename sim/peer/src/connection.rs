//! One WebRTC connection, as both ends make it.

use crate::{
    crypto::{HookedCrypto, Spending},
    host::Host,
    identity,
    name::SessionName,
    passes::Passes,
    round_trip::SharedRoundTrip,
    tap,
};
use parallax_record::{Candidate, CandidateKind, Ice};
use parallax_signalling::{CloseReason, FromRendezvous, IceServer, SessionId, ToRendezvous};
use rtc::{
    crypto::{self, RTCCryptoProvider},
    ice::mdns::MulticastDnsMode,
    interceptor::Registry,
    peer_connection::configuration::media_engine::MIME_TYPE_H264,
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability,
        RtpCodecKind, TYPE_RTCP_FB_TRANSPORT_CC,
    },
    sdp::extmap::TRANSPORT_CC_URI,
    shared::error::{Error, Result},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use webrtc::{
    data_channel::DataChannel,
    media_stream::track_remote::TrackRemote,
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
        RTCConfigurationBuilder, RTCIceCandidate, RTCIceCandidateInit, RTCIceCandidateType,
        RTCIceConnectionState, RTCIceGatheringState, RTCIceServer, RTCPeerConnectionIceEvent,
        RTCPeerConnectionState, SettingEngineBuilder,
    },
};

/// Payload type of H.264 in every offer.
const H264_PAYLOAD_TYPE: u8 = 102;
/// Clock of the RTP timestamps of video, Hz (RFC 6184 section 8.2.1).
pub(crate) const VIDEO_CLOCK_HZ: u64 = 90_000;
/// What a camera's encoder sends and each viewer decodes: constrained baseline, level 3.1, as
/// `profile-level-id` has it (RFC 6184 section 8.1).
pub(crate) const CONSTRAINED_BASELINE: [u8; 3] = [0x42, 0xe0, 0x1f];
/// `profile_idc` of baseline.
const BASELINE: u8 = 0x42;

/// The `profile-level-id` of a recording: its own, or constrained baseline for any baseline stream.
pub(crate) fn profile_level_id(recorded: [u8; 3]) -> [u8; 3] {
    if recorded[0] == BASELINE { CONSTRAINED_BASELINE } else { recorded }
}

/// When no ICE check or answer has come over the nominated pair for this time, the path is under
/// suspicion. Each end sends one every 2 s. Media do not count: `rtc` 0.21.1 does not tell its ICE
/// agent of them, so that a lossy path comes under suspicion now and then.
pub(crate) const SILENT: Duration = Duration::from_secs(3);
/// After this time more the session is over. Until then it resumes by itself when the path comes
/// back; a link that is away for longer costs a new session.
const DEAD: Duration = Duration::from_secs(12);

/// What a connection tells its session.
pub(crate) enum Happening {
    /// A local candidate is there.
    Candidate(RTCIceCandidate),
    /// No further local candidates will come.
    GatheringDone,
    /// The state of ICE changed.
    Ice(RTCIceConnectionState),
    /// The state of the whole changed: it counts as connected when DTLS is done.
    State(RTCPeerConnectionState),
    /// The other end sends video.
    Track(Arc<dyn TrackRemote>),
    /// The other end opened a data channel.
    Channel(Arc<dyn DataChannel>),
}

struct Handler(UnboundedSender<Happening>);

impl Handler {
    /// The driver awaits its handler: nothing here may wait for the driver. So everything goes
    /// into a queue; a session that has ended does not read it, which is no fault.
    fn tell(&self, happening: Happening) {
        let _ = self.0.send(happening);
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        self.tell(Happening::Candidate(event.candidate));
    }
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.tell(Happening::GatheringDone);
        }
    }
    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.tell(Happening::Ice(state));
    }
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.tell(Happening::State(state));
    }
    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.tell(Happening::Track(track));
    }
    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.tell(Happening::Channel(channel));
    }
}

/// H.264 as both ends offer it, several NAL units in a frame.
pub(crate) fn h264(profile_level_id: [u8; 3]) -> RTCRtpCodec {
    let [profile, constraints, level] = profile_level_id;
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: VIDEO_CLOCK_HZ as u32,
        channels: 0,
        sdp_fmtp_line: format!(
            "level-asymmetry-allowed=1;packetization-mode=1;\
             profile-level-id={profile:02x}{constraints:02x}{level:02x}"
        ),
        rtcp_feedback: vec![],
    }
}

/// `feedback`: whether each packet may carry a number of its own, whose arrival is reported
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01). It is agreed on if both ends say so.
fn media_engine(profile_level_id: [u8; 3], feedback: bool) -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    let codec = RTCRtpCodecParameters {
        rtp_codec: h264(profile_level_id),
        payload_type: H264_PAYLOAD_TYPE,
    };
    engine.register_codec(codec, RtpCodecKind::Video)?;
    let mut told = vec![("nack", ""), ("nack", "pli")];
    if feedback {
        told.push((TYPE_RTCP_FB_TRANSPORT_CC, ""));
        let uri = TRANSPORT_CC_URI.to_owned();
        let extension = RTCRtpHeaderExtensionCapability { uri };
        engine.register_header_extension(extension, RtpCodecKind::Video, None)?;
    }
    for (typ, parameter) in told {
        let feedback = RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() };
        engine.register_feedback(feedback, RtpCodecKind::Video);
    }
    Ok(engine)
}

/// Time for which each pair is checked before it is given up: a peer behind another gateway may learn of its
/// candidate, and open its filter, that much later.
const CHECKED: Duration = Duration::from_secs(5);

fn pace(settings: SettingEngineBuilder, ice: Ice) -> SettingEngineBuilder {
    let interval = Duration::from_micros(ice.check_interval_us);
    let wait = |us| Some(Duration::from_micros(us));
    let checks = CHECKED.as_micros().div_ceil(interval.as_micros().max(1));
    settings
        .with_ice_connection_attempts(
            Some(interval),
            Some(u16::try_from(checks).unwrap_or(u16::MAX)),
        )
        .with_host_acceptance_min_wait(wait(0))
        .with_srflx_acceptance_min_wait(wait(ice.server_reflexive_wait_us))
        .with_prflx_acceptance_min_wait(wait(ice.peer_reflexive_wait_us))
        .with_relay_acceptance_min_wait(wait(ice.relayed_wait_us))
}

/// A connection as it was built.
pub(crate) struct Built {
    pub(crate) connection: Arc<dyn PeerConnection>,
    pub(crate) happenings: UnboundedReceiver<Happening>,
    /// Of its driver.
    pub(crate) passes: Passes,
}

/// Makes what a peer needs before its first connection, unless it has that already: a certificate.
///
/// # Errors
/// There is no cryptography, or it makes none.
pub(crate) fn prepare<H: Host>(host: &H) -> Result<()> {
    identity::ensure_certificate(host, provider(host)?.crypto())
}

/// The host's cryptography.
fn provider<H: Host>(host: &H) -> Result<Arc<dyn RTCCryptoProvider>> {
    match host.crypto() {
        Some(provider) => Ok(provider),
        None => crypto::default_provider().map_err(|error| Error::Other(error.to_string())),
    }
}

/// Builds a connection on the host's addresses, for video of this profile; with `feedback` on each packet, if the other end
/// has it too. `round_trip` learns from ICE. To be called after [`prepare`].
///
/// # Errors
/// What the `webrtc` crate says: no socket to be had, a server's address that is no address.
pub(crate) async fn build<H: Host>(
    host: &H,
    session: &SessionName,
    (ice_servers, ice): (&[IceServer], Ice),
    (interceptors, round_trip): (Registry, SharedRoundTrip),
    (profile_level_id, feedback): ([u8; 3], bool),
) -> Result<Built> {
    let (tell, happenings) = mpsc::unbounded_channel();
    let passes = Passes::default();
    let spending = Spending::new(host);
    let crypto = Arc::new(HookedCrypto::new(provider(host)?, spending.clone()));
    let certificate = identity::certificate(host.flash(), RTCCryptoProvider::crypto(&*crypto))?;
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(servers(ice_servers))
        .with_certificates(vec![certificate])
        .build();
    // Multicast DNS opens a socket of its own; candidates here are plain addresses.
    let mut settings = SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(Some(SILENT), Some(DEAD), None);
    settings = pace(settings, ice).with_crypto_provider(crypto);
    // Concrete addresses: the wildcard would ask the kernel for interfaces.
    let addresses: Vec<SocketAddr> =
        host.addresses().into_iter().map(|address| SocketAddr::new(address, 0)).collect();
    if addresses.is_empty() {
        return Err(Error::Other("failed to connect: the host has no address".to_owned()));
    }
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_media_engine(media_engine(profile_level_id, feedback)?)
        .with_setting_engine(settings.build())
        .with_interceptor_registry(interceptors)
        .with_handler(Arc::new(Handler(tell)))
        .with_runtime(tap::runtime(host, session, passes.clone(), round_trip, spending))
        .with_udp_addrs(addresses)
        .build()
        .await?;
    Ok(Built { connection: Arc::new(connection), happenings, passes })
}

fn servers(told: &[IceServer]) -> Vec<RTCIceServer> {
    told.iter()
        .map(|server| RTCIceServer {
            urls: server.urls.clone(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        })
        .collect()
}

/// Tells a connection of STUN and TURN servers that were not known when it was built; before it has a local description.
pub(crate) async fn use_servers(
    connection: &Arc<dyn PeerConnection>,
    told: &[IceServer],
) -> Result<()> {
    let configuration = RTCConfigurationBuilder::new().with_ice_servers(servers(told)).build();
    connection.set_configuration(configuration).await
}

/// The nominated pair, local end first, once there is one.
pub(crate) async fn nominated(
    host: &impl Host,
    connection: &Arc<dyn PeerConnection>,
) -> Result<Option<(Candidate, Candidate)>> {
    let mut pair = None;
    if let Some(sctp) = connection.sctp().await {
        pair = sctp.transport().ice_transport().get_selected_candidate_pair().await?;
    }
    if pair.is_none() {
        // An offer without a data channel: there are media alone.
        for receiver in connection.get_receivers().await {
            let Some(transport) = receiver.transport().await? else { continue };
            pair = pair.or(transport.ice_transport().get_selected_candidate_pair().await?);
        }
    }
    Ok(pair.map(|pair| (candidate(&outward(host, pair.local().clone())), candidate(pair.remote()))))
}

/// A candidate in the words of the record.
pub(crate) fn candidate(candidate: &RTCIceCandidate) -> Candidate {
    let kind = match candidate.typ {
        RTCIceCandidateType::Srflx => CandidateKind::ServerReflexive,
        RTCIceCandidateType::Prflx => CandidateKind::PeerReflexive,
        RTCIceCandidateType::Relay => CandidateKind::Relayed,
        // The type is open to new kinds; today the rest is `Host` and `Unspecified`.
        _ => CandidateKind::Host,
    };
    Candidate { kind, address: format!("{}:{}", candidate.address, candidate.port) }
}

/// A local candidate as the network knows it.
pub(crate) fn outward(host: &impl Host, mut local: RTCIceCandidate) -> RTCIceCandidate {
    let known = |address: &str, port| {
        address.parse().ok().map(|ip| host.outward(SocketAddr::new(ip, port)))
    };
    if let Some(own) = known(&local.address, local.port) {
        (local.address, local.port) = (own.ip().to_string(), own.port());
    }
    if let Some(own) = known(&local.related_address, local.related_port) {
        (local.related_address, local.related_port) = (own.ip().to_string(), own.port());
    }
    local
}

/// A local candidate, for the other end.
pub(crate) fn candidate_message(
    session: SessionId,
    candidate: &RTCIceCandidate,
) -> Result<ToRendezvous> {
    let init = candidate.to_json()?;
    Ok(ToRendezvous::Candidate {
        session,
        candidate: Some(init.candidate),
        sdp_mid: init.sdp_mid,
        sdp_m_line_index: init.sdp_mline_index,
    })
}

/// All local candidates have been told.
pub(crate) fn no_more_candidates(session: SessionId) -> ToRendezvous {
    ToRendezvous::Candidate { session, candidate: None, sdp_mid: None, sdp_m_line_index: None }
}

/// Tells a connection of the other end's candidate.
pub(crate) async fn add_candidate(
    connection: &Arc<dyn PeerConnection>,
    candidate: String,
    sdp_mid: Option<String>,
    sdp_mline_index: Option<u16>,
) -> Result<()> {
    let init = RTCIceCandidateInit { candidate, sdp_mid, sdp_mline_index, ..Default::default() };
    connection.add_ice_candidate(init).await
}

/// How a session ended.
pub(crate) struct ExchangeEnd {
    /// What to tell the rendezvous; none if it already knows.
    pub(crate) tell: Option<CloseReason>,
    /// Why, for the record.
    pub(crate) text: String,
    replaced: bool,
}

impl ExchangeEnd {
    /// It ended at this peer.
    pub(crate) fn here(reason: CloseReason, text: String) -> Self {
        Self { tell: Some(reason), text, replaced: false }
    }

    /// Its own peer wants it no more.
    pub(crate) fn stopped(reason: &str) -> Self {
        Self { tell: None, text: reason.to_owned(), replaced: true }
    }

    /// Whether the rendezvous offers a new session in its place.
    pub(crate) fn replaced(&self) -> bool {
        self.replaced
    }

    /// Whether a message is the end.
    pub(crate) fn told(message: &FromRendezvous) -> Option<Self> {
        match message {
            // The other side's signalling is gone; its media need not be.
            FromRendezvous::Closed { reason: CloseReason::Disconnected, .. } => None,
            FromRendezvous::Closed { reason, .. } => Some(Self::there(*reason)),
            FromRendezvous::CameraBack { .. } => Some(Self::there(CloseReason::Replaced)),
            _ => None,
        }
    }

    /// The other side ended it, or the rendezvous did.
    fn there(reason: CloseReason) -> Self {
        let text = match reason {
            CloseReason::Finished => "the other side finished",
            CloseReason::Failed => "the other side failed to connect",
            CloseReason::FingerprintMismatch => "the other side saw a wrong fingerprint",
            CloseReason::Disconnected => "the other side's signalling is gone",
            CloseReason::Replaced => "a newer session took its place",
        };
        Self { tell: None, text: text.to_owned(), replaced: reason == CloseReason::Replaced }
    }
}
