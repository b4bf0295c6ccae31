//! Whether and when a failed attempt is tried again. Pure.

use crate::base::Error;
use crate::catalog::workflow::Retry;
use std::time::Duration;

/// How long to wait before attempt `attempt + 1`, or `None` when there is none.
///
/// `luck` in 0..1 spreads the attempts of many runs ("full jitter").
pub fn backoff(retry: &Retry, attempt: u32, error: &Error, luck: f64) -> Option<Duration> {
    let excluded = retry.not_on.iter().any(|state| error.sqlstate().starts_with(state.as_str()));
    if attempt >= retry.attempts || !error.retryable() || excluded {
        return None;
    }
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let longest = (retry.backoff_ms as f64 * retry.factor.max(1.0).powi(exponent)).min(retry.max_ms as f64);
    Some(Duration::from_millis((longest * luck.clamp(0.0, 1.0)) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;

    #[test]
    fn only_faults_of_the_surroundings_are_tried_again_and_not_for_ever() {
        let retry = Retry { attempts: 4, backoff_ms: 1_000, factor: 2.0, max_ms: 3_000, not_on: vec!["08".into()] };
        let error = |kind| Error::new(kind, "x");
        let wait = |attempt, kind| backoff(&retry, attempt, &error(kind), 1.0).map(|wait| wait.as_millis());
        assert_eq!(wait(1, Kind::Io), Some(1_000));
        assert_eq!(wait(2, Kind::Io), Some(2_000));
        assert_eq!(wait(3, Kind::Io), Some(3_000));
        assert_eq!(wait(4, Kind::Io), None);
        assert_eq!(wait(1, Kind::DivisionByZero), None);
        assert_eq!(wait(1, Kind::ConnectionFailure), None);
        assert_eq!(backoff(&retry, 1, &error(Kind::Io), 0.5), Some(Duration::from_millis(500)));
    }
}
