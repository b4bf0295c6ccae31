//! See ARCHITECTURE.md.

pub mod spec {
    use crate::catalog::workflow::When;
    use chrono::{DateTime, Utc};
    pub struct Spec;
    impl Spec {
        pub fn new(_: &When) -> crate::base::Result<Spec> {
            Ok(Spec)
        }
    }
    pub fn next_due(_: &Spec, _: DateTime<Utc>) -> Option<DateTime<Utc>> {
        None
    }
    pub fn previous_due(_: &Spec, _: DateTime<Utc>) -> Option<DateTime<Utc>> {
        None
    }
    pub fn interval(_: &Spec, t: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        (t, t)
    }
}
