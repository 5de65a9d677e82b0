//! `sockeye list` and `check`, and what is said to wrong usage: the real binary, in a network namespace of each
//! test's own.

mod background;
mod check;
mod config;
mod crashes;
mod csv;
mod every_namespace;
mod free;
mod groups;
mod holder;
mod hostile;
mod info;
mod inside;
mod json;
mod kinds;
mod list;
mod namespaces;
mod provenance;
mod published;
mod recordings;
mod reference;
mod rights;
mod scene;
mod scripts;
mod short_lived;
mod shortage;
mod stats;
mod streams;
mod tables;
mod trouble;
mod unix;
mod usage;
mod wait;
mod watch;
mod who;
mod zones;
