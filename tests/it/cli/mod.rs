//! The built binary, as a user meets it.

mod accounts;
mod alike;
mod audiobook;
mod check;
mod config;
mod crash;
mod damaged;
mod deliveries;
mod dialects;
mod gaps;
mod gone;
mod hands;
mod json;
mod lists;
mod money;
mod moved;
mod old_project;
mod oneshot;
mod ownership;
mod pace;
mod script;
mod speech;
mod stop;
mod transcripts;
mod trust;
mod urls;
