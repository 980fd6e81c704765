//! Propagation delay of packets.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::{LinkConfig, random::uniform};

/// Standard deviations that a delay is at most away from its mean.
const REACH: f64 = 4.0;

/// The delay of one packet. Draws only if the link's delay varies.
pub(super) fn draw(config: &LinkConfig, random: &mut ChaCha8Rng) -> Duration {
    if config.delay_variation.is_zero() {
        return config.one_way_delay;
    }
    let spread_ns = config.delay_variation.as_nanos() as f64;
    let shift_ns = libm::round(normal(random).clamp(-REACH, REACH) * spread_ns);
    let shift = Duration::from_nanos(shift_ns.abs() as u64);
    if shift_ns < 0.0 {
        config.one_way_delay.saturating_sub(shift)
    } else {
        config.one_way_delay.saturating_add(shift)
    }
}

/// One number of the standard normal distribution (Box and Muller, 1958; the second one that the
/// method gives is not used, so that each packet draws the same count).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(random)));
    radius * libm::cos(2.0 * core::f64::consts::PI * uniform(random))
}
