//! Chromium: started in a namespace, with the page open.

use super::{
    BrowserError,
    devtools::{Arrived, Devtools},
    lock,
    message::FromPage,
    namespace::Namespace,
    sandbox,
};
use crate::left;
use parallax_board::now_ns;
use parallax_clock::ClockExchange;
use serde_json::{Value, json};
use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The page, and where it seems to come from: no host has that name (RFC 6761 section 6.4), and nothing is
/// asked for it.
const PAGE: (&str, &str) = ("https://viewer.parallax.invalid/", include_str!("page.html"));
/// How long a browser may take to start, and to answer: on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to end by itself.
const GOODBYE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);
/// Clock questions before the run.
const QUESTIONS: usize = 24;
/// The oldest major version that has all that the page needs (`Uint8Array.toBase64`).
const OLDEST: u32 = 140;
/// No more than a viewer needs: no window, nothing asked of the network by itself; addresses are told as they
/// are; it plays without being asked, and as fast in the background.
const FLAGS: &[&str] = &[
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-rtc-smoothness-algorithm",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
    "about:blank",
];

/// A browser that runs. Dropped, it ends.
#[derive(Debug)]
pub(super) struct Chromium {
    pub(super) devtools: Devtools,
    /// Such as `Chrome/156.0.8078.108`.
    pub(super) version: String,
    /// Why its pages are not confined, if they are not.
    pub(super) unconfined: Option<String>,
    /// What was asked of its clock.
    pub(super) exchanges: Vec<ClockExchange>,
    /// How fine its clock is, nanoseconds.
    pub(super) resolution_ns: u64,
    child: Child,
    namespace: Arc<Namespace>,
    _folder: TempDir,
}

impl Chromium {
    /// Starts one, in its sandbox where this machine allows it.
    pub(super) fn start(namespace: &Arc<Namespace>) -> Result<Self, BrowserError> {
        let why = match Self::started(namespace, true) {
            Ok(own) => return Ok(own),
            Err(why) => why,
        };
        let mut own = Self::started(namespace, false).map_err(BrowserError::Start)?;
        own.unconfined = Some(why.lines().next().unwrap_or_default().to_owned());
        Ok(own)
    }

