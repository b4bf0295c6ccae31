//! Models as functions.
