//! Many files at once.

use std::num::NonZero;
use std::thread;

/// Fewer things than this are not worth a thread.
const WORTH_A_THREAD: usize = 16;

/// What `work` makes of each, in their order; with as many threads as the machine has processors, if there are enough things.
pub(super) fn each<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = processors.min(things.len() / WORTH_A_THREAD).max(1);
    if threads == 1 {
        return things.iter().map(work).collect();
    }
    // Pieces that are small beside the whole, so that no thread waits long for another with the large files.
    let (next, size) = (std::sync::atomic::AtomicUsize::new(0), (things.len() / (threads * 8)).max(1));
    let pieces: Vec<&[T]> = things.chunks(size).collect();
    let take = || {
        let mut done = Vec::new();
        while let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            && let Some(piece) = pieces.get(number)
        {
            done.push((number, piece.iter().map(&work).collect::<Vec<R>>()));
        }
        done
    };
    let mut done: Vec<(usize, Vec<R>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let results = workers.into_iter().map(thread::ScopedJoinHandle::join);
        results.flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept() {
        for count in [0, 1, 15, 100, 1001] {
            let things: Vec<usize> = (0..count).collect();
            assert_eq!(each(&things, |thing| thing * 2), (0..count).map(|thing| thing * 2).collect::<Vec<_>>());
        }
    }
}
