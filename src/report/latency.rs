//! How long answers took, in memory that does not grow with their number.

use std::time::Duration;

use serde::Serialize;

/// Below this many milliseconds times are exact, above rounded down by one part in 64 at most.
const EXACT: u64 = 128;

/// Counts of waiting times in buckets that widen with the time.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

/// The time within which half, and 19 of 20, answers came; rounded down
/// by 1.6 % at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    pub p50_ms: u64,
    pub p95_ms: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, time: Duration) {
        let idx = bucket(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        if idx >= self.counts.len() {
            self.counts.resize(idx + 1, 0);
        }
        self.counts[idx] += 1;
        self.total += 1;
    }

    /// `None` if nothing was counted.
    pub(super) fn latency(&self) -> Option<Latency> {
        Some(Latency {
            p50_ms: self.at(self.total.div_ceil(2))?,
            p95_ms: self.at(self.total - self.total / 20)?,
        })
    }

    /// The time of the `rank`th fastest answer, from 1.
    fn at(&self, rank: u64) -> Option<u64> {
        let mut seen = 0;
        let idx = self.counts.iter().position(|count| {
            seen += count;
            *count > 0 && seen >= rank
        })?;
        Some(floor(idx))
    }
}

fn bucket(ms: u64) -> usize {
    let shift = u64::from((ms | 1).ilog2().saturating_sub(6));
    let idx = shift * (EXACT / 2) + (ms >> shift);
    usize::try_from(idx).unwrap_or(usize::MAX)
}

/// The least time of a bucket.
fn floor(idx: usize) -> u64 {
    let idx = u64::try_from(idx).unwrap_or(u64::MAX);
    let half = EXACT / 2;
    let shift = (idx / half).saturating_sub(1);
    (idx - shift * half) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_time_to_one_part_in_64() {
        for ms in (0..2_000).chain([65_535, 65_536, 1 << 40, u64::MAX]) {
            let least = floor(bucket(ms));

            assert!(least <= ms && ms - least <= ms / 64, "{ms}: {least}");
            assert!(bucket(ms.saturating_sub(1)) <= bucket(ms));
        }
        assert!(bucket(u64::MAX) < 4_000);
    }

    #[test]
    fn half_and_nineteen_of_twenty_are_found() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.latency(), None);
        for ms in 1..=100 {
            histogram.add(Duration::from_millis(ms));
        }

        let latency = histogram.latency();

        assert_eq!(
            latency,
            Some(Latency {
                p50_ms: 50,
                p95_ms: 95
            })
        );
    }
}
