//! The evidence about a port as root sees it, with the defaults of Linux.

use sockeye::model::{Evidence, Holder, Limits, Moment};

/// These sockets, and nothing else that decides about a bind.
pub fn evidence(taken_at: Moment, holders: Vec<Holder>) -> Evidence {
    Evidence {
        limits: Limits {
            uid: Some(0),
            sudo_uid: None,
            home: None,
            is_confined: false,
            unprivileged_from: Some(1024),
            has_bind_capability: Some(true),
            is_in_user_namespace: Some(false),
            ephemeral: Some(32_768..=60_999),
            reserved: Some(Vec::new()),
            is_ipv6_off: Some(false),
            security_modules: None,
            unit: None,
            unready: Vec::new(),
            inside: None,
            excluded: None,
        },
        ..Evidence::new(taken_at, holders)
    }
}
