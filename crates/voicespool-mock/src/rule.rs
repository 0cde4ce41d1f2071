//! Rules: which request meets which fault.

use serde::{Deserialize, Serialize};

use crate::chance::chance;
use crate::fault::Fault;

/// When a fault happens. A rule counts the requests it applies to (by `path`) from 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Only requests whose path ends so: `speech`, `transcriptions`, `translations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Every Nth request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Each request with this probability, decided by the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// From this request on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Up to and with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    pub fault: Fault,
}

impl FaultRule {
    /// Every Nth request.
    pub fn every(nth: u64, fault: Fault) -> Self {
        Self {
            every: Some(nth),
            fault,
            ..Self::default()
        }
    }

    /// Each request with `probability`.
    pub fn sometimes(probability: f64, fault: Fault) -> Self {
        Self {
            probability: Some(probability),
            fault,
            ..Self::default()
        }
    }

    fn applies(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|end| path.ends_with(end))
    }

    fn hits(&self, count: u64, chance: f64) -> bool {
        self.from.is_none_or(|from| count >= from)
            && self.until.is_none_or(|until| count <= until)
            && self
                .every
                .is_none_or(|nth| nth > 0 && count.is_multiple_of(nth))
            && self
                .probability
                .is_none_or(|probability| chance < probability)
    }
}

/// The rules in force and how often each was asked.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    rules: Vec<(FaultRule, u64)>,
}

impl Faults {
    pub(crate) fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        Self {
            seed,
            rules: rules.into_iter().map(|rule| (rule, 0)).collect(),
        }
    }

    /// The fault of the next request to `path`: the first rule that hits. Every rule
    /// counts every request it applies to, hit or not.
    pub(crate) fn next(&mut self, path: &str) -> Option<Fault> {
        let mut found = None;
        for (idx, (rule, count)) in self.rules.iter_mut().enumerate() {
            if !rule.applies(path) {
                continue;
            }
            *count += 1;
            let place = u64::try_from(idx).unwrap_or(0);
            let chance = chance(self.seed ^ place << 48, *count);
            if found.is_none() && rule.hits(*count, chance) {
                found = Some(rule.fault.clone());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_meets_the_same_faults() {
        let hits = |seed| {
            let rule = FaultRule::sometimes(0.1, "status=503".parse().unwrap());
            let mut faults = Faults::new(seed, vec![rule]);
            (0..1000)
                .map(|_| faults.next("audio/speech").is_some())
                .collect::<Vec<_>>()
        };

        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        let count = hits(1).iter().filter(|hit| **hit).count();
        assert!((60..140).contains(&count), "{count}");
    }

    #[test]
    fn a_rule_counts_only_what_it_applies_to() {
        let rule = FaultRule {
            path: Some("speech".to_owned()),
            from: Some(2),
            until: Some(3),
            ..FaultRule::every(1, "hang".parse().unwrap())
        };
        let mut faults = Faults::new(1, vec![rule]);

        let hits: Vec<bool> = ["speech", "transcriptions", "speech", "speech", "speech"]
            .iter()
            .map(|path| faults.next(path).is_some())
            .collect();

        assert_eq!(hits, [false, false, true, true, false]);
    }
}
