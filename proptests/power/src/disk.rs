//! A disk in memory: what a process did to it, and what of that a power cut may leave.

mod content;
mod names;

use std::{collections::HashMap, fs, io, os::unix::fs::MetadataExt, path::Path};

use content::Content;
use names::{Change, Names};
use rand::{Rng, RngExt};

use crate::{Image, Record};

/// Files as the process sees them, with what of them is synced.
#[derive(Clone, Debug, Default)]
pub struct Disk<'a> {
    names: Names,
    contents: Vec<Content<'a>>,
    /// Which content the file of an inode has.
    inodes: HashMap<u64, usize>,
}

/// What happens to that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// All of it is kept: the process was killed, not the machine.
    Nothing,
    /// All of it is lost.
    Everything,
    /// Some pages of 4 KiB are kept, each as it was at some time, and some length of each file.
    Pages,
    /// The beginning of it is kept, of each file, up to a sector of 512 bytes inside a write.
    Tail,
}

/// When names are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileSystem {
    /// As with ext4, xfs and btrfs: in the order in which they changed, up to the last sync at
    /// least.
    Journalled,
    /// As POSIX has it and no more: each once its directory is synced.
    Posix,
}

/// A record tells of a file that nobody created.
#[derive(Debug, thiserror::Error)]
#[error("the file of inode {0} was changed, but it neither was there nor was created")]
pub struct UnknownFile(u64);

impl<'a> Disk<'a> {
    /// Takes over a directory as it is, all of it durable.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be read.
    pub fn of(root: &Path) -> io::Result<Self> {
        let mut disk = Self::default();
        for (path, bytes) in Image::of(root)?.0 {
            let Some(bytes) = bytes else {
                disk.names.begin_with(path, names::Entry::Directory);
                continue;
            };
            let inode = fs::metadata(root.join(&path))?.ino();
            let file = disk.add(inode, Content::durable(bytes));
            disk.names.begin_with(path, names::Entry::File(file));
        }
        Ok(disk)
    }

    /// Does what a record says was done.
    ///
    /// # Errors
    ///
    /// Fails if the file was neither there in the beginning nor created since: the recorder has
    /// missed something.
    pub fn apply(&mut self, record: &Record<&'a [u8]>) -> Result<(), UnknownFile> {
        match record {
            Record::Create { file, path } => {
                let file = self.add(*file, Content::default());
                self.names
                    .change(Change::Add { path: path.clone(), entry: names::Entry::File(file) });
            }
            Record::MakeDirectory { path } => {
                let entry = names::Entry::Directory;
                self.names.change(Change::Add { path: path.clone(), entry });
            }
            Record::Link { file, path } => {
                let file = *self.inodes.get(file).ok_or(UnknownFile(*file))?;
                self.names
                    .change(Change::Add { path: path.clone(), entry: names::Entry::File(file) });
            }
            Record::Rename { from, to } => {
                if let Some(entry) = self.names.entry(from) {
                    let (from, to) = (from.clone(), to.clone());
                    self.names.change(Change::Rename { from, to, entry });
                }
            }
            Record::Remove { path } => self.names.change(Change::Remove { path: path.clone() }),
            Record::Write { file, at, bytes, synced } => {
                self.content(*file)?.write(*at, bytes, *synced);
            }
            Record::Resize { file, len } => self.content(*file)?.resize(*len),
            Record::Reserve { file, end } => self.content(*file)?.reserve(*end),
            Record::Clear { file, at, len } => self.content(*file)?.clear(*at, *len),
            Record::Sync { file, path } => {
                if let Some(&file) = self.inodes.get(file) {
                    self.contents[file].sync();
                }
                self.names.sync(path);
            }
            Record::SyncAll => {
                self.contents.iter_mut().for_each(Content::sync);
                self.names.sync_all();
            }
            Record::Flush { .. } | Record::Say { .. } => {}
        }
        Ok(())
    }

    /// Returns what a power cut may leave, here and now.
    pub fn cut(&self, loss: Loss, system: FileSystem, rng: &mut impl Rng) -> Image {
        // How much is lost differs from cut to cut, else every one of them loses about half.
        let kept = [0.1, 0.5, 0.9][rng.random_range(0..3)];
        let names = self.names.cut(loss, system, rng);
        let entries = names.into_iter().map(|(path, entry)| match entry {
            names::Entry::Directory => (path, None),
            names::Entry::File(file) => (path, Some(self.contents[file].cut(loss, kept, rng))),
        });
        Image(entries.collect())
    }

    fn add(&mut self, inode: u64, content: Content<'a>) -> usize {
        self.contents.push(content);
        self.inodes.insert(inode, self.contents.len() - 1);
        self.contents.len() - 1
    }

    fn content(&mut self, inode: u64) -> Result<&mut Content<'a>, UnknownFile> {
        let file = self.inodes.get(&inode).ok_or(UnknownFile(inode))?;
        Ok(&mut self.contents[*file])
    }
}

#[cfg(test)]
mod tests;
