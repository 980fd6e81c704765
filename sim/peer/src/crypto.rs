//! Cryptography of a connection with hooks, and the time that its public-key operations take.
//!
//! The stack calls it while it handles a datagram: nothing can be awaited there. Each operation is done by the host's
//! own provider. A hook of the peer has [`Host::spend`] take its time.

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

/// Hooks around single operations of a cryptography. All other operations are those of the provider that it wraps.
pub trait CryptoHooks: Clone + Send + Sync + 'static {
    /// Replaces an HMAC that was made with this key. Without a hook: `mac` itself.
    fn hmac(&self, _key: &[u8], mac: Box<dyn Mac>) -> Box<dyn Mac> {
        mac
    }

    /// Does the job of a public-key operation. Without a hook: the job alone.
    fn public_key<T>(&self, _task: SetupTask, job: impl FnOnce() -> T) -> T {
        job()
    }
}

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
}

impl<H: Host> CryptoHooks for Spending<H> {
    fn public_key<T>(&self, task: SetupTask, job: impl FnOnce() -> T) -> T {
        let since_ns = self.host.now_ns();
        let done = job();
        let took_ns = self.host.now_ns().saturating_sub(since_ns);
        self.spent_ns.fetch_add(took_ns, Ordering::Relaxed);
        self.host.spend(task, since_ns);
        done
    }
}

/// The cryptography of another provider, with hooks.
pub struct HookedCrypto<K> {
    inner: Arc<dyn RTCCryptoProvider>,
    hooks: K,
}

impl<K: CryptoHooks> HookedCrypto<K> {
    /// Puts hooks around `inner`.
    pub fn new(inner: Arc<dyn RTCCryptoProvider>, hooks: K) -> Self {
        Self { inner, hooks }
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.inner.crypto()
    }

    fn signs(&self, inner: Arc<dyn SigningKey>) -> Arc<dyn SigningKey> {
        Arc::new(HookedKey { inner, hooks: self.hooks.clone() })
    }
}

impl<K: CryptoHooks> RTCCryptoProvider for HookedCrypto<K> {
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

impl<K: CryptoHooks> RTCCrypto for HookedCrypto<K> {
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
        Ok(self.hooks.hmac(key, self.crypto().new_hmac(algorithm, key)?))
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
        let inner = self.hooks.public_key(SetupTask::KeyExchange, start)?;
        Ok(Box::new(HookedExchange { inner, hooks: self.hooks.clone() }))
    }

    fn generate_signing_key(
        &self,
        scheme: SignatureScheme,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        let generate = || self.crypto().generate_signing_key(scheme);
        Ok(self.signs(self.hooks.public_key(SetupTask::KeyGeneration, generate)?))
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
        self.hooks.public_key(SetupTask::Verification, verify)
    }
}

/// Half of a key exchange: the hook is called for the other half, too.
struct HookedExchange<K> {
    inner: Box<dyn ActiveKeyExchange>,
    hooks: K,
}

impl<K: CryptoHooks> ActiveKeyExchange for HookedExchange<K> {
    fn algorithm(&self) -> KeyExchangeAlgorithm {
        self.inner.algorithm()
    }

    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn complete(self: Box<Self>, peer_public_key: &[u8]) -> Result<SecretVec, CryptoError> {
        let Self { inner, hooks } = *self;
        hooks.public_key(SetupTask::KeyExchange, || inner.complete(peer_public_key))
    }
}

/// A key with the hook around its signatures.
struct HookedKey<K> {
    inner: Arc<dyn SigningKey>,
    hooks: K,
}

impl<K: CryptoHooks> SigningKey for HookedKey<K> {
    fn supports(&self, scheme: SignatureScheme) -> bool {
        self.inner.supports(scheme)
    }

    fn public_key(&self) -> PublicKey<'_> {
        self.inner.public_key()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.hooks.public_key(SetupTask::Signature, || self.inner.sign(scheme, message))
    }

    fn to_pkcs8_der(&self) -> Result<Option<SecretVec>, CryptoError> {
        self.inner.to_pkcs8_der()
    }
}
