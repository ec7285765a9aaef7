//! A name server of the tests', and a listener that nobody is to reach.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::net::{TcpListener, UdpSocket};

/// Answers as the function says: the addresses of a name, asked for the how manieth time. `None`: there
/// is no such name. Names of a family that is not asked for are left out.
pub async fn serve(
    addresses: impl Fn(&str, usize) -> Option<Vec<IpAddr>> + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = socket.local_addr().unwrap();
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = questions.clone();
    tokio::spawn(async move {
        let mut asked = std::collections::HashMap::<(String, u16), usize>::new();
        let mut buffer = [0; 512];
        while let Ok((read, peer)) = socket.recv_from(&mut buffer).await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut packet = Packet::parse(&buffer[..read]).unwrap();
            let (name, kind) = (packet.questions[0].qname.clone(), packet.questions[0].qtype);
            let times = asked.entry((name.to_string(), kind.into())).or_default();
            let found = addresses(&name.to_string(), *times);
            *times += 1;
            packet.set_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE);
            if found.is_none() {
                *packet.rcode_mut() = RCODE::NameError;
            }
            for address in found.into_iter().flatten() {
                let data = match (address, kind) {
                    (IpAddr::V4(address), QTYPE::TYPE(TYPE::A)) => RData::A(address.into()),
                    (IpAddr::V6(address), QTYPE::TYPE(TYPE::AAAA)) => RData::AAAA(address.into()),
                    _ => continue,
                };
                packet.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, 0, data));
            }
            let answer = packet.build_bytes_vec().unwrap();
            socket.send_to(&answer, peer).await.unwrap();
        }
    });
    (server, questions)
}

/// Counts whoever connects, and tells them so.
pub struct Trap {
    pub address: SocketAddr,
    reached: Arc<AtomicUsize>,
}

impl Trap {
    pub async fn at(address: &str) -> Self {
        Self::on(TcpListener::bind(address).await.unwrap())
    }

    fn on(socket: TcpListener) -> Self {
        let address = socket.local_addr().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let counted = reached.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    use tokio::io::{AsyncReadExt, AsyncWriteExt};
                    let _ = stream.read(&mut [0; 4_096]).await;
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntrapped";
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address, reached }
    }

    pub fn reached(&self) -> usize {
        self.reached.load(Ordering::Relaxed)
    }
}
