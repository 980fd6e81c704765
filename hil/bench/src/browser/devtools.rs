//! The Chrome DevTools Protocol over a pipe, as far as a viewer needs it: JSON texts, each ended by a NUL.
//! The crates that speak it want a WebSocket, for which a browser in a namespace of its own would have to be
//! reached over a network.

use super::lock;
use parallax_board::now_ns;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read, Write},
    process::ChildStdin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

/// What came from the browser.
#[derive(Debug)]
pub(super) enum Arrived {
    /// The page said something.
    Said(String),
    /// The answer to what was sent with this number, and when it came, by the host's clock: a value, or
    /// what was wrong.
    Answer(u64, u64, Result<Value, String>),
    /// The page, or the whole browser, is gone.
    Gone(&'static str),
}

/// The number of commands whose answer is not needed.
const UNHEEDED: u64 = 0;

type Sink = Box<dyn Fn(Arrived) + Send>;
type Answers = BTreeMap<u64, mpsc::Sender<(u64, Result<Value, String>)>>;

/// A browser at the other end of a pipe. Clones are the same.
#[derive(Clone)]
pub(super) struct Devtools(Arc<Inner>);

struct Inner {
    pipe: Mutex<Option<ChildStdin>>,
    next: AtomicU64,
    /// Of the page, once there is one.
    session: Mutex<Option<String>>,
    waiting: Mutex<Answers>,
    sink: Mutex<Option<Sink>>,
    /// What is served, and at which address. Nothing else is.
    page: (&'static str, &'static str),
}

impl fmt::Debug for Devtools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devtools").finish_non_exhaustive()
    }
}

impl Devtools {
    /// A browser behind `pipe`, to which `page` (address and text) is served.
    pub(super) fn new(pipe: ChildStdin, page: (&'static str, &'static str)) -> Self {
        let inner = Inner {
            pipe: Mutex::new(Some(pipe)),
            next: AtomicU64::new(UNHEEDED + 1),
            session: Mutex::default(),
            waiting: Mutex::default(),
            sink: Mutex::default(),
            page,
        };
        Self(Arc::new(inner))
    }

    /// From now on `sink` hears of what comes.
    pub(super) fn hears(&self, sink: impl Fn(Arrived) + Send + 'static) {
        *lock(&self.0.sink) = Some(Box::new(sink));
    }

    /// From now on all is about this page.
    pub(super) fn attach(&self, session: String) {
        *lock(&self.0.session) = Some(session);
    }

    /// Sends a command; gives its number.
    pub(super) fn send(&self, method: &str, params: Value) -> io::Result<u64> {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.send_as(number, method, params)?;
        Ok(number)
    }

    fn send_as(&self, id: u64, method: &str, params: Value) -> io::Result<()> {
        let mut message = json!({ "id": id, "method": method, "params": params });
        // The browser itself is not in its page.
        let of_page = !["Browser.", "SystemInfo."].iter().any(|domain| method.starts_with(domain));
        if let Some(session) = lock(&self.0.session).as_ref().filter(|_| of_page) {
            message["sessionId"] = session.as_str().into();
        }
        let mut text = message.to_string().into_bytes();
        text.push(0);
        lock(&self.0.pipe).as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(&text)
    }

    /// Evaluates an expression in the page; the answer comes as a message.
    pub(super) fn evaluate(&self, expression: &str) -> io::Result<u64> {
        self.send("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }))
    }

    /// Sends a command and waits for its answer: when it came, and what it is.
    pub(super) fn call(
        &self,
        method: &str,
        params: Value,
        patience: Duration,
    ) -> Result<(u64, Value), String> {
        let (sender, answer) = mpsc::channel();
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.0.waiting).insert(number, sender);
        self.send_as(number, method, params).map_err(|error| format!("{method}: {error}"))?;
        match answer.recv_timeout(patience) {
            Ok((at_ns, Ok(value))) => Ok((at_ns, value)),
            Ok((_, Err(text))) => Err(format!("{method}: {text}")),
            Err(RecvTimeoutError::Disconnected) => Err(format!("{method}: it ended")),
            Err(RecvTimeoutError::Timeout) => Err(format!("{method}: no answer in {patience:?}")),
        }
    }

    /// Nothing more is sent: a browser ends with its pipe.
    pub(super) fn hang_up(&self) {
        *lock(&self.0.pipe) = None;
    }

