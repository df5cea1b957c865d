//! `POST /internal/edges/register`: a machine becomes an edge.
use std::fmt;

use edge_ledger_core::edge::Identity;
use serde::{Deserialize, Serialize};

use crate::{Fields, Malformed, read};

/// A machine asks to be an edge.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// The number of the device, unique in the fleet; 1 to 128 characters.
    pub device_number: Box<str>,
    /// Name shown to operators; 1 to 200 characters.
    pub display_name: Box<str>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// Processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<Box<str>>,
    /// Version of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_version: Option<Box<str>>,
    /// The enrollment token, unless it is in the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Box<str>>,
}

/// The machine is an edge.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterAnswer {
    /// The edge's id.
    pub worker_id: String,
    /// Its credential, shown this once.
    pub credential: String,
    /// The device number it is registered under.
    pub device_number: Box<str>,
}

impl TryFrom<&Fields<'_>> for RegisterRequest {
    type Error = Malformed;

    fn try_from(fields: &Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            device_number: fields.required("deviceNumber", read::trimmed(1..=128))?,
            display_name: fields.required("displayName", read::trimmed(1..=200))?,
            platform: fields.optional("platform", read::text(0..=64))?,
            arch: fields.optional("arch", read::text(0..=64))?,
            edge_version: fields.optional("edgeVersion", read::text(0..=64))?,
            token: fields.optional("token", read::text(0..=usize::MAX))?,
        })
    }
}

impl RegisterRequest {
    /// Returns what the machine says it is, in the words that all edges share.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            device_number: self.device_number.clone(),
            display_name: self.display_name.clone(),
            platform: self.platform.as_deref().and_then(platform),
            arch: self.arch.as_deref().and_then(arch),
            version: self.edge_version.as_deref().and_then(said),
        }
    }
}

/// Returns the shared name of an operating system.
pub(super) fn platform(name: &str) -> Option<Box<str>> {
    said(&name.to_lowercase()).map(|name| match &*name {
        "windows" => "win32".into(),
        _ => name,
    })
}

/// Returns the shared name of a processor.
pub(super) fn arch(name: &str) -> Option<Box<str>> {
    said(&name.to_lowercase()).map(|name| match &*name {
        "amd64" | "x86_64" => "x64".into(),
        "aarch64" => "arm64".into(),
        _ => name,
    })
}

/// Takes a blank text for none.
pub(super) fn said(text: &str) -> Option<Box<str>> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(Into::into)
}

impl fmt::Debug for RegisterRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterRequest")
            .field("device_number", &self.device_number)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RegisterAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterAnswer")
            .field("worker_id", &self.worker_id)
            .field("device_number", &self.device_number)
            .finish_non_exhaustive()
    }
}
