//! Commit statuses for forges, made from events, one after the other, at the pace of the forge.

use super::events::{Reader, reader_without_details};
use crate::forge::{Reporter, Status};
use crate::name::StackName;

/// Reports what it is told to a forge, for as long as somebody may tell it something. What is about no stack is told of
/// `stack`.
pub(super) fn to(reporter: Reporter, stack: Option<StackName>) -> Reader {
    let (reader, mut events) = reader_without_details();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Some(status) = Status::of(&event, stack.as_ref()) {
                reporter.report(&status).await;
            }
        }
    });
    reader
}
