//! Messages to and from the rendezvous: JSON texts, one message each.

use crate::Token;
use core::fmt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The longest message in either direction, bytes of JSON text.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The longest description that comes over HTTP, bytes: with each of its characters escaped it is still a message.
pub const MAX_SDP_BYTES: usize = 30 * 1024;
/// The longest name of a camera or viewer, bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// A session between one camera and one viewer, as the rendezvous numbers them: never used twice.
/// Knowing one gives no right to it; it is bound to the two connections it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

/// From a camera or a viewer to the rendezvous.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToRendezvous {
    /// "I am this camera." Registering again with the same token, on this or another connection,
    /// replaces the old registration. If the boot is the same, its sessions go on: what it has
    /// offered already, it knows.
    Register {
        /// The camera's name.
        camera: String,
        /// The camera's secret.
        token: Token,
        /// How many times the camera has booted before.
        boot: u32,
    },
    /// "I want to see this camera." If the camera is not there, the viewer waits for it. Asking
    /// again replaces the session.
    View {
        /// The camera's name.
        camera: String,
        /// The viewer's name.
        viewer: String,
        /// The camera's secret.
        token: Token,
    },
    /// A session description: from the camera an offer, from the viewer its answer. They take
    /// turns, and the camera begins.
    Description {
        /// The session it belongs to.
        session: SessionId,
        /// The description (RFC 8866).
        sdp: String,
    },
    /// An ICE candidate (RFC 8838, trickled).
    Candidate {
        /// The session it belongs to.
        session: SessionId,
        /// The candidate attribute, or nothing: the end of candidates.
        candidate: Option<String>,
        /// Identification of the media section it is for.
        sdp_mid: Option<String>,
        /// Index of the media section it is for.
        sdp_m_line_index: Option<u16>,
    },
    /// "This session is over." The viewer's wish to see the camera ends with it.
    Close {
        /// The session.
        session: SessionId,
        /// Why: `finished`, `failed` or `fingerprint_mismatch`. The others are the rendezvous's.
        reason: CloseReason,
    },
}

/// From the rendezvous to a camera or a viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromRendezvous {
    /// To a camera: you are registered.
    Registered {
        /// The camera's name.
        camera: String,
        /// STUN and TURN servers to use.
        ice_servers: Vec<IceServer>,
    },
    /// To a camera: a viewer with the right token wants to see you; send it an offer.
    ViewerCame {
        /// The new session.
        session: SessionId,
        /// The camera's name.
        camera: String,
        /// The viewer's name.
        viewer: String,
        /// Counts the sessions of this camera and viewer, from 1.
        number: u32,
        /// STUN and TURN servers to use.
        ice_servers: Vec<IceServer>,
    },
    /// To a viewer: the camera is there and was notified; its offer comes. If the viewer still
    /// holds an older session of this camera with another boot, that one is dead.
    CameraFound {
        /// The new session.
        session: SessionId,
        /// The camera's name.
        camera: String,
        /// The boot the camera registered with.
        boot: u32,
        /// Counts the sessions of this camera and viewer, from 1.
        number: u32,
        /// STUN and TURN servers to use.
        ice_servers: Vec<IceServer>,
        /// The camera hears of no candidate after the answer, which waits for the viewer's last one: the viewer
        /// says when that is, by a candidate without text.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        whole: bool,
    },
    /// To a viewer: the camera registered again, with a new boot, or before it had heard of the
    /// session. The session named is over, media and all; `CameraFound` with a new one follows.
    CameraBack {
        /// The session that is over.
        session: SessionId,
        /// The camera's name.
        camera: String,
        /// The boot it now has.
        boot: u32,
    },
    /// The other side's description: to a viewer an offer, to a camera an answer.
    Description {
        /// The session it belongs to.
        session: SessionId,
        /// The description (RFC 8866).
        sdp: String,
    },
    /// The other side's ICE candidate.
    Candidate {
        /// The session it belongs to.
        session: SessionId,
        /// The candidate attribute, or nothing: the end of candidates.
        candidate: Option<String>,
        /// Identification of the media section it is for.
        sdp_mid: Option<String>,
        /// Index of the media section it is for.
        sdp_m_line_index: Option<u16>,
    },
    /// The session is over as far as signalling goes.
    Closed {
        /// The session.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// What was asked is not done. After `malformed` and `too_large` the connection is closed.
    Refused {
        /// Why.
        why: RefusedReason,
        /// The camera that the refused message named.
        camera: Option<String>,
        /// The session that the refused message named. A session that has just been closed is
        /// refused too, so that messages may cross: a peer ignores these.
        session: Option<SessionId>,
    },
}

