//! Named random streams. Each link, gateway and host has its own, so that adding a node changes
//! the luck of none of the others.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The random stream of the run `seed` that is called `name`, such as `link/house/up`.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(b"parallax/1/");
    hash.update(seed.to_be_bytes());
    hash.update(name.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// A number in [0, 1), each multiple of 2^-53 as likely.
pub(crate) fn uniform(random: &mut ChaCha8Rng) -> f64 {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    (random.next_u64() >> 11) as f64 * STEP
}

/// A number in 0..`end`, each as likely (but for less than `end` in 2^64). One draw.
pub(crate) fn below(random: &mut ChaCha8Rng, end: u32) -> u32 {
    let scaled = (u128::from(random.next_u64()) * u128::from(end)) >> 64;
    u32::try_from(scaled).expect("it is below `end`")
}
