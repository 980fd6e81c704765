//! The network as its users see it: packets in, outputs out.

mod conservation;
mod delays;
mod discovery;
mod hole_punching;
mod links;
mod loads;
mod rfc4787;
mod rfc5382;
mod rfc7857;
mod support;
mod tap;
mod whole;
