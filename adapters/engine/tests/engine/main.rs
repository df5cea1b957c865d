//! The engine appends in groups, and tells nothing that rests on what is not durable.
mod asked;
mod bounds;
mod failures;
mod gate;
mod groups;
mod reads;
mod recording;
