//! The oracle table of time zones, and random schedules against a walk over every minute.

use super::*;
use chrono::{Datelike, Offset, TimeZone, Timelike};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// `2026-03-08T07:00`, always UTC.
fn at(text: &str) -> DateTime<Utc> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"];
    formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).unwrap().and_utc()
}

fn cron(expression: &str, zone: &str) -> Spec {
    Spec::new(&When::Cron { expression: expression.into(), zone: zone.into() }).unwrap()
}

fn every(every_ms: u64, offset_ms: u64, zone: &str) -> Spec {
    Spec::new(&When::Every { every_ms, offset_ms, zone: zone.into() }).unwrap()
}

fn check(spec: &Spec, after: &str, expected: &[&str]) {
    let ticks = std::iter::successors(next_due(spec, at(after)), |tick| next_due(spec, *tick));
    let found: Vec<_> = ticks.take(expected.len()).collect();
    assert_eq!(found, expected.iter().map(|text| at(text)).collect::<Vec<_>>(), "{spec:?}");
    for pair in found.windows(2) {
        assert_eq!(interval(spec, pair[1]), (pair[0], pair[1]));
    }
}

const HOUR: u64 = 3_600_000;

#[test]
fn ticks_in_gaps_and_folds_fire_once_where_the_oracle_says() {
    for (expression, zone, after, tick, then) in [
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00", "2026-03-08T07:00", "2026-03-09T06:30"),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", "2026-11-01T05:30", "2026-11-02T06:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00", "2026-03-30T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:30", "2026-10-04T15:15"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-04T14:45", "2026-04-05T15:15"),
        ("0 0 * * *", "America/Santiago", "2026-09-05T12:00", "2026-09-06T04:00", "2026-09-07T03:00"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00", "2011-12-30T22:00"),
    ] {
        check(&cron(expression, zone), after, &[tick, then]);
    }
}

#[test]
fn several_ticks_of_one_gap_are_one() {
    let spec = cron("0,15,30,45 2 * * *", "America/New_York");
    check(&spec, "2026-03-08T00:00", &["2026-03-08T07:00", "2026-03-09T06:00"]);
    let spec = cron("30 2,3 * * *", "America/New_York");
    check(&spec, "2026-03-08T00:00", &["2026-03-08T07:00", "2026-03-08T07:30", "2026-03-09T06:30"]);
    let spec = cron("0,30 2-3 * * *", "America/New_York");
    check(&spec, "2026-03-08T00:00", &["2026-03-08T07:00", "2026-03-08T07:30", "2026-03-09T06:00"]);
}

#[test]
fn a_wildcard_hour_walks_real_minutes() {
    let day = |spec: &Spec, from, to| due_between(spec, at(from), at(to), Catchup::All).run.len();
    let hourly = cron("30 * * * *", "America/New_York");
    assert_eq!(day(&hourly, "2026-03-08T05:00", "2026-03-09T04:00"), 23);
    assert_eq!(day(&hourly, "2026-11-01T04:00", "2026-11-02T05:00"), 25);
    let hourly = every(HOUR, 0, "America/New_York");
    assert_eq!(day(&hourly, "2026-03-08T05:00", "2026-03-09T04:00"), 23);
    assert_eq!(day(&hourly, "2026-11-01T04:00", "2026-11-02T05:00"), 25);
    let spec = cron("*/30 */1 * * *", "Australia/Lord_Howe");
    check(&spec, "2026-04-04T14:30", &["2026-04-04T15:00", "2026-04-04T15:30", "2026-04-04T16:00"]);
}

#[test]
fn intervals_are_aligned_to_the_epoch_in_their_zone() {
    check(&every(7 * HOUR, 0, "UTC"), "1970-01-01T00:00", &["1970-01-01T07:00", "1970-01-01T14:00"]);
    check(&every(24 * HOUR, 0, "UTC"), "1969-12-30T12:00", &["1969-12-31T00:00", "1970-01-01T00:00"]);
    check(&every(1_500, 0, "UTC"), "2026-01-01T00:00:00", &["2026-01-01T00:00:01.500", "2026-01-01T00:00:03"]);
    let daily = every(24 * HOUR, 6 * HOUR, "America/New_York");
    check(&daily, "2026-03-07T12:00", &["2026-03-08T10:00", "2026-03-09T10:00"]);
    let midnight = every(24 * HOUR, 0, "America/Santiago");
    check(&midnight, "2026-09-05T12:00", &["2026-09-06T04:00", "2026-09-07T03:00"]);
    let twice = every(12 * HOUR, HOUR, "America/New_York");
    check(&twice, "2026-11-01T00:00", &["2026-11-01T05:00", "2026-11-01T18:00", "2026-11-02T06:00"]);
}

#[test]
fn catching_up_runs_none_the_latest_or_all() {
    let spec = cron("0 * * * *", "UTC");
    let (eleven, noon, one) = (at("2026-01-01T11:00"), at("2026-01-01T12:00"), at("2026-01-01T13:00"));
    let due = |now, catchup| due_between(&spec, at("2026-01-01T10:00"), at(now), catchup);
    let all = Due { run: vec![eleven, noon, one], missed: vec![], last: Some(one) };
    let latest = Due { run: vec![one], missed: vec![eleven, noon], last: Some(one) };
    let late = Due { run: vec![], missed: vec![eleven, noon, one], last: Some(one) };
    assert_eq!(due("2026-01-01T13:30", Catchup::All), all);
    assert_eq!(due("2026-01-01T13:30", Catchup::Latest), latest);
    assert_eq!(due("2026-01-01T13:30", Catchup::None), late);
    assert_eq!(due("2026-01-01T13:00:59", Catchup::None), latest);
    assert_eq!(due("2026-01-01T10:59", Catchup::All), Due::default());
}

#[test]
fn years_of_seconds_are_caught_up_at_once() {
    let (spec, now) = (every(1_000, 0, "UTC"), at("2026-01-01T00:00"));
    let due = |catchup| due_between(&spec, at("2020-01-01T00:00"), now, catchup);
    assert_eq!((due(Catchup::Latest).run, due(Catchup::Latest).missed.len()), (vec![now], MISSED_MAX));
    assert_eq!(due(Catchup::All).last, Some(at("2020-01-01T00:00") + TimeDelta::seconds(RUN_MAX as i64)));
}

#[test]
fn a_schedule_without_ticks_covers_all_time() {
    assert_eq!(next_due(&Spec::Manual, at("2026-01-01T00:00")), None);
    assert_eq!(interval(&Spec::Manual, at("2026-01-01T00:00")), (DateTime::UNIX_EPOCH, at("2026-01-01T00:00")));
}

#[test]
fn what_cannot_be_scheduled_is_refused() {
    let refused = |when: When, part: &str| {
        let error = Spec::new(&when).unwrap_err();
        assert!(error.kind == Kind::InvalidParameterValue && error.to_string().contains(part), "{error}");
    };
    let zone = || "UTC".to_string();
    refused(When::Every { every_ms: 0, offset_ms: 0, zone: zone() }, "at least one second");
    refused(When::Every { every_ms: u64::MAX, offset_ms: 0, zone: zone() }, "at most 100 years");
    refused(When::Every { every_ms: 1_000, offset_ms: 1_000, zone: zone() }, "OFFSET");
    refused(When::Every { every_ms: 1_000, offset_ms: 0, zone: "Mars/Base".into() }, "\"Mars/Base\" not recognized");
    let error = Spec::new(&When::Cron { expression: "@daily".into(), zone: "Europe/Berlim".into() }).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean \"Europe/Berlin\"?"));
}

