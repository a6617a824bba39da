//! local-dns
