//! PostgreSQL with its defaults, `synchronous_commit` on: a table of tasks, leased with
//! `FOR UPDATE SKIP LOCKED`, completed under a fence. Each step is a transaction of its own, by a
//! prepared statement, in one round trip of its own protocol.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    PAYLOAD,
    drive::Peer,
    process::{self, connect, find, free_port, is_root},
    wire::Wire,
};

/// A server.
#[derive(Debug)]
pub(crate) struct Postgres {
    control: PathBuf,
    data: PathBuf,
    port: u16,
}

/// A connection to it.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Wire,
    edge: String,
}

const USER: &str = "bench";
/// Where Debian puts what only the server's owner runs.
const DEBIAN: [&str; 4] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];

const TABLE: [&str; 2] = [
    "CREATE TABLE task (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        status text NOT NULL DEFAULT 'waiting',
        fence bigint NOT NULL DEFAULT 0,
        holder text,
        leased_until timestamptz,
        payload text NOT NULL)",
    "CREATE INDEX waiting ON task (id) WHERE status = 'waiting'",
];
const SUBMIT: &str = "INSERT INTO task (payload) VALUES ($1)";
const LEASE: &str = "UPDATE task
    SET status = 'leased', fence = fence + 1, holder = $1, leased_until = now() + interval '60 s'
    WHERE id = (SELECT id FROM task WHERE status = 'waiting'
                ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING id, fence, payload";
const COMPLETE: &str = "UPDATE task SET status = 'done', leased_until = NULL
    WHERE id = $1 AND fence = $2 AND status = 'leased'";

impl Postgres {
    /// Starts one, if it is installed.
    pub(crate) async fn start(root: &Path) -> Result<Option<Self>> {
        let Some(initdb) = find("initdb", &DEBIAN) else { return Ok(None) };
        let (home, port) = (root.join("postgres"), free_port()?);
        std::fs::create_dir(&home)?;
        if is_root()? {
            process::run(Command::new("chown").arg("postgres").arg(&home))?;
        }
        let data = home.join("data");
        let mut init = as_owner(&initdb)?;
        init.args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]).arg(&data);
        process::run(&mut init)?;
        let control = initdb.with_file_name("pg_ctl");
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
             -c synchronous_commit=on -c fsync=on"
        );
        let mut start = as_owner(&control)?;
        start.arg("-D").arg(&data).arg("-l").arg(home.join("log")).args(["-o", &options]);
        process::run(start.args(["-w", "start"]))?;
        let server = Self { control, data, port };
        let mut connection = server.session(0).await?;
        for statement in TABLE {
            connection.prepare("", statement).await?;
            connection.execute("", &[]).await?;
        }
        Ok(Some(server))
    }

    pub(crate) async fn connect(&self, count: usize) -> Result<Vec<Connection>> {
        let mut connections = Vec::new();
        for number in 0..count {
            let mut connection = self.session(number).await?;
            for (name, statement) in [("submit", SUBMIT), ("lease", LEASE), ("complete", COMPLETE)]
            {
                connection.prepare(name, statement).await?;
            }
            connections.push(connection);
        }
        Ok(connections)
    }

    async fn session(&self, number: usize) -> Result<Connection> {
        let mut wire = Wire::new(connect(self.port).await?);
        let mut startup = 196_608_i32.to_be_bytes().to_vec();
        for text in ["user", USER, "database", "postgres"] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
        startup.push(0);
        sized(wire.out(), &startup)?;
        let mut connection = Connection { wire, edge: format!("edge-{number}") };
        connection.wire.send().await?;
        connection.answer().await?;
        Ok(connection)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = as_owner(&self.control).and_then(|mut stop| {
            process::run(stop.arg("-D").arg(&self.data).args(["-m", "immediate", "-w", "stop"]))
        });
        if let Err(error) = stopped {
            eprintln!("PostgreSQL could not be stopped: {error:#}");
        }
    }
}

/// Prepares a program that must not be run by root.
fn as_owner(program: &Path) -> Result<Command> {
    let mut command = match is_root()? {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        }
        false => Command::new(program),
    };
    command.current_dir("/");
    Ok(command)
}

