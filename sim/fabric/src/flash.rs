//! Storage that survives a loss of power.

use crate::lock;
use parallax_peer::Flash;
use std::{collections::BTreeMap, sync::Mutex};

/// Storage that survives reboots as long as the run lasts.
#[derive(Debug, Default)]
pub struct MemoryFlash {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryFlash {
    /// Forgets all of it.
    pub fn clear(&self) {
        lock(&self.values).clear();
    }
}

impl Flash for MemoryFlash {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        lock(&self.values).get(name).cloned()
    }

    fn store(&self, name: &str, value: &[u8]) {
        lock(&self.values).insert(name.to_owned(), value.to_vec());
    }
}
