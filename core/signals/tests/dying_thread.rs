//! What a thread leaves behind that ends. A program of its own: any thread that reacts takes over what was left,
//! and in other programs other tests do.

#![allow(clippy::unwrap_used, reason = "the tools of a test")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ankurah_signals::{WritableSignal, effect};

#[test]
fn what_a_dying_thread_sets_off_is_not_lost() {
    struct Last(WritableSignal<u64>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.set(1);
        }
    }
    thread_local!(static LAST: Mutex<Option<Last>> = const { Mutex::new(None) });
    let source = WritableSignal::new(0);
    let seen = Arc::new(AtomicU64::new(0));
    let _subscription = {
        let (source, seen) = (source.clone(), seen.clone());
        effect(move || seen.store(source.get(), Ordering::SeqCst))
    };
    // A scope would not wait for the destructors of the thread's locals; joining the thread does.
    let dying = thread::spawn(move || LAST.with(|last| *last.lock().unwrap() = Some(Last(source))));
    dying.join().unwrap();
    // Whichever of the thread's locals went first: at the latest the next write anywhere sees to it.
    WritableSignal::new(0).set(1);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}
