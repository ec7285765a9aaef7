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

#[cfg(test)]
mod tests {
    use simple_dns::ResourceRecord;
    use tokio::net::TcpListener;

    use super::*;

    fn answered(query: &[u8], change: impl Fn(&mut Packet<'_>)) -> Vec<u8> {
        let mut packet = Packet::parse(query).unwrap();
        packet.set_flags(PacketFlag::RESPONSE);
        change(&mut packet);
        packet.build_bytes_vec().unwrap()
    }

    /// The address of a question for A.
    fn with(address: [u8; 4]) -> impl Fn(&mut Packet<'_>) {
        move |packet| {
            if packet.questions[0].qtype == QTYPE::TYPE(TYPE::A) {
                let data = RData::A(Ipv4Addr::from(address).into());
                // Under another name: the server followed an alias.
                packet.answers.push(ResourceRecord::new(Name::new_unchecked("alias.test"), CLASS::IN, 0, data));
            }
        }
    }

    async fn server(socket: UdpSocket, answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((read, peer)) = socket.recv_from(&mut buffer).await {
                for answer in answers(&buffer[..read]) {
                    socket.send_to(&answer, peer).await.unwrap();
                }
            }
        });
        address
    }

    async fn bound() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").await.unwrap()
    }

    async fn look_up(servers: &[SocketAddr], host: &str) -> Result<Vec<IpAddr>, NoSuchName> {
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        Names::new(servers).look_up(host, place).await
    }

    #[tokio::test]
    async fn only_the_answer_to_the_question_counts() {
        let forged = server(bound().await, |query| {
            vec![
                b"no packet".to_vec(),
                answered(query, |packet| {
                    packet.set_id(packet.id() ^ 1);
                    with([6, 6, 6, 6])(packet);
                }),
                answered(query, |packet| {
                    packet.questions[0].qname = Name::new_unchecked("other.test");
                    with([6, 6, 6, 6])(packet);
                }),
                answered(query, |packet| {
                    packet.remove_flags(PacketFlag::RESPONSE);
                    with([6, 6, 6, 6])(packet);
                }),
                answered(query, with([1, 2, 3, 4])),
            ]
        });
        assert_eq!(look_up(&[forged.await], "a.test.").await, Ok(vec![[1, 2, 3, 4].into()]));
    }

    #[tokio::test]
    async fn the_next_server_is_asked_for_what_one_does_not_answer() {
        let fails =
            server(bound().await, |query| vec![answered(query, |packet| *packet.rcode_mut() = RCODE::ServerFailure)]);
        let fails = fails.await;
        let well = server(bound().await, |query| vec![answered(query, with([1, 2, 3, 4]))]).await;
        assert_eq!(look_up(&[fails, well], "a.test").await, Ok(vec![[1, 2, 3, 4].into()]));
        assert_eq!(look_up(&[fails], "a.test").await, Err(NoSuchName));
        // That there is none is an answer.
        let none =
            server(bound().await, |query| vec![answered(query, |packet| *packet.rcode_mut() = RCODE::NameError)]);
        assert_eq!(look_up(&[none.await, well], "a.test").await, Err(NoSuchName));
    }

    #[tokio::test]
    async fn what_does_not_fit_comes_over_tcp() {
        let socket = bound().await;
        let stream = TcpListener::bind(socket.local_addr().unwrap()).await.unwrap();
        let cut = server(socket, |query| vec![answered(query, |packet| packet.set_flags(PacketFlag::TRUNCATION))]);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = stream.accept().await {
                let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
                stream.read_exact(&mut query).await.unwrap();
                let answer = answered(&query, with([1, 2, 3, 4]));
                stream.write_u16(answer.len() as u16).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        assert_eq!(look_up(&[cut.await], "a.test").await, Ok(vec![[1, 2, 3, 4].into()]));
    }

    #[tokio::test]
    async fn this_machine_is_no_question_for_the_network() {
        let nobody = bound().await.local_addr().unwrap();
        let local = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        for host in ["localhost", "localhost.", "a.localhost"] {
            assert_eq!(look_up(&[nobody], host).await, Ok(local.clone()));
        }
        assert!(look_up(&[], "localhost").await.unwrap().iter().all(IpAddr::is_loopback));
    }
}
