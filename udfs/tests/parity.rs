//! Parity: what a model answers in a query is what the library that trained it answers.
//!
//! `parity/train.py` trains the models and writes them beside Parquet files of rows and of the libraries' answers. Each
//! is then read by us and asked through a `ScalarUDF` in DataFusion. Run by `make test`, which prepares Python.
mod parity {
    pub mod compare;
    pub mod hostile;
    pub mod train;
}

use std::collections::BTreeMap;
use std::sync::Arc;

use aqueduct_udfs::{Format, InputOverride, Model, NullRule, Output, function};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use parity::compare::{self, Difference};
use parity::train::{self, Case};

/// The largest difference allowed. Trees, and XGBoost's linear models: none, as votes are added in the library's order.
/// ONNX Runtime's matrix products add in another order, and its tanh and sigmoid are polynomials.
fn allowed(case: &Case) -> Difference {
    let dense = ["linear", "ridge", "logistic", "minmax", "norm", "binarizer", "svc", "mlp", "network", "one_hot"];
    match case.format.as_str() {
        "onnx" if dense.iter().any(|word| case.name.contains(word)) => Difference { ulp: u64::MAX, relative: 2e-5 },
        _ => Difference { ulp: 0, relative: 0.0 },
    }
}

#[tokio::test]
async fn every_model_answers_as_its_library_does() {
    let corpus = train::corpus();
    let mut failures = vec![];
    let mut worst: BTreeMap<String, Difference> = BTreeMap::new();
    for case in &corpus.cases {
        match score(case).await {
            Ok(differences) => {
                for (what, difference) in differences {
                    println!("{:40} {what:6} {difference}", case.name);
                    worst.entry(case.format.clone()).or_default().include(&difference);
                    if !difference.is_within(&allowed(case)) {
                        failures.push(format!("{} {what}: {difference}", case.name));
                    }
                }
            }
            Err(error) => failures.push(format!("{}: {error}", case.name)),
        }
    }
    worst.iter().for_each(|(format, difference)| println!("{format}: at most {difference}"));
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), corpus.cases.len(), failures.join("\n"));
    assert!(corpus.cases.len() >= 90, "only {} cases were trained", corpus.cases.len());
}

/// Asks for each answer that the library gave, over the whole file.
async fn score(case: &Case) -> Result<Vec<(String, Difference)>, String> {
    let format: Format = case.format.parse().map_err(|e| format!("{e}"))?;
    let model = Model::read(format, &case.model).map_err(|e| format!("{e}"))?;
    let model = Arc::new(model);
    // Small batches, so that blocks end in the middle.
    let context = SessionContext::new_with_config(SessionConfig::new().with_batch_size(333));
    context.register_parquet("rows", &case.rows, ParquetReadOptions::default()).await.map_err(|e| e.to_string())?;
    let mut differences = vec![];
    for (what, output) in [("value", Output::Value), ("proba", Output::Probability), ("raw", Output::Raw)] {
        if !case.answers.contains(&what.to_string()) {
            continue;
        }
        context.register_udf(function(model.clone(), what, output));
        let arguments: Vec<String> = model.used_inputs().map(|input| format!("\"{}\"", input.name)).collect();
        let sql = format!("SELECT {what}({}) AS ours, \"@{what}\" AS theirs FROM rows", arguments.join(", "));
        let batches = context.sql(&sql).await.map_err(|e| e.to_string())?.collect().await.map_err(|e| e.to_string())?;
        differences.push((what.to_string(), compare::columns(&batches)?));
    }
    Ok(differences)
}

#[test]
fn a_hostile_file_is_refused_and_never_panics() {
    let corpus = train::corpus();
    for case in corpus.cases.iter().step_by(3) {
        let format: Format = case.format.parse().unwrap();
        for bytes in parity::hostile::mutations(&case.model) {
            // Either answer is right; what is read must also score.
            if let Ok(model) = Model::read(format, &bytes) {
                let rows = 3;
                let arrays: Vec<ArrayRef> =
                    model.used_inputs().map(|input| parity::hostile::column(&input.data_type, rows)).collect();
                let _ = model.score(Output::Value, &arrays, rows);
            }
        }
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let corpus = train::corpus();
    for case in corpus.cases.iter().step_by(5) {
        let format: Format = case.format.parse().unwrap();
        for part in [1, 2, 3] {
            // LightGBM's footer is of no consequence but for its categories.
            let end = if format == Format::Lightgbm { find(&case.model, b"end of trees") } else { case.model.len() };
            let error = Model::read(format, &case.model[..end * part / 4]).expect_err(&case.name);
            assert!(!error.message.is_empty() && error.message.lines().count() == 1, "{error}");
        }
    }
}

fn find(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).position(|window| window == word).unwrap()
}

#[test]
fn a_file_of_another_format_is_named() {
    let corpus = train::corpus();
    for case in &corpus.cases {
        let own: Format = case.format.parse().unwrap();
        assert_eq!(aqueduct_udfs::sniff(&case.model), Some(own), "{}", case.name);
        for other in Format::all().filter(|other| *other != own) {
            let error = Model::read(other, &case.model).unwrap_err().to_string();
            assert!(error.contains("this looks like") && error.ends_with(&format!("not {other}")), "{error}");
        }
    }
}

fn named(name: &str) -> Model {
    let corpus = train::corpus();
    let case = corpus.cases.iter().find(|case| case.name == name).unwrap();
    Model::read(case.format.parse().unwrap(), &case.model).unwrap()
}

async fn ask(model: Model, output: Output, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let context = SessionContext::new();
    context.register_udf(function(Arc::new(model), "delay", output));
    context.sql(sql).await.map_err(|e| e.to_string())?.collect().await.map_err(|e| e.to_string())
}

