//! A queue of tasks by priority. The queue is an ordinary collection in a static: it lives on from call to call, since
//! the static and the arena of `alloc` are part of the Instance's state.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::collections::{BTreeMap, VecDeque};
use javm::{Global, println};

javm::arena!();
javm::panic_prints!();
javm::endpoint!(0, push);
javm::endpoint!(1, pop);
javm::endpoint!(2, sum);
javm::endpoint!(3, show);

/// The tasks of each priority, in the order in which they came.
static TASKS: Global<BTreeMap<u64, VecDeque<u64>>> = Global::new(BTreeMap::new());

/// Puts a task into the queue; returns how many there are now.
fn push(priority: u64, task: u64) -> u64 {
    TASKS.with(|tasks| {
        tasks.entry(priority).or_default().push_back(task);
        tasks.values().map(|of_one| of_one.len() as u64).sum()
    })
}

/// Takes the oldest task of the highest priority. An empty queue is a panic, and so a fault of the call.
fn pop() -> u64 {
    TASKS.with(|tasks| {
        let mut highest = tasks.last_entry().expect("the queue is empty");
        let task = highest.get_mut().pop_front().expect("no priority is without tasks");
        if highest.get().is_empty() {
            highest.remove();
        }
        task
    })
}

/// The sum of all tasks in the queue.
fn sum() -> u64 {
    TASKS.with(|tasks| tasks.values().flatten().fold(0, |sum: u64, task| sum.wrapping_add(*task)))
}

/// Prints the queue; returns how many priorities there are.
fn show() -> u64 {
    TASKS.with(|tasks| {
        for (priority, of_one) in tasks.iter().rev() {
            println!("{priority}: {of_one:?}");
        }
        tasks.len() as u64
    })
}
