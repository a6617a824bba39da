//! The floor: a server that receives and sends in batches, sets QR and parses nothing. What a DNS server
//! costs above it is its own doing. The one file of this crate with `unsafe`: std has no `recvmmsg`.

#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

/// Datagrams of one system call at the most.
const BATCH: usize = 32;

/// Octets of a datagram at the most.
const SIZE: usize = 4096;

/// Sends every datagram that arrives at `address` back with QR set, until the process is killed.
///
/// # Errors
/// When `address` cannot be bound, or receiving fails.
pub(crate) fn run(address: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    let mut buffers = vec![[0_u8; SIZE]; BATCH];
    // SAFETY: all three are C structures of integers and pointers, for which all bits zero is a value.
    let (mut peers, mut vectors, mut messages): (
        [libc::sockaddr_storage; BATCH],
        [libc::iovec; BATCH],
        [libc::mmsghdr; BATCH],
    ) = unsafe { mem::zeroed() };
    for index in 0..BATCH {
        vectors[index].iov_base = buffers[index].as_mut_ptr().cast();
        let header = &mut messages[index].msg_hdr;
        header.msg_name = ptr::from_mut(&mut peers[index]).cast();
        header.msg_iov = ptr::from_mut(&mut vectors[index]);
        header.msg_iovlen = 1;
    }
    loop {
        for index in 0..BATCH {
            vectors[index].iov_len = SIZE;
            messages[index].msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as u32;
        }
        // SAFETY: each header points to its own peer address and vector, each vector to its own buffer of
        // SIZE octets; all of them outlive the loop and are not moved.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_WAITFORONE,
                ptr::null_mut(),
            )
        };
        let Ok(received) = usize::try_from(received) else {
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => continue,
                error => return Err(error),
            }
        };
        for index in 0..received {
            vectors[index].iov_len = messages[index].msg_len as usize;
            // SAFETY: the pointer of this vector is that of this buffer. Written through it, so that the
            // kernel's pointer stays the one in use.
            unsafe { *vectors[index].iov_base.cast::<u8>().add(2) |= 0x80 };
        }
        let mut sent = 0;
        while sent < received {
            // SAFETY: as above; the first `received` headers name what recvmmsg has just filled.
            let count = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    messages.as_mut_ptr().add(sent),
                    (received - sent) as u32,
                    0,
                )
            };
            // An error belongs to the first datagram: skip it.
            sent += usize::try_from(count).unwrap_or(1).max(1);
        }
    }
}
