//! The models of this server, read once and shared.

use super::artifact::{Artifacts, read_at_most};
use super::refusal::refused;
use crate::base::digest::sha256;
use crate::base::{Kind, Result, Roots};
use crate::catalog::{Input, ModelVersion, NullRule};
use aqueduct_udfs as udfs;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Weak};
use udfs::{Format, InputOverride, Model};

/// Model files by the hash of their bytes, and the models that were read from them.
#[derive(Debug)]
pub struct Registry {
    artifacts: Artifacts,
    warm: Mutex<Warm>,
}

/// Models in memory: all that somebody holds, and those used last.
#[derive(Debug, Default)]
struct Warm {
    known: HashMap<String, Weak<Model>>,
    /// Newest last.
    recent: Vec<(String, Arc<Model>)>,
    bytes: usize,
}

/// Bytes of model files whose models stay in memory when no query holds them.
const WARM_BYTES_MAX: usize = 1 << 30;

impl Registry {
    /// Opens the registry of a data folder, making its folder when it is not there.
    pub fn open(data: &Path) -> Result<Registry> {
        Ok(Registry { artifacts: Artifacts::open(data)?, warm: Mutex::default() })
    }

    /// Reads a model file below the roots, keeps its bytes, and tells what the next version would be.
    ///
    /// `22P06` when the file is not a whole model of its format, or the clauses do not fit it. Without a format the
    /// file's own look decides. The version's number and time are for the caller.
    pub fn import(
        &self,
        roots: &Roots,
        source: &str,
        format: Option<&str>,
        inputs: Vec<Input>,
        labels: Vec<String>,
    ) -> Result<(ModelVersion, Arc<Model>)> {
        let path = roots.resolve(source)?;
        let bytes = read_at_most(&path, source, udfs::format::BYTES_MAX as u64)?;
        let format = super::refusal::format(source, format, &bytes)?;
        let mut version = ModelVersion {
            version: 0,
            sha256: sha256(&bytes),
            bytes: bytes.len() as i64,
            format: format.name().to_string(),
            source: source.to_string(),
            inputs,
            labels,
            created_at: String::new(),
        };
        let model = Arc::new(read(format, &bytes, &version).map_err(|error| refused(source, format, &bytes, error))?);
        version.sha256 = self.artifacts.put(&bytes)?;
        self.warm.lock().keep(key(&version), &model);
        Ok((version, model))
    }

    /// The model of a version: one copy for everybody who asks.
    pub fn get(&self, version: &ModelVersion) -> Result<Arc<Model>> {
        let key = key(version);
        if let Some(model) = self.warm.lock().find(&key) {
            return Ok(model);
        }
        let bytes = self.artifacts.get(&version.sha256)?;
        let format: Format = version
            .format
            .parse()
            .map_err(|error: udfs::FormatError| crate::base::Error::new(Kind::DataCorrupted, error.message))?;
        let model = read(format, &bytes, version).map_err(|error| refused(&version.source, format, &bytes, error))?;
        let mut warm = self.warm.lock();
        // Somebody else may have read it meanwhile.
        if let Some(model) = warm.find(&key) {
            return Ok(model);
        }
        let model = Arc::new(model);
        warm.keep(key, &model);
        Ok(model)
    }
}

/// Reads the bytes and declares what the statement said.
fn read(format: Format, bytes: &[u8], version: &ModelVersion) -> Result<Model, udfs::FormatError> {
    let overrides: Vec<_> = version.inputs.iter().map(declared).collect::<Result<_, _>>()?;
    let model = Model::read(format, bytes)?.with_inputs(&overrides)?;
    if version.labels.is_empty() { Ok(model) } else { model.with_labels(version.labels.clone()) }
}

fn declared(input: &Input) -> Result<InputOverride, udfs::FormatError> {
    let null = match &input.null {
        None => None,
        Some(NullRule::Missing) => Some(udfs::NullRule::Missing),
        Some(NullRule::Refused) => Some(udfs::NullRule::NotNull),
        Some(NullRule::Constant(literal)) => Some(constant(literal)?),
    };
    Ok(InputOverride { name: input.name.clone(), data_type: Some(input.ty.arrow()), null })
}

/// `-1.5` or `'none'`, as it was typed.
fn constant(literal: &str) -> Result<udfs::NullRule, udfs::FormatError> {
    if let Some(text) = literal.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Ok(udfs::NullRule::Text(text.replace("''", "'")));
    }
    literal
        .parse()
        .map(udfs::NullRule::Number)
        .map_err(|_| udfs::FormatError::new(format!("{literal} is neither a number nor text")))
}

/// What makes a model: its bytes and what was declared about them.
fn key(version: &ModelVersion) -> String {
    format!("{} {} {:?} {:?}", version.sha256, version.format, version.inputs, version.labels)
}

impl Warm {
    fn find(&mut self, key: &str) -> Option<Arc<Model>> {
        let model = self.known.get(key)?.upgrade()?;
        self.keep(key.to_string(), &model);
        Some(model)
    }

