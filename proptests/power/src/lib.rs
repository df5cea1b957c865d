//! Cuts the power at every point of a [workload](workloads), and looks what it left.
//!
//! A workload runs in a process of its own that preloads a recorder of all it writes, syncs and
//! renames. The [records](Record) are replayed onto a [disk in memory](Disk) up to any of them, and
//! what a cut right there could leave is written into a directory: all that was not synced lost, all
//! of it kept, some pages, the beginning of it. The workload then says, in another process, whether
//! that keeps what it had promised. [`explore`] does all of it for many cuts.
//!
//! The same recorder fails calls on demand, for [any program](Preload).
mod cuts;
mod disk;
mod faults;
mod image;
mod perform;
mod preload;
#[path = "../recorder/src/record.rs"]
mod record;
pub mod workloads;

pub use cuts::{Cut, Exploration, Explored, Failed, explore};
pub use disk::{Disk, FileSystem, Loss, UnknownFile};
pub use faults::endure;
pub use image::Image;
pub use perform::perform;
pub use preload::{Preload, PreloadError, Recording, say};
pub use record::Record;
