//! Waiting, telling other sessions something, and stopping them.

use super::{Call, Entry};
use crate::base::{Error, Kind, Result};
use crate::query::system::page::Cell;
use crate::query::system::sessions::{Key, Member, Mode, Scope};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub const ALL: &[Entry] = &[
    ("aqueduct_listening_channels() text[]", |call| Ok(member(call)?.channels().into())),
    ("pg_advisory_lock(int8) text", |call| lock(call, Mode::Exclusive, Scope::Session)),
    ("pg_advisory_lock(int4, int4) text", |call| lock(call, Mode::Exclusive, Scope::Session)),
    ("pg_advisory_lock_shared(int8) text", |call| lock(call, Mode::Shared, Scope::Session)),
    ("pg_advisory_lock_shared(int4, int4) text", |call| lock(call, Mode::Shared, Scope::Session)),
    ("pg_advisory_xact_lock(int8) text", |call| lock(call, Mode::Exclusive, Scope::Transaction)),
    ("pg_advisory_xact_lock(int4, int4) text", |call| lock(call, Mode::Exclusive, Scope::Transaction)),
    ("pg_advisory_xact_lock_shared(int8) text", |call| lock(call, Mode::Shared, Scope::Transaction)),
    ("pg_advisory_xact_lock_shared(int4, int4) text", |call| lock(call, Mode::Shared, Scope::Transaction)),
    ("pg_try_advisory_lock(int8) bool", |call| try_lock(call, Mode::Exclusive, Scope::Session)),
    ("pg_try_advisory_lock(int4, int4) bool", |call| try_lock(call, Mode::Exclusive, Scope::Session)),
    ("pg_try_advisory_lock_shared(int8) bool", |call| try_lock(call, Mode::Shared, Scope::Session)),
    ("pg_try_advisory_lock_shared(int4, int4) bool", |call| try_lock(call, Mode::Shared, Scope::Session)),
    ("pg_try_advisory_xact_lock(int8) bool", |call| try_lock(call, Mode::Exclusive, Scope::Transaction)),
    ("pg_try_advisory_xact_lock(int4, int4) bool", |call| try_lock(call, Mode::Exclusive, Scope::Transaction)),
    ("pg_try_advisory_xact_lock_shared(int8) bool", |call| try_lock(call, Mode::Shared, Scope::Transaction)),
    ("pg_try_advisory_xact_lock_shared(int4, int4) bool", |call| try_lock(call, Mode::Shared, Scope::Transaction)),
    ("pg_advisory_unlock(int8) bool", |call| unlock(call, Mode::Exclusive)),
    ("pg_advisory_unlock(int4, int4) bool", |call| unlock(call, Mode::Exclusive)),
    ("pg_advisory_unlock_shared(int8) bool", |call| unlock(call, Mode::Shared)),
    ("pg_advisory_unlock_shared(int4, int4) bool", |call| unlock(call, Mode::Shared)),
    ("pg_advisory_unlock_all() text", unlock_all),
    ("pg_cancel_backend(int4) bool", |call| signal(call, false)),
    ("pg_notification_queue_usage() float8", |_| Ok(Cell::Real(0.0))),
    ("pg_notify(text, text) text", notify),
    ("pg_sleep(float8) text", sleep),
    ("pg_terminate_backend(int4) bool", |call| signal(call, true)),
    ("pg_terminate_backend(int4, int8) bool", |call| signal(call, true)),
];

/// Those that act: never called while planning, and once for every row.
pub const ACTING: &[&str] = &["pg_cancel_backend", "pg_notify", "pg_sleep", "pg_terminate_backend"];

fn member<'a>(call: &'a Call<'_>) -> Result<&'a Arc<Member>> {
    let missing = || Error::unsupported("this function is for statements of a session");
    call.scope.context.member.as_ref().ok_or_else(missing)
}

fn done() -> Result<Cell> {
    Ok("".into())
}

/// Waits without keeping other queries from this thread.
fn waited<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

fn sleep(call: &Call<'_>) -> Result<Cell> {
    let seconds = match call.values.first() {
        Some(Cell::Real(seconds)) => *seconds,
        Some(Cell::Int(seconds)) => *seconds as f64,
        _ => return done(),
    };
    let time = Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default();
    let stop = member(call)?.stop();
    waited(async {
        tokio::select! {
            () = tokio::time::sleep(time) => done(),
            () = stop.cancelled() => Err(Error::new(Kind::Cancelled, "canceling statement due to user request")),
        }
    })
}

fn key(call: &Call<'_>) -> Key {
    let int = |at| call.int(at).unwrap_or_default();
    match call.values.len() {
        1 => Key::One(int(0)),
        _ => Key::Two(int(0) as i32, int(1) as i32),
    }
}

fn lock(call: &Call<'_>, mode: Mode, scope: Scope) -> Result<Cell> {
    let (member, key) = (member(call)?, key(call));
    if !member.try_lock(key, mode, scope) {
        waited(member.lock(key, mode, scope))?;
    }
    done()
}

fn try_lock(call: &Call<'_>, mode: Mode, scope: Scope) -> Result<Cell> {
    Ok(member(call)?.try_lock(key(call), mode, scope).into())
}

fn unlock(call: &Call<'_>, mode: Mode) -> Result<Cell> {
    let given = member(call)?.unlock(key(call), mode);
    if !given {
        let mode = if mode == Mode::Shared { "ShareLock" } else { "ExclusiveLock" };
        member(call)?.warnings.lock().push(format!("you don't own a lock of type {mode}"));
    }
    Ok(given.into())
}

fn unlock_all(call: &Call<'_>) -> Result<Cell> {
    if let Some(member) = &call.scope.context.member {
        member.unlock_all();
    }
    done()
}

fn notify(call: &Call<'_>) -> Result<Cell> {
    member(call)?.notify(call.text(0).unwrap_or_default(), call.text(1).unwrap_or_default())?;
    done()
}

fn signal(call: &Call<'_>, terminate: bool) -> Result<Cell> {
    let pid = call.int(0).unwrap_or_default();
    let own = member(call)?;
    let other = i32::try_from(pid).ok().and_then(|pid| own.sessions().of(pid)).and_then(|other| other.signals());
    match &other {
        Some(other) if terminate => other.terminate(),
        Some(other) => other.cancel(),
        None => own.warnings.lock().push(format!("PID {pid} is not a PostgreSQL backend process")),
    }
    Ok(other.is_some().into())
}
