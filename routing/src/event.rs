//! What happens to the network.

use crate::topology::{Asn, CarrierId, PrefixId, RouterId, SessionId};

/// A change in who hears what. Of a filter, None means all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Announcements that are taken back.
    Withdraw {
        /// By this router only.
        router: Option<RouterId>,
        /// From this carrier only.
        carrier: Option<CarrierId>,
        /// This prefix only.
        prefix: Option<PrefixId>,
    },
    /// Announcements of the topology that are made again.
    Announce {
        /// By this router only.
        router: Option<RouterId>,
        /// To this carrier only.
        carrier: Option<CarrierId>,
        /// This prefix only.
        prefix: Option<PrefixId>,
    },
    /// A session breaks; what was announced over it is gone until it is up.
    SessionDown(SessionId),
    /// A session is up again.
    SessionUp(SessionId),
    /// All links between two ASes break, ours to a carrier included.
    LinkDown(Asn, Asn),
    /// They are up again.
    LinkUp(Asn, Asn),
}