/// A random field: its text and the values that it means.
fn field(random: &mut StdRng, low: u32, high: u32) -> (String, Vec<u32>) {
    let (a, b) = (random.random_range(low..=high), random.random_range(low..=high));
    let step = random.random_range(1..=(high - low) / 2);
    match random.random_range(0..6) {
        0 | 1 => ("*".into(), (low..=high).collect()),
        2 => (format!("*/{step}"), (low..=high).step_by(step as usize).collect()),
        3 => (format!("{}-{}", a.min(b), a.max(b)), (a.min(b)..=a.max(b)).collect()),
        4 => (format!("{a},{b}"), vec![a, b]),
        _ => (a.to_string(), vec![a]),
    }
}

/// Every tick in a window by looking at each of its minutes.
fn walk(fields: &[(String, Vec<u32>); 5], zone: Tz, start: DateTime<Utc>, minutes: i64) -> Vec<DateTime<Utc>> {
    let local = |minute: i64| {
        let instant = start + TimeDelta::minutes(minute);
        (instant, instant.naive_utc() + zone.offset_from_utc_datetime(&instant.naive_utc()).fix())
    };
    let matches = |time: NaiveDateTime| {
        let has = |field: usize, value: u32| fields[field].1.contains(&value);
        let (day, weekday) = (has(2, time.day()), has(4, time.weekday().num_days_from_sunday()));
        let starred = fields[2].0.starts_with('*') || fields[4].0.starts_with('*');
        let date = if starred { day && weekday } else { day || weekday };
        has(0, time.minute()) && has(1, time.hour()) && has(3, time.month()) && date
    };
    if fields[1].0.starts_with('*') {
        return (0..minutes).map(local).filter(|(_, time)| matches(*time)).map(|(instant, _)| instant).collect();
    }
    // Each minute that the wall clock should have shown, at the first instant that shows it or a later one.
    let (mut ticks, mut shown) = (vec![], local(0).1);
    for (instant, time) in (0..minutes).map(local) {
        let mut due = false;
        while shown <= time {
            due |= matches(shown);
            shown += TimeDelta::minutes(1);
        }
        ticks.extend(due.then_some(instant));
    }
    ticks
}

