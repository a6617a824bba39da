//! What everything else counts by: classes of addresses, groups of clients, address families.

use std::net::IpAddr;

use wire::Rtype;

/// A class of addresses: an index into [`Layout::classes`](crate::Layout::classes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(u32);

impl ClassId {
    /// The class at `index` of [`Layout::classes`](crate::Layout::classes).
    pub(crate) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The index into [`Layout::classes`](crate::Layout::classes).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A group of clients: an index into [`Layout::groups`](crate::Layout::groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(u32);

impl GroupId {
    /// The group at `index` of [`Layout::groups`](crate::Layout::groups).
    pub(crate) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The index into [`Layout::groups`](crate::Layout::groups).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4: A records.
    V4 = 0,
    /// IPv6: AAAA records.
    V6 = 1,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The families that a type asks for, the first one preferred: ANY takes one RRset (RFC 8482 §4.1).
    pub fn asked_by(rtype: Rtype) -> &'static [Self] {
        match rtype {
            Rtype::A => &[Self::V4],
            Rtype::AAAA => &[Self::V6],
            Rtype::ANY => &[Self::V4, Self::V6],
            _ => &[],
        }
    }
}
