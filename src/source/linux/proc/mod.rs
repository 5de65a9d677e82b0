//! Files below `/proc`.

pub(crate) mod addresses;
pub(crate) mod descriptor_limit;
pub(crate) mod mounts;
pub(crate) mod net;
pub(crate) mod rights;
pub(crate) mod scan;
