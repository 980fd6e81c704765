//! The content of a request: by its length, or chunked (RFC 9112 sections 6 and 7).

use super::{Fields, HttpResponse, MAX_HEAD_BYTES};
use crate::MAX_SDP_BYTES;
use http::StatusCode;
use httparse::Status;

/// The longest line with the size of a chunk, bytes.
const MAX_SIZE_LINE: usize = 128;

/// What is still to come of a content.
#[derive(Debug)]
pub(super) enum Body {
    /// This number of bytes.
    Length(usize),
    /// The size of a chunk.
    Size,
    /// This number of bytes of a chunk.
    Chunk(usize),
    /// The end of a chunk's line.
    ChunkEnd,
    /// Trailer fields, of which this number of bytes has come: they are read over.
    Trailers(usize),
}

fn bad(detail: &str) -> HttpResponse {
    HttpResponse::problem(StatusCode::BAD_REQUEST, detail)
}

fn too_large() -> HttpResponse {
    let detail = format!("send a content of at most {MAX_SDP_BYTES} bytes");
    HttpResponse::problem(StatusCode::PAYLOAD_TOO_LARGE, &detail)
}

/// How the content of a request with these fields is delimited.
pub(super) fn framing(fields: &Fields) -> Result<Body, HttpResponse> {
    let mut lengths = fields.all("content-length");
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(bad("send one Content-Length"));
    }
    let mut encodings = fields.all("transfer-encoding");
    match (length, encodings.next(), encodings.next()) {
        (None, None, _) => Ok(Body::Length(0)),
        (Some(length), None, _) => {
            if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad("send a Content-Length in decimal digits"));
            }
            match length.parse() {
                Ok(length) if length <= MAX_SDP_BYTES => Ok(Body::Length(length)),
                _ => Err(too_large()),
            }
        }
        (None, Some(encoding), None) if encoding.eq_ignore_ascii_case("chunked") => Ok(Body::Size),
        (None, ..) => {
            let detail = "send the content as it is, or chunked";
            Err(HttpResponse::problem(StatusCode::NOT_IMPLEMENTED, detail))
        }
        (Some(_), ..) => Err(bad("send either Content-Length or Transfer-Encoding")),
    }
}

impl Body {
    /// Takes what has come, from `received` into `body`. True: the content is whole.
    pub(super) fn read(
        &mut self,
        received: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<bool, HttpResponse> {
        loop {
            match self {
                Self::Length(left) => {
                    take(left, received, body);
                    return Ok(*left == 0);
                }
                Self::Size => match httparse::parse_chunk_size(received) {
                    Ok(Status::Complete((line, size))) if line <= MAX_SIZE_LINE => {
                        received.drain(..line);
                        let room = MAX_SDP_BYTES.saturating_sub(body.len());
                        let size = usize::try_from(size).ok().filter(|size| *size <= room);
                        *self = match size.ok_or_else(too_large)? {
                            0 => Self::Trailers(0),
                            size => Self::Chunk(size),
                        };
                    }
                    Ok(Status::Partial) if received.len() <= MAX_SIZE_LINE => return Ok(false),
                    _ => return Err(bad("send the size of each chunk in hexadecimal digits")),
                },
                Self::Chunk(left) => {
                    take(left, received, body);
                    if *left > 0 {
                        return Ok(false);
                    }
                    *self = Self::ChunkEnd;
                }
                Self::ChunkEnd => match received.get(..2) {
                    Some(b"\r\n") => {
                        received.drain(..2);
                        *self = Self::Size;
                    }
                    Some(_) => return Err(bad("end each chunk where its size says")),
                    None => return Ok(false),
                },
                Self::Trailers(read) => {
                    let end = received.iter().position(|byte| *byte == b'\n');
                    if *read + end.unwrap_or(received.len()) > MAX_HEAD_BYTES {
                        return Err(bad("send shorter trailer fields"));
                    }
                    let Some(end) = end else { return Ok(false) };
                    let empty = matches!(&received[..end], b"" | b"\r");
                    *read += end + 1;
                    received.drain(..=end);
                    if empty {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

fn take(left: &mut usize, received: &mut Vec<u8>, body: &mut Vec<u8>) {
    let now = received.len().min(*left);
    body.extend(received.drain(..now));
    *left -= now;
}
