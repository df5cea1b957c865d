//! Settings: a flag, else the environment, else the configuration file, else a default.

mod file;
mod gateway;
mod places;
mod setting;
mod span;

pub(crate) use file::File;
pub(crate) use gateway::{GatewayArgs, GatewaySettings};
pub(crate) use places::{default_agent_state, default_data};
pub(crate) use setting::{Origin, Setting, Shown};
pub(crate) use span::Span;
