//! The camera's end of WHIP (RFC 9725): its requests as bytes, and what it reads in responses.

use crate::{
    IceServer, MAX_SDP_BYTES, Token,
    whip::{self, wire},
};
use httparse::{EMPTY_HEADER, Status};

/// The longest head of a response, bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The longest content of a response, bytes: an answer with all of its candidates.
const MAX_CONTENT_BYTES: usize = 4 * MAX_SDP_BYTES;

/// A request of a WHIP client.
#[derive(Clone, Debug)]
pub enum WhipRequest {
    /// An offer, to the endpoint of a camera.
    Post {
        /// The camera's name.
        camera: String,
        /// The offer (RFC 8866).
        offer: String,
    },
    /// A fragment with candidates ([`trickle`]), to a session.
    Patch {
        /// The session's URL, as its `201 Created` gave it.
        location: String,
        /// Its entity-tag.
        entity_tag: String,
        /// The fragment (RFC 8840).
        fragment: String,
    },
    /// Is the session still there?
    Get {
        /// Its URL.
        location: String,
    },
    /// The session is over.
    Delete {
        /// Its URL.
        location: String,
    },
}

impl WhipRequest {
    /// The request as bytes, to the server `host`, with the camera's token.
    pub fn to_bytes(&self, host: &str, token: &Token) -> Vec<u8> {
        let (method, target, content) = match self {
            Self::Post { camera, offer } => {
                ("POST", format!("{}{camera}", wire::PATH), Some((wire::SDP, offer)))
            }
            Self::Patch { location, fragment, .. } => {
                ("PATCH", location.clone(), Some((wire::FRAGMENT, fragment)))
            }
            Self::Get { location } => ("GET", location.clone(), None),
            Self::Delete { location } => ("DELETE", location.clone(), None),
        };
        let mut text = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n",
            token.text()
        );
        if let Self::Patch { entity_tag, .. } = self {
            text += &format!("If-Match: {entity_tag}\r\n");
        }
        if let Some((media_type, content)) = content {
            let length = content.len();
            text += &format!("Content-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n");
            text += content;
        } else {
            text += "\r\n";
        }
        text.into_bytes()
    }
}

/// The fragment that tells of candidates for an offer, and whether they were the last (RFC 9725 section 4.3.2).
///
/// None: `offer` is no offer.
pub fn trickle(offer: &str, candidates: &[String], last: bool) -> Option<String> {
    whip::trickle(offer, candidates, last)
}

/// A response, as far as a WHIP client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhipResponse {
    /// The status code.
    pub status: u16,
    /// The session's URL.
    pub location: Option<String>,
    /// Its entity-tag.
    pub entity_tag: Option<String>,
    /// STUN and TURN servers to use.
    pub ice_servers: Vec<IceServer>,
    /// The viewer's name, and how many sessions camera and viewer have had.
    pub session: Option<(String, u32)>,
    /// Seconds after which to post again.
    pub retry_after: Option<u64>,
    /// The content: the answer.
    pub content: String,
}

/// Reads one response from a byte stream.
#[derive(Debug, Default)]
pub struct WhipResponseReader(Vec<u8>);

/// Why something is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to read a response of WHIP: it is not HTTP/1.1, has no Content-Length or is too long"
)]
pub struct NoWhipResponse;

impl WhipResponseReader {
    /// Takes bytes that came; gives the response when it is whole.
    ///
    /// # Errors
    /// [`NoWhipResponse`]
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<WhipResponse>, NoWhipResponse> {
        self.0.extend_from_slice(bytes);
        loop {
            let mut fields = [EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut fields);
            let length = match head.parse(&self.0) {
                Ok(Status::Complete(length)) => length,
                Ok(Status::Partial) if self.0.len() <= MAX_HEAD_BYTES => return Ok(None),
                _ => return Err(NoWhipResponse),
            };
            let status = head.code.ok_or(NoWhipResponse)?;
            if status / 100 == 1 {
                self.0.drain(..length);
                continue;
            }
            let mut response = read_head(status, head.headers)?;
            let content = match status {
                204 => 0,
                _ => number(head.headers, "content-length").ok_or(NoWhipResponse)?,
            };
            let content = usize::try_from(content).map_err(|_| NoWhipResponse)?;
            if content > MAX_CONTENT_BYTES {
                return Err(NoWhipResponse);
            }
            let Some(content) = self.0.get(length..length + content) else { return Ok(None) };
            response.content = String::from_utf8(content.to_vec()).map_err(|_| NoWhipResponse)?;
            let whole = length + content.len();
            self.0.drain(..whole);
            return Ok(Some(response));
        }
    }
}

fn values<'h>(fields: &'h [httparse::Header<'h>], name: &'h str) -> impl Iterator<Item = &'h str> {
    let named = fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.filter_map(|field| str::from_utf8(field.value).ok()).map(str::trim)
}

fn number(fields: &[httparse::Header<'_>], name: &str) -> Option<u64> {
    values(fields, name).next()?.parse().ok()
}

fn read_head(status: u16, fields: &[httparse::Header<'_>]) -> Result<WhipResponse, NoWhipResponse> {
    let one = |name| values(fields, name).next().map(str::to_owned);
    let session = one(wire::SESSION_FIELD).and_then(|named| {
        let (viewer, number) = named.split_once(' ')?;
        Some((viewer.to_owned(), number.parse().ok()?))
    });
    Ok(WhipResponse {
        status,
        location: one("location").filter(|url| url.starts_with('/')),
        entity_tag: one("etag"),
        ice_servers: values(fields, "link").filter_map(ice_server).collect(),
        session,
        retry_after: number(fields, "retry-after"),
        content: String::new(),
    })
}

/// The server of a `Link` field (RFC 9725 section 4.6), if it is one.
fn ice_server(link: &str) -> Option<IceServer> {
    let (url, mut rest) = link.strip_prefix('<')?.split_once('>')?;
    let mut server = IceServer {
        urls: vec![url.to_owned()],
        username: String::new(),
        credential: String::new(),
    };
    let mut is_one = false;
    while let Some((name, value)) = rest.trim_start_matches([';', ' ']).split_once("=\"") {
        let mut text = String::new();
        let mut characters = value.char_indices();
        let end = loop {
            match characters.next()? {
                (end, '"') => break end,
                (_, '\\') => text.push(characters.next()?.1),
                (_, other) => text.push(other),
            }
        };
        rest = &value[end + 1..];
        match name {
            "rel" => is_one = text == "ice-server",
            "username" => server.username = text,
            "credential" => server.credential = text,
            _ => {}
        }
    }
    is_one.then_some(server)
}
