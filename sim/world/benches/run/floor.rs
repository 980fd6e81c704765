//! The floor: two bare `webrtc` stacks on one thread, joined in memory, that send the video packets
//! of a run at their times, and once a second what camera and viewer say over their data channel. The
//! clock is tokio's, paused: it jumps from timer to timer.

#[path = "../../../../fixtures/upstream/in_memory.rs"]
mod in_memory;

use crate::Sent;
use bytes::Bytes;
use in_memory::{InMemory, Memory};
use rtc::{
    ice::mdns::MulticastDnsMode,
    interceptor::{
        NackGeneratorBuilder, NackResponderBuilder, ReceiverReportBuilder, Registry,
        SenderReportBuilder, Slot,
    },
    media_stream::MediaStreamTrack,
    peer_connection::configuration::media_engine::MIME_TYPE_H264,
    rtp,
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
        RTCRtpEncodingParameters, RtpCodecKind,
    },
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    media_stream::{
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
        RTCIceCandidateInit, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
        SettingEngineBuilder,
    },
};

const SSRC: u32 = 0x0f10_0123;
const PAYLOAD_TYPE: u8 = 102;

/// What came of it.
pub(crate) struct Came {
    /// Video packets that came.
    pub(crate) video: usize,
    /// Datagrams that crossed, both ways.
    pub(crate) datagrams: u64,
}

/// Sends `packets`.
pub(crate) fn run(packets: &[Sent], duration: Duration) -> Came {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(stream(packets, duration))
}

async fn stream(packets: &[Sent], duration: Duration) -> Came {
    let start = tokio::time::Instant::now();
    let memory = Arc::new(Memory::default());
    let (to_camera, camera_inbox) = unbounded_channel();
    let (to_viewer, viewer_inbox) = unbounded_channel();
    let (ready, mut connected) = unbounded_channel();
    let came = Arc::new(AtomicUsize::new(0));

    let track = Arc::new(TrackLocalStaticRTP::new(media_track()));
    let responder = Registry::new()
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        .with(Slot::SenderReport, SenderReportBuilder::new().build());
    let handler = Handler { other: to_viewer.clone(), ready: Some(ready), came: Arc::clone(&came) };
    let camera = connection(&memory, handler, responder).await;
    camera.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await.expect("a track");

    let control = camera.create_data_channel("control", None).await.expect("a channel");

    let nack = NackGeneratorBuilder::new()
        .with_interval(Duration::from_millis(20))
        .with_max_nacks_per_packet(5)
        .build();
    let generator = Registry::new()
        .with(Slot::NackGenerator, nack)
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build());
    let handler = Handler { other: to_camera, ready: None, came: Arc::clone(&came) };
    let viewer = connection(&memory, handler, generator).await;

    let offer = camera.create_offer(None).await.expect("an offer");
    viewer.set_remote_description(offer.clone()).await.expect("the offer");
    let answer = viewer.create_answer(None).await.expect("an answer");
    camera.set_local_description(offer).await.expect("the offer");
    viewer.set_local_description(answer.clone()).await.expect("the answer");
    camera.set_remote_description(answer).await.expect("the answer");
    tokio::spawn(add_candidates(Arc::clone(&camera), camera_inbox));
    tokio::spawn(add_candidates(Arc::clone(&viewer), viewer_inbox));

    connected.recv().await.expect("a connection");
    tokio::spawn(answer_pings(Arc::clone(&control)));
    tokio::spawn(say(control, 90));
    for (sequence, packet) in (0_u16..).zip(packets) {
        tokio::time::sleep_until(start + packet.at).await;
        let header = rtp::Header {
            version: 2,
            marker: packet.marker,
            payload_type: PAYLOAD_TYPE,
            sequence_number: sequence,
            timestamp: packet.timestamp,
            ssrc: SSRC,
            ..Default::default()
        };
        let payload = Bytes::from(vec![0x61; packet.payload_bytes]);
        track.write_rtp(rtp::Packet { header, payload }).await.expect("to send");
    }
    tokio::time::sleep_until(start + duration).await;
    camera.close().await.expect("to close");
    viewer.close().await.expect("to close");
    let datagrams = memory.datagrams();
    Came { video: came.load(Ordering::Relaxed), datagrams }
}

/// A text of `bytes` once a second, as telemetry or a ping.
async fn say(channel: Arc<dyn DataChannel>, bytes: usize) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if channel.send_text(&"x".repeat(bytes)).await.is_err() {
            return;
        }
    }
}

/// The camera's answers to pings.
async fn answer_pings(channel: Arc<dyn DataChannel>) {
    while let Some(event) = channel.poll().await {
        if let DataChannelEvent::OnMessage(message) = event
            && channel.send_text(&"x".repeat(message.data.len() + 20)).await.is_err()
        {
            return;
        }
    }
}

async fn add_candidates(
    connection: Arc<dyn PeerConnection>,
    mut candidates: UnboundedReceiver<RTCIceCandidateInit>,
) {
    while let Some(candidate) = candidates.recv().await {
        connection.add_ice_candidate(candidate).await.expect("a candidate");
    }
}

async fn connection(
    memory: &Arc<Memory>,
    handler: Handler,
    interceptors: Registry,
) -> Arc<dyn PeerConnection> {
    let settings =
        SettingEngineBuilder::new().with_multicast_dns_mode(MulticastDnsMode::Disabled).build();
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media_engine())
        .with_setting_engine(settings)
        .with_interceptor_registry(interceptors)
        .with_handler(Arc::new(handler))
        .with_runtime(Arc::new(InMemory::new(memory, 0)))
        .with_udp_addrs(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
        .build()
        .await
        .expect("a connection");
    Arc::new(connection)
}

fn h264() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
            .to_owned(),
        rtcp_feedback: vec![],
    }
}

fn media_engine() -> MediaEngine {
    let mut engine = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: h264(), payload_type: PAYLOAD_TYPE };
    engine.register_codec(codec, RtpCodecKind::Video).expect("a codec");
    let nack = RTCPFeedback { typ: "nack".to_owned(), parameter: String::new() };
    engine.register_feedback(nack, RtpCodecKind::Video);
    engine
}

fn media_track() -> MediaStreamTrack {
    let name = || "floor".to_owned();
    let coding = RTCRtpCodingParameters { ssrc: Some(SSRC), ..Default::default() };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: coding,
        codec: h264(),
        ..Default::default()
    };
    MediaStreamTrack::new(name(), name(), name(), RtpCodecKind::Video, vec![encoding])
}

/// What happens at one end.
struct Handler {
    other: UnboundedSender<RTCIceCandidateInit>,
    ready: Option<UnboundedSender<()>>,
    came: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        // The other end may be closing.
        let _ = self.other.send(event.candidate.to_json().expect("a candidate"));
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if let (RTCPeerConnectionState::Connected, Some(ready)) = (state, &self.ready) {
            let _ = ready.send(());
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        tokio::spawn(say(Arc::clone(&channel), 40));
        tokio::spawn(async move { while channel.poll().await.is_some() {} });
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let came = Arc::clone(&self.came);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if matches!(event, TrackRemoteEvent::OnRtpPacket(_)) {
                    came.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
}
