//! The JSON Schema of a line of an export.
use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use super::{CommitLine, EndLine, ExportHeader, GapLine};

/// A line of an export. The first one is a header, the last one an end.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only there to have a schema")]
enum Line {
    Header(Box<ExportHeader>),
    Commit(CommitLine<'static>),
    Gap(GapLine),
    End(EndLine),
}

/// Returns the JSON Schema of a line of an export, as it is written.
#[must_use]
pub fn export_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Line>()
}
