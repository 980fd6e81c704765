//! A rendezvous and a viewer on kernel sockets, for cameras of any make that push by WHIP. It prints what happens.
//!
//!     cargo run -p parallax-peer --example watch -- 192.0.2.2:8080 doorbell secret
//!
//! The address is one of this machine's own: the camera posts to `http://192.0.2.2:8080/whip/doorbell`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "this host is the kernel's, and this program is for a terminal"
)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/kernel/mod.rs"]
mod kernel;

use kernel::KernelHost;
use parallax_peer::viewer::{self, Playing, View, ViewerConfig};
use parallax_record::{Event, Ice, JitterBuffer};
use parallax_signalling::{Limits, Server, Token};
use parallax_spec::{Nack, Viewer};
use std::{
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
};

struct Shared {
    server: Mutex<Server>,
    /// Something may have come for any client.
    news: Notify,
    start: Instant,
}

impl Shared {
    fn act<T>(&self, act: impl FnOnce(&mut Server, Duration) -> T) -> T {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut server, self.start.elapsed())
    }

    /// The same, after which other clients may have news.
    fn stir<T>(&self, act: impl FnOnce(&mut Server, Duration) -> T) -> T {
        let done = self.act(act);
        self.news.notify_waiters();
        done
    }
}

/// Carries the bytes of one client until it is over.
async fn serve(shared: Arc<Shared>, mut stream: TcpStream, from: SocketAddr) {
    let Some(id) = shared.act(|server, now| server.open(now, from.ip())) else { return };
    let mut bytes = [0; 4096];
    let mut finished = false;
    loop {
        let news = shared.news.notified();
        let sent = shared.act(|server, now| {
            server.time(now);
            server.outgoing(id).map(std::mem::take)
        });
        let Some(sent) = sent else { break };
        if !sent.is_empty() {
            if stream.write_all(&sent).await.is_err() {
                break;
            }
            continue;
        }
        tokio::select! {
            read = stream.read(&mut bytes), if !finished => {
                let read = read.unwrap_or(0);
                finished = read == 0;
                shared.stir(|server, now| server.receive(now, id, &bytes[..read]));
            }
            () = news => {}
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    shared.stir(|server, now| server.gone(now, id));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [at, camera, token] = &arguments[..] else {
        return Err("name an address and port, a camera and its token".into());
    };
    let at: SocketAddr = at.parse()?;
    let limits = Limits { clients: 64, clients_per_address: 64 };
    let start = Instant::now();
    let server = Mutex::new(Server::new(Vec::new(), limits));
    let shared = Arc::new(Shared { server, news: Notify::new(), start });
    let listener = TcpListener::bind(at).await?;
    println!("listens at http://{at}/whip/{camera}");
    tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            tokio::spawn(serve(shared.clone(), stream, from));
        }
    });
    let config = ViewerConfig {
        name: "phone".to_owned(),
        views: vec![View {
            camera: camera.clone(),
            token: Token::new(token),
            rendezvous: at,
            playing: Playing::Decodes(None),
        }],
        viewer: Viewer {
            cameras: vec![camera.clone()],
            jitter_buffer: JitterBuffer { least_us: 20_000, most_us: 500_000 },
            nack: Some(Nack { interval: Duration::from_millis(20), tries: 5 }),
            asks_at: Duration::ZERO,
        },
        ice: Ice::default(),
    };
    let (events, mut seen) = mpsc::unbounded_channel();
    tokio::spawn(viewer::run(KernelHost::new("phone", start, events).on(at.ip()), config));
    let mut rendered = 0;
    while let Some(entry) = seen.recv().await {
        let at_ms = entry.run_ns / 1_000_000;
        match entry.event {
            Event::FrameRendered { .. } => {
                rendered += 1;
                if rendered % 50 == 1 {
                    println!("{at_ms} ms: {rendered} frames rendered");
                }
            }
            Event::Phase { .. }
            | Event::Closed { .. }
            | Event::Nominated { .. }
            | Event::FrameLost { .. }
            | Event::Note { .. } => println!("{at_ms} ms: {:?}", entry.event),
            _ => {}
        }
    }
    Ok(())
}
