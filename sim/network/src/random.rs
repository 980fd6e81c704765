//! Named random streams. Each link, gateway and host has its own, so that adding a node changes
//! the luck of none of the others.

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The random stream of the run `seed` that is called `name`, such as `link/house/up`.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(b"parallax/1/");
    hash.update(seed.to_be_bytes());
    hash.update(name.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}
