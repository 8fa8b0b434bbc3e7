#!/usr/bin/env bash
# Checks a Holdfast hand-over bundle (holdfast-bundle/1; docs/formats/bundle.md says what each file is).
#
#   cd BUNDLE && bash verify.sh [--anchors FILE]
#
# FILE holds the keys that you had from the unit, the court or a witness by ANOTHER way than this
# bundle, one a line: log <vkey>; witness <name> <vkey>, group, quorum; #tsa <name> <certificate>
# (docs/formats/proof.md, "Anchors"). Without it a bundle forged from end to end looks intact too.
#
# Needs bash 4 or newer, GNU sha256sum and od, openssl 3.0 or newer; writes no file.
# Exit: 0 intact, 1 altered or incomplete, 2 can't check (wrong use, a tool is missing).
#
# Everything in a bundle may be hostile: names are matched against a pattern before they are used,
# numbers before they reach arithmetic, and nothing is evaluated.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2015 # `A && B || bad`: whichever of the two is false is the failure
set -u -o pipefail
unset CDPATH GLOBIGNORE
export LC_ALL=C # bytes are characters, and sha256sum speaks English
IFS=$' \t\n'
shopt -s nullglob dotglob

nl=$'\n'
dash=$'\xe2\x80\x94 '
alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
number='(0|[1-9][0-9]{0,14})'
hash='[0-9a-f]{64}'
text='"([^"\\[:cntrl:]]|\\["\\])*"'
proof=data/proof
manifest='manifest-sha256.txt'
fixed=(checkpoint checkpoint.sig checkpoint.text contents.sha256 entries.txt handover.txt log.pem log.vkey)
beyond=16 # numbers after the hand-over's own that are looked for too
declare -A digest left right leaf_at plain has lacks signed own_key covered key_name key_since key_end key_pem key_rp key_kind key_until key_cases original act_of
declare -A witness_of witness_pem defined threshold members placed_in met roots ended_why ended_size ended_root second_of
former_vkey=() former_origin=() former_until=() former_root=() former_why=() former_entry=()
groups=() quorum='' failures=0