    /// Moves the model to the newest place; what was used longest ago goes when there is no room.
    fn keep(&mut self, key: String, model: &Arc<Model>) {
        self.recent.retain(|(other, held)| {
            let stays = *other != key;
            self.bytes -= if stays { 0 } else { held.summary().bytes };
            stays
        });
        self.known.insert(key.clone(), Arc::downgrade(model));
        self.bytes += model.summary().bytes;
        self.recent.push((key, model.clone()));
        while self.bytes > WARM_BYTES_MAX && self.recent.len() > 1 {
            self.bytes -= self.recent.remove(0).1.summary().bytes;
        }
        self.known.retain(|_, model| model.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Name, Type};
    use crate::model::signature;

    const FILE: &[u8] = include_bytes!("../../examples/flights/model/delay.txt");

    struct House {
        folder: tempfile::TempDir,
        roots: Roots,
        registry: Registry,
    }

    fn house() -> House {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("files")).unwrap();
        std::fs::write(folder.path().join("m.txt"), FILE).unwrap();
        let roots = Roots::new(folder.path(), &[folder.path().to_path_buf()], &data);
        House { registry: Registry::open(&data).unwrap(), folder, roots }
    }

    impl House {
        fn import(&self, source: &str, format: Option<&str>) -> Result<(ModelVersion, Arc<Model>)> {
            self.registry.import(&self.roots, source, format, vec![], vec![])
        }
    }

    #[test]
    fn a_model_outlives_its_file_and_the_process() {
        let house = house();
        let (version, model) = house.import("m.txt", None).unwrap();
        assert_eq!((version.format.as_str(), version.bytes), ("lightgbm", FILE.len() as i64));
        assert!(Arc::ptr_eq(&model, &house.registry.get(&version).unwrap()));
        std::fs::remove_file(house.folder.path().join("m.txt")).unwrap();
        let again = Registry::open(&house.folder.path().join("data")).unwrap();
        assert_eq!(again.get(&version).unwrap().fingerprint(), model.fingerprint());
        assert!(signature(&model).contains("distance double precision"), "{}", signature(&model));
        let rows = again.describe(&Name::public("delay"), &version).unwrap();
        assert_eq!(rows[0][1].as_deref(), Some("delay@0"));
        assert!(rows.iter().any(|row| row[1].as_deref() == Some("predict('delay', *)")));
    }

    #[test]
    fn a_file_that_is_no_model_is_refused_with_its_place_and_a_hint() {
        let house = house();
        let write = |name: &str, bytes: &[u8]| std::fs::write(house.folder.path().join(name), bytes).unwrap();
        write("cut.txt", &FILE[..FILE.len() / 2]);
        write("empty.txt", b"");
        write("noise.txt", &[7; 1000]);
        let check = |source: &str, format: Option<&str>, kind: Kind, hint: &str| {
            let error = house.import(source, format).unwrap_err();
            assert_eq!(error.kind, kind, "{error:?}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{error:?}");
            error
        };
        let cut = check("cut.txt", None, Kind::InvalidModel, "cut off");
        assert!(cut.detail.is_some(), "{cut:?}");
        check("m.txt", Some("xgboost"), Kind::InvalidModel, "FORMAT lightgbm");
        check("empty.txt", Some("onnx"), Kind::InvalidModel, "empty");
        check("noise.txt", None, Kind::InvalidModel, "lightgbm, xgboost, onnx");
        check("m.txt", Some("lightgmb"), Kind::FeatureNotSupported, "lightgbm");
        check("../m.txt", None, Kind::InsufficientPrivilege, "roots");
        check("x.txt", None, Kind::UndefinedFile, "");
        let artifacts = house.folder.path().join("data/artifacts");
        assert_eq!(std::fs::read_dir(artifacts).unwrap().count(), 0);
    }

    #[test]
    fn what_the_statement_declares_is_part_of_the_model() {
        let house = house();
        let input = |name: &str, null| Input { name: name.into(), ty: Type::Float8, null };
        let import = |inputs| house.registry.import(&house.roots, "m.txt", None, inputs, vec![]);
        let (plain, model) = import(vec![]).unwrap();
        let (strict, other) = import(vec![input("distance", Some(NullRule::Refused))]).unwrap();
        assert_eq!(plain.sha256, strict.sha256);
        assert!(!Arc::ptr_eq(&model, &other));
        assert!(signature(&other).contains("distance double precision NOT NULL"), "{}", signature(&other));
        assert_eq!(import(vec![input("distnace", None)]).unwrap_err().kind, Kind::InvalidModel);
        let constant = Some(NullRule::Constant("-1.5".into()));
        assert!(signature(&import(vec![input("distance", constant)]).unwrap().1).contains("NULL AS -1.5"));
        assert!(house.registry.import(&house.roots, "m.txt", None, vec![], vec!["no".into()]).is_err());
    }
}
