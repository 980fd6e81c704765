//! Signalling: messages, tokens and the rendezvous as a pure core.
//!
//! Each message is one JSON text ([`ToRendezvous`], [`FromRendezvous`]). The [`Rendezvous`] brings
//! cameras and viewers together: it knows connections by number, takes texts in and hands texts
//! out. A [`Server`] is a rendezvous whose clients come over byte streams, each a WebSocket or, below
//! the path `/whip/`, WHIP over HTTP; what carries the bytes is the shell's.

mod http;
mod message;
mod rendezvous;
mod server;
mod token;
mod websocket;
mod whip;
mod whip_client;

pub use message::{
    CloseReason, FromRendezvous, IceServer, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_SDP_BYTES,
    MessageError, RefusedReason, SessionId, ToRendezvous, is_name,
};
pub use rendezvous::{
    ConnectionId, MAX_CAMERAS, MAX_VIEWERS_PER_CAMERA, MAX_VIEWS_PER_CONNECTION, MAX_WAITING,
    Rendezvous, RendezvousOutput,
};
pub use server::{Limits, Outside, Server};
pub use token::{MAX_TOKEN_BYTES, Token};
pub use whip_client::{NoWhipResponse, WhipRequest, WhipResponse, WhipResponseReader, trickle};
