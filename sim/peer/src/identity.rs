//! Identity of a peer: its DTLS certificate, kept in flash.

use crate::host::{Flash, Host};
use parallax_record::SetupTask;
use rtc::{
    crypto::{RTCCrypto, SignatureScheme},
    peer_connection::certificate::{CertificateParams, RTCCertificate},
    shared::error::{Error, Result},
};

/// Where the certificate lies in flash.
const CERTIFICATE: &str = "certificate";

/// Makes the certificate, unless it is in flash already.
pub(crate) fn ensure_certificate<H: Host>(host: &H, crypto: &dyn RTCCrypto) -> Result<()> {
    let flash = host.flash();
    if flash.load(CERTIFICATE).is_none() {
        let since_ns = host.now_ns();
        let parameters = CertificateParams::new(vec!["parallax".to_owned()])
            .map_err(|error| Error::Other(error.to_string()))?;
        let scheme = SignatureScheme::EcdsaP256Sha256;
        let certificate = RTCCertificate::generate(crypto, scheme, parameters)?;
        host.spend(SetupTask::KeyGeneration, since_ns);
        flash.store(CERTIFICATE, certificate.serialize_pem()?.as_bytes());
    }
    Ok(())
}

/// The certificate in flash.
pub(crate) fn certificate(flash: &dyn Flash, crypto: &dyn RTCCrypto) -> Result<RTCCertificate> {
    let unreadable = || Error::Other("failed to read the certificate in flash".to_owned());
    let stored = flash.load(CERTIFICATE).ok_or_else(unreadable)?;
    let pem = String::from_utf8(stored).map_err(|_| unreadable())?;
    RTCCertificate::from_pem(&pem, crypto)
}

/// Counts a boot: how many there were before, by the counter called `name` in flash.
pub(crate) fn next_boot(flash: &dyn Flash, name: &str) -> u32 {
    let boot = load_u32(flash, name).unwrap_or(0);
    flash.store(name, &boot.wrapping_add(1).to_be_bytes());
    boot
}

/// The number stored under `name`.
pub(crate) fn load_u32(flash: &dyn Flash, name: &str) -> Option<u32> {
    flash.load(name).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
}