impl Peer for Connection {
    async fn submit(&mut self) -> Result<()> {
        let done = self.execute("submit", &[&[b'x'; PAYLOAD]]).await?;
        expect(&done.tag, "INSERT 0 1")
    }

    async fn pair(&mut self) -> Result<bool> {
        let edge = self.edge.clone();
        let leased = self.execute("lease", &[edge.as_bytes()]).await?;
        let [id, fence, _payload] = leased.row.as_slice() else { return Ok(false) };
        let completed = self.execute("complete", &[id, fence]).await?;
        expect(&completed.tag, "UPDATE 1")?;
        Ok(true)
    }
}

/// What a statement came to: its last row, and what it says of itself.
#[derive(Debug, Default)]
struct Done {
    row: Vec<Vec<u8>>,
    tag: String,
}

impl Connection {
    /// Prepares a statement under a name.
    async fn prepare(&mut self, name: &str, statement: &str) -> Result<()> {
        let mut parse = terminated(name);
        parse.extend(terminated(statement));
        parse.extend(0_i16.to_be_bytes());
        message(self.wire.out(), b'P', &parse)?;
        message(self.wire.out(), b'S', &[])?;
        self.wire.send().await?;
        self.answer().await.map(drop)
    }

    /// Executes a prepared statement in a transaction of its own.
    async fn execute(&mut self, name: &str, parameters: &[&[u8]]) -> Result<Done> {
        let mut bind = terminated("");
        bind.extend(terminated(name));
        bind.extend(0_i16.to_be_bytes());
        bind.extend(i16::try_from(parameters.len())?.to_be_bytes());
        for parameter in parameters {
            bind.extend(i32::try_from(parameter.len())?.to_be_bytes());
            bind.extend_from_slice(parameter);
        }
        bind.extend(0_i16.to_be_bytes());
        message(self.wire.out(), b'B', &bind)?;
        let mut execute = terminated("");
        execute.extend(0_i32.to_be_bytes());
        message(self.wire.out(), b'E', &execute)?;
        message(self.wire.out(), b'S', &[])?;
        self.wire.send().await?;
        self.answer().await
    }

    /// Reads until the server is ready for more.
    async fn answer(&mut self) -> Result<Done> {
        let (mut done, mut failure) = (Done::default(), None);
        loop {
            let &[kind, a, b, c, d] = self.wire.bytes(5).await? else { bail!("no message") };
            let length = usize::try_from(i32::from_be_bytes([a, b, c, d]))?;
            let body = self.wire.bytes(length.saturating_sub(4)).await?;
            match kind {
                b'D' => done.row = columns(body).context("a row that is cut short")?,
                b'C' => done.tag = String::from_utf8_lossy(body).trim_end_matches('\0').to_owned(),
                b'E' => failure = Some(String::from_utf8_lossy(body).replace('\0', " ")),
                b'Z' => {
                    return match failure {
                        Some(failure) => bail!("PostgreSQL: {failure}"),
                        None => Ok(done),
                    };
                }
                _ => {}
            }
        }
    }
}

/// Reads the columns of a row; what is null is empty.
fn columns(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut take = |count: usize| {
        let (taken, rest) = body.split_at_checked(count)?;
        body = rest;
        Some(taken)
    };
    let count = i16::from_be_bytes(take(2)?.try_into().ok()?);
    let column = |_| {
        let length = i32::from_be_bytes(take(4)?.try_into().ok()?);
        Some(take(usize::try_from(length).unwrap_or(0))?.to_vec())
    };
    (0..count).map(column).collect()
}

fn message(out: &mut Vec<u8>, kind: u8, body: &[u8]) -> Result<()> {
    out.push(kind);
    sized(out, body)
}

/// Adds a body with its length before it, which counts itself.
fn sized(out: &mut Vec<u8>, body: &[u8]) -> Result<()> {
    out.extend(i32::try_from(body.len() + 4)?.to_be_bytes());
    out.extend_from_slice(body);
    Ok(())
}

fn terminated(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

fn expect(found: &str, expected: &str) -> Result<()> {
    if found != expected {
        bail!("expected {expected}, found {found}");
    }
    Ok(())
}
