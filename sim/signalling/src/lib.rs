//! Signalling: messages, tokens and the rendezvous as a pure core.
