//! The server's end of one HTTP/1.1 connection (RFC 9112) as a pure core, by `httparse`.
//!
//! One request is read at a time, and the next one when its response is written. What is read, and what waits to be sent, is bounded
//! in bytes and in time.

mod body;

use crate::MAX_SDP_BYTES;
use body::Body;
use core::time::Duration;
use http::{Method, StatusCode};
use httparse::{EMPTY_HEADER, Status};

/// The longest request line with its header fields, bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// The most header fields of a request.
const MAX_FIELDS: usize = 64;
/// How long a request may take from its first byte to its last: a client that dribbles bytes gets no more.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle between two requests.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may take to read the last response, and to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// What a client may send ahead of the response that it waits for, bytes.
const MAX_AHEAD_BYTES: usize = MAX_HEAD_BYTES + MAX_SDP_BYTES;
/// Responses that a client may leave unread: the one that exceeds it is the last.
const MAX_WAITING_BYTES: usize = 2 * MAX_SDP_BYTES;

/// A request, whole.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
}

/// Header fields of a request.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The values of the field `name`, in their order.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(of, _)| of.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim_matches([' ', '\t']))
    }

    /// The value of the field `name`, if there is exactly one.
    pub(crate) fn one(&self, name: &'static str) -> Option<&str> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }

    /// Whether the comma-separated list `name` has `token`.
    fn lists(&self, name: &'static str, token: &str) -> bool {
        let mut items = self.all(name).flat_map(|value| value.split(','));
        items.any(|item| item.trim().eq_ignore_ascii_case(token))
    }
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpResponse {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, fields: Vec::new(), body: Vec::new() }
    }

    /// An error, with what would be right (RFC 9457).
    pub(crate) fn problem(status: StatusCode, detail: &str) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        let problem =
            serde_json::json!({ "title": title, "status": status.as_u16(), "detail": detail });
        Self::new(status).with_body("application/problem+json", problem.to_string().into_bytes())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(crate) fn with_body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.with("Content-Type", media_type)
    }

    fn write(&self, into: &mut Vec<u8>, head_only: bool, close: bool) {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status.as_str());
        let mut field = |name: &str, value: &str| {
            // No value can end its line.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            head.push_str(&format!("{name}: {value}\r\n"));
        };
        self.fields.iter().for_each(|(name, value)| field(name, value));
        // Any page may ask, and read the answer: what guards a session is its token (Fetch, section 3.3).
        field("Access-Control-Allow-Origin", "*");
        field("Access-Control-Expose-Headers", EXPOSED);
        if self.status != StatusCode::NO_CONTENT {
            field("Content-Length", &self.body.len().to_string());
        }
        if close {
            field("Connection", "close");
        }
        head.push_str("\r\n");
        into.extend_from_slice(head.as_bytes());
        if !head_only {
            into.extend_from_slice(&self.body);
        }
    }
}

/// What a page of another origin may read besides the content.
const EXPOSED: &str =
    "Location, ETag, Link, Accept-Post, Accept-Patch, Allow, Retry-After, WWW-Authenticate";

/// What came of a connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// A request; it is to be answered by [`HttpSocket::respond`].
    Request(HttpRequest),
    /// It is over; what it has sent is still to go out.
    Over,
}

enum Stage {
    /// Between two requests, or within the head of one.
    Head,
    /// Within the body of one.
    Body { request: HttpRequest, close: bool, body: Body },
    /// A request waits for its response.
    Answering { head_only: bool, close: bool },
    /// Nothing is read any more. What comes is waited out, so that the last response is not lost to a reset.
    Closing,
    /// Nothing comes any more; what was sent still goes out.
    Over,
}

/// The server's end of one connection.
pub(crate) struct HttpSocket {
    stage: Stage,
    received: Vec<u8>,
    finished: bool,
    sent: Vec<u8>,
    /// When the stage has to be over; none: it waits for its response.
    until: Option<Duration>,
    /// A request has begun: its time runs.
    begun: bool,
}

impl HttpSocket {
    /// A connection on which `received` has come, and which was opened at `opened`.
    pub(crate) fn new(opened: Duration, received: Vec<u8>) -> Self {
        let until = Some(opened + REQUEST_TIMEOUT);
        Self { stage: Stage::Head, received, finished: false, sent: Vec::new(), until, begun: true }
    }

