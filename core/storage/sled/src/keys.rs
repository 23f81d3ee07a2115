//! Keys without the byte 255.
//!
//! sled finds the leaf before another by a key that is a little smaller, and takes four bytes 255 for larger
//! than any ending. Where a key has more of them, such as that of a small negative number, walking backwards
//! panics. So `fe` is stored as `fe 00` and `ff` as `fe 01`, which keeps the order of keys.

const ESCAPE: u8 = 0xfe;

/// The key as it is stored.
pub(crate) fn stored(key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len().saturating_add(8));
    for byte in key {
        match byte.checked_sub(ESCAPE) {
            None => stored.push(*byte),
            Some(rest) => stored.extend([ESCAPE, rest]),
        }
    }
    stored
}

/// The key that is stored so; `None` where none is.
pub(crate) fn read(stored: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(stored.len());
    let mut bytes = stored.iter();
    while let Some(byte) = bytes.next() {
        key.push(match *byte {
            ESCAPE => match bytes.next() {
                Some(0) => ESCAPE,
                Some(1) => u8::MAX,
                _ => return None,
            },
            u8::MAX => return None,
            other => other,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All strings of up to four of these bytes.
    fn strings() -> Vec<Vec<u8>> {
        let mut all = vec![vec![]];
        let mut last = all.clone();
        for _ in 0..4 {
            last = last
                .iter()
                .flat_map(|start: &Vec<u8>| {
                    [0, 1, 0xfd, 0xfe, 0xff].map(|byte| [&start[..], &[byte]].concat())
                })
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn keys_keep_their_order_and_come_back() {
        let mut keys = strings();
        keys.sort();
        for key in &keys {
            assert_eq!(read(&stored(key)).as_ref(), Some(key));
            assert!(!stored(key).contains(&0xff));
        }
        assert!(keys.iter().map(|key| stored(key)).is_sorted());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [&[0xff][..], &[0xfe], &[0xfe, 2], &[0, 0xfe, 0xff]] {
            assert_eq!(read(bad), None);
        }
    }
}
