//! Runs `train.py` once per version of it and of the libraries, and reads what it wrote.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

pub struct Corpus {
    pub cases: Vec<Case>,
}

#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub format: String,
    pub model: Vec<u8>,
    /// Path of the Parquet file.
    pub rows: String,
    pub answers: Vec<String>,
}

const PACKAGES: &str = "numpy pandas pyarrow scikit-learn lightgbm xgboost onnx onnxruntime skl2onnx onnxmltools";

/// All tests of this binary share one corpus; it is trained once and kept under the target folder.
pub fn corpus() -> &'static Corpus {
    static CORPUS: OnceLock<Corpus> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let folder = trained();
        let list = std::fs::read(folder.join("cases.json")).expect("train.py writes cases.json last");
        let list: Vec<serde_json::Value> = serde_json::from_slice(&list).expect("cases.json");
        Corpus { cases: list.iter().map(|case| read(&folder, case)).collect() }
    })
}

fn read(folder: &Path, case: &serde_json::Value) -> Case {
    let text = |key: &str| case[key].as_str().expect(key).to_string();
    let list =
        |key: &str| case[key].as_array().expect(key).iter().map(|v| v.as_str().expect(key).to_string()).collect();
    let file = |end: &str| folder.join(format!("{}.{end}", text("name")));
    Case {
        name: text("name"),
        format: text("format"),
        model: std::fs::read(file("model")).expect("a model per case"),
        rows: file("parquet").display().to_string(),
        answers: list("answers"),
    }
}

fn trained() -> PathBuf {
    let python = std::env::var("AQUEDUCT_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/parity/train.py");
    let ask = format!("from importlib.metadata import version as v\nfor p in '{PACKAGES}'.split(): print(p, v(p))");
    let source = std::fs::read_to_string(&script).expect("train.py is beside this file");
    let hash = Sha256::digest(source + &run(&python, &["-c", &ask]));
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // A test runner may give every test its own process; the first trains, the rest wait for it.
    let lock = std::fs::File::create(target.join("parity.lock")).expect("the target folder can be written");
    lock.lock().expect("a lock on the corpus");
    let folder = target.join(format!("parity-{hash}"));
    if !folder.join("cases.json").exists() {
        run(&python, &[&script.display().to_string(), &folder.display().to_string()]);
    }
    folder
}

fn run(python: &str, arguments: &[&str]) -> String {
    let hint =
        "the parity suite needs Python with tests/python/requirements.txt: run `make test`, or set AQUEDUCT_PYTHON";
    let output = Command::new(python).args(arguments).output().unwrap_or_else(|e| panic!("{python}: {e}; {hint}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = errors.lines().rev().take(15).collect();
    assert!(output.status.success(), "{}\n{hint}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
