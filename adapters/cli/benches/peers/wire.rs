//! A buffered connection, from which answers are taken piece by piece.
use std::io::Write as _;

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection that writes a request at once, and reads into one buffer.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    out: Vec<u8>,
    read: Vec<u8>,
    at: usize,
}

impl Wire {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream, out: Vec::new(), read: Vec::new(), at: 0 }
    }

    /// Returns what is to be sent next.
    pub(crate) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Adds text to what is to be sent next.
    pub(crate) fn write(&mut self, text: std::fmt::Arguments<'_>) -> Result<()> {
        Ok(self.out.write_fmt(text)?)
    }

    /// Sends it, with one system call, and forgets what was read before.
    pub(crate) async fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        self.read.drain(..self.at);
        self.at = 0;
        Ok(())
    }

    /// Reads so many bytes.
    pub(crate) async fn bytes(&mut self, count: usize) -> Result<&[u8]> {
        while self.read.len() < self.at + count {
            self.more().await?;
        }
        let found = &self.read[self.at..self.at + count];
        self.at += count;
        Ok(found)
    }

    /// Reads a line that ends with CR and LF, and returns it without them.
    pub(crate) async fn line(&mut self) -> Result<&str> {
        let mut from = self.at;
        let end = loop {
            if let Some(end) = self.read[from..].iter().position(|byte| *byte == b'\n') {
                break from + end;
            }
            from = self.read.len();
            self.more().await?;
        };
        let line = std::str::from_utf8(&self.read[self.at..end])?;
        self.at = end + 1;
        Ok(line.trim_end_matches('\r'))
    }

    async fn more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => bail!("the server hung up"),
            _ => Ok(()),
        }
    }
}
