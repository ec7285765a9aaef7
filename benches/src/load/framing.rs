//! Where an HTTP/1.1 answer ends (RFC 9112 §6), without any IO: bytes are fed in as they come, and what is not a
//! proper answer is said to be so. The body is passed over, not kept.

use std::fmt;

use httparse::{EMPTY_HEADER, Status};

/// A head beyond this is broken.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
/// A line with a chunk's size, and trailers, are shorter than this.
const MAX_LINE: usize = 16 << 10;

/// Why these bytes are no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// An answer as far as it has been read.
#[derive(Debug)]
pub struct Answer {
    state: State,
    /// The request was HEAD: there is no body, whatever the head says.
    head_only: bool,
    status: u16,
    /// The connection takes no further request.
    closes: bool,
    head_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    /// With the line end after it.
    Chunk(u64),
    Trailers,
    ToClose,
    Done,
}

impl Answer {
    pub fn new(head_only: bool) -> Self {
        Self { state: State::Head, head_only, status: 0, closes: false, head_bytes: 0 }
    }

    /// All of it has been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// 0 before the head is complete.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the connection ends with this answer.
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// Length of its head, those of the interim answers before it with it; 0 before it is complete.
    pub fn head_bytes(&self) -> usize {
        self.head_bytes
    }

    /// Takes what it understands of `input` and returns how many bytes that is: the rest has to be there again,
    /// with more after it, the next time.
    ///
    /// # Errors
    /// When this is no HTTP/1 answer.
    pub fn advance(&mut self, input: &[u8]) -> Result<usize, Broken> {
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let taken = match self.state {
                State::Done => return Ok(at),
                _ if rest.is_empty() => return Ok(at),
                State::Head => self.head(rest)?,
                State::Length(left) => {
                    let taken = left.min(rest.len() as u64);
                    self.state = if taken == left { State::Done } else { State::Length(left - taken) };
                    taken as usize
                }
                State::ToClose => rest.len(),
                State::ChunkSize => self.chunk_size(rest)?,
                State::Chunk(left) => self.chunk(left, rest)?,
                State::Trailers => self.trailers(rest)?,
            };
            if taken == 0 {
                return Ok(at);
            }
            at += taken;
        }
    }

    /// The server has closed the connection.
    ///
    /// # Errors
    /// When the answer was not complete.
    pub fn end(&mut self) -> Result<(), Broken> {
        match self.state {
            State::ToClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            State::Head => Err(Broken("closed before the head's end")),
            _ => Err(Broken("closed within the body")),
        }
    }

    fn head(&mut self, input: &[u8]) -> Result<usize, Broken> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(input) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if input.len() <= MAX_HEAD => return Ok(0),
            Ok(Status::Partial) => return Err(Broken("the head is larger than 64 KiB")),
            Err(_) => return Err(Broken("the head is no HTTP/1 head")),
        };
        let status = response.code.unwrap_or(0);
        self.head_bytes += length;
        if (100..200).contains(&status) && status != 101 {
            return Ok(length); // an interim answer: the real one follows
        }
        self.status = status;
        self.closes = response.version == Some(0);
        let (mut known, mut chunked, mut coded) = (None, false, false);
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let value = std::str::from_utf8(header.value).ok().map(str::trim);
                let value = value.filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
                let value: u64 =
                    value.and_then(|value| value.parse().ok()).ok_or(Broken("a length that is no number"))?;
                if known.replace(value).is_some_and(|before| before != value) {
                    return Err(Broken("two lengths"));
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                coded = true;
                let last = header.value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                let mut words = header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                if words.clone().any(|word| word.eq_ignore_ascii_case(b"close")) {
                    self.closes = true;
                } else if words.any(|word| word.eq_ignore_ascii_case(b"keep-alive")) {
                    self.closes = false;
                }
            }
        }
        if coded && known.is_some() {
            return Err(Broken("a length and a transfer coding"));
        }
        self.state = if self.head_only || matches!(status, 101 | 204 | 304) || known == Some(0) {
            State::Done
        } else if chunked {
            State::ChunkSize
        } else if let (Some(length), false) = (known, coded) {
            State::Length(length)
        } else {
            State::ToClose
        };
        self.closes |= self.state == State::ToClose || status == 101;
        Ok(length)
    }

    fn chunk_size(&mut self, input: &[u8]) -> Result<usize, Broken> {
        match httparse::parse_chunk_size(input) {
            Ok(Status::Complete((taken, 0))) => {
                self.state = State::Trailers;
                Ok(taken)
            }
            Ok(Status::Complete((taken, size))) => {
                self.state = State::Chunk(size.checked_add(2).ok_or(Broken("a chunk without end"))?);
                Ok(taken)
            }
            Ok(Status::Partial) if input.len() <= MAX_LINE => Ok(0),
            Ok(Status::Partial) => Err(Broken("a chunk's size has no end")),
            Err(_) => Err(Broken("a chunk's size is no number")),
        }
    }

    fn chunk(&mut self, left: u64, input: &[u8]) -> Result<usize, Broken> {
        let taken = left.min(input.len() as u64);
        // The last two bytes, or those of them that are here, are a line end.
        for (position, expected) in [(left.wrapping_sub(2), b'\r'), (left - 1, b'\n')] {
            if position < taken && input.get(position as usize) != Some(&expected) {
                return Err(Broken("a chunk is longer than its size"));
            }
        }
        self.state = if taken == left { State::ChunkSize } else { State::Chunk(left - taken) };
        Ok(taken as usize)
    }

    fn trailers(&mut self, input: &[u8]) -> Result<usize, Broken> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        match httparse::parse_headers(input, &mut headers) {
            Ok(Status::Complete((taken, _))) => {
                self.state = State::Done;
                Ok(taken)
            }
            Ok(Status::Partial) if input.len() <= MAX_LINE => Ok(0),
            _ => Err(Broken("what follows the last chunk are no trailers")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds it in parts of so many bytes, as a connection's buffer would.
    fn read(answer: &[u8], part: usize, head_only: bool) -> Result<(Answer, usize), Broken> {
        let (mut read, mut taken) = (Answer::new(head_only), 0);
        for end in (0..=answer.len()).step_by(part).skip(1).chain([answer.len()]) {
            taken += read.advance(&answer[taken..end])?;
        }
        Ok((read, taken))
    }

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nt: 1\r\n\r\n";

    #[test]
    fn an_answers_end_is_found_in_whatever_parts_it_comes() {
        let cases: [(&[u8], u16, bool); 7] = [
            (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, false),
            (CHUNKED, 200, false),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, false),
            (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, false),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n",
                503,
                true,
            ),
            (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, true),
            (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\nx", 200, false),
        ];
        for (bytes, status, closes) in cases {
            for part in [1, 2, 3, 7, bytes.len()] {
                let (answer, taken) = read(bytes, part, false).unwrap_or_else(|broken| panic!("{broken}"));
                assert!(answer.is_done(), "{}", String::from_utf8_lossy(bytes));
                assert_eq!((answer.status(), answer.closes(), taken), (status, closes, bytes.len()));
                let unfinished = read(&bytes[..bytes.len() - 1], part, false);
                assert!(!unfinished.unwrap_or_else(|broken| panic!("{broken}")).0.is_done());
            }
        }
    }

    #[test]
    fn an_answer_without_length_ends_with_its_connection() {
        let (mut answer, _) = read(b"HTTP/1.1 200 OK\r\n\r\nwhat", 3, false).expect("an answer");
        assert!(!answer.is_done() && answer.closes());
        assert_eq!(answer.end(), Ok(()));
        assert!(answer.is_done());
        let (mut cut, _) = read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", 3, false).expect("an answer");
        assert_eq!(cut.end(), Err(Broken("closed within the body")));
    }

    #[test]
    fn to_head_there_is_no_body() {
        let (answer, _) = read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 4, true).expect("an answer");
        assert!(answer.is_done());
    }

    #[test]
    fn what_follows_an_answer_is_left() {
        let (answer, taken) = read(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxyz", 100, false).expect("an answer");
        assert!(answer.is_done());
        assert_eq!(taken, 38 + 1);
    }

    #[test]
    fn what_is_no_answer_is_called_broken() {
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy",
            b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\nx",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ] {
            assert!(read(bytes, 1, false).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
