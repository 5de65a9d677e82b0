//! Fixes, what is behind a port and what keeps it taken, as `check --json` prints them.

use serde::Serialize;

use crate::bind::{Fix, FixCode, Frees};
use crate::model::{
    AlsoEnds, Behind, BehindKind, Engine, Pid, Restarts, Supervisor, SupervisorKind,
};

#[derive(Serialize)]
pub(super) struct FixRecord<'a> {
    code: FixCode,
    text: &'a str,
    command: Option<&'a str>,
    r#as: &'a str,
    frees: Frees,
    restarts: bool,
    also_ends: &'a [AlsoEnds],
    warning: Option<&'a str>,
}

impl<'a> FixRecord<'a> {
    pub(super) fn of(fix: &'a Fix) -> Self {
        Self {
            code: fix.code,
            text: &fix.text,
            command: fix.command.as_deref(),
            r#as: fix.run_as.as_str(),
            frees: fix.frees,
            restarts: fix.restarts,
            also_ends: &fix.also_ends,
            warning: fix.warning.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct BehindRecord<'a> {
    kind: BehindKind,
    name: Option<&'a str>,
    engine: Option<Engine>,
    id: Option<&'a str>,
    image: Option<&'a str>,
    project: Option<&'a str>,
    service: Option<&'a str>,
    pod: Option<&'a str>,
    address: Option<std::net::IpAddr>,
    port: Option<u16>,
    process: Option<ServingRecord<'a>>,
    server: Option<&'a str>,
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct ServingRecord<'a> {
    pid: Pid,
    name: &'a str,
}

impl<'a> BehindRecord<'a> {
    pub(super) fn of(behind: &'a Behind) -> Self {
        Self {
            kind: behind.kind,
            name: behind.name.as_deref(),
            engine: behind.engine,
            id: behind.id.as_deref(),
            image: behind.image.as_deref(),
            project: behind.project.as_deref(),
            service: behind.service.as_deref(),
            pod: behind.pod.as_deref(),
            address: behind.address,
            port: behind.port,
            process: behind.process.as_ref().map(|process| ServingRecord {
                pid: process.pid,
                name: &process.name,
            }),
            server: behind.server.as_deref(),
            user: behind.user.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct KeptByRecord<'a> {
    kind: SupervisorKind,
    name: Option<&'a str>,
    pid: Option<Pid>,
    restarts: Restarts,
}

impl<'a> KeptByRecord<'a> {
    pub(super) fn of(kept_by: &'a Supervisor) -> Self {
        Self {
            kind: kept_by.kind,
            name: kept_by.name.as_deref(),
            pid: kept_by.pid,
            restarts: kept_by.restarts,
        }
    }
}
