//! Where the values of secrets are fetched from, at the last moment and never kept.

use crate::base::{Error, Kind, Result, Roots, seal};
use crate::catalog::{Secret, SecretSource};

/// The secret's value. A variable that is not set and a file that cannot be read name the secret, not its value.
pub(super) fn value(secret: &Secret, roots: &Roots) -> Result<String> {
    match &secret.source {
        SecretSource::Value(sealed) => {
            let data = roots.data().ok_or_else(|| Error::internal("sealed secrets must have a data folder"))?;
            seal::unseal(data, &secret.name, sealed)
        }
        SecretSource::Environment(variable) => std::env::var(variable).map_err(|_| {
            Error::new(
                Kind::WrongState,
                format!("secret \"{}\" has no value: environment variable {variable} is not set", secret.name),
            )
            .hint("set the variable and start the server again, or create the secret from another source".to_string())
        }),
        SecretSource::File(location) => {
            let text = std::fs::read_to_string(roots.resolve(location)?).map_err(|error| {
                let error = Error::from(error);
                Error::new(
                    error.kind,
                    format!("secret \"{}\" has no value: file \"{location}\": {}", secret.name, error.message),
                )
            })?;
            Ok(text.trim_end_matches(['\r', '\n']).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(source: SecretSource) -> Secret {
        Secret { name: "s".into(), source }
    }

    #[test]
    fn a_secret_without_a_value_says_which_one() {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::new(folder.path(), &[folder.path().to_path_buf()], &folder.path().join("data"));
        std::fs::write(folder.path().join("p"), "hush\n").unwrap();
        assert_eq!(value(&secret(SecretSource::File("p".into())), &roots).unwrap(), "hush");
        for (source, expect) in [
            (
                SecretSource::Environment("AQUEDUCT_NOT_SET".into()),
                "secret \"s\" has no value: environment variable AQUEDUCT_NOT_SET is not set",
            ),
            (
                SecretSource::File("q".into()),
                "secret \"s\" has no value: file \"q\": no such file or directory (os error 2)",
            ),
        ] {
            assert_eq!(value(&secret(source), &roots).unwrap_err().message, expect);
        }
    }
}
