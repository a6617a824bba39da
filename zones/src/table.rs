//! Names to values: an open-addressing table. Names stand in the caller's arena, folded and in wire form,
//! so that what belongs to a name can stand beside it.

use xxhash_rust::xxh3::xxh3_64;

const EMPTY: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Slot<T> {
    hash: u32,
    name_at: u32,
    value: T,
}

/// A table of names; a look-up reads one slot and one name nearly always.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    slots: Vec<Slot<T>>,
    used: usize,
}

impl<T: Copy + Default> Table<T> {
    /// A table that takes so many names without growing.
    pub(crate) fn with_capacity(names: usize) -> Self {
        let slots = (names * 4 / 3 + 1).next_power_of_two().max(8);
        Self { slots: vec![Slot { hash: 0, name_at: EMPTY, value: T::default() }; slots], used: 0 }
    }

    /// The value of `name`.
    #[inline]
    pub(crate) fn get(&self, names: &[u8], name: &[u8]) -> Option<T> {
        let slot = &self.slots[self.search(names, name, hash(name))];
        (slot.name_at != EMPTY).then_some(slot.value)
    }

    /// Sets the value of the name that begins at `name_at` of `names` and has `len` octets.
    pub(crate) fn insert(&mut self, names: &[u8], name_at: u32, len: usize, value: T) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let start = name_at as usize;
        let name = names.get(start..start + len).unwrap_or_default();
        let hash = hash(name);
        let at = self.search(names, name, hash);
        self.used += usize::from(self.slots[at].name_at == EMPTY);
        self.slots[at] = Slot { hash, name_at, value };
    }

    /// Octets that it holds in memory.
    pub(crate) fn size(&self) -> usize {
        self.slots.len() * size_of::<Slot<T>>()
    }

    /// The slot of `name`, or the empty one where it belongs. Ends because a quarter is always empty.
    #[inline]
    fn search(&self, names: &[u8], name: &[u8], hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = &self.slots[at];
            // A name in wire form ends itself: one that begins with another whole name is that name.
            let same = |slot: &Slot<T>| {
                names.get(slot.name_at as usize..).is_some_and(|names| names.starts_with(name))
            };
            if slot.name_at == EMPTY || (slot.hash == hash && same(slot)) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let twice = Self::with_capacity(self.slots.len()).slots;
        let mask = twice.len() - 1;
        for slot in std::mem::replace(&mut self.slots, twice) {
            if slot.name_at != EMPTY {
                let mut at = slot.hash as usize & mask;
                while self.slots[at].name_at != EMPTY {
                    at = (at + 1) & mask;
                }
                self.slots[at] = slot;
            }
        }
    }
}

fn hash(name: &[u8]) -> u32 {
    xxh3_64(name) as u32
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Grown from nothing, it finds each name's last value, and no other name; ends of names count too.
    #[test]
    fn many_names() {
        let (mut table, mut names) = (Table::with_capacity(0), Vec::new());
        let wire = |number: u32| -> Vec<u8> {
            let text = format!("x{number}");
            [&[text.len() as u8], text.as_bytes(), b"\x01z\x00"].concat()
        };
        for number in 0..10_000 {
            let at = names.len() as u32;
            names.extend_from_slice(&wire(number));
            table.insert(&names, at, wire(number).len(), number);
            if number == 0 {
                table.insert(&names, names.len() as u32 - 3, 3, u32::MAX);
            }
        }
        table.insert(&names, 0, wire(0).len(), 7);
        assert_eq!(table.get(&names, &wire(0)), Some(7));
        assert!((1..10_000).all(|number| table.get(&names, &wire(number)) == Some(number)));
        assert_eq!(table.get(&names, b"\x01z\x00"), Some(u32::MAX));
        assert_eq!((table.get(&names, &wire(10_000)), table.get(&names, b"\x00")), (None, None));
        assert_eq!(table.used, 10_001);
    }
}
