use super::*;
use crate::engine::limit::saved_rate::SavedRate;

fn fresh(per_second: f64) -> SavedRate {
    SavedRate {
        per_second,
        age: Duration::ZERO,
    }
}

fn pace(learned: Option<f64>, now: Instant) -> Pace {
    let adaptive = Adaptive {
        enabled: true,
        start_per_second: 2.0,
        saved: learned.map(fresh),
    };
    Pace::new(adaptive, now).unwrap()
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends for `seconds` at the pace, with every request accepted.
fn run(pace: &mut Pace, mut now: Instant, seconds: u64) -> (u32, Instant) {
    let end = now + Duration::from_secs(seconds);
    let mut sent = 0;
    while now < end {
        match pace.take(now) {
            Ok(()) => {
                sent += 1;
                pace.accepted(now, now);
            }
            Err(next) => now = next,
        }
    }
    (sent, now)
}

#[test]
fn requests_are_spaced_evenly_from_the_first() {
    let now = Instant::now();
    let mut pace = pace(None, now);

    assert_eq!(pace.take(now), Ok(()));
    assert_eq!(pace.take(now), Err(now + ms(500)));
    assert_eq!(pace.take(now + ms(499)), Err(now + ms(500)));
    assert_eq!(pace.take(now + ms(501)), Ok(()));
    assert_eq!(pace.take(now + ms(501)), Err(now + ms(1000)));
}

#[test]
fn an_idle_hour_saves_up_no_burst() {
    let now = Instant::now();
    let mut pace = pace(Some(100.0), now);
    let later = now + Duration::from_hours(1);
    let at_once = (0..50).take_while(|_| pace.take(later).is_ok()).count();

    assert!(at_once <= 3, "{at_once}");
}

#[test]
fn the_pace_doubles_in_five_seconds_until_the_first_throttle() {
    let now = Instant::now();
    let mut pace = pace(None, now);
    let (_, now) = run(&mut pace, now, 5);
    assert!((3.5..4.5).contains(&pace.own_per_second()), "{pace:?}");

    pace.throttled(now, now);
    let cut = pace.own_per_second();
    let (_, _) = run(&mut pace, now, 5);

    assert!(
        (1.05..1.18).contains(&(pace.own_per_second() / cut)),
        "{pace:?}"
    );
}

#[test]
fn one_crowd_of_throttles_is_one_cut() {
    let now = Instant::now();
    let mut pace = pace(Some(10.0), now);
    for _ in 0..64 {
        pace.throttled(now, now + ms(300));
    }
    assert!((pace.own_per_second() - 8.5).abs() < 1e-9);
    // Sent before the cut, answered long after it.
    pace.throttled(now + ms(299), now + ms(5000));
    assert!((pace.own_per_second() - 8.5).abs() < 1e-9);
    // Sent after the cut, but nothing at all gets through.
    pace.throttled(now + ms(2000), now + ms(5000));
    assert!((pace.own_per_second() - 8.5).abs() < 1e-9);
    // Some get through, and it is soon after the last cut.
    pace.accepted(now + ms(2000), now + ms(5000));
    pace.throttled(now + ms(2000), now + ms(5000));
    assert!((pace.own_per_second() - 5.95).abs() < 1e-9);
}

#[test]
fn a_pace_that_holds_nothing_back_does_not_grow() {
    let now = Instant::now();
    let mut pace = pace(Some(10.0), now);
    for second in 0..100 {
        let at = now + Duration::from_secs(second);
        assert_eq!(pace.take(at), Ok(()));
        pace.accepted(at, at + ms(500));
    }
    assert!((pace.own_per_second() - 10.0).abs() < 1e-9);
}

#[test]
fn near_the_last_throttle_it_grows_with_care_and_beyond_it_again() {
    let now = Instant::now();
    let mut pace = pace(Some(20.0), now);
    pace.throttled(now, now);
    let (_, at) = run(&mut pace, now + ms(1000), 20);
    assert!((19.5..21.5).contains(&pace.own_per_second()), "{pace:?}");
    let (_, _) = run(&mut pace, at, 20);
    assert!(pace.own_per_second() > 30.0, "{pace:?}");
}

fn limit_of(per_second: f64) -> StatedLimit {
    StatedLimit {
        per_second: Some(per_second),
        used_up_for: None,
    }
}

#[test]
fn a_stated_limit_bounds_the_pace_for_a_minute_and_teaches_it_nothing() {
    let now = Instant::now();
    let mut pace = pace(Some(10.0), now);
    pace.stated(limit_of(50.0), now);
    assert!((pace.per_second(now) - 10.0).abs() < 1e-9);
    assert!(!pace.is_bound(now));

    pace.stated(limit_of(2.0), now);

    let (sent, later) = run(&mut pace, now, 30);
    assert!((60..=62).contains(&sent), "{sent}");
    assert!(pace.is_bound(later));
    assert!((pace.own_per_second() - 10.0).abs() < 1e-9);
    let after = now + Duration::from_secs(61);
    assert!((pace.per_second(after) - 10.0).abs() < 1e-9);
}

#[test]
fn a_used_up_limit_holds_until_its_window_ends_and_a_minute_at_most() {
    let now = Instant::now();
    for (wait, held) in [(3, 3), (900, 60)] {
        let mut pace = pace(Some(10.0), now);
        pace.stated(
            StatedLimit {
                per_second: None,
                used_up_for: Some(Duration::from_secs(wait)),
            },
            now,
        );
        assert_eq!(pace.take(now), Err(now + Duration::from_secs(held)));
    }
}

#[test]
fn a_learned_pace_is_kept_for_an_hour_and_fades_within_days() {
    let now = Instant::now();
    let aged = |start, hours| {
        let adaptive = Adaptive {
            enabled: true,
            start_per_second: start,
            saved: Some(SavedRate {
                per_second: 16.0,
                age: Duration::from_hours(hours),
            }),
        };
        Pace::new(adaptive, now).unwrap().own_per_second()
    };

    for (start, hours, expected) in [
        (1.0, 0, 16.0),
        (1.0, 1, 16.0),
        (1.0, 7, 4.0),
        (1.0, 13, 2.0),
        (1.0, 1000, 1.0),
        // Up again, where one starts high.
        (256.0, 7, 64.0),
    ] {
        let found = aged(start, hours);
        assert!((found - expected).abs() < 0.01, "{hours} h: {found}");
    }
}

#[test]
fn a_faded_pace_grows_fast_again_and_a_fresh_one_with_care() {
    let now = Instant::now();
    let after_five_seconds = |age| {
        let adaptive = Adaptive {
            enabled: true,
            start_per_second: 4.0,
            saved: Some(SavedRate {
                per_second: 4.0,
                age,
            }),
        };
        let mut pace = Pace::new(adaptive, now).unwrap();
        run(&mut pace, now, 5);
        pace.own_per_second()
    };

    assert!(after_five_seconds(Duration::ZERO) < 4.8);
    assert!(after_five_seconds(Duration::from_hours(20)) > 7.0);
}

#[test]
fn a_pace_above_what_was_sent_is_cut_to_what_was_sent() {
    let mut now = Instant::now();
    let mut pace = pace(Some(2000.0), now);
    for _ in 0..40 {
        assert_eq!(pace.take(now), Ok(()));
        now += ms(50);
    }

    pace.throttled(now, now);

    assert!((16.0..18.0).contains(&pace.own_per_second()), "{pace:?}");
}

#[test]
fn strange_numbers_become_a_usable_pace() {
    let now = Instant::now();
    for learned in [
        Some(f64::NAN),
        Some(-1.0),
        Some(0.0),
        Some(f64::INFINITY),
        None,
    ] {
        let mut pace = pace(learned, now);
        assert!((pace.own_per_second() - 2.0).abs() < 1e-9, "{learned:?}");
        for limit in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            pace.stated(limit_of(limit), now);
            assert!((pace.per_second(now) - 2.0).abs() < 1e-9, "{limit}");
        }
    }
    for start in [f64::NAN, -3.0, 0.0, f64::INFINITY] {
        let adaptive = Adaptive {
            start_per_second: start,
            ..Adaptive::default()
        };
        let mut pace = Pace::new(adaptive, now).unwrap();
        assert_eq!(pace.take(now), Ok(()));
        for _ in 0..100 {
            let sent = pace.last_cut.map_or(now, |cut| cut + ms(1001));
            pace.accepted(sent, sent);
            pace.throttled(sent, sent);
        }
        assert!(pace.own_per_second() >= FLOOR);
    }
}
