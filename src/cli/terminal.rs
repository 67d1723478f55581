//! What happens, on the terminal: lines, and under them for a person who watches, what is waited for.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::oneshot;

use super::output;
use crate::controller::clock::Clock;
use crate::controller::events::{EventQueue, EventSender, reader};
use crate::event::{Event, Narrator, What};
use crate::health::Waiting;
use crate::text::{one_line, visible};

/// Shows what happens while something is done, all of it before that comes back.
pub(super) async fn shown<T>(work: impl AsyncFnOnce(&EventSender) -> T) -> T {
    let (reader, queue) = reader();
    let (done, ended) = oneshot::channel();
    let work = async {
        let result = work(&EventSender::new(Clock::System, []).to([reader])).await;
        drop(done);
        result
    };
    tokio::join!(work, show(queue, ended)).0
}

async fn show(mut events: EventQueue, mut ended: oneshot::Receiver<()>) {
    let mut screen = Screen::default();
    while let Some(event) = events.next_until(&mut ended).await {
        screen.show(&event);
    }
    screen.clear();
}

#[derive(Default)]
struct Screen {
    narrator: Narrator,
    /// There while something rolls out.
    bar: Option<ProgressBar>,
}

impl Screen {
    fn show(&mut self, event: &Event) {
        let is_over = matches!(event.what, What::Verdict { .. });
        if is_over {
            self.clear();
        } else if self.bar.is_none() && event.subject.release.is_some() && output::is_watched() {
            self.bar = Some(bar());
        }
        let lines = self.narrator.say(event);
        match (&self.bar, &event.what) {
            (Some(bar), What::Waiting { services }) => bar.set_message(one_line(&summary(services)).into_owned()),
            (Some(bar), What::Settling) => bar.set_message("all tasks run; waiting to see whether they stay up"),
            (Some(bar), _) => lines.iter().for_each(|line| bar.println(visible(line))),
            (None, _) => lines.iter().for_each(|line| output::line(line)),
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}").expect("the template is valid"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn summary(waiting: &[Waiting]) -> String {
    let services = waiting.iter().map(|one| format!("{} {}/{} {}", one.service, one.running, one.wanted, one.what));
    services.collect::<Vec<_>>().join(", ")
}
