//! Functions that are ours.

/// How it is called, and what it answers.
pub const ALL: &[(&str, &str)] = &[
    (
        "predict('model', *)",
        "the library's own answer: a regressor's value as `double precision`, a classifier's label. `*` binds every \
         input to the column of its name; `'model@3'` names a version",
    ),
    (
        "predict('model', a, b, input => expression)",
        "the same with inputs given: a bare column binds to the input of its name, `=>` gives any expression",
    ),
    (
        "predict_proba('model', …)",
        "a binary classifier's probability of its last class as `double precision`, a multiclass one's as \
         `double precision[]` in the order of its classes",
    ),
    ("predict_raw('model', …)", "the margin before link or softmax"),
    ("model_name(a, b, …)", "every model is a function of its own name as well"),
    ("param('name')", "a workflow's parameter, in its declared type; inside workflows only, as all below"),
    ("run_id()", "the run's id"),
    ("scheduled_at()", "the instant for which the run was due"),
    ("interval_start()", "start of the time that the run stands for: the tick before its own"),
    ("interval_end()", "end of that time: the run's own tick"),
    (
        "run_status()",
        "in FINALLY: `succeeded`, `succeeded_with_warnings`, `blocked`, `failed`, `timed_out` or `canceled`",
    ),
];