    /// Bytes came in; none means that no more will.
    pub(crate) fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.finished |= bytes.is_empty();
        match self.stage {
            Stage::Closing | Stage::Over => {}
            Stage::Head | Stage::Body { .. } => {
                if !self.begun {
                    self.begun = true;
                    self.until = Some(now + REQUEST_TIMEOUT);
                }
                self.received.extend_from_slice(bytes);
            }
            Stage::Answering { .. } => {
                let room = MAX_AHEAD_BYTES.saturating_sub(self.received.len());
                self.received.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if bytes.len() > room
                    && let Stage::Answering { close, .. } = &mut self.stage
                {
                    // What is cut cannot be read: the response is the last.
                    *close = true;
                }
            }
        }
    }

    /// The bytes that wait to go out; the caller takes what it can send.
    pub(crate) fn outgoing(&mut self) -> &mut Vec<u8> {
        &mut self.sent
    }

    /// What comes next of the bytes that came in.
    pub(crate) fn poll(&mut self, now: Duration) -> Option<Event> {
        if self.until.is_some_and(|until| until <= now) {
            return self.time(now);
        }
        match core::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Head if self.received.is_empty() && self.finished => self.end(now),
            Stage::Head => {
                self.stage = Stage::Head;
                self.read_head(now)
            }
            Stage::Body { request, close, body } => self.read_body(now, request, close, body),
            Stage::Closing if self.finished => self.end(now),
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    fn time(&mut self, now: Duration) -> Option<Event> {
        match self.stage {
            Stage::Head | Stage::Body { .. } if self.begun => {
                let detail = "send the whole request within 10 s";
                self.refuse(now, HttpResponse::problem(StatusCode::REQUEST_TIMEOUT, detail))
            }
            Stage::Over => {
                // The client does not take it.
                self.sent.clear();
                self.until = None;
                None
            }
            _ => self.end(now),
        }
    }

    fn end(&mut self, now: Duration) -> Option<Event> {
        self.stage = Stage::Over;
        self.received = Vec::new();
        self.until = Some(now + CLOSE_TIMEOUT);
        Some(Event::Over)
    }

    /// Answers what is no request, or none that is read to its end, and closes.
    fn refuse(&mut self, now: Duration, response: HttpResponse) -> Option<Event> {
        response.write(&mut self.sent, false, true);
        self.close(now);
        if self.finished { self.end(now) } else { None }
    }

    fn close(&mut self, now: Duration) {
        self.stage = Stage::Closing;
        self.received = Vec::new();
        self.until = Some(now + CLOSE_TIMEOUT);
    }

    fn read_head(&mut self, now: Duration) -> Option<Event> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let parsed = head.parse(&self.received);
        let length = match parsed {
            Ok(Status::Complete(length)) if length <= MAX_HEAD_BYTES => length,
            Ok(Status::Partial) if self.received.len() <= MAX_HEAD_BYTES => {
                return if self.finished { self.end(now) } else { None };
            }
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                let detail = "send at most 8 KiB and 64 fields ahead of the content";
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                return self.refuse(now, HttpResponse::problem(status, detail));
            }
            Err(error) => {
                let detail = format!("send a request of HTTP/1.1: {error}");
                return self.refuse(now, HttpResponse::problem(StatusCode::BAD_REQUEST, &detail));
            }
        };
        let is_1_0 = head.version == Some(0);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pairs = head.headers.iter().map(|field| (field.name.to_owned(), text(field.value)));
        let request = HttpRequest {
            method: head.method.and_then(|it| it.parse().ok()).unwrap_or_default(),
            target: head.path.unwrap_or_default().to_owned(),
            fields: Fields(pairs.collect()),
            body: Vec::new(),
        };
        self.received.drain(..length);
        let body = match self.framing(&request, is_1_0) {
            Ok(body) => body,
            Err(response) => return self.refuse(now, response),
        };
        let close = is_1_0 || request.fields.lists("connection", "close");
        self.read_body(now, request, close, body)
    }

    /// How the content is delimited (RFC 9112 section 6.3). Says that it may come, if the client waits for that.
    fn framing(&mut self, request: &HttpRequest, is_1_0: bool) -> Result<Body, HttpResponse> {
        let bad = |detail| HttpResponse::problem(StatusCode::BAD_REQUEST, detail);
        let fields = &request.fields;
        if !is_1_0 && fields.one("host").is_none() {
            return Err(bad("send one Host field (RFC 9112 section 3.2)"));
        }
        let body = body::framing(fields)?;
        let needs = [Method::POST, Method::PATCH].contains(&request.method);
        if needs && fields.all("content-length").chain(fields.all("transfer-encoding")).count() == 0
        {
            let detail = "send a Content-Length";
            return Err(HttpResponse::problem(StatusCode::LENGTH_REQUIRED, detail));
        }
        let expected = fields.one("expect");
        if expected.is_some_and(|what| !what.eq_ignore_ascii_case("100-continue")) {
            let detail = "expect nothing but 100-continue";
            return Err(HttpResponse::problem(StatusCode::EXPECTATION_FAILED, detail));
        }
        if expected.is_some() && self.received.is_empty() {
            self.sent.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        Ok(body)
    }

    fn read_body(
        &mut self,
        now: Duration,
        mut request: HttpRequest,
        close: bool,
        mut body: Body,
    ) -> Option<Event> {
        match body.read(&mut self.received, &mut request.body) {
            Err(response) => self.refuse(now, response),
            Ok(true) => {
                let head_only = request.method == Method::HEAD;
                self.stage = Stage::Answering { head_only, close };
                self.until = None;
                Some(Event::Request(request))
            }
            Ok(false) if self.finished => self.end(now),
            Ok(false) => {
                self.stage = Stage::Body { request, close, body };
                None
            }
        }
    }

    /// Answers the request that waits for it.
    pub(crate) fn respond(&mut self, now: Duration, response: &HttpResponse) {
        let Stage::Answering { head_only, close } = self.stage else { return };
        // A client that has closed its half sends no other request, and still reads (RFC 9112 section 9.6).
        let last = self.finished && self.received.is_empty();
        let close = close || last || self.sent.len() > MAX_WAITING_BYTES;
        response.write(&mut self.sent, head_only, close);
        if close {
            return self.close(now);
        }
        self.stage = Stage::Head;
        self.begun = !self.received.is_empty();
        self.until = Some(now + if self.begun { REQUEST_TIMEOUT } else { IDLE_TIMEOUT });
    }

    /// When to poll next if nothing comes.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        match self.stage {
            Stage::Over if self.sent.is_empty() => None,
            _ => self.until,
        }
    }
}
