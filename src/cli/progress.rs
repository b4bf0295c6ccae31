//! A line on the terminal while something takes longer than a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Shows itself after a second, and is gone without a trace when it is dropped. Without a terminal it is nothing.
pub struct Line {
    bar: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

impl Line {
    /// `text` is asked again and again for what there is to say.
    pub fn watch(text: impl Fn() -> String + Send + 'static) -> Line {
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").unwrap_or_else(|_| plain());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style);
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            loop {
                shown.set_message(text());
                shown.tick();
                tokio::time::sleep(STEP).await;
            }
        });
        Line { bar, task }
    }
}

fn plain() -> ProgressStyle {
    ProgressStyle::default_spinner()
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}
