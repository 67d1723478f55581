//! Checks many files in parallel.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

/// Fewer items than this are not worth a thread.
const WORTH_A_THREAD: usize = 16;

/// The results of `work` for each item, in order.
pub(super) fn each<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    things.par_iter().with_min_len(WORTH_A_THREAD).map(work).collect()
}
