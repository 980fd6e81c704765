//! Binding requests (RFC 8489).
//!
//! `turn-server-proto` 0.7.3 answers them too, but sends the answer to its own listening address
//! (`handle_stun_binding` passes `transmit.to` as the destination): they are answered here.

use core::net::SocketAddrV4;
use stun_types::{
    attribute::{AttributeStaticType, Fingerprint, XorMappedAddress},
    message::{BINDING, Message, MessageClass, MessageWrite, MessageWriteExt, MessageWriteVec},
};

/// What becomes of bytes at a STUN port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// They are no binding message.
    Other,
    /// A binding message that wants no answer.
    Silent,
    /// The answer to a binding request.
    Answer(Vec<u8>),
}

/// Answers a binding request from `from` with its address as seen here, or with 420 if it needs
/// something that is not supported, such as RFC 5780's CHANGE-REQUEST.
pub(crate) fn answer(bytes: &[u8], from: SocketAddrV4) -> Binding {
    let Ok(request) = Message::from_bytes(bytes) else { return Binding::Other };
    if request.method() != BINDING {
        return Binding::Other;
    }
    if request.class() != MessageClass::Request {
        return Binding::Silent;
    }
    let supported = [Fingerprint::TYPE];
    let refused = Message::check_attribute_types(&request, &supported, &[], MessageWriteVec::new());
    if let Some(refused) = refused {
        return Binding::Answer(refused.finish());
    }
    let mapped = XorMappedAddress::new(from.into(), request.transaction_id());
    let mut response = Message::builder_success(&request, MessageWriteVec::new());
    // Each fails only if the attribute is already there.
    if response.add_attribute(&mapped).is_err() || response.add_fingerprint().is_err() {
        return Binding::Silent;
    }
    Binding::Answer(response.finish())
}
