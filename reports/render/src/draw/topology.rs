//! Who stands where: a drawing, not a plot.

use crate::{
    escape::xml,
    figure,
    plot::labels,
    view::{NodePlace, Topology},
};
use parallax_record::{
    Capacity, GatewayConfig, LinkConfig, Loss, PeerHeader, QueueLimit, ServiceKind, micros,
};
use std::{fmt::Write, time::Duration};

const SITE: f64 = 330.0;
const GAP: f64 = 24.0;
const HEAD: f64 = 46.0;
const PEER: f64 = 46.0;
const GATEWAY: f64 = 84.0;
const LINKS: f64 = 76.0;
const SERVICE: f64 = 168.0;

struct Sheet<'a> {
    topology: &'a Topology,
    out: String,
    /// How high the tallest site is.
    tall: f64,
}

/// Sites, gateways, links, services, and the way that media took.
pub(crate) fn topology(topology: &Topology, id: &str) -> String {
    let most = topology.places.iter().map(|place| place.peers.len()).max().unwrap_or(1);
    let tall = HEAD + PEER * most as f64 + 8.0;
    let mut sheet = Sheet { topology, out: String::new(), tall };
    let sites = topology.places.len() as f64 * (SITE + GAP) + GAP;
    let services = topology.services.len() as f64 * (SERVICE + 12.0) + 160.0;
    let width = sites.max(services);
    let connected = topology.places.iter().any(|place| place.site.gateway.is_some());
    let height = if connected { sheet.core() + 84.0 } else { 12.0 + tall + 30.0 };
    if connected {
        sheet.draw_core(width);
    }
    for at in 0..topology.places.len() {
        sheet.draw_place(at);
    }
    let told = told(topology);
    for at in 0..topology.routes.len() {
        sheet.draw_route(at);
    }
    format!(
        "<svg class=\"topology\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">The network</title><desc id=\"{id}-d\">{}</desc>{}</svg>",
        xml(&told),
        sheet.out
    )
}

fn told(topology: &Topology) -> String {
    let mut parts = Vec::new();
    for NodePlace { site, peers } in &topology.places {
        let peers: Vec<_> = peers.iter().map(|peer| peer.name.as_str()).collect();
        let gateway = site.gateway.as_ref().map_or_else(
            || "no way to the Internet".to_owned(),
            |gateway| {
                format!(
                    "a gateway with {} mapping and {} filtering",
                    gateway.mapping, gateway.filtering
                )
            },
        );
        parts.push(format!("Site {} with {}: {gateway}.", site.name, peers.join(", ")));
    }
    for route in &topology.routes {
        parts.push(format!(
            "Media from {} to {}: {}.",
            route.camera,
            route.viewer,
            way(route.relayed)
        ));
    }
    parts.join(" ")
}

fn way(relayed: Option<bool>) -> &'static str {
    match relayed {
        Some(true) => "relayed",
        Some(false) => "direct",
        None => "no pair was nominated",
    }
}

