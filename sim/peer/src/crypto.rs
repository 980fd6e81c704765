//! Cryptography of a connection, with the time that its public-key operations take.
//!
//! The stack calls it while it handles a datagram: nothing can be awaited there. Each operation is done by the host's
//! own provider, and [`Host::spend`] takes its time.

use crate::host::Host;
use parallax_record::SetupTask;
use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher,
    CryptoAlgorithm, CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac,
    PublicKey, RTCCrypto, RTCCryptoProvider, RTCRandom, SecretVec, SignatureScheme, SigningKey,
    StreamCipher, StreamCipherAlgorithm,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What a connection's public-key operations take. Clones share the count.
#[derive(Clone)]
pub(crate) struct Spending<H> {
    host: H,
    spent_ns: Arc<AtomicU64>,
}

impl<H: Host> Spending<H> {
    pub(crate) fn new(host: &H) -> Self {
        Self { host: host.clone(), spent_ns: Arc::default() }
    }

    /// How long the jobs themselves have taken so far, nanoseconds.
    pub(crate) fn spent_ns(&self) -> u64 {
        self.spent_ns.load(Ordering::Relaxed)
    }

    fn take<T>(&self, task: SetupTask, job: impl FnOnce() -> T) -> T {
        let since_ns = self.host.now_ns();
        let done = job();
        let took_ns = self.host.now_ns().saturating_sub(since_ns);
        self.spent_ns.fetch_add(took_ns, Ordering::Relaxed);
        self.host.spend(task, since_ns);
        done
    }
}

/// The cryptography of `inner`, with the time that it takes.
pub(crate) struct Timed<H> {
    inner: Arc<dyn RTCCryptoProvider>,
    spending: Spending<H>,
}

impl<H: Host> Timed<H> {
    pub(crate) fn new(inner: Arc<dyn RTCCryptoProvider>, spending: Spending<H>) -> Self {
        Self { inner, spending }
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.inner.crypto()
    }

    fn signs(&self, inner: Arc<dyn SigningKey>) -> Arc<dyn SigningKey> {
        Arc::new(TimedKey { inner, spending: self.spending.clone() })
    }
}

impl<H: Host> RTCCryptoProvider for Timed<H> {
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

impl<H: Host> RTCCrypto for Timed<H> {
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
        self.crypto().new_hmac(algorithm, key)
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
        let start = || self.crypto().start_key_exchange(algorithm);
        let inner = self.spending.take(SetupTask::KeyExchange, start)?;
        Ok(Box::new(TimedExchange { inner, spending: self.spending.clone() }))
    }

    fn generate_signing_key(
        &self,
        scheme: SignatureScheme,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        let generate = || self.crypto().generate_signing_key(scheme);
        Ok(self.signs(self.spending.take(SetupTask::KeyGeneration, generate)?))
    }

    fn import_signing_key(
        &self,
        scheme: SignatureScheme,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        Ok(self.signs(self.crypto().import_signing_key(scheme, pkcs8_der)?))
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        public_key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let verify = || self.crypto().verify_signature(scheme, public_key, message, signature);
        self.spending.take(SetupTask::Verification, verify)
    }
}

/// Half of a key exchange. The other half takes its time, too.
struct TimedExchange<H> {
    inner: Box<dyn ActiveKeyExchange>,
    spending: Spending<H>,
}

impl<H: Host> ActiveKeyExchange for TimedExchange<H> {
    fn algorithm(&self) -> KeyExchangeAlgorithm {
        self.inner.algorithm()
    }

    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn complete(self: Box<Self>, peer_public_key: &[u8]) -> Result<SecretVec, CryptoError> {
        let Self { inner, spending } = *self;
        spending.take(SetupTask::KeyExchange, || inner.complete(peer_public_key))
    }
}

/// A key whose signatures take their time.
struct TimedKey<H> {
    inner: Arc<dyn SigningKey>,
    spending: Spending<H>,
}

impl<H: Host> SigningKey for TimedKey<H> {
    fn supports(&self, scheme: SignatureScheme) -> bool {
        self.inner.supports(scheme)
    }

    fn public_key(&self) -> PublicKey<'_> {
        self.inner.public_key()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.spending.take(SetupTask::Signature, || self.inner.sign(scheme, message))
    }

    fn to_pkcs8_der(&self) -> Result<Option<SecretVec>, CryptoError> {
        self.inner.to_pkcs8_der()
    }
}
