//! `sockeye end`: what ends and what does not, on real servers in namespaces of the tests' own.

mod answers;
mod refusals;
mod scene;
mod watched;
