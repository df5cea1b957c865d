//! One keep-alive connection that carries one request at a time.
//!
//! Server and client share a machine, so what the client costs the server does not have. This one
//! writes a request with one system call, reads the answer into one buffer, and does nothing that
//! a gateway of ours does not need: no pool, no redirects, no chunks, no TLS.

use std::{fmt::Display, io::Write as _};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::exit::{Exit, Failure};

/// A connection to a gateway.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    host: String,
    request: Vec<u8>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

/// The most headers an answer may have.
const HEADERS_MAX: usize = 32;

impl Connection {
    /// Connects to a host and port.
    pub(super) async fn to(host: &str) -> Result<Self> {
        let connected = TcpStream::connect(host).await;
        let stream = connected.map_err(|error| {
            let told = format!("http://{host} does not answer: {error}");
            Failure::new(Exit::Unavailable, told)
        })?;
        stream.set_nodelay(true)?;
        let (request, body, answer) = (vec![], vec![], vec![]);
        Ok(Self { stream, host: host.to_owned(), request, body, answer })
    }

    /// Posts a request and returns the body of its answer.
    ///
    /// # Errors
    ///
    /// Any status but success is one. The connection is of no more use after an error.
    pub(super) async fn post(
        &mut self,
        path: impl Display,
        secret: &str,
        body: &impl Serialize,
    ) -> Result<&[u8]> {
        self.body.clear();
        serde_json::to_writer(&mut self.body, body)?;
        self.request.clear();
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {secret}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.host,
            self.body.len()
        )?;
        self.request.extend_from_slice(&self.body);
        self.stream.write_all(&self.request).await.context("the gateway hung up")?;
        let Head { status, begins, ends } = self.receive().await?;
        let body = self.answer.get(begins..ends).unwrap_or_default();
        match status {
            200..=299 => Ok(body),
            _ => Err(anyhow!("the gateway answered {status}: {}", String::from_utf8_lossy(body))),
        }
    }

    /// Reads until an answer is whole.
    async fn receive(&mut self) -> Result<Head> {
        self.answer.clear();
        let mut head = None;
        loop {
            if head.is_none() {
                head = Head::read(&self.answer)?;
            }
            match &head {
                Some(Head { status, begins, ends }) if self.answer.len() >= *ends => {
                    return Ok(Head { status: *status, begins: *begins, ends: *ends });
                }
                Some(_) | None => {}
            }
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the gateway hung up before its answer was whole");
            }
        }
    }
}

/// What the head of an answer says of it: its status, and where in the buffer its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    begins: usize,
    ends: usize,
}

impl Head {
    /// Reads a head; none if it is not whole yet.
    fn read(answer: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(answer).context("this is no answer of an HTTP server")?;
        let httparse::Status::Complete(begins) = parsed else { return Ok(None) };
        let length = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok())
            .context("the answer does not say how long it is")?;
        Ok(Some(Self { status: response.code.unwrap_or(0), begins, ends: begins + length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";

    #[test]
    fn a_head_says_where_the_body_is_once_it_is_whole() {
        let head = ANSWER.len() - 5;

        for cut in 0..head {
            assert_eq!(Head::read(&ANSWER[..cut]).unwrap(), None, "{cut}");
        }
        for cut in head..=ANSWER.len() {
            let found = Head { status: 200, begins: head, ends: head + 5 };
            assert_eq!(Head::read(&ANSWER[..cut]).unwrap(), Some(found), "{cut}");
        }
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        let refused = Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");

        assert!(refused.unwrap_err().to_string().contains("how long"));
    }
}