impl Sheet<'_> {
    fn left(&self, at: usize) -> f64 {
        GAP + at as f64 * (SITE + GAP)
    }

    /// The upper edge of the core.
    fn core(&self) -> f64 {
        12.0 + self.tall + 10.0 + GATEWAY + LINKS
    }

    fn rect(&mut self, (x, y, wide, high): (f64, f64, f64, f64), class: &str) {
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"6\" stroke-width=\"1\"/>"
        );
    }

    /// A text, cut to its room.
    fn text(&mut self, (x, y, room): (f64, f64, f64), size: u32, ink: &str, text: &str) {
        let bold = if size > 12 { labels::BOLD } else { 1.0 };
        let text = labels::fit(text, f64::from(size), room / bold);
        let weight = if size > 12 { " font-weight=\"bold\"" } else { "" };
        let _ = write!(
            self.out,
            "<text class=\"f-{ink}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}>{}</text>",
            xml(&text)
        );
    }

    fn draw_core(&mut self, width: f64) {
        let y = self.core();
        self.rect((8.0, y, width - 16.0, 76.0), "f-heat1 s-grid");
        self.text((20.0, y + 44.0, 80.0), 13, "text", "core");
        let services = self.topology.services.clone();
        for (at, service) in services.iter().enumerate() {
            let x = self.service(at);
            self.rect((x, y + 26.0, SERVICE, 42.0), "f-ground s-quiet");
            let name = if service.name == service.kind.name() {
                service.name.clone()
            } else {
                format!("{} ({})", service.name, service.kind)
            };
            self.text((x + 10.0, y + 44.0, SERVICE - 20.0), 13, "text", &name);
            let mut place = service.address.to_string();
            if !service.one_way_delay.is_zero() {
                let away = time(service.one_way_delay);
                let _ = write!(place, ", {away} away");
            }
            self.text((x + 10.0, y + 60.0, SERVICE - 20.0), 11, "quiet", &place);
        }
    }

    fn service(&self, at: usize) -> f64 {
        110.0 + at as f64 * (SERVICE + 12.0)
    }

    fn draw_place(&mut self, at: usize) {
        let place = self.topology.places[at].clone();
        let x = self.left(at);
        self.rect((x, 12.0, SITE, self.tall), "none s-quiet");
        self.text((x + 12.0, 32.0, SITE - 24.0), 13, "text", &format!("site {}", place.site.name));
        self.text(
            (x + 12.0, 48.0, SITE - 24.0),
            11,
            "quiet",
            &format!("LAN {}", place.site.network),
        );
        for (row, peer) in place.peers.iter().enumerate() {
            self.draw_peer(x, self.peer_top(row), peer);
        }
        let y = 12.0 + self.tall + 10.0;
        match &place.site.gateway {
            Some(gateway) => self.draw_gateway(x, y, gateway),
            None => {
                self.text((x + 12.0, y + 8.0, SITE - 24.0), 11, "quiet", "no way to the Internet")
            }
        }
        let base = y + GATEWAY + 16.0;
        for (row, (way, link)) in
            [("up", &place.site.up), ("down", &place.site.down)].into_iter().enumerate()
        {
            if let Some(link) = link {
                let y = base + 32.0 * row as f64;
                let [first, second] = link_text(way, link);
                self.text((x + 40.0, y, SITE + GAP - 44.0), 11, "text", &first);
                self.text((x + 40.0, y + 14.0, SITE + GAP - 44.0), 11, "quiet", &second);
            }
        }
        if place.site.gateway.is_some() {
            let (from, to) = (y + GATEWAY, self.core());
            let _ = write!(
                self.out,
                "<path class=\"s-quiet none\" stroke-width=\"1\" d=\"M{0} {from}V{to}\"/>",
                x + 12.0
            );
        }
    }

    fn peer_top(&self, row: usize) -> f64 {
        12.0 + HEAD + PEER * row as f64
    }

    fn draw_peer(&mut self, x: f64, y: f64, peer: &PeerHeader) {
        self.rect((x + 40.0, y, SITE - 52.0, PEER - 6.0), "f-ground s-quiet");
        let role = match (&peer.camera, &peer.viewer) {
            (Some(_), Some(_)) => "camera and viewer",
            (Some(_), None) => "camera",
            (None, Some(_)) => "viewer",
            (None, None) => "peer",
        };
        let room = SITE - 72.0;
        self.text((x + 50.0, y + 17.0, room), 13, "text", &format!("{} ({role})", peer.name));
        self.text((x + 50.0, y + 32.0, room), 11, "quiet", &peer_text(peer));
    }

    fn draw_gateway(&mut self, x: f64, y: f64, gateway: &GatewayConfig) {
        self.rect((x, y, SITE, GATEWAY), "f-ground s-nat");
        self.text(
            (x + 40.0, y + 18.0, SITE - 50.0),
            13,
            "text",
            &format!("gateway {}", gateway.external),
        );
        self.text(
            (x + 40.0, y + 36.0, SITE - 50.0),
            11,
            "text",
            &format!("mapping {}", gateway.mapping),
        );
        self.text(
            (x + 40.0, y + 52.0, SITE - 50.0),
            11,
            "text",
            &format!("filtering {}", gateway.filtering),
        );
        let hairpins = if gateway.hairpinning { "hairpins" } else { "no hairpinning" };
        let timeout = time(gateway.mapping_timeout);
        let rest = format!("ports {}, mapping timeout {timeout}, {hairpins}", gateway.ports);
        self.text((x + 40.0, y + 70.0, SITE - 50.0), 11, "quiet", &rest);
    }

    /// Where a peer stands: its site, and the middle of its box.
    fn peer(&self, name: &str) -> Option<(usize, f64)> {
        self.topology.places.iter().enumerate().find_map(|(at, place)| {
            let row = place.peers.iter().position(|peer| peer.name == name)?;
            Some((at, self.peer_top(row) + (PEER - 6.0) / 2.0))
        })
    }

    fn draw_route(&mut self, at: usize) {
        let route = self.topology.routes[at].clone();
        let (Some(from), Some(to)) = (self.peer(&route.camera), self.peer(&route.viewer)) else {
            return;
        };
        let Some(relayed) = route.relayed else { return };
        let aside = 20.0 + 6.0 * (at % 3) as f64;
        let (x0, x1) = (self.left(from.0) + aside, self.left(to.0) + aside);
        let (start, end) = (self.left(from.0) + 40.0, self.left(to.0) + 33.0);
        let mut way = format!("M{start} {}H{x0}", from.1);
        if from.0 != to.0 || relayed {
            let y = self.core() + 12.0 + 5.0 * (at % 3) as f64;
            let _ = write!(way, "V{y}");
            let turn =
                self.topology.services.iter().position(|service| service.kind == ServiceKind::Turn);
            if let (true, Some(turn)) = (relayed, turn) {
                let x = self.service(turn) + SERVICE / 2.0;
                let box_top = self.core() + 26.0;
                let near = if x0 <= x { -8.0 } else { 8.0 };
                let _ = write!(way, "H{}V{box_top}H{}V{y}", x + near, x - near);
            }
            let _ = write!(way, "H{x1}");
        }
        let _ = write!(way, "V{}H{end}", to.1);
        let _ = write!(
            self.out,
            "<path class=\"s-latency none\" stroke-width=\"4\" stroke-linejoin=\"round\" d=\"{way}\"/>\
             <path class=\"f-latency\" d=\"M{} {}l-9 -6v12z\"/>",
            end + 7.0,
            to.1
        );
    }
}

