//! Secrets of DTLS connections, from what a stack computes.

/// Length of a client's and a server's random, bytes (RFC 5246 section 7.4.1.2).
const RANDOM: usize = 32;
/// The label of the computation that makes the keys of a connection (RFC 5246 section 6.3).
const LABEL: &[u8] = b"key expansion";

/// What decrypts a DTLS 1.2 connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DtlsSecret {
    client_random: [u8; RANDOM],
    master_secret: [u8; Self::MASTER_SECRET],
}

impl DtlsSecret {
    /// Length of a master secret, bytes (RFC 5246 section 8.1).
    pub const MASTER_SECRET: usize = 48;

    /// The secret that shows in an HMAC of `input` with `key`, if it is the first one of the
    /// computation that makes the keys of a connection: PRF(master secret, "key expansion", server
    /// random + client random), which begins with HMAC(master secret, label + seed) (RFC 5246
    /// sections 5 and 6.3). Nothing else begins so.
    ///
    /// Both ends of a connection compute it before they send anything that is encrypted.
    pub fn in_hmac(key: &[u8], input: &[&[u8]]) -> Option<Self> {
        let [input] = input else { return None };
        let randoms = input.strip_prefix(LABEL)?;
        let (_server, client) = randoms.split_at_checked(RANDOM)?;
        Some(Self { client_random: client.try_into().ok()?, master_secret: key.try_into().ok()? })
    }

    /// The line of a key log: `CLIENT_RANDOM`, the client's random, the master secret
    /// (draft-ietf-tls-keylogfile).
    pub fn line(&self) -> String {
        let (client, secret) = (hex::encode(self.client_random), hex::encode(self.master_secret));
        format!("CLIENT_RANDOM {client} {secret}\n")
    }
}

impl core::fmt::Debug for DtlsSecret {
    /// Without the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Secret").field(&hex::encode(self.client_random)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_where_keys_are_made_and_nowhere_else() {
        let key = [7; DtlsSecret::MASTER_SECRET];
        let input = |label: &[u8]| [label, &[1; RANDOM], &[2; RANDOM]].concat();
        let keys = input(LABEL);
        let secret = DtlsSecret::in_hmac(&key, &[&keys]).expect("a secret");
        let line = format!("CLIENT_RANDOM {} {}\n", "02".repeat(RANDOM), "07".repeat(48));
        assert_eq!(secret.line(), line);
        assert!(!format!("{secret:?}").contains("0707"), "{secret:?}");
        assert_eq!(DtlsSecret::in_hmac(&key, &[&input(b"master secret")]), None);
        assert_eq!(DtlsSecret::in_hmac(&key, &[&[9; 32], &keys]), None, "a later round");
        assert_eq!(DtlsSecret::in_hmac(&key[1..], &[&keys]), None);
        assert_eq!(DtlsSecret::in_hmac(&key, &[&keys[..50]]), None);
        assert_eq!(DtlsSecret::in_hmac(&key, &[&[keys, vec![0]].concat()]), None);
    }
}