    /// Hears what comes until the pipe ends.
    pub(super) fn listen(&self, mut from: impl Read) {
        let mut texts = Texts::default();
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let at_ns = now_ns();
            for text in texts.push(bytes.get(..length).unwrap_or_default()) {
                // What is no message of this protocol is ignored.
                if let Ok(message) = serde_json::from_slice(&text) {
                    self.hear(at_ns, message);
                }
            }
        }
        lock(&self.0.waiting).clear();
        self.tell(Arrived::Gone("the browser ended"));
    }

    fn tell(&self, arrived: Arrived) {
        if let Some(sink) = &*lock(&self.0.sink) {
            sink(arrived);
        }
    }

    fn hear(&self, at_ns: u64, mut message: Message) {
        if let Some(id) = message.id {
            if id == UNHEEDED {
                return;
            }
            let answer = message.answer();
            let waiting = lock(&self.0.waiting).remove(&id);
            return match waiting {
                // The caller may have given up.
                Some(waiting) => drop(waiting.send((at_ns, answer))),
                None => self.tell(Arrived::Answer(id, at_ns, answer)),
            };
        }
        match message.method.as_deref() {
            Some("Runtime.bindingCalled") => {
                if let Value::String(text) = message.params["payload"].take() {
                    self.tell(Arrived::Said(text));
                }
            }
            Some("Fetch.requestPaused") => self.serve(&message.params),
            Some("Inspector.targetCrashed" | "Target.targetCrashed") => {
                self.tell(Arrived::Gone("its page crashed"));
            }
            _ => {}
        }
    }

    /// Answers a request of the page's in the network's place.
    fn serve(&self, params: &Value) {
        let (address, text) = self.0.page;
        let id = &params["requestId"];
        // A pipe that is broken is heard of by its other end.
        let _ = if params["request"]["url"] == address {
            let header = |(name, value): (&str, &str)| json!({ "name": name, "value": value });
            // With the last two the page has a fine clock.
            let headers = [
                ("Content-Type", "text/html"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
                ("Cross-Origin-Embedder-Policy", "require-corp"),
            ];
            let body = parallax_agent::to_text(text.as_bytes());
            let answer = json!({
                "requestId": id, "responseCode": 200, "body": body,
                "responseHeaders": headers.map(header),
            });
            self.send_as(UNHEEDED, "Fetch.fulfillRequest", answer)
        } else {
            let refused = json!({ "requestId": id, "errorReason": "BlockedByClient" });
            self.send_as(UNHEEDED, "Fetch.failRequest", refused)
        };
    }
}

#[derive(Deserialize)]
struct Message {
    id: Option<u64>,
    #[serde(default)]
    result: Value,
    error: Option<Value>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
}

impl Message {
    fn answer(&mut self) -> Result<Value, String> {
        if let Some(error) = &self.error {
            return Err(error["message"].as_str().unwrap_or("refused").to_owned());
        }
        let thrown = &self.result["exceptionDetails"];
        if !thrown.is_null() {
            let text = thrown["exception"]["description"].as_str().or(thrown["text"].as_str());
            return Err(text.unwrap_or("an exception").to_owned());
        }
        Ok(self.result.take())
    }
}

/// Cuts what comes into texts.
#[derive(Debug, Default)]
struct Texts(Vec<u8>);

impl Texts {
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == 0) {
            self.0.extend_from_slice(&rest[..at]);
            whole.push(std::mem::take(&mut self.0));
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_at_a_nul_however_they_come() {
        let mut texts = Texts::default();
        assert!(texts.push(b"{\"id\"").is_empty());
        assert_eq!(texts.push(b":1}\0{}\0{"), [b"{\"id\":1}".to_vec(), b"{}".to_vec()]);
        assert_eq!(texts.push(b"}\0"), [b"{}".to_vec()]);
    }

    #[test]
    fn an_answer_is_a_value_or_what_was_wrong() {
        let answer = |text: &str| {
            let mut message: Message = serde_json::from_str(text).expect("a message");
            message.answer()
        };
        let value = answer(r#"{"id":1,"result":{"result":{"type":"number","value":1.5}}}"#);
        assert_eq!(value.expect("a value")["result"]["value"], 1.5);
        let refused = answer(r#"{"id":1,"error":{"code":-32601,"message":"not found"}}"#);
        assert_eq!(refused, Err("not found".to_owned()));
        let thrown = r#"{"id":1,"result":{"exceptionDetails":{"text":"Uncaught","exception":
            {"description":"ReferenceError: viewer"}}}}"#;
        assert_eq!(answer(thrown), Err("ReferenceError: viewer".to_owned()));
    }
}
