//! Holds what the program prints as JSON against the schemas in `assets`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::HashMap;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// The schemas, as they refer to each other.
const SCHEMAS: [(&str, &str); 10] = [
    (
        "common.schema.json",
        include_str!("../../assets/common.schema.json"),
    ),
    (
        "list.schema.json",
        include_str!("../../assets/list.schema.json"),
    ),
    (
        "watch.schema.json",
        include_str!("../../assets/watch.schema.json"),
    ),
    (
        "check.schema.json",
        include_str!("../../assets/check.schema.json"),
    ),
    (
        "end.schema.json",
        include_str!("../../assets/end.schema.json"),
    ),
    (
        "free.schema.json",
        include_str!("../../assets/free.schema.json"),
    ),
    (
        "wait.schema.json",
        include_str!("../../assets/wait.schema.json"),
    ),
    (
        "run.schema.json",
        include_str!("../../assets/run.schema.json"),
    ),
    (
        "who.schema.json",
        include_str!("../../assets/who.schema.json"),
    ),
    (
        "diff.schema.json",
        include_str!("../../assets/diff.schema.json"),
    ),
];

/// What each kind of output is held against.
const OUTPUTS: [&str; 24] = [
    "list.schema.json#/$defs/listing",
    "list.schema.json#/$defs/line",
    "list.schema.json#/$defs/grouped",
    "list.schema.json#/$defs/group_line",
    "watch.schema.json#/$defs/start",
    "watch.schema.json#/$defs/present",
    "watch.schema.json#/$defs/opened",
    "watch.schema.json#/$defs/state",
    "watch.schema.json#/$defs/owner",
    "watch.schema.json#/$defs/closed",
    "watch.schema.json#/$defs/gone_between",
    "watch.schema.json#/$defs/problem",
    "watch.schema.json#/$defs/gap",
    "check.schema.json",
    "end.schema.json",
    "free.schema.json",
    "wait.schema.json",
    "who.schema.json",
    "diff.schema.json",
    "run.schema.json#/$defs/failure",
    "run.schema.json#/$defs/repeated",
    "run.schema.json#/$defs/listener",
    "run.schema.json#/$defs/freed",
    "run.schema.json#/$defs/unjudged",
];

thread_local! {
    static COMPILED: (Schemas, HashMap<&'static str, SchemaIndex>) = {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        for (name, text) in SCHEMAS {
            let schema = serde_json::from_str(text).expect("the schema is JSON");
            compiler.add_resource(name, schema).expect("a resource");
        }
        let mut compile = |name| {
            let index = compiler.compile(name, &mut schemas).expect("a schema");
            (name, index)
        };
        let compiled = OUTPUTS.map(&mut compile).into();
        (schemas, compiled)
    };
}

/// Holds every line of JSON in what a command printed against its schema; other lines are text. Every helper that
/// runs the program calls it, so that no test has to.
pub fn hold(printed: &str) {
    for line in printed.lines().filter(|line| line.starts_with("{\"")) {
        valid(line);
    }
}

/// Panics unless one object or line is as its schema says, and every pid that it refers to is among its processes;
/// returns it.
pub fn valid(printed: &str) -> Value {
    let value: Value = serde_json::from_str(printed).expect("the output is JSON");
    let schema = schema_of(&value);
    COMPILED.with(|(schemas, compiled)| {
        if let Err(error) = schemas.validate(&value, compiled[schema]) {
            panic!("not as {schema} says: {error:#}\n{value:#}");
        }
    });
    check_pids(&value, &Value::Null);
    value
}

/// Which schema is meant, by what is there.
fn schema_of(value: &Value) -> &'static str {
    let has = |name: &str| value.get(name).is_some();
    match value["kind"].as_str() {
        Some("group") => "list.schema.json#/$defs/group_line",
        Some("present") if has("schema") => "list.schema.json#/$defs/line",
        Some(kind) => {
            let streams = ["watch.schema.json#/$defs/", "run.schema.json#/$defs/"];
            let of_kind = |name: &&str| {
                let mut names = streams.iter().map(|stream| name.strip_prefix(stream));
                names.any(|name| name == Some(kind))
            };
            let found = OUTPUTS.into_iter().find(of_kind);
            found.unwrap_or_else(|| panic!("no line of a stream is of the kind {kind}: {value:#}"))
        }
        None if has("sockets") => "list.schema.json#/$defs/listing",
        None if has("groups") => "list.schema.json#/$defs/grouped",
        None if has("ports") => "free.schema.json",
        None if has("for") => "wait.schema.json",
        None if has("dry_run") => "end.schema.json",
        None if has("appeared") => "diff.schema.json",
        None if has("holders") => "who.schema.json",
        None if has("targets") => "check.schema.json",
        None => panic!("no command prints this: {value:#}"),
    }
}

/// Panics unless every pid is among the processes of the object that it is in.
fn check_pids(value: &Value, processes: &Value) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| check_pids(one, processes)),
        Value::Object(fields) => {
            let processes = fields.get("processes").unwrap_or(processes);
            for (name, value) in fields {
                match value {
                    Value::Array(all) if name == "pids" => {
                        for pid in all.iter().map(ToString::to_string) {
                            let is_there = processes.get(&pid).is_some();
                            assert!(is_there, "no process {pid}: {fields:#?}");
                        }
                    }
                    value => check_pids(value, processes),
                }
            }
        }
        _ => {}
    }
}

/// The first of its processes.
pub fn first_process<'a>(whole: &'a Value, socket: &Value) -> &'a Value {
    let pid = socket["pids"][0].as_u64().expect("it has a process");
    &whole["processes"][pid.to_string()]
}
