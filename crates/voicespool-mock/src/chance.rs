//! Chance that a seed decides, the same every time.

/// A number from 0 to 1 that depends on nothing but its arguments (the generator `SplitMix64`).
pub(crate) fn chance(seed: u64, count: u64) -> f64 {
    let mut bits = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((bits ^ bits >> 31) >> 32).unwrap_or(0);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}
