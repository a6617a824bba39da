//! Datagrams: sockets, batches of system calls, and the loop of a worker.
//!
//! The one file of this crate with `unsafe`: `recvmmsg`, `sendmmsg`, control messages and CPU affinity
//! have no safe interface. Each worker owns one [`Batch`]; every pointer that the kernel gets leads into
//! its slots, which neither move nor are read while a system call runs.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::counters::Dropped;
use crate::service::{Client, Service, Transport};
use crate::sink::SinkTo;
use crate::worker::{UDP_QUERY, Worker};

/// Messages per system call.
const BATCH: usize = 32;

/// The longest reply, in octets; `udp-payload` is at most this.
pub(crate) const UDP_REPLY: usize = 4096;

/// How long a worker waits for a message before it looks whether to stop.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Receive and send buffer asked of the kernel, in octets: some thousand queries may wait.
const SOCKET_BUFFER: usize = 2 << 20;

/// Batches that a stopping worker still takes from its socket: far more than the buffer holds.
const LAST_BATCHES: usize = 1024;

/// Room for one `IP_PKTINFO` or `IPV6_PKTINFO` control message, aligned as they must be.
type Control = [u64; 8];

/// A bound UDP socket; blocking.
#[derive(Debug)]
pub(crate) struct Socket {
    inner: socket2::Socket,
    address: SocketAddr,
    /// Bound to all addresses: each message says which one it came to, each answer which one to leave from.
    wildcard: bool,
}