fn declare(name: &str, data_type: Option<DataType>, null: Option<NullRule>) -> InputOverride {
    InputOverride { name: name.into(), data_type, null }
}

#[tokio::test]
async fn an_input_of_the_wrong_type_is_named_at_planning() {
    let values = |carrier: &str| format!("SELECT delay(1.5, {carrier}, 5, NULL, 'JFK')");
    let error = ask(named("lightgbm_pandas_binary"), Output::Value, &values("true")).await.unwrap_err();
    assert!(error.contains("input \"carrier\" of model \"delay\" is text, got boolean"), "{error}");
    let error = ask(named("lightgbm_pandas_binary"), Output::Value, "SELECT delay(1.5, 'AA')").await.unwrap_err();
    assert!(error.contains("takes 5 inputs, got 2") && error.contains("carrier text"), "{error}");
    assert!(ask(named("lightgbm_pandas_binary"), Output::Value, &values("NULL")).await.is_ok());
    let error =
        ask(named("lightgbm_regression"), Output::Probability, "SELECT delay(1, 2, 3, 4, 5, 6)").await.unwrap_err();
    assert!(error.contains("is not a classifier"), "{error}");
}

#[tokio::test]
async fn a_null_follows_the_rule_of_its_input() {
    let sql = "SELECT delay(column1, 'AA', 5, 0.5, 'JFK') FROM (VALUES (1.5), (NULL))";
    let declared =
        |rule| named("lightgbm_pandas_binary").with_inputs(&[declare("distance", None, Some(rule))]).unwrap();
    let error = ask(declared(NullRule::NotNull), Output::Raw, sql).await.unwrap_err();
    assert!(error.contains("input \"distance\" of model \"delay\" is NULL"), "{error}");
    let filled = ask(declared(NullRule::Number(1.5)), Output::Raw, sql).await.unwrap();
    let plain = ask(declared(NullRule::Missing), Output::Raw, "SELECT delay(1.5, 'AA', 5, 0.5, 'JFK')").await.unwrap();
    assert_eq!(
        compare::flat(filled[0].column(0)),
        [compare::flat(plain[0].column(0)), compare::flat(plain[0].column(0))].concat()
    );
}

#[tokio::test]
async fn a_category_xgboost_never_saw_is_an_error_that_names_it() {
    let error =
        ask(named("xgboost_pandas_json"), Output::Value, "SELECT delay(1.5, 'ZZ', 5, NULL, 'JFK')").await.unwrap_err();
    assert!(error.contains("input \"carrier\" of model \"delay\" has the category \"ZZ\""), "{error}");
}

#[tokio::test]
async fn labels_are_the_answer_once_they_are_named() {
    let model = named("lightgbm_binary").with_labels(vec!["no".into(), "yes".into()]).unwrap();
    assert_eq!(model.output_type(Output::Value), Ok(DataType::Utf8));
    let answer = ask(model, Output::Value, "SELECT delay(-9, 0, 0, 0, 0, 0)").await.unwrap();
    assert_eq!(compare::texts(answer[0].column(0)), ["no"]);
    let error = named("lightgbm_multiclass").with_labels(vec!["a".into()]).unwrap_err();
    assert_eq!(error.message, "1 labels for 3 classes");
    let network = named("onnx_network_sigmoid").with_labels(vec!["no".into(), "yes".into()]).unwrap();
    assert_eq!(network.task(), aqueduct_udfs::Task::Binary);
}

#[test]
fn inputs_without_names_are_named_by_position() {
    let model = named("onnx_network_sigmoid");
    assert!(!model.inputs_are_named());
    let names = ["a", "b", "c", "d", "e"].map(|name| declare(name, None, None));
    let renamed = model.with_inputs(&names).unwrap();
    assert_eq!(renamed.inputs().iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    let error = named("onnx_network_sigmoid").with_inputs(&names[..2]).unwrap_err();
    assert!(error.message.contains("must name all of them"), "{error}");
    let error = named("lightgbm_pandas_binary").with_inputs(&[declare("speed", None, None)]).unwrap_err();
    assert!(error.message.contains("no input \"speed\"; its inputs are distance, carrier"), "{error}");
}

#[test]
fn what_executes_is_refused() {
    for bytes in [&b"\x80\x04\x95\x10"[..], b"PK\x03\x04rest", b"\x1f\x8b\x08"] {
        let error = Model::read(Format::Onnx, bytes).unwrap_err();
        assert!(error.message.contains("FORMAT sklearn"), "{error}");
    }
    assert_eq!(Model::read(Format::Onnx, b"").unwrap_err().message, "the file is empty");
}

#[test]
fn the_place_of_a_mistake_is_said() {
    let corpus = train::corpus();
    let edit = |name: &str, from: &str, to: &str| {
        let case = corpus.cases.iter().find(|case| case.name == name).unwrap();
        let text = String::from_utf8(case.model.clone()).unwrap().replacen(from, to, 1);
        Model::read(case.format.parse().unwrap(), text.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        edit("lightgbm_regression", "left_child=1 ", "left_child=0 "),
        "node 0 has two parents, so this is not a tree"
    );
    assert!(edit("lightgbm_regression", "threshold=", "threshold=x").contains("threshold is not a number: \"x"));
    assert!(edit("lightgbm_regression", "threshold=", "threshold=x").contains("(at line "));
    let cut = edit("xgboost_before_3", "\"left_children\": [", "\"left_children\": [7777, ");
    assert!(cut.contains("gradient_booster.model.trees[0]"), "{cut}");
    assert!(
        edit("xgboost_before_3", "binary:logistic", "binary:magic")
            .contains("not supported (at learner.objective.name)")
    );
}
