"""Copies DuckDB's extensions from their packages to where DuckDB looks for them."""

import pathlib
import shutil
import sysconfig

packages = pathlib.Path(sysconfig.get_paths()["purelib"])
for extension in packages.glob("duckdb_extension_*/extensions/*/*.duckdb_extension"):
    version = extension.parent.name
    folder = pathlib.Path.home() / ".duckdb" / "extensions" / version / "linux_amd64"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / extension.name).exists():
        shutil.copy(extension, folder)