impl Socket {
    /// Binds a socket that shares its address with other sockets of this server.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let inner = new_socket(address)?;
        inner.set_reuse_port(true)?;
        inner.set_read_timeout(Some(LOOK_UP))?;
        inner.set_write_timeout(Some(LOOK_UP))?;
        // The kernel caps what it does not allow.
        inner.set_recv_buffer_size(SOCKET_BUFFER)?;
        inner.set_send_buffer_size(SOCKET_BUFFER)?;
        let wildcard = address.ip().is_unspecified();
        let (level, asked, discover) = if address.is_ipv4() {
            (libc::IPPROTO_IP, libc::IP_PKTINFO, libc::IP_MTU_DISCOVER)
        } else {
            (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, libc::IPV6_MTU_DISCOVER)
        };
        if wildcard {
            set_option(&inner, level, asked, 1)?;
        }
        // Nobody shall make us send fragments by forged "packet too big" messages (RFC 9715).
        const { assert!(libc::IP_PMTUDISC_OMIT == libc::IPV6_PMTUDISC_OMIT) };
        set_option(&inner, level, discover, libc::IP_PMTUDISC_OMIT)?;
        inner.bind(&address.into())?;
        Ok(Self { inner, address, wildcard })
    }

    /// Finds out whether `address` is free, which [`Socket::bind`] cannot tell, and which port it is when
    /// the port is 0. The socket is to be dropped before the real ones are bound.
    pub(crate) fn probe(address: SocketAddr) -> io::Result<(socket2::Socket, SocketAddr)> {
        let socket = new_socket(address)?;
        socket.bind(&address.into())?;
        let bound = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok((socket, bound))
    }

    /// Sends one message without waiting, from our address `from` where the socket has several.
    pub(crate) fn send(&self, message: &[u8], to: SocketAddr, from: IpAddr) -> io::Result<()> {
        let to = SockAddr::from(to);
        let mut control: Control = [0; 8];
        let mut part = libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() };
        // SAFETY: a header of zeros is a valid one.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_namelen = to.len();
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        if self.wildcard {
            header.msg_control = (&raw mut control).cast();
            header.msg_controllen = size_of::<Control>();
            // SAFETY: the header has a zeroed control buffer of `Control`'s size and alignment.
            header.msg_controllen = unsafe { write_pktinfo(&header, from) };
        }
        // SAFETY: all pointers lead to locals and parameters that outlive the call; the kernel only reads.
        let sent = unsafe { libc::sendmsg(self.inner.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn set_option(
    socket: &socket2::Socket,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the descriptor is open; the value is an int that lives through the call.
    let done =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(&value).cast(), length) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn new_socket(address: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 may stand side by side.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Answers what comes to `socket` until `stop`, then what has come by then.
pub(crate) fn run<S: Service>(socket: &Arc<Socket>, worker: &mut Worker<S>, stop: &AtomicBool) {
    let mut batch = Batch::new(socket.wildcard);
    let mut last_batches = LAST_BATCHES;
    loop {
        let stopping = stop.load(Ordering::Relaxed);
        if stopping {
            last_batches -= 1;
        }
        let flags = if stopping { libc::MSG_DONTWAIT } else { libc::MSG_WAITFORONE };
        match batch.receive(socket, flags) {
            Ok(received) => {
                for index in 0..received {
                    batch.answer(index, socket, worker);
                }
                for _ in 0..batch.send(socket) {
                    worker.counters().dropped(Dropped::SendFailed).bump();
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock if stopping => return,
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                // Out of memory, or an ICMP error of an answer before: never a reason to lose the worker.
                _ => std::thread::sleep(Duration::from_millis(1)),
            },
        }
        if last_batches == 0 {
            return;
        }
    }
}

/// The buffers of one message. Its size is no multiple of 4096, lest all slots share cache sets.
struct Slot {
    name: libc::sockaddr_storage,
    control: Control,
    part: libc::iovec,
    /// One octet above the longest query tells a longer one.
    query: [u8; UDP_QUERY + 1],
    reply: [u8; UDP_REPLY],
}

/// What one worker receives and sends with one system call each.
struct Batch {
    /// In cells, because the kernel writes to them by pointers that are kept in the headers.
    slots: Box<[UnsafeCell<Slot>]>,
    received: Box<[libc::mmsghdr; BATCH]>,
    /// The answers: the first `answers` headers, each pointing into the slot of its query.
    sending: Box<[libc::mmsghdr; BATCH]>,
    answers: usize,
    /// How many headers of `received` the kernel has changed.
    used: usize,
    wildcard: bool,
}

impl Batch {
    fn new(wildcard: bool) -> Self {
        // SAFETY: slots and headers are integers, arrays of them and pointers: all valid as zeros.
        let (slots, received, sending) = unsafe {
            (
                (0..BATCH).map(|_| UnsafeCell::new(mem::zeroed::<Slot>())).collect(),
                Box::new(mem::zeroed()),
                Box::new(mem::zeroed()),
            )
        };
        Self { slots, received, sending, answers: 0, used: BATCH, wildcard }
    }

    /// Receives up to [`BATCH`] messages; says how many came.
    fn receive(&mut self, socket: &Socket, flags: libc::c_int) -> io::Result<usize> {
        for index in 0..self.used {
            self.arm(index);
        }
        self.used = 0;
        self.answers = 0;
        // SAFETY: each of the BATCH headers points to the name, the control buffer and the part of its own
        // slot with their lengths (`arm`), and the part to the slot's query; slots live as long as `self`.
        let received = unsafe {
            libc::recvmmsg(
                socket.inner.as_raw_fd(),
                self.received.as_mut_ptr(),
                BATCH as libc::c_uint,
                flags as _,
                ptr::null_mut(),
            )
        };
        self.used = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        Ok(self.used)
    }

    /// Makes the header at `index` ready to receive: the kernel has changed its lengths, a sender its part.
    fn arm(&mut self, index: usize) {
        let slot = self.slots[index].get();
        let header = &mut self.received[index].msg_hdr;
        // SAFETY: `slot` points to a live slot, to which no reference exists now.
        unsafe {
            (*slot).part = libc::iovec { iov_base: (&raw mut (*slot).query).cast(), iov_len: UDP_QUERY + 1 };
            header.msg_name = (&raw mut (*slot).name).cast();
            header.msg_iov = &raw mut (*slot).part;
            if self.wildcard {
                header.msg_control = (&raw mut (*slot).control).cast();
            }
        }
        header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        header.msg_iovlen = 1;
        header.msg_controllen = if self.wildcard { size_of::<Control>() } else { 0 };
    }

    /// Has the worker answer the message at `index`; an answer joins those to send.
    fn answer<S: Service>(&mut self, index: usize, socket: &Arc<Socket>, worker: &mut Worker<S>) {
        let length = (self.received[index].msg_len as usize).min(UDP_QUERY + 1);
        let header = &self.received[index].msg_hdr;
        let slot = self.slots[index].get();
        // SAFETY: `recvmmsg` has filled this header and its slot and is over. The shared reference to the
        // query and the unique one to the reply are of different fields, and the only ones.
        let (name, packet, reply, local) = unsafe {
            (
                read_name(&(*slot).name),
                &(&(*slot).query)[..length],
                &mut (*slot).reply,
                if self.wildcard { read_pktinfo(header) } else { None },
            )
        };
        let Some(address) = name else { return };
        let local = local.unwrap_or(socket.address.ip());
        let client = Client { address, local, transport: Transport::Udp };
        let sink_to = || SinkTo::Udp { socket: Arc::clone(socket), client };
        let Some(length) = worker.handle(packet, &client, reply, sink_to) else { return };
        // SAFETY: as above; the references to query and reply are no longer used. The control buffer is
        // the slot's, which `write_pktinfo` may write to.
        unsafe {
            (*slot).part = libc::iovec { iov_base: (&raw mut (*slot).reply).cast(), iov_len: length };
            let mut answer = *header;
            answer.msg_flags = 0;
            answer.msg_controllen = 0;
            if self.wildcard && !local.is_unspecified() {
                answer.msg_controllen = size_of::<Control>();
                answer.msg_controllen = write_pktinfo(&answer, local);
            }
            self.sending[self.answers].msg_hdr = answer;
        }
        self.answers += 1;
    }

    /// Sends the answers; says how many the kernel refused.
    fn send(&mut self, socket: &Socket) -> usize {
        let (mut sent, mut refused) = (0, 0);
        while sent < self.answers {
            let rest = &mut self.sending[sent..self.answers];
            // SAFETY: these headers were filled by `answer`, and point to the sender's name in its slot, to
            // one part in its slot that spans `length` octets of the reply, and to a control message or none.
            let done = unsafe {
                libc::sendmmsg(socket.inner.as_raw_fd(), rest.as_mut_ptr(), rest.len() as libc::c_uint, 0)
            };
            match usize::try_from(done) {
                Ok(done) => sent += done,
                Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // The error is that of the first of the rest: no route, port 0, a full buffer for long.
                Err(_) => {
                    sent += 1;
                    refused += 1;
                }
            }
        }
        refused
    }
}

/// The sender that the kernel wrote, if it is an Internet one.
fn read_name(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is a `sockaddr_in`, which is smaller and no more aligned.
            let v4 = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a `sockaddr_in6`, which is smaller and no more aligned.
            let v6 = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// The address that a message came to.
///
/// # Safety
/// The header's control buffer is valid for its length, aligned as [`Control`], and filled by the kernel.
unsafe fn read_pktinfo(header: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the kernel's control messages lie one behind the other, each whole; data is read unaligned.
    unsafe {
        let first = libc::CMSG_FIRSTHDR(header);
        let message = first.as_ref()?;
        match (message.cmsg_level, message.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let info: libc::in_pktinfo = ptr::read_unaligned(libc::CMSG_DATA(first).cast());
                Some(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr)).into())
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let info: libc::in6_pktinfo = ptr::read_unaligned(libc::CMSG_DATA(first).cast());
                Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

/// Writes the control message that makes an answer leave from `from`, by whatever interface the routes
/// say; returns its length in octets.
///
/// # Safety
/// The header's control buffer is a [`Control`] that may be written to, and its length says so.
unsafe fn write_pktinfo(header: &libc::msghdr, from: IpAddr) -> usize {
    const V4: usize = size_of::<libc::in_pktinfo>();
    const V6: usize = size_of::<libc::in6_pktinfo>();
    const { assert!(size_of::<libc::cmsghdr>() + V6 + 4 <= size_of::<Control>() && V4 <= V6) };
    let mut info = [0; V6];
    let (level, kind, length) = match from {
        // Interface 0, then the address to leave from.
        IpAddr::V4(v4) => {
            info[4..8].copy_from_slice(&v4.octets());
            (libc::IPPROTO_IP, libc::IP_PKTINFO, V4)
        }
        // The address, then interface 0.
        IpAddr::V6(v6) => {
            info[..16].copy_from_slice(&v6.octets());
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, V6)
        }
    };
    // SAFETY: the caller's buffer has room for one message of either kind, as asserted above.
    unsafe {
        let first = libc::CMSG_FIRSTHDR(header);
        (*first).cmsg_level = level;
        (*first).cmsg_type = kind;
        (*first).cmsg_len = libc::CMSG_LEN(length as libc::c_uint) as _;
        ptr::copy_nonoverlapping(info.as_ptr(), libc::CMSG_DATA(first), length);
        libc::CMSG_SPACE(length as libc::c_uint) as usize
    }
}

/// Ties the calling thread to one of the cores that it may run on: the `index`th, counted round.
pub(crate) fn pin(index: usize) -> io::Result<()> {
    // SAFETY: thread 0 is the calling one; zeros are a valid set, and the size that is given is the set's.
    let (done, allowed) = unsafe {
        let mut allowed: libc::cpu_set_t = mem::zeroed();
        let done = libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut allowed);
        (done, allowed)
    };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the index stays below the size of the set.
    let may = |&core: &usize| unsafe { libc::CPU_ISSET(core, &allowed) };
    let cores: Vec<usize> = (0..libc::CPU_SETSIZE as usize).filter(may).collect();
    let Some(&core) = cores.get(index % cores.len().max(1)) else { return Ok(()) };
    // SAFETY: zeros are a valid set; the core is below its size; thread 0 is the calling one.
    let done = unsafe {
        let mut one: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(core, &mut one);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