/// A duration of the scenario.
fn time(duration: Duration) -> String {
    figure::duration(micros(duration).cast_signed())
}

/// What a peer is, and what is known of its video: a program sends what it likes.
fn peer_text(peer: &PeerHeader) -> String {
    let mut text = peer.browser.as_ref().unwrap_or(&peer.profile.name).clone();
    if let (Some(camera), None) = (&peer.camera, &peer.program) {
        let _ = write!(
            text,
            ", {}x{} at {} fps, {}",
            camera.camera.width_px,
            camera.camera.height_px,
            camera.camera.frames_per_second,
            figure::bit_rate(camera.recorded_bps.unwrap_or(camera.camera.bit_rate_bps))
        );
    }
    if let (Some(buffer), None) = (peer.jitter_buffer(), &peer.browser) {
        let (most_us, least_us) = buffer.header();
        text += &figure::jitter_buffer(Some(most_us), least_us);
    }
    text
}

/// A link in two lines.
fn link_text(way: &str, link: &LinkConfig) -> [String; 2] {
    let capacity = link.capacity.map(Capacity::bits_per_second);
    let capacity = capacity.map_or_else(|| "unlimited".to_owned(), figure::bit_rate);
    let mut first = format!("{way}: {capacity}, one-way delay {}", time(link.one_way_delay));
    if !link.delay_variation.is_zero() {
        let _ = write!(first, " ± {}", time(link.delay_variation));
    }
    let mut second = if link.loss == Loss::None {
        "no random loss".to_owned()
    } else {
        let loss = figure::share((link.loss.mean() * 1e6).round() as i64);
        let burst = crate::plot::nice::number(link.loss.burst_length());
        format!("loss {loss} in bursts of {burst}")
    };
    let queue = match link.queue {
        QueueLimit::Unlimited => "unlimited".to_owned(),
        QueueLimit::Bytes { bytes } => figure::bytes(bytes),
        QueueLimit::Packets { packets } => figure::counted(packets.into(), "packet"),
        QueueLimit::Time { limit } => time(limit),
    };
    let _ = write!(second, ", bottleneck queue {queue}");
    [first, second]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::seen;
    use parallax_record::{Behaviour, JitterBuffer, ProfileUse, ServiceAddress, Site, Viewer};
    use proptest::prelude::*;
    use std::net::SocketAddrV4;

    #[test]
    fn a_program_is_not_drawn_with_the_video_of_the_scenario() {
        let camera = serde_json::json!({
            "clip": "bunny", "width_px": 320, "height_px": 240, "frames_per_second": 15,
            "bit_rate_bps": 400_000, "clip_sha256": "",
        });
        let peer = serde_json::json!({
            "name": "doorbell", "site": "house", "profile": { "name": "program", "sha256": "" },
            "boot_us": 0, "camera": camera,
        });
        let mut peer: PeerHeader = serde_json::from_value(peer).expect("a peer");
        assert_eq!(peer_text(&peer), "program, 320x240 at 15 fps, 400 kbit/s");
        peer.program = Some(vec!["./my-camera".to_owned()]);
        assert_eq!(peer_text(&peer), "program");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_two_texts_of_a_network_overlap(
            names in prop::collection::vec("[a-zW]{1,60}", 4..9),
            gateway in any::<bool>(),
        ) {
            let link = LinkConfig {
                capacity: Capacity::from_bits_per_second(123_456_789),
                one_way_delay: Duration::from_micros(123_456),
                delay_variation: Duration::from_micros(12_345),
                reorder: false,
                loss: Loss::Burst { mean: 0.012_345, burst: 12.345 },
                queue: QueueLimit::Time { limit: Duration::from_millis(200) },
            };
            let peer = |name: &String| PeerHeader {
                browser: None,
                program: None,
                name: name.clone(),
                site: "site".into(),
                profile: ProfileUse { name: name.clone(), sha256: String::new() },
                address: None,
                ice: None,
                boot_us: 0,
                camera: None,
                viewer: Some(Viewer {
                    cameras: Vec::new(),
                    jitter_buffer: JitterBuffer { least_us: 50_000, most_us: 50_000 },
                    nack: None,
                    asks_at: Duration::ZERO,
                }),
                stages: None,
            };
            let gateway = gateway.then(|| GatewayConfig {
                external: [203, 0, 113, 255].into(),
                mapping: Behaviour::AddressAndPortDependent,
                filtering: Behaviour::AddressAndPortDependent,
                hairpinning: false,
                ..GatewayConfig::default()
            });
            let place = |name: &String| NodePlace {
                site: Site {
                    name: name.clone(),
                    network: "192.168.101.128/25".parse().expect("a network"),
                    gateway: gateway.clone(),
                    up: gateway.as_ref().map(|_| link.clone()),
                    down: gateway.as_ref().map(|_| link.clone()),
                },
                peers: names[..2].iter().map(peer).collect(),
            };
            let service = |name: &String| ServiceAddress {
                name: name.clone(),
                kind: ServiceKind::Rendezvous,
                address: SocketAddrV4::new([192, 168, 101, 128].into(), 65_535),
                one_way_delay: Duration::from_micros(123_456),
            };
            let drawn = Topology {
                places: names.iter().take(3).map(place).collect(),
                services: names.iter().map(service).collect(),
                routes: Vec::new(),
            };
            seen::hold_apart(&topology(&drawn, "t"), 1.0);
        }
    }
}
