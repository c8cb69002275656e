//! A static that can be changed: what a guest keeps from call to call.
use core::cell::RefCell;

/// `static TASKS: Global<Vec<u64>> = Global::new(Vec::new());`, then `TASKS.with(|tasks| tasks.push(1))`. Panics if
/// used inside of its own `with`.
pub struct Global<T>(RefCell<T>);

// A guest has one thread.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    pub const fn new(value: T) -> Global<T> {
        Global(RefCell::new(value))
    }

    /// Do not end the call from within (`reply`): the next call would find the value in use. A fault does no harm,
    /// since nothing of the call remains.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.borrow_mut())
    }
}
