//! How many connections there may be: sessions in all, and logins in progress, in all and per address.

use crate::base::{Error, Kind, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Sessions beyond the limit that only the role `aqueduct` may open, so that somebody can look what fills the others.
const RESERVED: usize = 3;

/// Counts what is taken.
#[derive(Debug)]
pub struct Places {
    sessions_max: usize,
    logins_per_address_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    sessions: usize,
    logins: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A login in progress.
#[derive(Debug)]
pub struct Login {
    places: Arc<Places>,
    address: IpAddr,
}

/// An open session.
#[derive(Debug)]
pub struct Place(Arc<Places>);

impl Places {
    pub fn new(sessions_max: usize, logins_per_address_max: usize) -> Arc<Self> {
        Arc::new(Places { sessions_max, logins_per_address_max, taken: Mutex::default() })
    }

    /// A place to log in from; `None` when there are too many that have not.
    pub fn login(self: &Arc<Self>, address: IpAddr) -> Option<Login> {
        let mut taken = self.taken.lock();
        let logins_max = self.sessions_max.max(self.logins_per_address_max);
        let here = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.logins >= logins_max || here >= self.logins_per_address_max {
            return None;
        }
        taken.logins += 1;
        taken.by_address.insert(address, here + 1);
        Some(Login { places: self.clone(), address })
    }

    /// A place for a session of a user who has proved to be one.
    pub fn session(self: &Arc<Self>, privileged: bool) -> Result<Place> {
        let mut taken = self.taken.lock();
        let limit = self.sessions_max + if privileged { RESERVED } else { 0 };
        if taken.sessions >= limit {
            let message = match privileged {
                true => "sorry, too many clients already",
                false => "remaining connection slots are reserved for role \"aqueduct\"",
            };
            return Err(Error::new(Kind::TooManyConnections, message));
        }
        taken.sessions += 1;
        Ok(Place(self.clone()))
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.logins -= 1;
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.lock().sessions -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_and_come_back() {
        let places = Places::new(2, 1);
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let login = places.login(here).unwrap();
        assert!(places.login(here).is_none());
        assert!(places.login(there).is_some());
        drop(login);
        assert!(places.login(here).is_some());

        let open: Vec<_> = (0..2).map(|_| places.session(false).unwrap()).collect();
        assert_eq!(places.session(false).unwrap_err().kind, Kind::TooManyConnections);
        let reserved: Vec<_> = (0..RESERVED).map(|_| places.session(true).unwrap()).collect();
        assert_eq!(places.session(true).unwrap_err().kind, Kind::TooManyConnections);
        drop((open, reserved));
        assert!(places.session(false).is_ok());
    }
}
