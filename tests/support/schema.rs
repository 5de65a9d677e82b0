//! Holds JSON against the schema in `assets`.

use boon::{Compiler, Schemas};
use serde_json::Value;

const CHECK: &str = include_str!("../../assets/check.schema.json");

/// Panics unless the output of `check --json` is as its schema says; returns it.
pub fn valid_check(output: &str) -> Value {
    let schema: Value = serde_json::from_str(CHECK).expect("the schema is JSON");
    let value: Value = serde_json::from_str(output).expect("the output is JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler
        .add_resource("check.schema.json", schema)
        .expect("a resource");
    let index = compiler
        .compile("check.schema.json", &mut schemas)
        .expect("a schema");
    if let Err(error) = schemas.validate(&value, index) {
        panic!("not as the schema says: {error:#}\n{value:#}");
    }
    value
}
