//! The invariants of the ledger, checked from the outside.

use super::Workflows;
use crate::base::Result;

/// Each query answers the objects that break the rule of its sentence.
const RULES: &[(&str, &str)] = &[
    (
        "has ended without a time, or goes on with one",
        "SELECT 'run ' || run_id AS object FROM aqueduct_run WHERE (finished_at IS NULL) <>
           (status IN ('queued', 'running', 'retry_wait', 'publishing', 'finalizing'))",
    ),
    (
        "was published but its run was not",
        "SELECT 'publication of run ' || p.run_id || ' to ' || p.target AS object FROM aqueduct_publication p
         JOIN aqueduct_run r ON r.run_id = p.run_id WHERE p.state = 'published' AND r.status = 'blocked'",
    ),
    (
        "is in doubt although no run may still settle it twice",
        "SELECT 'target ' || target AS object FROM aqueduct_publication WHERE state = 'in_doubt' GROUP BY target HAVING count(*) > 1",
    ),
    (
        "belongs to no run",
        "SELECT 'step ' || step || ' of run ' || run_id AS object FROM aqueduct_step_run
         WHERE run_id NOT IN (SELECT run_id FROM aqueduct_run)",
    ),
    (
        "ended without an event that says so",
        "SELECT 'run ' || r.run_id AS object FROM aqueduct_run r WHERE r.finished_at IS NOT NULL AND NOT EXISTS
           (SELECT 1 FROM aqueduct_event e WHERE e.run_id = r.run_id AND e.kind = r.status)",
    ),
    (
        "blocks although its run was published",
        "SELECT 'check ' || c.check_name || ' of run ' || c.run_id AS object FROM aqueduct_check_result c
         JOIN aqueduct_run r ON r.run_id = c.run_id WHERE c.status = 'errored' AND r.status LIKE 'succeeded%'",
    ),
    (
        "succeeded without a publication of one of its targets",
        "SELECT 'run ' || r.run_id AS object FROM aqueduct_run r JOIN aqueduct_publication p ON p.run_id = r.run_id
         WHERE r.status LIKE 'succeeded%' AND p.state <> 'published'",
    ),
];

impl Workflows {
    /// One line for each thing in the ledger that cannot be.
    pub async fn verify(&self) -> Result<Vec<String>> {
        let mut problems = vec![];
        for (rule, sql) in RULES {
            for row in self.catalog.store().query(sql, &[]).await? {
                problems.push(format!("{} {rule}", row.text("object")?));
            }
        }
        Ok(problems)
    }
}