    fn started(namespace: &Arc<Namespace>, confined: bool) -> Result<Self, String> {
        let failed = |cause: io::Error| cause.to_string();
        let folder = left::folder("viewer").map_err(failed)?;
        let [said, profile] = ["said.txt", "profile"].map(|name| folder.path().join(name));
        fs::create_dir(&profile).map_err(failed)?;
        // Its pipe is two files of its own, 3 and 4, which only a shell gives it without unsafe code.
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec ip netns exec \"$@\" 3<&0 4>&1 0</dev/null 1>&2", "sh"])
            .arg(&namespace.name);
        if confined {
            // That user gets through the folder, and sees nothing of it.
            let through = Permissions::from_mode(0o711);
            fs::set_permissions(folder.path(), through).map_err(failed)?;
            command.args(sandbox::as_user(sandbox::user(&profile)?)).env("HOME", &profile);
        }
        let mut child = command
            .arg("chromium")
            .arg(format!("--user-data-dir={}", profile.display()))
            .args((!confined).then_some("--no-sandbox"))
            .args(FLAGS)
            .current_dir(&profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&said).map_err(failed)?)
            // A person's Ctrl-C is for the bench.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (Some(pipe), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipe".to_owned());
        };
        let devtools = Devtools::new(pipe, PAGE);
        let listener = devtools.clone();
        thread::spawn(move || listener.listen(from));
        let mut own = Self {
            devtools,
            version: String::new(),
            unconfined: None,
            exchanges: Vec::new(),
            resolution_ns: 0,
            child,
            namespace: Arc::clone(namespace),
            _folder: folder,
        };
        own.open().map_err(|cause| {
            let said = fs::read_to_string(&said).unwrap_or_default();
            let last = said.lines().last().map(|last| format!("; its last words: {last}"));
            cause + &last.unwrap_or_default()
        })?;
        Ok(own)
    }

    /// Opens the page.
    fn open(&mut self) -> Result<(), String> {
        let call = |method: &str, params: Value| {
            self.devtools.call(method, params, PATIENCE).map(|(_, answer)| answer)
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.version = text(&call("Browser.getVersion", json!({}))?["product"]);
        if major(&self.version).is_none_or(|major| major < OLDEST) {
            return Err(format!("it is {}, and {OLDEST} is the oldest that will do", self.version));
        }
        let target = call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        self.devtools.attach(text(&call("Target.attachToTarget", attach)?["sessionId"]));
        let (sender, said) = mpsc::channel();
        let sender = Mutex::new(sender);
        self.devtools.hears(move |arrived| {
            if let Arrived::Said(text) = arrived {
                // After the start there is no receiver here.
                let _ = lock(&sender).send(text);
            }
        });
        call("Runtime.enable", json!({}))?;
        call("Runtime.addBinding", json!({ "name": "toBench" }))?;
        call("Fetch.enable", json!({}))?;
        call("Page.navigate", json!({ "url": PAGE.0 }))?;
        let ready = said.recv_timeout(PATIENCE).map_err(|_| "its page does not load".to_owned())?;
        let FromPage::Ready { isolated, .. } = FromPage::read(&ready)? else {
            return Err(format!("its page began with {ready}"));
        };
        // What `performance.now()` is rounded to (High Resolution Time, section 4).
        self.resolution_ns = if isolated { 5_000 } else { 100_000 };
        self.unconfined =
            call("SystemInfo.getProcessInfo", json!({})).and_then(|all| sandbox::seen(&all)).err();
        for _ in 0..QUESTIONS {
            let sent_ns = now_ns();
            let (received_ns, answer) = self.devtools.call(
                "Runtime.evaluate",
                json!({ "expression": "performance.now()", "returnByValue": true }),
                PATIENCE,
            )?;
            let exchange = exchange(sent_ns, &answer, received_ns, self.resolution_ns);
            self.exchanges.extend(exchange);
        }
        Ok(())
    }
}

/// A clock question and its answer. The page's clock is rounded: it was read somewhat earlier or later.
pub(super) fn exchange(
    sent_ns: u64,
    answer: &Value,
    received_ns: u64,
    resolution_ns: u64,
) -> Option<ClockExchange> {
    let signed = |ns: u64| i64::try_from(ns).ok();
    Some(ClockExchange {
        sent_ns: signed(sent_ns.saturating_sub(resolution_ns))?,
        board_ns: signed(nanos(answer["result"]["value"].as_f64()?))?,
        received_ns: signed(received_ns.saturating_add(resolution_ns))?,
    })
}

/// Milliseconds of the page's clock as nanoseconds.
pub(super) fn nanos(ms: f64) -> u64 {
    // Before its beginning nothing happens, and it does not run for centuries.
    (ms * 1e6).round().max(0.0) as u64
}

/// The major version of what calls itself such as `Chrome/156.0.8078.108`.
fn major(product: &str) -> Option<u32> {
    product.split_once('/')?.1.split('.').next()?.parse().ok()
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // A browser that hears of its end leaves nothing half done.
        let _ = self.devtools.send("Browser.close", json!({}));
        let end = Instant::now() + GOODBYE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(LOOK);
        }
        self.devtools.hang_up();
        self.namespace.clear();
        // It is dead: nothing is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_and_a_time_are_read_as_the_browser_writes_them() {
        assert_eq!(major("Chrome/156.0.8078.108"), Some(156));
        assert_eq!(major("HeadlessChrome"), None);
        let answer = json!({ "result": { "type": "number", "value": 140.685 } });
        let exchange = exchange(1_000_000, &answer, 2_000_000, 5_000).expect("a number");
        assert_eq!(exchange.board_ns, 140_685_000);
        assert_eq!((exchange.sent_ns, exchange.received_ns), (995_000, 2_005_000));
    }
}
