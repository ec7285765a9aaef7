//! From a host's name to its addresses: by the system's resolver, or by name servers that Workers'
//! fetches have for themselves, so that names of the inside are not theirs to ask for.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Names looked up at the same time by the system, each on a thread of the blocking pool, and by name
/// servers, which takes a socket.
const SYSTEM_LOOKUPS: usize = 64;
const SERVER_LOOKUPS: usize = 1_024;
/// For one answer of one server; then the next is asked, and all of them once more.
const ANSWER: Duration = Duration::from_secs(2);
const ROUNDS: usize = 2;
/// What a server may send without EDNS, which is not asked for.
const DATAGRAM: usize = 512;

/// The name is not known, or nobody answered.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchName;

/// Who is asked.
pub struct Names {
    /// Empty: the system.
    servers: Vec<SocketAddr>,
    lookups: Arc<Semaphore>,
}

impl Names {
    pub fn new(servers: &[SocketAddr]) -> Self {
        let most = if servers.is_empty() { SYSTEM_LOOKUPS } else { SERVER_LOOKUPS };
        Self { servers: servers.to_vec(), lookups: Arc::new(Semaphore::new(most)) }
    }

    /// All its addresses, in the order to try them. `place` is the tenant's share of look-ups; both it
    /// and the node's are held until nobody works on the answer any more.
    ///
    /// # Errors
    /// [`NoSuchName`]
    pub async fn look_up(&self, host: &str, place: OwnedSemaphorePermit) -> Result<Vec<IpAddr>, NoSuchName> {
        let node = self.lookups.clone().acquire_owned().await.map_err(|_| NoSuchName)?;
        if self.servers.is_empty() {
            let host = host.to_owned();
            // A look-up cannot be called off: its thread is counted until it ends.
            let found = tokio::task::spawn_blocking(move || {
                let _places = (place, node);
                (host.as_str(), 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
            });
            return found.await.map_err(|_| NoSuchName)?.map_err(|_| NoSuchName);
        }
        let _places = (place, node);
        let host = host.strip_suffix('.').unwrap_or(host);
        // Never a question for the network (RFC 6761).
        if host == "localhost" || host.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let name = Name::new(host).map_err(|_| NoSuchName)?;
        for server in (0..ROUNDS).flat_map(|_| &self.servers) {
            let both = tokio::try_join!(ask(*server, &name, TYPE::A), ask(*server, &name, TYPE::AAAA));
            match both {
                Ok((v4, v6)) => {
                    let found: Vec<IpAddr> = v4.into_iter().chain(v6).collect();
                    return if found.is_empty() { Err(NoSuchName) } else { Ok(found) };
                }
                Err(error) => tracing::debug!(%server, %error, "a name server did not answer"),
            }
        }
        Err(NoSuchName)
    }
}

/// One question to one server: the addresses of a name, none for a name that is not known.
async fn ask(server: SocketAddr, name: &Name<'_>, kind: TYPE) -> io::Result<Vec<IpAddr>> {
    let answer = tokio::time::timeout(ANSWER, async {
        // Not to be guessed by who only knows that we ask: so is the port, which the system picks.
        let id = random_id()?;
        let mut packet = Packet::new_query(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Question::new(name.clone(), QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
        let query = packet.build_bytes_vec().map_err(io::Error::other)?;
        match over_udp(server, &query, id, name, kind).await? {
            Some(found) => Ok(found),
            None => over_tcp(server, &query, id, name, kind).await,
        }
    });
    answer.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// `None`: the answer did not fit.
async fn over_udp(
    server: SocketAddr,
    query: &[u8],
    id: u16,
    name: &Name<'_>,
    kind: TYPE,
) -> io::Result<Option<Vec<IpAddr>>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    // From then on only what comes from there is received.
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = [0; DATAGRAM];
    loop {
        let read = socket.recv(&mut buffer).await?;
        // What answers another question is somebody's guess, or late.
        if let Some(answer) = read_answer(&buffer[..read], id, name, kind) {
            return answer;
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &[u8], id: u16, name: &Name<'_>, kind: TYPE) -> io::Result<Vec<IpAddr>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], query].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    let unusable = || io::Error::from(io::ErrorKind::InvalidData);
    read_answer(&answer, id, name, kind).ok_or_else(unusable)??.ok_or_else(unusable)
}

/// `None`: this is no answer to the question. `Some(Ok(None))`: it is cut off.
fn read_answer(bytes: &[u8], id: u16, name: &Name<'_>, kind: TYPE) -> Option<io::Result<Option<Vec<IpAddr>>>> {
    let packet = Packet::parse(bytes).ok()?;
    let asked = packet.questions.first()?;
    let same = asked.qtype == QTYPE::TYPE(kind) && asked.qname.to_string().eq_ignore_ascii_case(&name.to_string());
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) || !same {
        return None;
    }
    Some(match packet.rcode() {
        _ if packet.has_flags(PacketFlag::TRUNCATION) => Ok(None),
        // The server has followed all aliases: the addresses are the name's, whatever name they stand under.
        RCODE::NoError => Ok(Some(
            packet
                .answers
                .iter()
                .filter_map(|record| match &record.rdata {
                    RData::A(found) => Some(IpAddr::V4(found.address.into())),
                    RData::AAAA(found) => Some(IpAddr::V6(found.address.into())),
                    _ => None,
                })
                .collect(),
        )),
        RCODE::NameError => Ok(Some(Vec::new())),
        failed => Err(io::Error::other(format!("{failed:?}"))),
    })
}

fn random_id() -> io::Result<u16> {
    let mut bytes = [0; 2];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(u16::from_be_bytes(bytes))
}
