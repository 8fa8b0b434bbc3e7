"""Our signed notes read by a dozen lines of shell: bash, coreutils and openssl, none of it ours.

https://c2sp.org/signed-note: the text, a blank line, signature lines; the key ID is
"SHA-256(key name || 0x0A || signature type || public key)[:4]". Where there is a Go, its own
implementation reads them, too (test_note_by_go.py).
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import CosignerKey
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.vault import Vault

SCRIPT = r"""
set -eu -o pipefail
export LC_ALL=C
vkey=$1 note=$2 work=$3
name=${vkey%%+*} rest=${vkey#*+} id=${rest%%+*} key=${rest#*+}
base64 -d <<<"$key" >"$work/material"                      # type, public key
[ "$(head -c 1 "$work/material" | od -An -tx1 | tr -d ' ')" = 01 ] ||
  { echo 'no Ed25519 key'; exit 1; }
said=$({ printf '%s\n' "$name"; cat "$work/material"; } | sha256sum | head -c 8)
[ "$said" = "$id" ] || { echo 'the key ID is of another key'; exit 1; }
{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; tail -c 32 "$work/material"; } |
  openssl pkey -pubin -inform DER -out "$work/key.pem"
sed '/^$/,$d' "$note" >"$work/text"                        # up to the blank line
sed '1,/^$/d' "$note" >"$work/signatures"
found=
while IFS= read -r line; do
  case $line in "$(printf '\342\200\224') $name "*) ;; *) continue ;; esac
  base64 -d <<<"${line##* }" >"$work/blob"
  [ "$(head -c 4 "$work/blob" | od -An -tx1 | tr -d ' \n')" = "$id" ] || continue
  tail -c +5 "$work/blob" >"$work/sig"
  openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/text" \
    -sigfile "$work/sig" >/dev/null 2>&1 || { echo refused; exit 1; }
  found=1
done <"$work/signatures"
[ -n "$found" ] || { echo 'not signed by that key'; exit 1; }
cat "$work/text"
"""


def opened(vkey: str, path: Path, work: Path) -> tuple[int, str]:
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "note", vkey, path, work],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_openssl_opens_the_checkpoint_of_a_vault(vault: Vault, tmp_path: Path) -> None:
    path, head = vault.log.path / "checkpoint", vault.log.head()
    assert opened(vault.config.vkey, path, tmp_path / "w") == (0, head.text())
    altered = tmp_path / "altered"
    altered.write_text(path.read_text().replace(f"\n{head.size}\n", f"\n{head.size + 1}\n", 1))
    assert opened(vault.config.vkey, altered, tmp_path / "w") == (1, "refused\n")
    other = str(Signer(vault.log.origin, fixed_key(9)).verifier)
    assert opened(other, path, tmp_path / "w") == (1, "not signed by that key\n")


@pytest.mark.parametrize("size", [0, 1, 2**40])
def test_openssl_opens_a_note_that_witnesses_cosigned(tmp_path: Path, size: int) -> None:
    log = Signer("log.example/1", fixed_key(1))
    text = Checkpoint(log.name, size, bytes(32)).text()
    line = CosignerKey("w.example", fixed_key(2)).cosign(text, 1_700_000_000)
    (tmp_path / "note").write_text(f"{log.sign_note(text)}{line}\n")
    assert opened(str(log.verifier), tmp_path / "note", tmp_path / "w") == (0, text)
    wrong = str(log.verifier).replace(log.verifier.key_id.hex(), "00000000")
    assert opened(wrong, tmp_path / "note", tmp_path / "w")[0] == 1
