//! Names of WHIP on the wire.

/// Where endpoints are.
pub(crate) const PATH: &str = "/whip/";
/// The media type of offers and answers.
pub(crate) const SDP: &str = "application/sdp";
/// The media type of the content of a PATCH, and of an ICE restart's response (RFC 8840).
pub(crate) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// The field of a `201 Created` that names the session for the record: the viewer's name, and how many sessions camera and
/// viewer have had. Other cameras ignore it.
pub(crate) const SESSION_FIELD: &str = "Parallax-Session";
