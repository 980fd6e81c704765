//! What a request of WHIP asks for, and by what right.

use super::wire::PATH;
use crate::{ConnectionId, Token, http::HttpRequest, is_name};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'t> {
    /// The endpoint of the camera of this name.
    Endpoint(&'t str),
    /// A session of it, by the number in its URL.
    Session(&'t str, ConnectionId),
}

impl<'t> Target<'t> {
    /// What stands at `target`: none: nothing.
    pub(super) fn of(target: &'t str) -> Option<Self> {
        let path = target.split('?').next()?.strip_prefix(PATH)?;
        match path.split_once('/') {
            None => is_name(path).then_some(Self::Endpoint(path)),
            Some((room, number)) => {
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                let number = number.parse().ok().filter(|_| digits)?;
                is_name(room).then_some(Self::Session(room, ConnectionId(number)))
            }
        }
    }
}

/// The token of a request (RFC 6750 section 2.1).
pub(super) fn bearer(request: &HttpRequest) -> Option<Token> {
    let (scheme, token) = request.fields.one("authorization")?.split_once(' ')?;
    let token = Token::new(token.trim());
    (scheme.eq_ignore_ascii_case("bearer") && token.is_valid()).then_some(token)
}

/// What becomes of a request's `If-Match` (RFC 9110 section 13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    Met,
    Missing,
    Failed,
}

/// Compares `If-Match` with the entity-tag. RFC 9725 writes `"*"` in its examples: it counts as `*`.
pub(super) fn precondition(request: &HttpRequest, tag: &str) -> Precondition {
    let mut tags = request.fields.all("if-match").flat_map(|value| value.split(',')).map(str::trim);
    if request.fields.all("if-match").next().is_none() {
        Precondition::Missing
    } else if tags.any(|given| given == tag || given == "*" || given == "\"*\"") {
        Precondition::Met
    } else {
        Precondition::Failed
    }
}
