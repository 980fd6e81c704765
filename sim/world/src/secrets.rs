//! The cryptography of the stacks, with a look at the secrets of their DTLS connections.
//!
//! `rtc` 0.21.1 has no key log, and its DTLS keeps the master secret to itself. But it takes every
//! HMAC from a provider that may be handed to it, and the first HMAC with which it makes the keys
//! of a connection has the master secret for its key.

use parallax_capture::DtlsSecret;
use parallax_fabric::Fabric;
use parallax_peer::{CryptoHooks, HookedCrypto};
use rtc::crypto::{self, CryptoError, Mac, RTCCryptoProvider, SecretVec};
use std::sync::{Arc, Weak};

/// The default provider of `rtc`; its secrets go to `fabric`. None if there is no default.
pub(crate) fn watched(fabric: &Arc<Fabric>) -> Option<Arc<dyn RTCCryptoProvider>> {
    let inner = crypto::default_provider().ok()?;
    Some(Arc::new(HookedCrypto::new(inner, Watch(Arc::downgrade(fabric)))))
}

/// Looks at HMACs for a fabric.
#[derive(Clone)]
struct Watch(Weak<Fabric>);

impl CryptoHooks for Watch {
    fn hmac(&self, key: &[u8], inner: Box<dyn Mac>) -> Box<dyn Mac> {
        // That of a master secret has 48 bytes; most others are those of SRTP, one a packet.
        if key.len() != DtlsSecret::MASTER_SECRET {
            return inner;
        }
        let (key, fabric) = (SecretVec::new(key.to_vec()), Weak::clone(&self.0));
        Box::new(WatchedMac { inner, key, fabric })
    }
}

/// An HMAC whose key may be a master secret.
struct WatchedMac {
    inner: Box<dyn Mac>,
    key: SecretVec,
    fabric: Weak<Fabric>,
}

impl Mac for WatchedMac {
    fn output_len(&self) -> usize {
        self.inner.output_len()
    }

    fn sign(&mut self, input: &[&[u8]], output: &mut [u8]) -> Result<(), CryptoError> {
        if let Some(secret) = DtlsSecret::in_hmac(self.key.as_ref(), input)
            && let Some(fabric) = self.fabric.upgrade()
        {
            fabric.tell_secret(secret);
        }
        self.inner.sign(input, output)
    }

    fn verify(&mut self, input: &[&[u8]], expected: &[u8]) -> Result<(), CryptoError> {
        self.inner.verify(input, expected)
    }
}
