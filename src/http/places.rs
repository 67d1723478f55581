//! Connection limits: in total, for each address, and a reserve for this machine.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::serve::Limits;

/// The connection slots. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Places {
    limits: Limits,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    shared: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A slot, which is released when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    /// The address that it counts for; `None` if it is reserved.
    client: Option<IpAddr>,
}

impl Place {
    /// Whether it is reserved for this machine.
    pub(super) fn is_reserved(&self) -> bool {
        self.client.is_none()
    }
}

impl Places {
    pub(super) fn of(limits: Limits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// A slot for a connection from this address; `None` if none is free.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let client = client(address);
        let mut taken = self.taken();
        let of_client = taken.by_address.get(&client).copied().unwrap_or_default();
        if taken.shared < self.limits.connections && of_client < self.limits.per_address {
            taken.shared += 1;
            taken.by_address.insert(client, of_client + 1);
            return Some(Place { places: self.clone(), client: Some(client) });
        }
        let reserved = client.is_loopback() && self.limits.reserved > 0;
        reserved.then(|| Place { places: self.clone(), client: None })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut taken = self.places.taken();
        taken.shared -= 1;
        match taken.by_address.get_mut(&client) {
            Some(count @ 2..) => *count -= 1,
            _ => drop(taken.by_address.remove(&client)),
        }
    }
}

/// The key of an address: an IPv6 client has its own network of 64 bits.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places::of(Limits { connections: 4, per_address: 2, reserved: 1, ..Limits::default() })
    }

    /// What each of these gets, while all of those before it keep theirs.
    fn taken(addresses: &[&str]) -> String {
        let places = places();
        let taken: Vec<_> = addresses.iter().map(|address| places.take(address.parse().unwrap())).collect();
        let word = |place: &Option<Place>| match place {
            Some(place) if place.is_reserved() => "reserved",
            Some(_) => "shared",
            None => "none",
        };
        taken.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_address_has_a_share_and_this_machine_a_reserve() {
        assert_eq!(taken(&["10.0.0.1"; 3]), "shared shared none");
        assert_eq!(
            taken(&["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]),
            "shared shared shared shared none"
        );
        assert_eq!(
            taken(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "127.0.0.1", "::1"]),
            "shared shared shared shared reserved reserved"
        );
        assert_eq!(
            taken(&["127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1"]),
            "shared shared reserved reserved"
        );
        assert_eq!(
            taken(&["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]),
            "shared shared none shared"
        );
    }

    #[test]
    fn a_place_is_given_back() {
        let places = places();
        let address = "127.0.0.1".parse().unwrap();
        for _ in 0..3 {
            let taken: Vec<_> = (0..4).map(|_| places.take(address)).collect();
            assert_eq!(taken.iter().flatten().filter(|place| place.is_reserved()).count(), 2);
        }
        let taken = places.taken();
        assert_eq!((taken.shared, taken.by_address.len()), (0, 0));
    }
}