#[test]
fn random_expressions_agree_with_a_walk_over_all_minutes() {
    let changes = [
        ("America/New_York", "2026-03-07T12:34"),
        ("America/New_York", "2026-10-31T01:07"),
        ("Europe/Berlin", "2026-03-27T23:00"),
        ("Europe/Berlin", "2026-10-24T05:01"),
        ("Australia/Lord_Howe", "2026-04-03T09:30"),
        ("Australia/Lord_Howe", "2026-10-02T22:00"),
        ("America/Havana", "2026-10-31T03:00"),
        ("America/Santiago", "2026-09-05T00:00"),
        ("Pacific/Apia", "2011-12-29T00:00"),
        ("Pacific/Kwajalein", "1993-08-20T00:00"),
        ("Africa/Casablanca", "2026-02-14T00:00"),
        ("Asia/Kathmandu", "2026-12-30T00:00"),
    ];
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..360 {
        let (zone, start) = changes[round % changes.len()];
        let mut fields = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)].map(|(low, high)| field(&mut random, low, high));
        if random.random_bool(0.8) {
            // Most ticks lie near the change.
            fields[3] = ("*".into(), (1..=12).collect());
            fields[2] = ("*".into(), (1..=31).collect());
        }
        let expression = fields.each_ref().map(|(text, _)| text.as_str()).join(" ");
        // 30 February and the like are refused.
        let Ok(spec) = Spec::new(&When::Cron { expression: expression.clone(), zone: zone.into() }) else { continue };
        let start = at(start) + TimeDelta::minutes(random.random_range(0..600));
        let expected = walk(&fields, zone.parse().unwrap(), start, 3 * 1440);
        let end = start + TimeDelta::minutes(3 * 1440 - 1);
        let found = due_between(&spec, start - TimeDelta::nanoseconds(1), end, Catchup::All).run;
        assert_eq!(found, expected, "{expression} in {zone} from {start}");
        for pair in found.windows(2).take(40) {
            assert_eq!(previous_due(&spec, pair[1]), Some(pair[0]), "{expression} in {zone}");
        }
    }
}
