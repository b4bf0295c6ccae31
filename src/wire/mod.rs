//! The Postgres protocol and nothing of its meaning; the only room that says `pgwire`.
//!
//! A connection: [`login`] lets it in, [`conversation`] answers it until it leaves.
//! Whatever it sends passes [`frame`] first. pgwire's own server loop is not used:
//! it buffers whole results and cannot be cancelled.

mod answer;
pub mod auth;
mod backends;
mod conversation;
mod copy;
mod door;
mod encode;
mod extended;
mod frame;
mod incoming;
mod listener;
mod login;
mod parameters;
mod places;
mod portal;
mod report;
mod simple;
mod socket;
mod texts;
mod tls;

#[cfg(test)]
mod tests;

pub use listener::serve;
