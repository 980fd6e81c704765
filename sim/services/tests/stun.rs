//! Binding requests through a gateway.

mod common;

use common::{EXTERNAL, STUN_TURN, World};
use core::time::Duration;
use stun_types::{
    attribute::{AttributeType, ErrorCode, RawAttribute, UnknownAttributes, XorMappedAddress},
    message::{
        BINDING, Message, MessageClass, MessageType, MessageWrite, MessageWriteExt,
        MessageWriteVec, TransactionId,
    },
};

fn request(class: MessageClass) -> MessageWriteVec {
    let kind = MessageType::from_class_method(class, BINDING);
    Message::builder(kind, TransactionId::from(7), MessageWriteVec::new())
}

#[test]
fn a_client_behind_a_gateway_learns_its_mapping() {
    let mut world = World::new(1);
    let mut request = request(MessageClass::Request);
    request.add_fingerprint().expect("there is none yet");
    world.send(0, 5000, STUN_TURN, request.finish());
    world.run(Duration::from_secs(1));
    let [answer] = &world.inbox[0][..] else { panic!("{:?}", world.inbox[0]) };
    assert_eq!(answer.source, STUN_TURN);
    let answer = Message::from_bytes(&answer.payload).expect("a STUN message");
    // RFC 8489 section 6.3.3.
    assert!(answer.has_class(MessageClass::Success));
    assert_eq!(answer.transaction_id(), TransactionId::from(7));
    let mapped: XorMappedAddress = answer.attribute().expect("the mapped address");
    assert_eq!(mapped.addr(answer.transaction_id()).ip(), EXTERNAL[0]);
    // The gateway preserves ports.
    assert_eq!(mapped.addr(answer.transaction_id()).port(), 5000);
}

#[test]
fn a_change_request_is_refused_by_name() {
    // RFC 8489 section 6.3.1: "If the request contains one or more unknown
    // comprehension-required attributes, the server replies with an error response with an error
    // code of 420 (Unknown Attribute)".
    let mut world = World::new(1);
    let change = AttributeType::new(0x0003);
    let mut request = request(MessageClass::Request);
    request.add_attribute(&RawAttribute::new(change, &[0, 0, 0, 6])).expect("there is none yet");
    world.send(0, 5000, STUN_TURN, request.finish());
    world.run(Duration::from_secs(1));
    let answer = Message::from_bytes(&world.inbox[0][0].payload).expect("a STUN message");
    let error: ErrorCode = answer.attribute().expect("an error code");
    assert_eq!(error.code(), 420);
    let unknown: UnknownAttributes = answer.attribute().expect("which");
    assert!(unknown.has_attribute(change));
}

#[test]
fn indications_and_what_is_no_stun_get_no_answer() {
    let mut world = World::new(1);
    world.send(0, 5000, STUN_TURN, request(MessageClass::Indication).finish());
    world.send(0, 5000, STUN_TURN, &b"hello"[..]);
    world.send(0, 5000, STUN_TURN, &b""[..]);
    world.run(Duration::from_secs(1));
    assert_eq!(world.inbox[0], []);
}
