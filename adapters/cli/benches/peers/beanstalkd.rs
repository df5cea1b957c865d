//! beanstalkd with a binary log that is synced at each write (`-f 0`).
use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    PAYLOAD,
    drive::Peer,
    process::{self, Running},
    wire::Wire,
};

/// A server.
#[derive(Debug)]
pub(crate) struct Beanstalkd {
    port: u16,
    _server: Running,
}

/// A connection to it.
#[derive(Debug)]
pub(crate) struct Connection(Wire);

impl Beanstalkd {
    /// Starts one, if it is installed.
    pub(crate) async fn start(root: &Path) -> Result<Option<Self>> {
        let Some(program) = process::find("beanstalkd", &["/usr/sbin"]) else { return Ok(None) };
        let (directory, port) = (root.join("beanstalkd"), process::free_port()?);
        std::fs::create_dir(&directory)?;
        let mut command = Command::new(program);
        command.args(["-l", "127.0.0.1", "-p", &port.to_string(), "-f", "0", "-b"]);
        command.arg(&directory);
        let server = Running::start(&mut command, &root.join("beanstalkd.log"))?;
        process::connect(port).await?;
        Ok(Some(Self { port, _server: server }))
    }

    pub(crate) async fn connect(&self, count: usize) -> Result<Vec<Connection>> {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(Connection(Wire::new(process::connect(self.port).await?)));
        }
        Ok(connections)
    }
}

impl Peer for Connection {
    async fn submit(&mut self) -> Result<()> {
        let Self(wire) = self;
        wire.write(format_args!("put 0 0 60 {PAYLOAD}\r\n"))?;
        wire.out().extend_from_slice(&[b'x'; PAYLOAD]);
        wire.write(format_args!("\r\n"))?;
        wire.send().await?;
        match wire.line().await? {
            line if line.starts_with("INSERTED ") => Ok(()),
            other => bail!("put: {other}"),
        }
    }

    async fn pair(&mut self) -> Result<bool> {
        let Self(wire) = self;
        wire.write(format_args!("reserve-with-timeout 0\r\n"))?;
        wire.send().await?;
        let line = wire.line().await?;
        let reserved = match line.strip_prefix("RESERVED ") {
            Some(reserved) => reserved,
            None if line == "TIMED_OUT" => return Ok(false),
            None => bail!("reserve: {line}"),
        };
        let (id, bytes) = reserved.split_once(' ').context("reserve: no length")?;
        let (id, bytes): (u64, usize) = (id.parse()?, bytes.parse()?);
        wire.bytes(bytes + 2).await?;
        wire.write(format_args!("delete {id}\r\n"))?;
        wire.send().await?;
        match wire.line().await? {
            "DELETED" => Ok(true),
            other => bail!("delete: {other}"),
        }
    }
}
