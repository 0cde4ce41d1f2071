//! The steps from input files to jobs, and from answers to finished files.

pub mod task;
