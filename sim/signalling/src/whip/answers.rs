//! Responses of WHIP.

use super::{
    request::{Target, bearer},
    sdp::{Description, Wrong},
    wire::{FRAGMENT, PATH, SDP, SESSION_FIELD},
};
use crate::{
    ConnectionId, IceServer, MAX_SDP_BYTES,
    http::{HttpRequest, HttpResponse},
};
use http::StatusCode;

/// What an endpoint takes.
pub(super) const ENDPOINT_METHODS: &str = "POST, GET, HEAD, OPTIONS";
/// What a session takes.
pub(super) const SESSION_METHODS: &str = "PATCH, DELETE, GET, HEAD, OPTIONS";
/// Seconds after which a camera may post again.
const RETRY_AFTER: &str = "1";

pub(super) fn created(
    room: &str,
    at: ConnectionId,
    (viewer, number): (&str, u32),
    tag: &str,
    answer: &Description,
) -> HttpResponse {
    HttpResponse::new(StatusCode::CREATED)
        .with_body(SDP, answer.to_text().into_bytes())
        .with("Location", format!("{PATH}{room}/{}", at.0))
        .with("ETag", tag)
        .with(SESSION_FIELD, format!("{viewer} {number}"))
}

/// One `Link` for each URL (RFC 9725 section 4.6).
pub(super) fn with_ice_servers(mut response: HttpResponse, servers: &[IceServer]) -> HttpResponse {
    for server in servers {
        for url in &server.urls {
            let mut link = format!("<{url}>; rel=\"ice-server\"");
            if !server.username.is_empty() {
                let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
                let (name, credential) = (quoted(&server.username), quoted(&server.credential));
                link += &format!(
                    "; username=\"{name}\"; credential=\"{credential}\"; credential-type=\"password\""
                );
            }
            response = response.with("Link", link);
        }
    }
    response
}

pub(super) fn restarted(tag: &str, fragment: String) -> HttpResponse {
    HttpResponse::new(StatusCode::OK).with_body(FRAGMENT, fragment.into_bytes()).with("ETag", tag)
}

pub(super) fn options(target: &Target<'_>) -> HttpResponse {
    let (methods, accepts, media_type) = match target {
        Target::Endpoint(_) => (ENDPOINT_METHODS, "Accept-Post", SDP),
        Target::Session(..) => (SESSION_METHODS, "Accept-Patch", FRAGMENT),
    };
    HttpResponse::new(StatusCode::OK)
        .with(accepts, media_type)
        .with("Allow", methods)
        .with("Access-Control-Allow-Methods", methods)
        .with("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
        .with("Access-Control-Max-Age", "86400")
}

pub(super) fn not_found() -> HttpResponse {
    let detail =
        "post to /whip/ROOM, and use the Location of its response: the session may be over";
    HttpResponse::problem(StatusCode::NOT_FOUND, detail)
}

pub(super) fn not_allowed(methods: &'static str) -> HttpResponse {
    let detail = format!("use one of: {methods}");
    HttpResponse::problem(StatusCode::METHOD_NOT_ALLOWED, &detail).with("Allow", methods)
}

/// There is no token, or none that could be one.
pub(super) fn unauthorised(request: &HttpRequest) -> HttpResponse {
    if bearer(request).is_none() && request.fields.all("authorization").next().is_some() {
        return wrong_token();
    }
    let detail = "send the camera's token: Authorization: Bearer TOKEN";
    HttpResponse::problem(StatusCode::UNAUTHORIZED, detail)
        .with("WWW-Authenticate", "Bearer realm=\"parallax\"")
}

pub(super) fn wrong_token() -> HttpResponse {
    let challenge = "Bearer realm=\"parallax\", error=\"invalid_token\"";
    HttpResponse::problem(StatusCode::UNAUTHORIZED, "this is not the camera's token")
        .with("WWW-Authenticate", challenge)
}

/// Refuses a content of another type than `media_type`.
pub(super) fn needs_type(
    request: &HttpRequest,
    media_type: &'static str,
) -> Result<(), HttpResponse> {
    let given = request.fields.one("content-type");
    let given = given.and_then(|value| value.split(';').next()).map(str::trim);
    if given.is_some_and(|given| given.eq_ignore_ascii_case(media_type)) {
        Ok(())
    } else {
        Err(unsupported_type(media_type))
    }
}

fn unsupported_type(media_type: &'static str) -> HttpResponse {
    let accepts = if media_type == SDP { "Accept-Post" } else { "Accept-Patch" };
    let detail = format!("send Content-Type: {media_type}");
    HttpResponse::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, &detail).with(accepts, media_type)
}

pub(super) fn wrong(wrong: Wrong) -> HttpResponse {
    HttpResponse::problem(wrong.status, &wrong.detail)
}

pub(super) fn unprocessable(detail: &str) -> HttpResponse {
    HttpResponse::problem(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

pub(super) fn too_large() -> HttpResponse {
    let detail = format!("send an offer and candidates of at most {MAX_SDP_BYTES} bytes together");
    HttpResponse::problem(StatusCode::PAYLOAD_TOO_LARGE, &detail)
}

pub(super) fn conflict(detail: &str) -> HttpResponse {
    HttpResponse::problem(StatusCode::CONFLICT, detail)
}

pub(super) fn precondition_required() -> HttpResponse {
    let detail = "send If-Match with the ETag of the session, or * for an ICE restart";
    HttpResponse::problem(StatusCode::PRECONDITION_REQUIRED, detail)
}

pub(super) fn precondition_failed() -> HttpResponse {
    let detail = "ICE was restarted since: send If-Match with the newest ETag";
    HttpResponse::problem(StatusCode::PRECONDITION_FAILED, detail)
}

pub(super) fn unavailable(detail: &str) -> HttpResponse {
    HttpResponse::problem(StatusCode::SERVICE_UNAVAILABLE, detail).with("Retry-After", RETRY_AFTER)
}
