//! Tasks of a session's set-up that take a device time.

use serde::{Deserialize, Serialize};

/// A task of a session's set-up: what a processor computes while nothing else of the peer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SetupTask {
    /// The key pair of the peer's certificate is made: once, then it lies in flash.
    KeyGeneration,
    /// A camera makes its connection and its offer. Key generation is not in it.
    Offer,
    /// A viewer takes the offer and makes its answer; a camera takes the answer.
    Answer,
    /// The first datagram of ICE in a session is taken: a check, or an answer of a STUN or TURN server.
    FirstCheck,
    /// A datagram of the DTLS handshake is taken. Key exchange, signature and verification are not in it.
    Handshake,
    /// Half of an ephemeral key exchange (ECDHE): a key pair, or the shared secret.
    KeyExchange,
    /// A signature is made.
    Signature,
    /// A signature is verified.
    Verification,
}

impl SetupTask {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::KeyGeneration,
        Self::Offer,
        Self::Answer,
        Self::FirstCheck,
        Self::Handshake,
        Self::KeyExchange,
        Self::Signature,
        Self::Verification,
    ];

    /// Its key in a device profile, and its name in a record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyGeneration => "key_generation",
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::FirstCheck => "first_check",
            Self::Handshake => "handshake",
            Self::KeyExchange => "key_exchange",
            Self::Signature => "signature",
            Self::Verification => "verification",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_a_task_as_a_profile_does() {
        for task in SetupTask::ALL {
            let written = serde_json::to_string(&task).expect("a word");
            assert_eq!(written, format!("\"{}\"", task.name()));
        }
    }
}
