//! STUN, TURN and rendezvous on the network core.