/// A STUN or TURN server and the credentials for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// TURN user name; empty for STUN.
    pub username: String,
    /// TURN password; empty for STUN. Not in debug output.
    pub credential: String,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .field("credential", &"redacted")
            .finish()
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The other side has seen or shown enough.
    Finished,
    /// The other side could not connect, or lost the connection.
    Failed,
    /// The DTLS certificate did not match the fingerprint in the description.
    FingerprintMismatch,
    /// The other side's connection to the rendezvous ended. Media may well go on: this is no
    /// reason to drop a session that lives. A viewer stays in wait for the camera.
    Disconnected,
    /// The viewer asked again, or the camera registered again: a newer session takes its place.
    Replaced,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedReason {
    /// No message of ours: not JSON, an unknown kind or field, an impossible name.
    Malformed,
    /// Longer than [`MAX_MESSAGE_BYTES`].
    TooLarge,
    /// Not the camera's token.
    WrongToken,
    /// No session of this connection.
    UnknownSession,
    /// An offer while the last one is unanswered, or an answer without an offer: a replay.
    OutOfTurn,
    /// A bound is reached: cameras, viewers of a camera, views of a connection, or waiting.
    Full,
}

/// Why a text is no message. It quotes nothing of the text: there may be a token in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Too long.
    #[error("failed to read a message of {bytes} bytes: at most {MAX_MESSAGE_BYTES} are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON, or not of the shape of a message.
    #[error("failed to read a message: wrong at line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where it is the message as a whole.
        column: usize,
    },
    /// A name is empty, too long, or of other characters.
    #[error(
        "failed to read a message: a name is 1 to {MAX_NAME_BYTES} letters, digits, '.', '_', '-'"
    )]
    Name,
    /// A token is empty, too long, or of other characters.
    #[error(
        "failed to read a message: a token is 1 to {} visible characters",
        crate::MAX_TOKEN_BYTES
    )]
    Token,
    /// A reason to close that only the rendezvous gives.
    #[error("failed to read a message: only the rendezvous closes for that reason")]
    Reason,
}

/// Whether `name` can be the name of a camera or viewer: 1 to [`MAX_NAME_BYTES`] ASCII letters,
/// digits, `.`, `_` and `-`.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn from_text<M: DeserializeOwned>(text: &str) -> Result<M, MessageError> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(MessageError::TooLarge { bytes: text.len() });
    }
    // Serde's own text quotes the values that did not fit: only the place is kept.
    serde_json::from_str(text)
        .map_err(|error| MessageError::Json { line: error.line(), column: error.column() })
}

impl ToRendezvous {
    /// Reads a message and checks its names, token and reason.
    ///
    /// # Errors
    /// [`MessageError`], which quotes nothing of the text.
    pub fn from_text(text: &str) -> Result<Self, MessageError> {
        let message: Self = from_text(text)?;
        let valid_name = |name: &str| if is_name(name) { Ok(()) } else { Err(MessageError::Name) };
        let valid_token =
            |token: &Token| if token.is_valid() { Ok(()) } else { Err(MessageError::Token) };
        match &message {
            Self::Register { camera, token, .. } => {
                valid_name(camera)?;
                valid_token(token)?;
            }
            Self::View { camera, viewer, token } => {
                valid_name(camera)?;
                valid_name(viewer)?;
                valid_token(token)?;
            }
            Self::Close { reason: CloseReason::Disconnected | CloseReason::Replaced, .. } => {
                return Err(MessageError::Reason);
            }
            Self::Description { .. } | Self::Candidate { .. } | Self::Close { .. } => {}
        }
        Ok(message)
    }

    /// The message as JSON text.
    pub fn to_text(&self) -> String {
        to_text(self)
    }
}

impl FromRendezvous {
    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageError`], which quotes nothing of the text.
    pub fn from_text(text: &str) -> Result<Self, MessageError> {
        from_text(text)
    }

    /// The message as JSON text.
    pub fn to_text(&self) -> String {
        to_text(self)
    }
}

fn to_text(message: &impl Serialize) -> String {
    // Serde_json fails only on maps with keys that are no strings and on failing `Serialize`
    // implementations; the messages are structs of strings and integers.
    serde_json::to_string(message).expect("messages are plain data")
}
