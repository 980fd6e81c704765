//! Who a peer is: its DTLS certificate, kept in flash.

use crate::host::Flash;
use rtc::{
    crypto::{self, SignatureScheme},
    peer_connection::certificate::{CertificateParams, RTCCertificate},
    shared::error::{Error, Result},
};

/// Where the certificate lies in flash.
const CERTIFICATE: &str = "certificate";

/// The certificate in flash; at the first call one is made and stored.
pub(crate) fn certificate(flash: &dyn Flash) -> Result<RTCCertificate> {
    let provider = crypto::default_provider().map_err(|error| Error::Other(error.to_string()))?;
    if let Some(stored) = flash.load(CERTIFICATE) {
        let pem = String::from_utf8(stored)
            .map_err(|_| Error::Other("failed to read the certificate in flash".to_owned()))?;
        return RTCCertificate::from_pem(&pem, provider.crypto());
    }
    let parameters = CertificateParams::new(vec!["parallax".to_owned()])
        .map_err(|error| Error::Other(error.to_string()))?;
    let certificate =
        RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, parameters)?;
    flash.store(CERTIFICATE, certificate.serialize_pem()?.as_bytes());
    Ok(certificate)
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