shown() { # SHOWN: text without what a terminal would act on
  SHOWN=${1:0:300}
  SHOWN=${SHOWN//[[:cntrl:]]/?}
  SHOWN=${SHOWN//$'\xc2'[$'\x80'-$'\x9f']/?}
  SHOWN=${SHOWN//$'\xe2\x80'[$'\x8e'-$'\x8f'$'\xaa'-$'\xae']/?}
  SHOWN=${SHOWN//$'\xe2\x81'[$'\xa6'-$'\xa9']/?}
}

bad() { # one failure, in words
  failures=$((failures + 1))
  shown "$1"
  if ((failures <= 25)); then
    printf 'FAILED      %s\n' "$SHOWN" >&2
  elif ((failures == 26)); then
    printf 'FAILED      ... and more\n' >&2
  fi
}

usage() {
  shown "$1"
  printf '%s\nuse: cd BUNDLE && bash verify.sh [--anchors FILE]\n' "$SHOWN" >&2
  exit 2
}

stage() { # what is checked next stands on what was checked before
  if ((failures)); then
    printf '\nALTERED OR INCOMPLETE: %d failures; do not rely on this bundle\n' "$failures" >&2
    exit 1
  fi
}

said() { printf '%-11s %s\n' "$1" "$2"; }

is_number() { [[ $1 == 0 || ($1 == [1-9]* && $1 != *[!0-9]* && ${#1} -le 15) ]]; }

is_hash() { [[ ${#1} == 64 && $1 != *[!0-9a-f]* ]]; }

is_path() { # a name that a bundle may hold below data/
  [[ $1 == data/* && $1 != *[!A-Za-z0-9._/-]* && $1 != *//* && $1 != */[.-]* && $1 != */ && ${#1} -le 900 ]]
}

is_tag() { [[ $1 == bagit.txt || $1 == bag-info.txt || $1 == "$manifest" || $1 == README.txt || $1 == verify.sh ]]; }

slurp() { # TEXT: the whole file; false if there is none, or a NUL byte in it
  TEXT=
  [[ -f $1 ]] || return 1
  if IFS= read -r -d '' TEXT <"$1"; then return 1; fi
}

size_of() { # SIZE: bytes of a file
  local part=
  SIZE=0
  while IFS= read -r -d '' part; do SIZE=$((SIZE + ${#part} + 1)); done <"$1"
  SIZE=$((SIZE + ${#part}))
}

hexes() { # LINES: each file's bytes in hex; all must be $1 bytes long. The files: array `files`
  local width=$1 at line batch
  LINES=()
  for line in "${files[@]}"; do
    size_of "$line"
    ((SIZE == width)) || { bad "$line: $SIZE bytes, where a proof has $width"; return 1; }
  done
  for ((at = 0; at < ${#files[@]}; at += 500)); do
    batch=("${files[@]:at:500}")
    while IFS= read -r line; do LINES+=("${line// /}"); done \
      < <(od -An -v -tx1 "-w$width" "${batch[@]}")
  done
  ((${#LINES[@]} == ${#files[@]})) || { bad "${files[0]}: od did not read the proof files"; return 1; }
}

from_base64() { # HEX: bytes of $1; false unless it is base64 in its one proper form
  local i j quad char before bits piece
  HEX=
  [[ $1 =~ ^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$ ]] || return 1
  for ((i = 0; i < ${#1}; i += 4)); do
    quad=${1:i:4} bits=0
    for ((j = 0; j < 4; j++)); do
      char=${quad:j:1} before=
      [[ $char == = ]] || before=${alphabet%%"$char"*}
      bits=$((bits << 6 | ${#before}))
    done
    printf -v piece '%06x' "$bits"
    HEX+=$piece
  done
  case $1 in
    *==) [[ $HEX == *0000 ]] && HEX=${HEX%0000} ;;
    *=) [[ $HEX == *00 ]] && HEX=${HEX%00} ;;
  esac
}

to_base64() { # BASE64: of the bytes whose hex is $1
  local i bits hex=$1 pad=''
  while ((${#hex} % 6)); do hex+=00 pad+='='; done
  BASE64=
  for ((i = 0; i < ${#hex}; i += 3)); do # three hex digits are two characters of base64
    bits=$((16#${hex:i:3}))
    BASE64+=${alphabet:bits >> 6:1}${alphabet:bits & 63:1}
  done
  BASE64=${BASE64:0:${#BASE64}-${#pad}}$pad
}

vkey() { # NAME, KEY_ID, TYPE, PEM of a verifier key (C2SP signed-note) of a type that matches $2
  local form='^([^+[:space:][:cntrl:]]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=?)$' i piece bytes=''
  [[ $1 =~ $form ]] || return 1
  NAME=${BASH_REMATCH[1]} KEY_ID=${BASH_REMATCH[2]} PEM=
  from_base64 "${BASH_REMATCH[3]}" || return 1
  TYPE=${HEX:0:2}
  case $TYPE:${#HEX} in
    01:66 | 04:66 | 06:2626) [[ $TYPE =~ ^($2)$ ]] || return 1 ;; # Ed25519; ML-DSA-44
    *) return 1 ;;
  esac
  for ((i = 0; i < ${#HEX}; i += 2)); do bytes+="\\x${HEX:i:2}"; done
  piece=$({ printf '%s\n' "$NAME" && printf '%b' "$bytes"; } | sha256sum) || return 1
  [[ ${piece:0:8} == "$KEY_ID" ]] || return 1
  [[ $TYPE != 06 ]] || return 0
  to_base64 "302a300506032b6570032100${HEX:2}"
  PEM="-----BEGIN PUBLIC KEY-----${nl}$BASE64$nl-----END PUBLIC KEY-----$nl"
}

passkey() { # NAME, KEY_ID, PEM, RP of a person's passkey: custody.md, "Passkeys"
  local form='^([^+[:space:][:cntrl:]]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$' i piece bytes='' count
  [[ $1 =~ $form ]] || return 1
  NAME=${BASH_REMATCH[1]} KEY_ID=${BASH_REMATCH[2]} PEM=
  from_base64 "${BASH_REMATCH[3]}" || return 1
  [[ $HEX == ff686f6c64666173742d706173736b65792f310a* ]] || return 1 # 0xff, holdfast-passkey/1, newline
  for ((i = 0; i < ${#HEX}; i += 2)); do bytes+="\\x${HEX:i:2}"; done
  piece=$({ printf '%s\n' "$NAME" && printf '%b' "$bytes"; } | sha256sum) || return 1
  [[ ${piece:0:8} == "$KEY_ID" ]] || return 1
  count=$((2 * 16#0${HEX:40:2})) bytes=
  for ((i = 42; i < 42 + count; i += 2)); do bytes+="\\x${HEX:i:2}"; done
  printf -v RP '%b' "$bytes"
  [[ $RP =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ && ${#RP} == $((count / 2)) ]] || return 1
  HEX=${HEX:42 + count}
  count=$((2 * 16#0${HEX:0:4}))
  ((count >= 2 && count <= 2046)) || return 1
  HEX=${HEX:4 + count}
  case ${#HEX}:$HEX in # SubjectPublicKeyInfo: P-256, Ed25519, RSA of 2048, 3072, 4096 bits
    182:3059301306072a8648ce3d020106082a8648ce3d03010703420004* | 88:302a300506032b6570032100*) ;;
    588:30820122300d06092a864886f70d01010105000382010f003082010a0282010100*0203010001) ;;
    844:308201a2300d06092a864886f70d01010105000382018f003082018a0282018100*0203010001) ;;
    1100:30820222300d06092a864886f70d01010105000382020f003082020a0282020100*0203010001) ;;
    *) return 1 ;;
  esac
  to_base64 "$HEX"
  for ((i = 0; i < ${#BASE64}; i += 64)); do PEM+=${BASE64:i:64}$nl; done
  PEM="-----BEGIN PUBLIC KEY-----$nl$PEM-----END PUBLIC KEY-----$nl"
}

verifies() { # key, message, signature: files
  openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$3" >/dev/null 2>&1
}

# --- files ---------------------------------------------------------------------------------------

read_manifest() { # file, what tells whether it may name a path; fills digest[], listed[]
  local line path
  slurp "$1" && [[ $TEXT == *"$nl" ]] || { bad "$1: missing, cut off, or no text"; return; }
  while IFS= read -r line; do
    path=${line:66:1000}
    if ! is_hash "${line:0:64}" || [[ ${line:64:2} != '  ' ]] || ! "$2" "$path"; then
      bad "$1: a line that no manifest of a bundle has: ${line:0:150}"
    elif [[ -n ${digest[$path]-} ]]; then
      bad "$1: names $path twice"
    else
      digest[$path]=${line:0:64}
      listed+=("$path")
    fi
  done <"$1"
}

find_files() { # found[]: every file below the current folder; links are never followed
  local folders=("") at=0 entry
  while ((at < ${#folders[@]})); do
    for entry in "${folders[at]}"*; do
      if [[ -L $entry ]]; then
        printf -v entry %q "$entry"
        bad "$entry: a symbolic link, which no bundle holds"
      elif [[ -d $entry ]]; then
        folders+=("$entry/")
      elif [[ -f $entry ]]; then
        found+=("$entry")
      else
        printf -v entry %q "$entry"
        bad "$entry: neither a file nor a folder"
      fi
    done
    at=$((at + 1))
  done
}

check_files() {
  local path out line
  local -A present
  listed=() found=()
  find_files
  stage
  read_manifest tagmanifest-sha256.txt is_tag
  for path in bagit.txt bag-info.txt $manifest README.txt verify.sh; do
    [[ -n ${digest[$path]-} ]] || bad "tagmanifest-sha256.txt: does not name $path"
  done
  stage
  read_manifest $manifest is_path
  stage
  for path in ${found[@]+"${found[@]}"}; do
    if [[ $path == tagmanifest-sha256.txt ]]; then
      continue
    elif { is_tag "$path" || is_path "$path"; } && [[ -n ${digest[$path]-} ]]; then
      present[$path]=1
    else
      printf -v path %q "$path"
      bad "$path: is in the folder but in no manifest: it was added"
    fi
  done
  for path in "${listed[@]}"; do
    [[ -n ${present[$path]-} ]] || bad "$path: is in the manifest but missing"
  done
  stage
  said Hashing "${#listed[@]} files ..."
  out=$(for path in "${listed[@]}"; do printf '%s  %s\n' "${digest[$path]}" "$path"; done |
    sha256sum --check --quiet --strict 2>/dev/null) || [[ -n $out ]] || bad "files: sha256sum failed"
  while IFS= read -r line; do
    path=$manifest
    [[ $line == data/* ]] || path=tagmanifest-sha256.txt
    [[ -z $line ]] || bad "${line%: FAILED*}: its bytes are not those that $path lists"
  done < <(printf '%s\n' "$out")
  stage
  said Files "${#listed[@]} files are as the manifests list them; none is missing, none was added"
}

# --- the log's checkpoint ------------------------------------------------------------------------

check_log() {
  local path line form rest signer count=0
  for path in "${fixed[@]}"; do
    [[ -n ${digest[$proof/$path]-} ]] || bad "$proof/$path: missing from the proof"
  done
  stage
  slurp $proof/log.vkey && [[ $TEXT == *"$nl" ]] && vkey "${TEXT%"$nl"}" 01 ||
    bad "$proof/log.vkey: is no Ed25519 verifier key"
  stage
  log_vkey=${TEXT%"$nl"} origin=$NAME log_key=$KEY_ID others=0
  slurp $proof/log.pem && [[ $TEXT == "$PEM" ]] || bad "$proof/log.pem: is not the key of log.vkey"
  form="^([^[:cntrl:]]+)$nl$number$nl([A-Za-z0-9+/]{43}=)$nl([^$nl]+$nl)*\$"
  slurp $proof/checkpoint.text && [[ $TEXT =~ $form ]] || {
    bad "$proof/checkpoint.text: is no checkpoint"
    stage
  }
  size=${BASH_REMATCH[2]} signature=
  [[ ${BASH_REMATCH[1]} == "$origin" ]] || bad "$proof/checkpoint.text: is of another log than log.vkey"
  note=$TEXT
  root64=${BASH_REMATCH[3]}
  from_base64 "$root64" || bad "$proof/checkpoint.text: its root is no SHA-256"
  root=$HEX
  slurp $proof/checkpoint || bad "$proof/checkpoint: is no text"
  rest=${TEXT#"$note$nl"}
  [[ "$note$nl$rest" == "$TEXT" && $rest == *"$nl" ]] ||
    bad "$proof/checkpoint: is not checkpoint.text with a signature"
  while IFS= read -r line; do
    form="^$dash([^[:space:]]+) ([A-Za-z0-9+/]+=*)\$"
    if [[ $line =~ $form ]] && signer=${BASH_REMATCH[1]} && from_base64 "${BASH_REMATCH[2]}"; then
      if [[ $signer == "$origin" && ${HEX:0:8} == "$log_key" ]]; then
        count=$((count + 1)) signature=${HEX:8}
      elif [[ $signer == "$origin" ]]; then
        second_of[${HEX:0:8}]+=${HEX:8}
      else
        others=$((others + 1))
      fi
    else
      bad "$proof/checkpoint: has no signature, or one that can't be read"
    fi
  done < <(printf '%s' "$rest")
  ((count == 1)) || bad "$proof/checkpoint: is not signed by the log's key"
  stage
  files=("$proof/checkpoint.sig")
  hexes 64 && [[ ${LINES[0]} == "$signature" ]] ||
    bad "$proof/checkpoint.sig: is not the signature in the checkpoint"
  verifies $proof/log.pem $proof/checkpoint.text $proof/checkpoint.sig ||
    bad "$proof/checkpoint: the log's signature does not verify"
  stage
  shown "$origin"
  said Log "$SHOWN: $size entries, its head signed by the log's key"
}

# --- entries and their places in the log ---------------------------------------------------------

sort_proof() { # leaves[], nodes[], and how many field, act and key files there are
  local path name known part
  leaves=() nodes=() field_files=0 act_files=0 key_files=0 other_leaves=0 tag_files=0 witness_files=0 former_files=0 second_files=0
  for path in "${listed[@]}"; do
    [[ $path == $proof/* ]] || continue
    name=${path#"$proof"/} known=0
    part=${name#entries/} part=${part%%/*}
    case $name in
      entries/*/leaf) is_number "$part" && leaves+=("$part") known=1 ;;
      entries/*/field.[a-z]*) field_files=$((field_files + 1)) known=1 ;;
      entries/*/act.message | entries/*/act.sig | entries/*/act.client | entries/*/act.signed) act_files=$((act_files + 1)) known=1 ;;
      nodes/*)
        nodes+=("$path") known=1
        [[ ${digest[$path]} == "${name#nodes/}" ]] || bad "$path: is not named by its SHA-256"
        ;;
      keys/*) key_files=$((key_files + 1)) known=1 ;;
      leaves/*) other_leaves=$((other_leaves + 1)) known=1 ;;
      tags/*) tag_files=$((tag_files + 1)) known=1 ;;
      witnesses/*) witness_files=$((witness_files + 1)) known=1 ;;
      cosigned | stamps/*.tsr | stamps/*.ers | stamps/*.crls) known=1 ;;
      second.message | second.pem | second.sig) second_files=$((second_files + 1)) known=1 ;;
      former/*) former_files=$((former_files + 1)) known=1 ;;
      *) for part in "${fixed[@]}"; do [[ $name != "$part" ]] || known=1; done ;;
    esac
    ((known)) || bad "$path: is no part of a proof"
  done
  ((${#leaves[@]})) || bad "$proof/entries: holds no entry"
  stage
}

walk_tree() { # leaf_at[]: the leaf hash at each place that the nodes lead to, from the signed root
  local -a hashes=("$root") starts=(0) ends=("$size")
  local top=1 used=0 at h s e k
  if ((${#nodes[@]})); then
    files=("${nodes[@]}")
    hexes 65 || stage
    for ((at = 0; at < ${#nodes[@]}; at++)); do
      h=${nodes[at]##*/}
      [[ ${LINES[at]:0:2} == 01 ]] || bad "${nodes[at]}: is no inner node (RFC 6962, 2.1)"
      left[$h]=${LINES[at]:2:64} right[$h]=${LINES[at]:66:64}
    done
    stage
  fi
  ((size > 0)) || top=0
  while ((top)); do
    top=$((top - 1)) h=${hashes[top]} s=${starts[top]} e=${ends[top]}
    if ((e - s == 1)); then
      leaf_at[$s]=$h
    elif [[ -n ${left[$h]-} ]]; then
      used=$((used + 1)) k=1
      ((used <= ${#nodes[@]})) || { bad "$proof/nodes: a node is its own relative"; break; }
      while ((k * 2 < e - s)); do k=$((k * 2)); done
      hashes[top]=${left[$h]} starts[top]=$s ends[top]=$((s + k))
      hashes[top + 1]=${right[$h]} starts[top + 1]=$((s + k)) ends[top + 1]=$e
      top=$((top + 2))
    fi
  done
  ((used == ${#nodes[@]})) || bad "$proof/nodes: $((${#nodes[@]} - used)) nodes do not lead to the signed root"
}

read_leaf() { # one entry: its place in the log, and each disclosed field against its commitment
  local i=$1 path=$proof/entries/$1 first rest name commitment end='' last='' disclosed
  if [[ ${leaf_at[$i]-} != "${digest[$path/leaf]}" ]]; then
    bad "entry $i: its leaf is not at this place in the log that the checkpoint commits to"
    return
  fi
  { IFS= read -r -d '' first && ! IFS= read -r -d '' rest; } <"$path/leaf" ||
    { bad "entry $i: its leaf is malformed"; return; }
  [[ -z $first && $rest == '{"fields":{'* ]] || { bad "entry $i: its leaf is malformed"; return; }
  rest=${rest#'{"fields":{'} plain[$i]='' lacks[$i]='' has[$i]=''
  while [[ $end != '}' && $rest == \"* ]]; do
    name=${rest:1:80} name=${name%%\"*}
    commitment=${rest:${#name} + 4:64} end=${rest:${#name} + 69:1}
    [[ $name == [a-z]* && $name != *[!a-z0-9_]* && $end == [,\}] ]] && is_hash "$commitment" &&
      [[ $rest == "\"$name\":\"$commitment\"$end"* ]] || break
    rest=${rest:${#name} + 70}
    [[ $name > $last ]] || bad "entry $i: its leaf names the field $name out of order"
    last=$name
    if [[ $name == signature ]]; then signed[$i]=1; else plain[$i]+=",\"$name\":\"$commitment\""; fi
    disclosed=${digest[$path/field.$name]-}
    if [[ -n $disclosed ]]; then
      fields=$((fields + 1)) has[$i]+=,$name
      [[ $disclosed == "$commitment" ]] || bad "entry $i: the field $name is not what the log committed to"
    else
      withheld[i]=1 lacks[$i]+=" $name"
      [[ $name != signature && $name != act && $name != case && $name != actor && $name != time ]] ||
        bad "entry $i: the field $name was stripped from this bundle"
    fi
  done
  [[ $end == '}' && $rest =~ ^(,\"mark\":\"erase\.mass\")?(,\"opens\":\{\"case\":\"$hash\",\"key\":\"$hash\"\})?,\"tag\":\"$hash\",\"v\":1\}$ ]] || bad "entry $i: its leaf is malformed"
  plain[$i]="{${plain[$i]#,}}"
}

value() { # VALUE: the JSON that entry $1 discloses as its field $2; false where it withholds it
  local path=$proof/entries/$1/field.$2 salt
  [[ -n ${digest[$path]-} ]] || return 1
  if slurp "$path"; then
    VALUE=${TEXT#"holdfast-field/1${nl}[\""} salt=${VALUE%%\"*}
    VALUE=${VALUE#"$salt\",\"$2\","} VALUE=${VALUE%]}
    [[ $salt != *[!A-Za-z0-9_-]* && $TEXT == "holdfast-field/1${nl}[\"$salt\",\"$2\",$VALUE]" ]] && return 0
  fi
  bad "$path: is malformed"
  return 1
}

check_entries() {
  local says="^\\{\"as\":($text),\"completeness\":(true|false),\"contents\":\"($hash)\",\"entries\":\"($hash)\",\"for\":($text),\"order\":($text)\\}\$"
  local i at sequence=0 line form="^($number) ($number) ([a-z0-9_,]+)\$" last=-1
  fields=0 withheld=() of_case=() of_vault=()
  local -A wanted
  sort_proof
  walk_tree
  for i in "${leaves[@]}"; do read_leaf "$i"; done
  ((fields == field_files)) || bad "$proof/entries: $((field_files - fields)) files are no field of an entry in this bundle"
  stage
  slurp $proof/handover.txt && [[ $TEXT =~ ^$number$nl$ ]] || bad "$proof/handover.txt: names no entry"
  handover=${TEXT%"$nl"}
  slurp $proof/entries.txt && [[ -z $TEXT || $TEXT == *"$nl" ]] || bad "$proof/entries.txt: is no list"
  stage
  [[ -n ${plain[$handover]-} ]] || bad "$proof/handover.txt: names entry $handover, which is not in this bundle"
  stage
  [[ -z ${lacks[$handover]} ]] || bad "entry $handover: fields were stripped from the hand-over's own entry:${lacks[$handover]}"
  value "$handover" act && [[ $VALUE == '"bundle"' ]] || bad "$proof/handover.txt: names entry $handover, which is no hand-over"
  value "$handover" handover && [[ $VALUE =~ $says ]] || {
    bad "entry $handover: does not say what was handed over"
    stage
  }
  whole=${BASH_REMATCH[3]} contents=${BASH_REMATCH[4]} order=${BASH_REMATCH[8]}
  recipient="${BASH_REMATCH[6]}, as ${BASH_REMATCH[1]}"
  recipient=${recipient%', as ""'}
  [[ ${BASH_REMATCH[5]} == "${digest[$proof/entries.txt]}" ]] ||
    bad "$proof/entries.txt: is not the list that the hand-over was entered with: an entry was dropped, added or renumbered"
  stage
  while IFS= read -r line; do
    sequence=$((sequence + 1))
    if ! [[ $line =~ $form ]] || [[ ${BASH_REMATCH[1]} != "$sequence" ]]; then
      bad "$proof/entries.txt: line $sequence does not hold the case's entry number $sequence"
      break
    fi
    at=${BASH_REMATCH[3]}
    ((at > last && at < handover)) || bad "$proof/entries.txt: line $sequence is out of order"
    [[ -n ${plain[$at]-} ]] || { bad "entry $at: number $sequence of the case is missing"; continue; }
    [[ ${has[$at]} == ",${BASH_REMATCH[5]}" ]] ||
      bad "entry $at: fields were stripped or added: the bundle has ${has[$at]#,}, the hand-over stated ${BASH_REMATCH[5]}"
    last=$at wanted[$at]=1
    of_case+=("$at")
  done <$proof/entries.txt
  of_case+=("$handover") wanted[$handover]=1
  value "$handover" case && [[ $VALUE != null ]] || bad "entry $handover: the hand-over names no case"
  case_=${VALUE-}
  for i in "${leaves[@]}"; do
    value "$i" act && [[ $VALUE =~ ^$text$ ]] || { bad "entry $i: names no act"; continue; }
    act_of[$i]=$VALUE
    value "$i" case || continue
    if [[ -n ${wanted[$i]-} ]]; then
      [[ $VALUE == "$case_" ]] || bad "entry $i: is of another case than the hand-over"
    else
      [[ $VALUE == null ]] || bad "entry $i: is in the bundle but not in the case's list of entries"
      # From where somebody signed in is nobody's business outside (custody.md).
      [[ -z ${lacks[$i]} || ${lacks[$i]}${act_of[$i]} == ' source"session.open"' ]] || bad "entry $i: fields were stripped from an entry of the vault:${lacks[$i]}"
      of_vault+=("$i")
    fi
  done
  stage
  shown "$case_"
  said Entries "${#of_case[@]} of case $SHOWN, numbered 1 to ${#of_case[@]} without a gap, and ${#of_vault[@]} of the vault;"
  said '' "each is proven to be in the log, and each of $fields fields is what the log committed to"
  ((${#withheld[@]} == 0)) || said '' "${#withheld[@]} of them withhold some of their fields from this bundle"
}

# --- the log's keys before this one --------------------------------------------------------------

plain_text() { # PLAIN: what the JSON string $1 says
  PLAIN=${1:1} PLAIN=${PLAIN%\"} PLAIN=${PLAIN//\\\"/\"} PLAIN=${PLAIN//\\\\/\\}
}

past_root() { # ROOT: the root of the first $1 leaves, base64; false if no node leads there
  # On the way to its last leaf stand, to the left, the trees that it is made of (RFC 6962, 2.1).
  local name=$root start=0 end=$size k lefts=() at i bytes
  while ((end - start > 1)); do
    [[ -n ${left[$name]-} ]] || return 1
    k=1
    while ((k * 2 < end - start)); do k=$((k * 2)); done
    if (($1 > start + k)); then
      lefts+=("${left[$name]}") name=${right[$name]} start=$((start + k))
    else
      name=${left[$name]} end=$((start + k))
    fi
  done
  for ((at = ${#lefts[@]} - 1; at >= 0; at--)); do
    bytes='\x01' k=${lefts[at]}$name
    for ((i = 0; i < 128; i += 2)); do bytes+="\\x${k:i:2}"; done
    name=$(printf '%b' "$bytes" | sha256sum) || return 1
    name=${name:0:64}
  done
  to_base64 "$name"
  ROOT=$BASE64
}

check_former() { # number, entry, vkey, until, why: the last checkpoint of a key that ended
  local path=$proof/former/$1 name note_ rest line count=0 signature_='' key_ id form
  for name in checkpoint checkpoint.sig checkpoint.text log.pem log.vkey; do
    [[ -n ${digest[$path/$name]-} ]] || { bad "$path/$name: missing from the proof"; return; }
  done
  vkey "$3" 01 && slurp "$path/log.vkey" && [[ $TEXT == "$3$nl" ]] ||
    { bad "$path/log.vkey: is not the key that entry $2 ended"; return; }
  key_=$NAME id=$KEY_ID
  slurp "$path/log.pem" && [[ $TEXT == "$PEM" ]] || bad "$path/log.pem: is not the key of log.vkey"
  form="^([^[:cntrl:]]+)$nl$number$nl([A-Za-z0-9+/]{43}=)$nl([^$nl]+$nl)*\$"
  slurp "$path/checkpoint.text" && [[ $TEXT =~ $form && ${BASH_REMATCH[1]} == "$key_" && ${BASH_REMATCH[2]} == "$4" ]] ||
    { bad "$path/checkpoint.text: is not of the $4 entries that the key signed"; return; }
  note_=$TEXT
  past_root "$4" && [[ $ROOT == "${BASH_REMATCH[3]}" ]] ||
    { bad "$path/checkpoint.text: this log does not continue what its former key signed: it was rewritten"; return; }
  slurp "$path/checkpoint" && rest=${TEXT#"$note_$nl"} && [[ "$note_$nl$rest" == "$TEXT" && $rest == *"$nl" ]] ||
    { bad "$path/checkpoint: is not checkpoint.text with a signature"; return; }
  form="^$dash([^[:space:]]+) ([A-Za-z0-9+/]+=*)\$"
  while IFS= read -r line; do
    [[ $line =~ $form ]] && name=${BASH_REMATCH[1]} && from_base64 "${BASH_REMATCH[2]}" ||
      { bad "$path/checkpoint: has no signature, or one that can't be read"; continue; }
    [[ $name != "$key_" || ${HEX:0:8} != "$id" ]] || { count=$((count + 1)) signature_=${HEX:8}; }
  done < <(printf '%s' "$rest")
  files=("$path/checkpoint.sig")
  ((count == 1)) && hexes 64 && [[ ${LINES[0]} == "$signature_" ]] ||
    bad "$path/checkpoint: is not signed by the key that ended, once"
  verifies "$path/log.pem" "$path/checkpoint.text" "$path/checkpoint.sig" ||
    bad "$path/checkpoint: the signature of the log's former key does not verify"
  former_vkey+=("$3") former_origin+=("$key_") former_until+=("$4") former_root+=("$ROOT")
  former_why+=("$5") former_entry+=("$2")
}

check_eras() { # each change of the log's key up to the head: an entry, and what the old key signed
  local form i key ended until why next count=0 ends=()
  form="^\\{\"ended\":($text),\"ended_mldsa\":(null|$text),\"last\":$number,\"log\":($text),\"log_mldsa\":(null|$text),\"why\":\"(rotated|stolen|lost|continued)\"\\}\$"
  [[ ${act_of[0]-} == '"vault.init"' ]] && value 0 settings && [[ $VALUE =~ ^\{\"log\":($text)(,\"log_mldsa\":($text))?[,\}] ]] ||
    bad "entry 0: the vault's own first entry is missing or withheld"
  stage
  next=${BASH_REMATCH[1]}
  plain_text "${BASH_REMATCH[4]}"
  second_vkey=$PLAIN
  plain_text "$next"
  key=$PLAIN
  for i in ${of_vault[@]+"${of_vault[@]}"}; do
    [[ ${act_of[$i]} != '"log.key"' ]] || ends[i]=$i
  done
  for i in ${ends[@]+"${ends[@]}"}; do # an array is in order of its indices
    value "$i" era && [[ $VALUE =~ $form ]] || { bad "entry $i: does not say which key of the log ended"; break; }
    ended=${BASH_REMATCH[1]} until=${BASH_REMATCH[5]} next=${BASH_REMATCH[6]} why=${BASH_REMATCH[10]} second_vkey=${BASH_REMATCH[8]}
    plain_text "$ended"
    [[ $PLAIN == "$key" ]] || bad "entry $i: ends another key of the log than the one that signed then"
    if [[ $why == rotated ]]; then ((until == i + 1)); else ((until > 0 && until <= i)); fi ||
      { bad "entry $i: ends the log's key at another size than it can have ended at"; break; }
    check_former "$count" "$i" "$PLAIN" "$until" "$why"
    plain_text "${second_vkey#null}"
    second_vkey=$PLAIN
    plain_text "$next"
    key=$PLAIN count=$((count + 1))
  done
  ((former_files == 5 * count)) || bad "$proof/former: $((former_files - 5 * count)) files belong to no key that ended"
  [[ $key == "$log_vkey" ]] || bad "entry 0: the vault was made with another log key, and no entry here leads to this one"
  stage
  for ((i = 0; i < count; i++)); do
    shown "${former_vkey[i]}"
    said 'Former key' "$SHOWN"
    said '' "signed up to ${former_until[i]} entries; entry ${former_entry[i]} ended it: ${former_why[i]}"
  done
}

hex_of() { # HEX: the bytes of text $1
  local line
  HEX=
  while IFS= read -r line; do HEX+=${line// /}; done < <(printf '%s' "$1" | od -An -v -tx1)
}

check_second() { # the log's ML-DSA-44 signature on the head: C2SP tlog-cosignature, type 0x06
  local blob key_ message length_ path=$proof/second pem='' line version=''
  if [[ -z $second_vkey ]]; then
    ((second_files == 0)) || bad "$path.message: the log has no key for a second signature"
    stage
    return
  fi
  vkey "$second_vkey" 06 && [[ $NAME == "$origin" ]] ||
    bad "the log names a key for its second signature that is none"
  stage
  key_=${HEX:2} blob=${second_of[$KEY_ID]-}
  ((${#blob} == 4856)) || bad "$proof/checkpoint: the log's ML-DSA-44 signature was stripped, or is malformed"
  ((second_files == 3)) || bad "$path.message: the files of the log's ML-DSA-44 signature are missing"
  stage
  hex_of "$origin"
  printf -v length_ '%02x' $((${#HEX} / 2))
  message=737562747265652f76310a00$length_$HEX${blob:0:16}$length_${HEX}0000000000000000
  printf -v length_ '%016x' "$size"
  message+=$length_$root
  files=("$path.message")
  hexes $((${#message} / 2)) && [[ ${LINES[0]} == "$message" ]] && files=("$path.sig") && hexes 2420 && [[ ${LINES[0]} == "${blob:16}" ]] ||
    bad "$path.message: is not what the log's ML-DSA-44 signature in the checkpoint says"
  slurp "$path.pem" && while IFS= read -r line; do
    [[ $line == -----*' PUBLIC KEY-----' ]] || pem+=$line
  done < <(printf '%s' "$TEXT")
  from_base64 "$pem" && [[ $HEX == "30820532300b06096086480165030403110382052100$key_" && $TEXT == "-----BEGIN PUBLIC KEY-----$nl"*"$nl-----END PUBLIC KEY-----$nl" ]] ||
    bad "$path.pem: is not the log's ML-DSA-44 key"
  stage
  version=$(openssl version 2>/dev/null)
  if [[ $version =~ ^OpenSSL\ ([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] > 3 || (BASH_REMATCH[1] == 3 && BASH_REMATCH[2] >= 5))); then
    verifies "$path.pem" "$path.message" "$path.sig" ||
      bad "$proof/checkpoint: the log's ML-DSA-44 signature does not verify"
    stage
    said '' "the head is signed by the log's ML-DSA-44 key, too"
  else
    said '' "the log's ML-DSA-44 signature was not checked: openssl before 3.5 can't"
  fi
}

origin_of() { # ORIGIN: the log's origin when entry $1 was made
  local i
  ORIGIN=$origin
  for ((i = ${#former_until[@]} - 1; i >= 0; i--)); do
    (($1 >= former_until[i])) || ORIGIN=${former_origin[i]}
  done
}

# --- that no entry of the case was left out ------------------------------------------------------

check_tags() { # number_of[]: the case's number that each tag stands for, HMAC-SHA-256 (RFC 2104)
  local k byte inner='' outer='' at number last=$((${#of_case[@]} + beyond)) message path parts=()
  local prefix=686f6c64666173742d7461672f310a # holdfast-tag/1, newline
  files=("$proof/tags/key")
  hexes 52 || stage # its first 20 are holdfast-case-key/1, newline: its digest is what the case's opening says
  k=${LINES[0]:40}0000000000000000000000000000000000000000000000000000000000000000
  for ((at = 0; at < 128; at += 2)); do
    byte=$((16#${k:at:2}))
    printf -v inner '%s%02x' "$inner" "$((byte ^ 0x36))"
    printf -v outer '%s%02x' "$outer" "$((byte ^ 0x5c))"
  done
  for ((number = 1; number <= last; number++)); do
    path=$proof/tags/$number
    for at in "$path.inner" "$path.outer"; do
      [[ -n ${digest[$at]-} ]] || bad "$at: is missing: the case's tag of this number can't be computed"
    done
    parts[${#number}]+="$number "
  done
  ((tag_files == 2 * last + 2)) || bad "$proof/tags: holds files of no number that is looked for"
  stage
  for at in "${!parts[@]}"; do # numbers of as many digits are files of as many bytes
    files=()
    for number in ${parts[at]}; do files+=("$proof/tags/$number.inner"); done
    hexes $((64 + 15 + at)) || stage
    k=0
    for number in ${parts[at]}; do
      message=$inner$prefix
      for ((byte = 0; byte < at; byte++)); do message+=3${number:byte:1}; done
      [[ ${LINES[k]} == "$message" ]] || bad "$proof/tags/$number.inner: is not the number $number under the case's key"
      k=$((k + 1))
    done
    files=("${files[@]/%inner/outer}")
    hexes 96 || stage
    k=0
    for number in ${parts[at]}; do
      path=$proof/tags/$number
      [[ ${LINES[k]} == "$outer${digest[$path.inner]}" ]] || bad "$path.outer: is not the number $number under the case's key"
      number_of[${digest[$path.outer]}]=$number
      k=$((k + 1))
    done
  done
  stage
}

leaf_says() { # TAG, OPENS: what the leaf in file $1 says to all; false if it is malformed
  local first rest form="^\\{\"fields\":\\{[a-z0-9_\":,]*\\}(,\"mark\":\"erase[.]mass\")?(,\"opens\":\\{\"case\":\"($hash)\",\"key\":\"($hash)\"\\})?\$"
  { IFS= read -r -d '' first && ! IFS= read -r -d '' rest; } <"$1" || return 1
  [[ -z $first && ${rest: -80} == ',"tag":"'*'","v":1}' ]] || return 1
  TAG=${rest:${#rest}-72:64}
  is_hash "$TAG" && [[ ${rest:0:${#rest}-80} =~ $form ]] || return 1
  OPENS=${BASH_REMATCH[3]} OPENS_KEY=${BASH_REMATCH[4]}
}

check_complete() {
  local i path number last=${#of_case[@]} opened=() later=0
  local -A number_of tag_at
  if [[ $whole == false ]]; then
    ((other_leaves == 0 && tag_files == 0)) ||
      bad "$proof/tags: the hand-over was entered without a proof that nothing was left out, and here is one"
    stage
    return
  fi
  slurp $proof/tags/case && [[ "\"${TEXT#"holdfast-case/1$nl"}\"" == "$case_" && $TEXT == "holdfast-case/1$nl"* && $case_ != *\\* ]] ||
    bad "$proof/tags/case: is not the case of the hand-over"
  leaf_says "$proof/entries/${of_case[0]}/leaf" && [[ -n $OPENS_KEY && $OPENS_KEY == "${digest[$proof/tags/key]-}" ]] ||
    bad "$proof/tags/key: is not the case's key: entry ${of_case[0]} did not open the case with it"
  stage
  check_tags
  ((other_leaves + ${#leaves[@]} <= size)) ||
    bad "$proof/leaves: the log has $size entries, and this bundle $((other_leaves + ${#leaves[@]})) leaves"
  stage
  for ((i = 0; i < size; i++)); do
    path=$proof/entries/$i/leaf
    [[ -n ${digest[$path]-} ]] || path=$proof/leaves/$i
    if [[ -z ${digest[$path]-} ]]; then
      bad "$path: is missing, so nobody can say that this entry of the log is not the case's"
      stage # a forger's log may claim any size
    elif [[ ${digest[$path]} != "${leaf_at[$i]-}" ]]; then
      bad "$path: is not the leaf at this place in the log that the checkpoint commits to"
      continue
    elif ! leaf_says "$path"; then
      bad "$path: is malformed, so nobody can say that it is not the case's"
      continue
    fi
    [[ $OPENS != "${digest[$proof/tags/case]}" ]] || opened+=("$i")
    number=${number_of[$TAG]-}
    if [[ -z $number ]]; then
      continue
    elif ((number > last)); then
      ((i > handover)) && later=$((later + 1)) ||
        bad "entry $i: is of the case, as number $number, and was left out: the hand-over counts $last"
    elif [[ ${of_case[number - 1]} != "$i" ]]; then
      bad "entry $i: is of the case too, as number $number, and was left out: the bundle has entry ${of_case[number - 1]} under that number"
    else
      tag_at[$number]=$i
    fi
  done
  for ((number = 1; number <= last; number++)); do
    [[ -n ${tag_at[$number]-} ]] || bad "entry ${of_case[number - 1]}: does not carry the case's tag number $number"
  done
  [[ ${opened[*]-} == "${of_case[0]}" ]] ||
    bad "the case was opened ${#opened[@]} times in this log, not once by its entry number 1: ${opened[*]-}"
  stage
  said Complete "all $size entries of the log were looked through: these $last are all of the case, and it"
  said '' "was opened once. An act that was never entered, or not as the case's, is not seen"
  ((later == 0)) || said '' "$later entries of the case came after this hand-over, and are not in it"
}

# --- the hand-over: what the log says this bundle holds ------------------------------------------

check_handover() {
  local line path listed_=0 bound_=0
  local -A bound
  [[ $contents == "${digest[$proof/contents.sha256]}" ]] ||
    bad "$proof/contents.sha256: is not the list that the hand-over was entered with"
  stage
  while IFS= read -r line; do
    path=${line:66}
    if [[ $path != $proof/* && $path =~ ^[A-Za-z0-9._/-]+$ && ${digest[$path]-} == "${line:0:64}" ]]; then
      bound[$path]=1
      bound_=$((bound_ + 1))
    else
      bad "$path: is not what the log says was handed over"
    fi
  done <$proof/contents.sha256
  for path in "${listed[@]}"; do
    [[ $path != $proof/* && $path != "$manifest" ]] || continue
    listed_=$((listed_ + 1))
    [[ -n ${bound[$path]-} ]] || bad "$path: is not among what the log says was handed over"
  done
  ((listed_ == bound_)) || bad "$proof/contents.sha256: names a file twice"
  stage
  value "$handover" time && [[ $VALUE =~ ^\"[0-9TZ:.-]+\"$ ]] || bad "entry $handover: has no time"
  stage
  said Hand-over "entry $handover of the log, made at ${VALUE//\"/}, binds the other $bound_ files:"
  said '' "originals, records, lists, README.txt and verify.sh are those that were handed over"
  shown "$recipient"
  said '' "to $SHOWN"
}

check_exculpatory() { # a finding that speaks for the suspect is here in words, whatever was withheld
  local i name at form='^\{"kind":"finding","number":([1-9][0-9]{0,8}),"state":"[a-z]+"\}$'
  local -A every=() speaking=()
  for i in "${of_case[@]}"; do
    [[ ${act_of[$i]-} == '"finding.add"' || ${act_of[$i]-} == '"finding.revise"' ]] || continue
    if ! value "$i" work || ! [[ $VALUE =~ $form ]] || ! { at=${BASH_REMATCH[1]} && value "$i" for_suspect; } ||
      ! [[ $VALUE == true || $VALUE == false ]]; then
      bad "entry $i: withholds whether this finding speaks for the suspect"
      continue
    fi
    every[$at]=1
    [[ $VALUE == true ]] || continue
    speaking[$at]=1
    for name in title statement; do
      [[ -n ${digest[$proof/entries/$i/field.$name]-} ]] ||
        bad "entry $i: finding $at speaks for the suspect, and its $name is withheld"
    done
  done
  stage
  ((${#every[@]} == 0)) || {
    said Findings "${#speaking[@]} of ${#every[@]} are marked as speaking for the suspect; all of those are in this"
    said '' 'bundle, in words'
  }
}

# --- who acted -----------------------------------------------------------------------------------

load_keys() { # each operator's key, and each session's and token's, as the log introduced it
  local i form="^\\{\"key_id\":\"([0-9a-f]{8})\",\"name\":($text),\"vkey\":($text)\\}\$" id name key kind until cases
  local lent="^\\{\"cases\":\\[(($text,?)*)\\],\"key_id\":\"([0-9a-f]{8})\",\"name\":($text),\"until\":\"([0-9T:-]{19}Z)\",\"vkey\":($text)\\}\$"
  for i in ${of_vault[@]+"${of_vault[@]}"}; do
    kind='' until='' cases=''
    case ${act_of[$i]} in
      '"operator.add"')
        value "$i" operator && [[ $VALUE =~ $form ]] || { bad "entry $i: introduces no key"; continue; }
        id=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} key=${BASH_REMATCH[4]:1}
        ;;
      '"session.open"' | '"token.add"')
        value "$i" delegate && [[ $VALUE =~ $lent ]] || { bad "entry $i: introduces no key of a session or a token"; continue; }
        cases=,${BASH_REMATCH[1]}, id=${BASH_REMATCH[4]} name=${BASH_REMATCH[5]} until=${BASH_REMATCH[7]} key=${BASH_REMATCH[8]:1}
        kind=token
        [[ ${act_of[$i]} != '"session.open"' ]] || kind=session
        ;;
      *) continue ;;
    esac
    key=${key%\"} key=${key//\\\"/\"} key=${key//\\\\/\\}
    RP=
    { vkey "$key" 01 || passkey "$key"; } && [[ $KEY_ID == "$id" ]] ||
      { bad "entry $i: introduces no key that people sign with"; continue; }
    [[ -z ${key_pem[$id]-} ]] || { bad "entry $i: introduces the key $id a second time"; continue; }
    key_pem[$id]=$PEM key_name[$id]=$name key_since[$id]=$i key_rp[$id]=$RP
    key_kind[$id]=$kind key_until[$id]=$until key_cases[$id]=$cases
  done
  for i in ${of_vault[@]+"${of_vault[@]}"}; do
    case ${act_of[$i]} in
      '"operator.drop"' | '"operator.rotate"' | '"operator.revoke"' | '"session.end"' | '"token.end"') ;;
      *) continue ;;
    esac
    value "$i" ended && [[ $VALUE =~ $form && ${key_name[${BASH_REMATCH[1]}]-} == "${BASH_REMATCH[2]}" ]] ||
      { bad "entry $i: ends no key that the log introduced"; continue; }
    id=${BASH_REMATCH[1]}
    [[ -z ${key_end[$id]-} ]] || bad "entry $i: ends the key $id a second time"
    key_end[$id]=$i
  done
}

check_signature() { # the signature that entry $1 carries, over itself and the entries it covers
  local i=$1 path=$proof/entries/$1 j count id base64 since message authenticator client base='"([A-Za-z0-9+/]+={0,2})"'
  local form="^\\{(\"authenticator\":$base,\"client\":$base,)?\"covers\":$number,\"key\":\"([0-9a-f]{8})\",\"sig\":$base\\}\$"
  origin_of "$i"
  message="holdfast-act/1$nl$ORIGIN$nl"
  value "$i" signature && [[ $VALUE =~ $form ]] || { bad "entry $i: its signature is malformed"; return; }
  authenticator=${BASH_REMATCH[2]} client=${BASH_REMATCH[3]} count=${BASH_REMATCH[4]} id=${BASH_REMATCH[5]} base64=${BASH_REMATCH[6]}
  [[ -n ${key_pem[$id]-} ]] || { bad "entry $i: no entry here introduces its actor's key $id"; return; }
  since=${key_since[$id]}
  ((since <= i)) || bad "entry $i: was signed before the key $id was introduced"
  ((${key_end[$id]-$i} >= i)) || bad "entry $i: was signed with the key $id after it had ended"
  for ((j = i - count; j < i; j++)); do
    if ((j < 0)) || [[ -z ${leaf_at[$j]-} ]]; then
      bad "entry $i: its signature covers entry $j, whose place is not proven"
      return
    fi
    message+=${leaf_at[$j]}$nl covered[$j]=$id
  done
  own_key[$i]=$id acts=$((acts + 2))
  message+=${plain[$i]}
  [[ -n ${digest[$path/act.message]-} && -n ${digest[$path/act.sig]-} ]] ||
    { bad "entry $i: its signature's files are missing"; return; }
  [[ -n ${digest[$proof/keys/$id.pem]-} ]] || { bad "$proof/keys/$id.pem: is missing"; return; }
  slurp "$path/act.message" && [[ $TEXT == "$message" ]] ||
    bad "$path/act.message: is not the act that entry $i tells of"
  slurp "$proof/keys/$id.pem" && [[ $TEXT == "${key_pem[$id]}" ]] ||
    bad "$proof/keys/$id.pem: is not the key that the log introduced"
  is_file "$path/act.sig" "$base64" || bad "$path/act.sig: is not the signature of entry $i"
  used_keys[16#$id]=$id
  if [[ -n $client || -n ${key_rp[$id]} ]]; then
    check_passkey
  else
    verifies "$proof/keys/$id.pem" "$path/act.message" "$path/act.sig" ||
      bad "entry $i: its actor's signature does not verify"
  fi
}

is_file() { # file, base64: whether it holds those bytes, and no more; they are in HEX
  from_base64 "$2" && files=("$1") && hexes $((${#HEX} / 2)) && [[ ${LINES[0]} == "$HEX" ]]
}

check_passkey() { # what the passkey of entry $i signed, for check_signature: WebAuthn Level 2, 5.8.1.2 and 6.1
  local rp=${key_rp[$id]} sum flags form why="entry $i: its actor's signature by a passkey is none:"
  [[ -n $client && -n $rp ]] || { bad "entry $i: its signature is of another kind than its actor's key"; return; }
  acts=$((acts + 2))
  [[ -n ${digest[$path/act.client]-} && -n ${digest[$path/act.signed]-} ]] ||
    { bad "entry $i: its signature's files are missing"; return; }
  is_file "$path/act.client" "$client" && slurp "$path/act.client" ||
    { bad "$path/act.client: is not the client data of entry $i"; return; }
  from_base64 "$authenticator" && ((${#HEX} >= 74 && ${#HEX} <= 8192)) ||
    { bad "$why its authenticator data is malformed"; return; }
  authenticator=$HEX flags=$((16#${HEX:64:2}))
  files=("$path/act.signed")
  hexes $((${#HEX} / 2 + 32)) && [[ ${LINES[0]} == "$authenticator${digest[$path/act.client]}" ]] ||
    bad "$path/act.signed: is not what the passkey of entry $i signed"
  to_base64 "${digest[$path/act.message]}" # the challenge, in base64url
  BASE64=${BASE64//+/-} BASE64=${BASE64//\//_} BASE64=${BASE64%=}
  form='^\{"type":"webauthn\.get","challenge":"([A-Za-z0-9_-]{43})","origin":"(https?)://([a-z0-9.-]+)(:[0-9]{1,5})?"(,"crossOrigin":false(,[^[:cntrl:]]*)?)?\}$'
  if ! [[ $TEXT =~ $form ]]; then
    bad "$why its client data is not what a browser says of such a signature"
  elif [[ ${BASH_REMATCH[1]} != "$BASE64" ]]; then
    bad "$why its challenge is not this act's"
  elif [[ ${BASH_REMATCH[3]} != "$rp" || (${BASH_REMATCH[2]} == http && $rp != localhost) ]]; then
    bad "$why it was made on a page of another origin than $rp"
  fi
  sum=$(printf %s "$rp" | sha256sum)
  [[ ${authenticator:0:64} == "${sum:0:64}" ]] || bad "$why its authenticator signed for another relying party than $rp"
  ((flags & 1)) || bad "$why nobody was present (flag UP)"
  ((flags & 4)) || bad "$why the authenticator did not verify who was there (flag UV)"
  # Flag AT, a credential, is of no signature; flag ED says that extensions follow the 37 bytes.
  ((!(flags & 64) && (${#authenticator} > 74) == ((flags & 128) > 0))) || bad "$why its authenticator data is malformed"
  if [[ ${key_pem[$id]} == *MCowBQYDK2VwAyEA* ]]; then
    verifies "$proof/keys/$id.pem" "$path/act.signed" "$path/act.sig"
  else # ES256 and RS256
    openssl dgst -sha256 -verify "$proof/keys/$id.pem" -signature "$path/act.sig" "$path/act.signed" >/dev/null 2>&1
  fi || bad "entry $i: its actor's signature does not verify"
  counted[i]="$id $((16#${authenticator:66:8}))"
}

check_counters() { # MARKED: passkeys whose counters went back
  local i id count
  local -A last
  for i in ${counted[@]+"${!counted[@]}"}; do # in order of entries
    id=${counted[i]% *} count=${counted[i]#* }
    if ((count <= ${last[$id]-0} && count + ${last[$id]-0} > 0)); then
      said MARKED "entry $i: the counter of the passkey $id is $count and was ${last[$id]} already: there may be a copy of it"
    fi
    ((count <= ${last[$id]-0})) || last[$id]=$count
  done
}

check_served() { # whether the key $2 of a session or a token may have signed entry $1
  local act time of why="entry $1: is signed by the key of a ${key_kind[$2]}"
  value "$1" act && act=${VALUE//\"/} && value "$1" time && time=${VALUE//\"/} && value "$1" case && of=$VALUE ||
    { bad "entry $1: tells no act, case or time that a ${key_kind[$2]} may have"; return; }
  case $act in # docs/formats/custody.md, "Sessions and tokens"
    *.request | *.review | request.approve | operator.* | session.open | token.add | erase | erase.mass | hold.lifted | account.allowed | log.key)
      bad "$why, and $act asks for the person's own" ;;
  esac
  [[ ! ${time:0:19} > ${key_until[$2]:0:19} ]] || bad "$why that was over at ${key_until[$2]}"
  [[ ${key_cases[$2]} == ,, || $of == null || ${key_cases[$2]} == *",$of,"* ]] || bad "$why that is not for its case"
}

named() { # NAMED: whose the key $1 is, and of a session's or a token's who let them in
  local form="\"name\":($text)\\}\$"
  NAMED="${key_name[$1]} (key $1)"
  [[ -n ${key_kind[$1]} ]] || return 0
  NAMED="${key_name[$1]} (${key_kind[$1]} $1, begun by ${key_name[$1]})"
  if value "${key_since[$1]}" actor && [[ $VALUE =~ $form ]]; then
    NAMED="${key_name[$1]} (${key_kind[$1]} $1, begun by ${BASH_REMATCH[1]})"
  fi
}

check_actors() {
  local i id form="^\\{\"key\":(null|\"([0-9a-f]{8})\"),\"name\":($text)\\}\$" names='' lent='' less=0
  acts=0 unsigned=0 used_keys=() counted=()
  load_keys
  for i in "${leaves[@]}"; do
    [[ -z ${signed[$i]-} ]] || check_signature "$i"
  done
  for i in "${leaves[@]}"; do
    value "$i" actor && [[ $VALUE =~ $form ]] || { bad "entry $i: names no actor"; continue; }
    id=${own_key[$i]-${covered[$i]-}}
    if [[ ${BASH_REMATCH[1]} == null && -z $id ]]; then
      unsigned=$((unsigned + 1))
    elif [[ -z $id ]]; then
      bad "entry $i: its actor has a key, but no signature covers it"
    elif [[ ${BASH_REMATCH[2]} != "$id" || ${BASH_REMATCH[3]} != "${key_name[$id]-}" ]]; then
      bad "entry $i: is signed by another than its actor"
    elif [[ -n ${key_kind[$id]} ]]; then
      less=$((less + 1))
      check_served "$i" "$id"
    fi
  done
  ((acts == act_files)) || bad "$proof/entries: $((act_files - acts)) signature files belong to no entry"
  ((${#used_keys[@]} == key_files)) || bad "$proof/keys: holds a key that signed nothing here"
  stage
  for id in ${used_keys[@]+"${used_keys[@]}"}; do
    named "$id"
    if [[ -n ${key_kind[$id]} ]]; then lent+=", $NAMED"; else names+=", $NAMED"; fi
  done
  shown "${names#, }"
  said Actors "$((${#leaves[@]} - unsigned - less)) entries are signed by their actors' own keys: ${SHOWN:-none}"
  if ((less)); then
    said '' "$less are signed in a session or by a token of theirs, which is less:"
    shown "${lent#, }"
    said '' "$SHOWN"
  fi
  for id in "${!key_end[@]}"; do
    shown "${key_name[$id]}"
    said '' "the key $id of $SHOWN ended with entry ${key_end[$id]}; it signed nothing here after that"
  done
  check_counters
  ((unsigned == 0)) || said '' "$unsigned entries are by actors without a key: ACTOR UNSIGNED"
}

check_policy() { # the vault's first entry: its key, and what it demands of itself
  local bool="(true|false)" store form
  store="\\{\"address\":$text,\"promises\":\\{\"create\":$bool,\"lock\":$bool,\"multipart\":$bool,\"ranges\":$bool\\}\\}"
  form="^\\{\"log\":($text)(,\"log_mldsa\":$text)?,\"require\":\\[([a-z\",]*)\\],\"sealed\":$bool(,\"store\":$store)?\\}\$"
  [[ ${act_of[0]-} == '"vault.init"' ]] && value 0 settings && [[ $VALUE =~ $form ]] ||
    { bad "entry 0: the vault's own first entry is missing or withheld"; return; }
  require=,${BASH_REMATCH[5]//\"/},
  if [[ $require == *,signed,* ]] && ((unsigned)); then
    bad "policy: the vault demands signed acts, and $unsigned are unsigned"
  fi
}

# --- the originals -------------------------------------------------------------------------------

is_size() { # size, files: together they are that many bytes. od skips by size, it reads nothing
  local bytes
  bytes=$(od -An -v -tx1 -j "$1" -N 1 "${@:2}" 2>/dev/null) && [[ -z $bytes ]]
}

add_up() { # the sizes of a batch of originals; the digest has each one's bytes, so sums will do
  ((${#batch[@]} == 0)) || is_size "$sum" "${batch[@]}" ||
    for path in "${batch[@]}"; do
      size_=${original[${path#data/originals/}]}
      is_size "$size_" "$path" || bad "$path: is not of $size_ bytes, as its entry says"
    done
  batch=() sum=0
}

check_originals() {
  local i item path size_ form="^\\{\"object\":\"$hash\",\"size\":$number(,\"wrapped\":\"[A-Za-z0-9+/=]*\")?\\}\$"
  local count=0 hidden=0 records=0 sum=0 batch=()
  for i in "${of_case[@]}"; do
    [[ ${act_of[$i]} == '"collect.item"' ]] || continue
    if ! value "$i" item; then
      hidden=$((hidden + 1))
      continue
    fi
    [[ $VALUE =~ ^\"($hash)\"$ ]] || { bad "entry $i: names no item"; continue; }
    item=${BASH_REMATCH[1]} path=data/originals/${BASH_REMATCH[1]}
    value "$i" stored && [[ $VALUE =~ $form ]] || { bad "entry $i: withholds the size of item $item"; continue; }
    size_=${BASH_REMATCH[1]}
    if [[ ${digest[$path]-} != "$item" ]]; then
      bad "$path: is missing, or is not the original that entry $i names"
    elif [[ -z ${original[$item]-} ]]; then
      original[$item]=$size_ count=$((count + 1))
      batch+=("$path")
      sum=$((sum + size_))
      ((count % 200)) || add_up
    elif [[ ${original[$item]} != "$size_" ]]; then
      bad "entry $i: states another size of item $item than an entry before"
    fi
  done
  add_up
  for path in "${listed[@]}"; do
    case $path in
      data/originals/*)
        [[ -n ${original[${path#data/originals/}]-} ]] || bad "$path: no entry of the log names this original"
        ;;
      data/records/*) records=$((records + 1)) ;;
    esac
  done
  stage
  said Originals "$count files, each named by digest and size in a proven entry of its collection"
  if ((hidden)); then
    said Withheld "$hidden exhibits of the case are withheld from this bundle; their entries are counted above"
    shown "$order"
    [[ $order == '""' ]] && said '' 'no order is named under which they are' || said '' "under the order $SHOWN"
  fi
  ((records == 0)) || said Records "$records files made from the originals by programs; they can be made anew and compared"
}

# --- keys from a second channel ------------------------------------------------------------------

read_anchors() { # anchor[], and a policy (C2SP tlog-policy): what the reader brought
  local line word pem=''
  local -a part
  local -A keys
  [[ -f $1 ]] || usage "the file of anchors $1 is not there"
  anchor=()
  while IFS= read -r line || [[ -n $line ]]; do
    read -ra part < <(printf '%s\n' "${line%$'\r'}") # `<<<` writes a file in older bash
    case "${part[0]-}:${#part[@]}" in
      :* | '#tsa:1') continue ;;
      '#tsa:3')
        from_base64 "${part[2]}" && [[ $HEX == 30* ]] && word=${part[2]} &&
          pem="-----BEGIN CERTIFICATE-----$nl" &&
          while [[ -n $word ]]; do pem+=${word:0:64}$nl word=${word:64}; done &&
          roots[${part[1]}]+="$pem-----END CERTIFICATE-----$nl" && continue
        ;;
      '#ended:5')
        [[ ${part[1]} =~ ^(rotated|stolen|lost|continued)$ ]] && is_number "${part[2]}" && [[ ${part[2]} != 0 ]] &&
          from_base64 "${part[3]}" && ((${#HEX} == 64)) && vkey "${part[4]}" 01 && [[ -z ${ended_why[${part[4]}]-} ]] &&
          ended_why[${part[4]}]=${part[1]} ended_size[${part[4]}]=${part[2]} ended_root[${part[4]}]=${part[3]} && continue
        ;;
      '#tsa:'* | '#ended:'*) ;;
      '#'*) continue ;;
      log:[23]) vkey "${part[1]}" 01 && anchor+=("${part[1]}") && continue ;;
      witness:[34])
        vkey "${part[2]}" '0[46]' && is_new "${part[1]}" && [[ -z ${keys[${part[2]#*+*+}]-} ]] &&
          witness_of["$NAME $KEY_ID"]=${part[1]} witness_pem[${part[1]}]=$PEM keys[${part[2]#*+*+}]=1 && continue
        ;;
      group:*) add_group "${part[@]:1}" && continue ;;
      quorum:2)
        [[ -z $quorum ]] && { [[ ${part[1]} == none ]] || [[ -n ${defined[${part[1]}]-} ]]; } &&
          quorum=${part[1]} && continue
        ;;
    esac
    bad "anchors: a line that this verify.sh can't hold the bundle to: $line"
  done <"$1"
  ((${#anchor[@]})) || bad "anchors: no log's key is named: log <vkey>"
  stage
}

is_new() { # a name of a policy, used once for a witness or a group
  [[ $1 != none && -z ${defined[$1]-} ]] && defined[$1]=1
}

add_group() { # name, k, members: each is defined before, and in one group only
  local name=${1-} k=${2-} member
  shift 2 && (($#)) || return 1
  case $k in
    any) k=1 ;;
    all) k=$# ;;
    *) is_number "$k" && ((k >= 1 && k <= $#)) || return 1 ;;
  esac
  for member; do
    [[ -n ${defined[$member]-} && -z ${placed_in[$member]-} ]] || return 1
    placed_in[$member]=1
  done
  is_new "$name" || return 1
  groups+=("$name") threshold[$name]=$k members[$name]="$*"
}

check_end() { # vkey, size, root: what a key signed, against where the anchors say that it ended
  local why=${ended_why[$1]-}
  [[ -n $why ]] || return 0
  if (($2 > ${ended_size[$1]})) || [[ $2 == "${ended_size[$1]}" && $3 != "${ended_root[$1]}" ]]; then
    bad "origin: your anchors say that the log's key $1 ended at ${ended_size[$1]} entries, as another log: what it signed here is forged, or came later"
  fi
}

check_anchors() {
  local known i trusted=-1 why
  check_end "$log_vkey" "$size" "$root64"
  if [[ ${ended_why[$log_vkey]-} == stolen && -z $signers ]]; then
    bad "origin: the log's key $log_vkey was stolen since, and no witness in your anchors signed this head: whoever stole it could have made this"
  fi
  for ((i = 0; i < ${#former_vkey[@]}; i++)); do
    check_end "${former_vkey[i]}" "${former_until[i]}" "${former_root[i]}"
  done
  stage
  for known in "${anchor[@]}"; do
    if [[ $known == "$log_vkey" || -n ${ended_why[$log_vkey]-} ]]; then
      said Origin "the log's key is the one in your anchors: origin established"
      return
    fi
    for ((i = 0; i < ${#former_vkey[@]}; i++)); do
      [[ $known != "${former_vkey[i]}" ]] || ((i < trusted)) || trusted=$i
    done
  done
  if ((trusted >= 0)); then # the newest key that the anchors have; each after it must be announced
    why=rotated
    for ((i = ${#former_why[@]} - 1; i >= trusted; i--)); do
      [[ ${former_why[i]} != rotated ]] || continue
      case ${former_why[i]} in
        continued) why='this log goes on as another' ;;
        lost) why="the log's key in your anchors was lost" ;;
        *) why="the log's key in your anchors was stolen" ;;
      esac
      bad "origin: $why, says entry ${former_entry[i]}: get new anchors"
      return
    done
    said Origin "the log's key was announced by the key in your anchors, in entry ${former_entry[trusted]}: origin established"
    return
  fi
  bad "origin: this bundle's log key $log_vkey is NOT the one in your anchors: it is another log's, or forged"
}

# --- outsiders: witnesses and time-stamping authorities ------------------------------------------

days_of() { # DAYS since 1970-01-01 of year $1, month $2, day $3; all decimal without a leading zero
  local y=$(($1 - ($2 <= 2))) m=$((($2 + 9) % 12))
  DAYS=$((y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + $3 - 719469))
}

utc() { # UTC: POSIX time $1 as people write it (bash 4.0's printf can't)
  local s=$(($1 % 86400)) y=1970 m=1
  while days_of $((y + 1)) 1 1 && ((DAYS <= $1 / 86400)); do y=$((y + 1)); done
  while ((m < 12)) && days_of $y $((m + 1)) 1 && ((DAYS <= $1 / 86400)); do m=$((m + 1)); done
  days_of $y $m 1
  printf -v UTC '%04d-%02d-%02d %02d:%02d:%02d UTC' $y $m $(($1 / 86400 - DAYS + 1)) $((s / 3600)) $((s / 60 % 60)) $((s % 60))
}

cosignature() { # line $1 of the head as cosigned: by whom $2; its bytes are in HEX
  local path=$proof/witnesses/$1 who=${witness_of[$2 ${HEX:0:8}]-} posix message bytes=${HEX:24}
  if ((${#HEX} == 152)) && [[ ${HEX:8:1} == [0-7] ]]; then # Ed25519: C2SP tlog-cosignature
    posix=$((16#${HEX:8:16})) message_files=$((message_files + 2)) cosigned=$((cosigned + 1))
    message="cosignature/v1${nl}time $posix$nl$note"
    files=("$path.sig")
    [[ -n ${digest[$path.message]-} && -n ${digest[$path.sig]-} ]] && slurp "$path.message" &&
      [[ $TEXT == "$message" ]] && hexes 64 && [[ ${LINES[0]} == "$bytes" ]] ||
      { bad "$path: is not what line $1 of the cosigned head says"; return; }
    [[ -n $who ]] || { strangers=$((strangers + 1)); return; }
    [[ -n ${witness_pem[$who]} ]] && verifies <(printf %s "${witness_pem[$who]}") "$path.message" "$path.sig" ||
      { bad "$proof/cosigned: the signature of the witness $who does not verify"; return; }
    ((posix < 253402300800)) && utc "$posix" || UTC="at an absurd time"
    [[ -n ${met[$who]-} ]] || signers+=", $who ($UTC)"
    met[$who]=1
  elif ((${#HEX} == 4864)); then # ML-DSA-44
    cosigned=$((cosigned + 1))
    [[ -n $who ]] && unchecked+=", $who" || strangers=$((strangers + 1))
  else
    bad "$proof/cosigned: line $1 is no cosignature"
  fi
}

check_witnesses() {
  local line at=0 form="^$dash([^[:space:]]+) ([A-Za-z0-9+/]+=*)\$" rest='' group member count own=0 signer of
  cosigned=0 strangers=0 message_files=0 signers='' unchecked=''
  if [[ -n ${digest[$proof/cosigned]-} ]]; then
    slurp $proof/cosigned && rest=${TEXT#"$note$nl"} && [[ "$note$nl$rest" == "$TEXT" && $rest == *"$nl" ]] ||
      bad "$proof/cosigned: is not checkpoint.text with signatures"
    while IFS= read -r line; do
      at=$((at + 1))
      [[ $line =~ $form ]] && signer=${BASH_REMATCH[1]} && from_base64 "${BASH_REMATCH[2]}" ||
        { bad "$proof/cosigned: line $at is no signature"; continue; }
      if [[ $signer != "$origin" ]]; then
        cosignature "$at" "$signer"
      elif [[ ${HEX:0:8} == "$log_key" ]]; then
        own=$((own + 1))
        [[ ${HEX:8} == "$signature" ]] || bad "$proof/cosigned: has another signature of the log than the checkpoint"
      fi # else the log's own second one, of a type that no anchor names
    done < <(printf '%s' "$rest")
    ((own == 1)) || bad "$proof/cosigned: is not signed by the log's key"
  fi
  ((message_files == witness_files)) || bad "$proof/witnesses: $((witness_files - message_files)) files belong to no cosignature"
  for group in ${groups[@]+"${groups[@]}"}; do
    count=0
    read -ra of < <(printf '%s\n' "${members[$group]}")
    for member in "${of[@]}"; do [[ -z ${met[$member]-} ]] || count=$((count + 1)); done
    ((count < ${threshold[$group]})) || met[$group]=1
  done
  [[ -z $quorum || $quorum == none || -n ${met[$quorum]-} ]] ||
    bad "witnesses: your anchors demand the quorum $quorum, and it is not met. Signed have: ${signers:2}${unchecked:+; not checked, being ML-DSA-44: ${unchecked:2}}"
  if [[ $require == *,witnessed,* && -z $signers ]]; then
    ((anchored || cosigned == 0)) &&
      bad "policy: the vault demands witnesses, and this bundle is unwitnessed: no witness in your anchors signed it"
  fi
  stage
  [[ -z $signers ]] || {
    shown "${signers:2}"
    said Witnesses "signed this head: $SHOWN"
    [[ -z $quorum || $quorum == none ]] || said '' "the quorum $quorum of your anchors is met"
  }
  [[ -z $unchecked ]] || { shown "${unchecked:2}"; said '' "not checked, ML-DSA-44: $SHOWN"; }
  ((strangers == 0)) || said '' "$strangers cosignatures are by keys not in your anchors: NOT held to anything"
}

posix_of() { # POSIX: the first time in text $1 that is written as openssl writes it
  local form='([A-Z][a-z][a-z]) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)? ([0-9]{4}) GMT'
  local months=JanFebMarAprMayJunJulAugSepOctNovDec month
  [[ $1 =~ $form ]] || return 1
  month=${months%%"${BASH_REMATCH[1]}"*}
  days_of "$((10#${BASH_REMATCH[7]}))" "$((${#month} / 3 + 1))" "${BASH_REMATCH[2]}"
  POSIX=$((DAYS * 86400 + 10#${BASH_REMATCH[3]} * 3600 + 10#${BASH_REMATCH[4]} * 60 + 10#${BASH_REMATCH[5]}))
}

stamp_time() { # POSIX: when the time stamp that openssl ts -reply is given says it was made
  local text form=$'\nTime stamp: ([^\n]+)\n'
  text=$(openssl ts -reply "$@" -text 2>/dev/null) || return 1
  [[ $nl$text$nl =~ $form ]] && posix_of "${BASH_REMATCH[1]}"
}

# A stamp's certificate may have been revoked (RFC 3161, section 4; docs/formats/proof.md, "Revoked
# certificates"). The lists (CRLs) that lie beside it are read; who has a newer one can ask openssl.

blocks() { # BLOCKS: the PEM blocks of kind $2 in the text $1
  local line block=''
  BLOCKS=()
  while IFS= read -r line; do
    [[ $line != "-----BEGIN $2-----" ]] || block=''
    block+=$line$nl
    [[ $line != "-----END $2-----" ]] || BLOCKS+=("$block")
  done < <(printf '%s\n' "$1")
}

worst_of() { # SINCE, REASON, HARMLESS: what the list whose text is $1 says of serial number $2, if it is worse
  local line here=0 next=0 when='' why='no reason said' harmless
  while read -r line; do
    if ((next && here)); then why=$line; fi
    next=0
    case $line in
      'Serial Number: '* | 'Signature Algorithm: '*)
        ((here == 0)) || break
        [[ $line != "Serial Number: $2" ]] || here=1
        ;;
      'Revocation Date: '*) ((here == 0)) || when=$line ;;
      *'CRL Reason Code:'*) next=1 ;;
    esac
  done < <(printf '%s\n' "${1#*Revoked Certificates:}")
  ((here)) && posix_of "$when" || return 0
  case $why in
    Unspecified | 'Affiliation Changed' | Superseded | 'Cessation Of Operation') harmless=1 ;;
    *) harmless=0 ;;
  esac
  if [[ -z $SINCE ]] || ((harmless < HARMLESS || (harmless == HARMLESS && POSIX < SINCE))); then
    SINCE=$POSIX REASON=$why HARMLESS=$harmless
  fi
}

check_revoked() { # REVOKED: what is to be told; false if the stamp of the authority $1, of POSIX time $2, does not count
  local path=$proof/stamps/$1 said certs block serial issuer lists=() held=() told=0
  REVOKED='' SINCE='' REASON='' HARMLESS=1
  [[ -n ${digest[$path.crls]-} ]] || return 0
  slurp "$path.crls" && [[ $TEXT == '-----BEGIN X509 CRL-----'* ]] || { bad "$path.crls: is no list of revoked certificates"; return 1; }
  blocks "$TEXT" 'X509 CRL'
  lists=(${BLOCKS[@]+"${BLOCKS[@]}"})
  certs=$(openssl ts -reply -in "$path.tsr" -token_out 2>/dev/null | openssl pkcs7 -inform DER -print_certs 2>/dev/null)
  blocks "$certs" CERTIFICATE
  held=(${BLOCKS[@]+"${BLOCKS[@]}"})
  for block in ${lists[@]+"${lists[@]}"}; do
    said=$(openssl crl -in <(printf %s "$block") -CAfile <(printf '%s\n' "${roots[$1]}" ${held[@]+"${held[@]}"}) -noout -issuer -text 2>&1) ||
      { bad "$path.crls: is no list of revoked certificates"; return 1; }
    [[ $nl$said == *"${nl}verify OK"* ]] || continue # by somebody else
    issuer=${said#*issuer=} issuer=${issuer%%"$nl"*}
    for serial in ${held[@]+"${held[@]}"}; do
      serial=$(openssl x509 -noout -issuer -serial -in <(printf %s "$serial") 2>/dev/null)
      [[ $serial == "issuer=$issuer${nl}serial="* ]] || continue
      told=1
      worst_of "$said" "${serial##*serial=}"
    done
  done
  if ((told == 0)); then
    REVOKED='whether it was revoked is not known: its list is by somebody else'
    return 0
  elif [[ -z $SINCE ]]; then
    REVOKED='not revoked, by the list that was kept with it'
    return 0
  fi
  utc "$SINCE"
  shown "$UTC ($REASON)"
  if ((HARMLESS == 0)); then
    REVOKED="the stamp of $1 counts for nothing: its certificate was revoked on $SHOWN, and whoever has its key can make a stamp of any time"
    return 1
  elif (($2 >= SINCE)); then
    bad "$path.tsr: its certificate was revoked on $SHOWN, before it stamped this"
    return 1
  fi
  REVOKED="its certificate was revoked on $SHOWN, after it"
}

# An evidence record (RFC 4998; docs/formats/proof.md, "Evidence records") is a stamp that was stamped
# again before it lost its worth. openssl knows no such thing, but it lists the elements of any DER,
# cuts one out, and verifies each stamp.

read_der() { # the elements of DER file $1, in order: at[], deep[], head[], long[], kind[]; der: all of it, in hex
  local line form='^ *([0-9]+):d= *([0-9]+) +hl= *([0-9]+) +l= *([0-9]+) +(prim|cons): (.*[^ ]) *$' count=0
  at=() deep=() head=() long=() kind=() der='' der_file=$1
  while IFS= read -r line; do der+=${line// /}; done < <(od -An -v -tx1 -w64 "$1")
  while IFS= read -r line; do
    [[ $line =~ $form ]] || return 1 # a length that is said to be open is refused here, too
    at[count]=${BASH_REMATCH[1]} deep[count]=${BASH_REMATCH[2]} head[count]=${BASH_REMATCH[3]}
    long[count]=${BASH_REMATCH[4]} kind[count]="${BASH_REMATCH[5]} ${BASH_REMATCH[6]}"
    count=$((count + 1))
  done < <(openssl asn1parse -inform DER -in "$1" 2>/dev/null || printf 'failed\n')
  ((count > 0 && at[0] == 0 && head[0] + long[0] == ${#der} / 2))
}

inside() { # PARTS: which elements are those right inside element $1; each length in its one form
  local i end=$((at[$1] + head[$1] + long[$1])) due=$((at[$1] + head[$1])) need
  PARTS=()
  for ((i = $1 + 1; i < ${#at[@]} && at[i] < end; i++)); do
    ((deep[i] == deep[$1] + 1)) || continue
    need=$((2 + (long[i] > 127) + (long[i] > 255) + (long[i] > 65535)))
    ((at[i] == due && head[i] == need)) || return 1
    PARTS+=("$i")
    due=$((due + head[i] + long[i]))
  done
  ((due == end))
}

cut_out() { # prints the bytes of elements $1 to $2, which stand side by side
  local from=${at[$1]}
  openssl asn1parse -inform DER -in "$der_file" -offset "$from" -length $((at[$2] + head[$2] + long[$2] - from)) \
    -noout -out /dev/stdout 2>/dev/null
}

raw() { # prints the bytes whose hex is $1
  local i bytes=''
  for ((i = 0; i < ${#1}; i += 2)); do bytes+="\\x${1:i:2}"; done
  printf '%b' "$bytes"
}

hashed() { # SUM: of what comes in, by digest $1
  SUM=$(openssl dgst -r "-$1") || return 1
  SUM=${SUM%% *}
  ((${#SUM} >= 64))
}

joined() { # SUM: the digest $1 of the other arguments, hex, joined in ascending order
  local name=$1 one i sorted=()
  shift
  for one; do
    for ((i = ${#sorted[@]}; i > 0; i--)); do
      [[ ${sorted[i - 1]} > $one ]] || break
      sorted[i]=${sorted[i - 1]}
    done
    sorted[i]=$one
  done
  printf -v one %s "${sorted[@]}"
  hashed "$name" < <(raw "$one")
}

archive() { # ALGORITHM, TREE (a list of element numbers a line), TOKEN: of the archive time-stamp, element $1
  local one inner=() level
  ALGORITHM='' TREE=() TOKEN=''
  inside "$1" && ((${#PARTS[@]} >= 2)) || return 1
  inner=("${PARTS[@]}")
  TOKEN=${inner[${#inner[@]} - 1]}
  unset "inner[${#inner[@]}-1]"
  for one in "${inner[@]}"; do
    inside "$one" || return 1
    if [[ ${kind[one]} == 'cons cont [ 0 ]' && ${kind[PARTS[0]]} =~ ^prim\ OBJECT\ +:(sha256|sha384|sha512)$ ]]; then
      ALGORITHM=${BASH_REMATCH[1]}
    elif [[ ${kind[one]} == 'cons cont [ 2 ]' ]] && ((${#PARTS[@]} >= 1 && ${#PARTS[@]} <= 64)); then
      for level in "${PARTS[@]}"; do
        inside "$level" && ((${#PARTS[@]} >= 1 && ${#PARTS[@]} <= 64)) || return 1
        TREE+=("${PARTS[*]}")
      done
    else
      return 1
    fi
  done
  [[ -n $ALGORITHM ]]
}

climb() { # SUM: the root that the leaf $1 leads to in TREE (RFC 4998, 4.3)
  local line one items=() hexes_=() here=0 first=1 leaf=$1
  SUM=$leaf
  for line in ${TREE[@]+"${TREE[@]}"}; do
    read -ra items < <(printf '%s\n' "$line")
    hexes_=()
    for one in "${items[@]}"; do
      [[ ${kind[one]} == 'prim OCTET STRING'* ]] || return 1
      hexes_+=("${der:2 * (at[one] + head[one]):2 * long[one]}")
      [[ ${hexes_[${#hexes_[@]} - 1]} != "$leaf" ]] || here=1
    done
    if ((first)); then ((here)) || return 1; else hexes_+=("$SUM"); fi
    joined "$ALGORITHM" "${hexes_[@]}" || return 1
    first=0
  done
}

covers() { # leaf $1: whether the token TOKEN is a stamp over it, by roots[$2]; its time is POSIX
  local form=$'\nHash Algorithm: '$ALGORITHM$'\n' text
  climb "$1" || return 1
  stamp_time -token_in -in <(cut_out "$TOKEN" "$TOKEN") || return 1
  text=$(openssl ts -reply -token_in -in <(cut_out "$TOKEN" "$TOKEN") -text 2>/dev/null)
  [[ $nl$text == *"$form"* ]] && good_at "$POSIX" "$SUM" "$TOKEN" "$2"
}

good_at() { # POSIX time $1: whether the token $3 over the digest $2 verifies as of then, by roots[$4]
  openssl ts -verify -digest "$2" -token_in -in <(cut_out "$3" "$3") -attime "$1" \
    -CAfile <(printf %s "${roots[$4]}") >/dev/null 2>&1
}

check_record() { # RECORD: what the evidence record of the authority $1 shows of its stamp
  local path=$proof/stamps/$1.ers token chain chains=() stamps=() number i leaf
  local last_time='' last_sum='' last_token='' algorithm count=0
  RECORD=
  read_der "${path%.ers}.tsr" && inside 0 && ((${#PARTS[@]} == 2)) && hashed sha256 < <(cut_out "${PARTS[1]}" "${PARTS[1]}") ||
    { bad "$path: its stamp can't be read"; return; }
  token=$SUM
  read_der "$path" && inside 0 && ((${#PARTS[@]} == 3)) && [[ ${kind[PARTS[0]]} == 'prim INTEGER           :01' ]] && inside "${PARTS[2]}" ||
    { bad "$path: is no evidence record (RFC 4998)"; return; }
  chains=(${PARTS[@]+"${PARTS[@]}"})
  for ((number = 0; number < ${#chains[@]}; number++)); do
    chain=${chains[number]} algorithm=
    inside "$chain" && ((${#PARTS[@]})) || { bad "$path: is no evidence record (RFC 4998)"; return; }
    stamps=("${PARTS[@]}")
    for ((i = 0; i < ${#stamps[@]}; i++)); do
      archive "${stamps[i]}" || { bad "$path: has an archive time-stamp that is malformed"; return; }
      [[ -z $algorithm || $algorithm == "$ALGORITHM" ]] || { bad "$path: a chain of archive time-stamps changes its digest"; return; }
      algorithm=$ALGORITHM
      if ((i)); then # time-stamp renewal: over the token before
        hashed "$ALGORITHM" < <(cut_out "$last_token" "$last_token")
      elif ((number)); then # hash-tree renewal: over the document and all chains before
        hashed "$ALGORITHM" <$proof/checkpoint.text
        leaf=$SUM
        der_header $((at[chain] - at[chains[0]]))
        hashed "$ALGORITHM" < <(raw "$HEX" && cut_out "${chains[0]}" "${chains[number - 1]}")
        hashed "$ALGORITHM" < <(raw "$leaf$SUM")
      else
        hashed "$ALGORITHM" <$proof/checkpoint.text
        leaf=$SUM
        ((${#TREE[@]} == 0)) && hashed sha256 < <(cut_out "$TOKEN" "$TOKEN") && [[ $SUM == "$token" ]] ||
          { bad "$path: it begins with another stamp"; return; }
        SUM=$leaf
      fi
      covers "$SUM" "$1" || { bad "$path: its archive time-stamp number $((count + 1)) does not verify, or covers something else than what is before it"; return; }
      if ((count)) && ! { ((POSIX >= last_time)) && good_at "$POSIX" "$last_sum" "$last_token" "$1"; }; then
        bad "$path: an archive time-stamp was renewed when its certificate had ended already, or by one that is older"
        return
      fi
      last_time=$POSIX last_sum=$SUM last_token=$TOKEN count=$((count + 1))
    done
  done
  ((count)) || { bad "$path: is no evidence record (RFC 4998)"; return; }
  utc "$last_time"
  RECORD="$1 renewed it $((count - 1)) times, last at $UTC"
  openssl ts -verify -digest "$last_sum" -token_in -in <(cut_out "$last_token" "$last_token") \
    -CAfile <(printf %s "${roots[$1]}") >/dev/null 2>&1 || RECORD+='; its certificate has expired since, and nothing renewed it'
}

der_header() { # HEX: of a SEQUENCE of $1 bytes, DER
  if (($1 < 128)); then printf -v HEX '30%02x' "$1"
  elif (($1 < 256)); then printf -v HEX '3081%02x' "$1"
  elif (($1 < 65536)); then printf -v HEX '3082%04x' "$1"
  else printf -v HEX '3083%06x' "$1"
  fi
}

check_stamps() {
  local path name how when lines=() present=0 unheld='' RECORD=''
  stamped=0
  for path in "${listed[@]}"; do
    name=${path#"$proof"/stamps/}
    [[ $path == $proof/stamps/* ]] || continue
    if [[ $name == *.ers || $name == *.crls ]]; then
      [[ -n ${digest[${path%.*}.tsr]-} ]] || bad "$path: belongs to no stamp that is here"
      continue
    fi
    name=${name%.tsr} present=$((present + 1)) how='' RECORD=''
    if [[ -z ${roots[$name]-} ]]; then
      unheld+=", $name"
      continue
    fi
    stamp_time -in "$path" || { bad "$path: is no granted time stamp (RFC 3161)"; continue; }
    if ! openssl ts -verify -data $proof/checkpoint.text -in "$path" -CAfile <(printf %s "${roots[$name]}") >/dev/null 2>&1; then
      openssl ts -verify -data $proof/checkpoint.text -in "$path" -attime "$POSIX" \
        -CAfile <(printf %s "${roots[$name]}") >/dev/null 2>&1 ||
        { bad "$path: does not verify: it is not over this head, or not by the authority $name of your anchors"; continue; }
      how='; its certificate has expired since'
    fi
    when=$POSIX
    check_revoked "$name" "$when" || { [[ -z $REVOKED ]] || lines+=("$REVOKED"); continue; }
    utc "$when"
    stamped=$((stamped + 1))
    lines+=("$name confirms that this head was there at $UTC$how")
    [[ -z $REVOKED ]] || lines+=("$REVOKED")
    [[ -z ${digest[${path%.tsr}.ers]-} ]] || check_record "$name"
    [[ -z $RECORD ]] || lines+=("$RECORD")
  done
  if [[ $require == *,timed,* ]] && ((stamped == 0)); then
    ((anchored || present == 0)) &&
      bad "policy: the vault demands trusted time, and this bundle is untimed: no authority in your anchors stamped it"
  fi
  stage
  for name in ${lines[@]+"${lines[@]}"}; do said Time "$name"; done
  [[ -z $unheld ]] || said Time "${unheld:2}: a stamp that your anchors have no root for, NOT held to anything"
}

verdict() {
  local key
  shown "$log_vkey"
  key=$SHOWN
  if [[ -z $signers ]]; then
    said Unwitnessed "no independent witness that you know signed the log's head: whoever holds the log's"
    said '' 'key could have written another history'
  fi
  ((others == 0)) || said '' "($others further signatures in the checkpoint were not checked)"
  ((stamped)) || said Untimed "no time-stamping authority that you know confirmed it: times are the unit's own"
  if [[ $whole == false ]]; then
    said Incomplete '? NOT shown that nothing was left out: how many entries the case has is what the unit'
    said '' 'says. The unit can prove it: holdfast bundle --completeness'
  fi
  if [[ ${BASH_SOURCE[0]-} -ef verify.sh ]]; then
    said Script "this verify.sh came with the bundle, and a forger's would say what it likes: get one"
    said '' 'from the unit or the Holdfast project by another way, and run that'
  fi
  if ((anchored)); then
    printf '\nINTACT\n'
  else
    said Origin 'NOT established: no key from a second channel was given. Compare this one, letter by'
    said '' 'letter, with what the unit tells you by another way, or run again with --anchors FILE:'
    said '' "$key"
    printf '\nINTACT in itself, origin NOT established\n'
  fi
}

main() {
  local tool anchors=
  anchored=0
  ((BASH_VERSINFO[0] >= 4)) || usage "bash 4 or newer is needed, this is $BASH_VERSION"
  for tool in sha256sum openssl od; do
    type -P "$tool" >/dev/null || usage "the program $tool is needed and not here"
  done
  case $# in
    0) ;;
    2) [[ $1 == --anchors ]] || usage "unknown: $1"
      anchored=1 anchors=$2 ;;
    *) usage 'wrong number of arguments' ;;
  esac
  [[ -f bagit.txt || -f tagmanifest-sha256.txt || -d data ]] || usage 'this folder holds no bundle'
  ((anchored == 0)) || read_anchors "$anchors"
  check_files
  check_log
  check_entries
  check_eras
  check_second
  check_complete
  check_handover
  check_exculpatory
  check_actors
  check_policy
  check_originals
  check_witnesses
  check_stamps
  ((anchored == 0)) || check_anchors
  stage
  verdict
  exit 0
}

main "$@"
