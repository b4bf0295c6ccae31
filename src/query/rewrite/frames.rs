//! Bounds of window frames, which the planner reads as they were written.

use super::Rewriter;
use datafusion::sql::sqlparser::ast::{NamedWindowDefinition, NamedWindowExpr, WindowFrameBound, WindowSpec};

impl Rewriter<'_> {
    pub(super) fn keep_named_frames(&mut self, windows: &[NamedWindowDefinition]) {
        for NamedWindowDefinition(_, window) in windows {
            if let NamedWindowExpr::WindowSpec(window) = window {
                self.keep_frame(window);
            }
        }
    }

    pub(super) fn keep_frame(&mut self, window: &WindowSpec) {
        let Some(frame) = &window.window_frame else { return };
        for bound in [Some(&frame.start_bound), frame.end_bound.as_ref()].into_iter().flatten() {
            if let WindowFrameBound::Preceding(Some(amount)) | WindowFrameBound::Following(Some(amount)) = bound {
                self.kept.insert(std::ptr::from_ref(amount.as_ref()));
            }
        }
    }
}
