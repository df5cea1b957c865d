//! A Redis stream with a consumer group, its append-only file synced before each answer.
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
pub(crate) struct Redis {
    port: u16,
    _server: Running,
}

/// A connection to it, and a consumer in the group.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Wire,
    consumer: String,
}

impl Redis {
    /// Starts one, if it is installed.
    pub(crate) async fn start(root: &Path) -> Result<Option<Self>> {
        let Some(program) = process::find("redis-server", &[]) else { return Ok(None) };
        let (directory, port) = (root.join("redis"), process::free_port()?);
        std::fs::create_dir(&directory)?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(&directory);
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        let server = Running::start(&mut command, &root.join("redis.log"))?;
        let mut wire = Wire::new(process::connect(port).await?);
        ask(&mut wire, &[b"XGROUP", b"CREATE", b"tasks", b"edges", b"0", b"MKSTREAM"])?;
        wire.send().await?;
        expect(wire.line().await?, "+OK")?;
        Ok(Some(Self { port, _server: server }))
    }

    pub(crate) async fn connect(&self, count: usize) -> Result<Vec<Connection>> {
        let mut connections = Vec::new();
        for number in 0..count {
            let wire = Wire::new(process::connect(self.port).await?);
            connections.push(Connection { wire, consumer: format!("edge-{number}") });
        }
        Ok(connections)
    }
}

impl Peer for Connection {
    async fn submit(&mut self) -> Result<()> {
        let wire = &mut self.wire;
        ask(wire, &[b"XADD", b"tasks", b"*", b"payload", &[b'x'; PAYLOAD]])?;
        wire.send().await?;
        bulk(wire).await.map(drop)
    }

    async fn pair(&mut self) -> Result<bool> {
        let Self { wire, consumer } = self;
        let consumer = consumer.as_bytes();
        let read: [&[u8]; 9] = [
            b"XREADGROUP",
            b"GROUP",
            b"edges",
            consumer,
            b"COUNT",
            b"1",
            b"STREAMS",
            b"tasks",
            b">",
        ];
        ask(wire, &read)?;
        wire.send().await?;
        // [[stream, [[id, [field, value]]]]]
        if wire.line().await? == "*-1" {
            return Ok(false);
        }
        expect(wire.line().await?, "*2")?;
        bulk(wire).await?;
        expect(wire.line().await?, "*1")?;
        expect(wire.line().await?, "*2")?;
        let id = bulk(wire).await?;
        expect(wire.line().await?, "*2")?;
        bulk(wire).await?;
        bulk(wire).await?;

        ask(wire, &[b"XACK", b"tasks", b"edges", &id])?;
        ask(wire, &[b"XDEL", b"tasks", &id])?;
        wire.send().await?;
        expect(wire.line().await?, ":1")?;
        expect(wire.line().await?, ":1")?;
        Ok(true)
    }
}

/// Adds a command to what is sent next.
fn ask(wire: &mut Wire, words: &[&[u8]]) -> Result<()> {
    wire.write(format_args!("*{}\r\n", words.len()))?;
    for word in words {
        wire.write(format_args!("${}\r\n", word.len()))?;
        wire.out().extend_from_slice(word);
        wire.write(format_args!("\r\n"))?;
    }
    Ok(())
}

/// Reads a string with its length before it.
async fn bulk(wire: &mut Wire) -> Result<Vec<u8>> {
    let line = wire.line().await?;
    let length = line.strip_prefix('$').with_context(|| format!("no string: {line}"))?;
    let length: usize = length.parse()?;
    let bytes = wire.bytes(length + 2).await?;
    Ok(bytes[..length].to_vec())
}

fn expect(found: &str, expected: &str) -> Result<()> {
    if found != expected {
        bail!("expected {expected}, found {found}");
    }
    Ok(())
}
