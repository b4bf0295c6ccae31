//! A secret's value is nowhere in the clear.

use super::instance::Instance;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn no_file_and_no_view_tells_a_secret() {
    let instance = Instance::new().await;
    instance.ok("CREATE SECRET pw FROM VALUE 'correct-horse-battery'").await;
    instance.ok("CREATE OR REPLACE SECRET pw FROM VALUE 'correct-horse-stable'").await;
    for view in ["secrets", "events", "settings"] {
        let rows = instance.ok(&format!("SELECT * FROM aqueduct.{view}")).await.rows;
        assert!(!format!("{rows:?}").contains("correct-horse"), "{view}");
    }
    let mut files = vec![];
    below(&instance.data, &mut files);
    assert!(files.iter().any(|(name, _)| name.ends_with("secret.key")));
    for (name, bytes) in files {
        assert!(!bytes.windows(13).any(|part| part == b"correct-horse"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_a_secret_whose_key_is_gone() {
    let instance = Instance::new().await;
    instance.ok("CREATE SECRET pw FROM VALUE 'correct-horse-battery'").await;
    instance.ok("CREATE SECRET elsewhere FROM ENV 'AQUEDUCT_NOT_SET_ANYWHERE'").await;
    instance.verify().await;
    std::fs::remove_file(instance.data.join("secret.key")).unwrap();
    let problems = instance.engine.verify().await.unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("secret \"pw\"") && problems[0].contains("secret.key"), "{problems:?}");
}

fn below(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => below(&path, files),
            false => files.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
}
