//! The cryptography of the stacks, with a look at the secrets of their DTLS connections.
//!
//! `rtc` 0.21.1 has no key log, and its DTLS keeps the master secret to itself. But it takes every
//! HMAC from a provider that may be handed to it, and the first HMAC with which it makes the keys
//! of a connection has the master secret for its key.

use parallax_capture::Secret;
use parallax_fabric::Fabric;
use rtc::crypto::{
    self, ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm,
    CbcCipher, CryptoAlgorithm, CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm,
    Mac, PublicKey, RTCCrypto, RTCCryptoProvider, RTCRandom, SecretVec, SignatureScheme,
    SigningKey, StreamCipher, StreamCipherAlgorithm,
};
use std::sync::{Arc, Weak};

/// The crate's own cryptography, which it leaves as it is.
pub(crate) struct Watched {
    inner: Arc<dyn RTCCryptoProvider>,
    fabric: Weak<Fabric>,
}

impl Watched {
    /// The default provider of `rtc`; its secrets are told to `fabric`. None if there is no default.
    pub(crate) fn provider(fabric: &Arc<Fabric>) -> Option<Arc<dyn RTCCryptoProvider>> {
        let inner = crypto::default_provider().ok()?;
        Some(Arc::new(Self { inner, fabric: Arc::downgrade(fabric) }))
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.inner.crypto()
    }
}

impl RTCCryptoProvider for Watched {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self
    }

    fn random(&self) -> &dyn RTCRandom {
        self.inner.random()
    }
}

impl RTCCrypto for Watched {
    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.crypto().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.crypto().hash(algorithm, data)
    }

    fn block_encrypt(
        &self,
        algorithm: BlockCipherAlgorithm,
        key: &[u8],
        block: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.crypto().block_encrypt(algorithm, key, block)
    }

    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        let inner = self.crypto().new_hmac(algorithm, key)?;
        // That of a master secret has 48 bytes; most others are those of SRTP, one a packet.
        if key.len() != Secret::MASTER_SECRET {
            return Ok(inner);
        }
        let (key, fabric) = (SecretVec::new(key.to_vec()), Weak::clone(&self.fabric));
        Ok(Box::new(WatchedMac { inner, key, fabric }))
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.crypto().new_stream_cipher(algorithm, key)
    }

    fn new_aead(
        &self,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn AeadCipher>, CryptoError> {
        self.crypto().new_aead(algorithm, key)
    }

    fn new_cbc(
        &self,
        algorithm: CbcAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.crypto().new_cbc(algorithm, key)
    }

    fn start_key_exchange(
        &self,
        algorithm: KeyExchangeAlgorithm,
    ) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.crypto().start_key_exchange(algorithm)
    }

    fn generate_signing_key(
        &self,
        scheme: SignatureScheme,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.crypto().generate_signing_key(scheme)
    }

    fn import_signing_key(
        &self,
        scheme: SignatureScheme,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.crypto().import_signing_key(scheme, pkcs8_der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        public_key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.crypto().verify_signature(scheme, public_key, message, signature)
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
        if let Some(secret) = Secret::in_hmac(self.key.as_ref(), input)
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
