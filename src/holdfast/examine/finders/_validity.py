"""Check digits, checksums and ranges: what makes an identifier valid by its own standard.

Bitcoin: base58check, BIP 173 and 350. Ethereum: EIP-55. Monero: its base58 and Keccak. Tron:
base58check with 0x41. Cards: ISO/IEC 7812 (Luhn, and the issuers' ranges). IBAN: ISO 13616 (length
by country, mod 97). Tor: rend-spec-v3, 6. IMEI: 3GPP TS 23.003. Phones: E.164 by Google's metadata.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT = {letter: value for value, letter in enumerate(_ALPHABET)}
_BECH32 = {letter: value for value, letter in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_POLYMOD = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_MONERO_BLOCKS = {0: 0, 2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
_MONERO_NETS = {18, 19, 42, 53, 54, 63, 24, 25, 36}
_REPORTERS = frozenset(
    [
        "01",
        "10",
        "30",
        "33",
        "35",
        "44",
        "45",
        "49",
        "50",
        "51",
        "52",
        "53",
        "54",
        "86",
        "91",
        "98",
        "99",
    ]
)  # GSMA TS.06: reporting bodies
_OLDEST_CVE = 1999

IBAN = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""Country to the length of its IBANs (ISO 13616 registry)."""

_RANGES: tuple[tuple[int, int, frozenset[int]], ...] = (
    (2200, 2204, frozenset(range(16, 20))),  # Mir
    (2221, 2720, frozenset({16})),  # Mastercard
    (3000, 3059, frozenset(range(14, 20))), (3600, 3699, frozenset(range(14, 20))),  # Diners
    (3800, 3999, frozenset(range(14, 20))),
    (3400, 3499, frozenset({15})), (3700, 3799, frozenset({15})),  # American Express
    (3528, 3589, frozenset(range(16, 20))),  # JCB
    (4000, 4999, frozenset({13, 16, 19})),  # Visa
    (5000, 5099, frozenset(range(13, 20))), (5600, 5999, frozenset(range(13, 20))),  # Maestro
    (5100, 5599, frozenset({16})),  # Mastercard
    (6000, 6199, frozenset(range(13, 20))), (6200, 6299, frozenset(range(16, 20))),  # UnionPay
    (6300, 6999, frozenset(range(13, 20))),  # Maestro, Discover, RuPay
)  # fmt: skip


def luhn(digits: str) -> bool:
    """Say whether the last of `digits` is their check digit."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> bool | None:
    """Judge a payment card number; None where no issuer has such numbers, or it is just digits."""
    digits = text.replace(" ", "").replace("-", "")
    lead = int(digits[:4])
    if not any(low <= lead <= high and len(digits) in sizes for low, high, sizes in _RANGES):
        return None
    marks = {mark for mark in text if not mark.isdigit()}
    if len(marks) > 1 or len(set(digits)) == 1:
        return None
    if luhn(digits):
        return True
    parts = re.split("[ -]", text)
    return False if [len(part) for part in parts] in ([4, 4, 4, 4], [4, 6, 5]) else None


def imei(text: str) -> bool:
    """Say whether an IMEI's check digit is right and its reporting body exists."""
    digits = text.replace("-", "")
    return digits[:2] in _REPORTERS and len(set(digits)) > 1 and luhn(digits)


def iban(text: str) -> tuple[int, bool] | None:
    """Return how much of `text` is an IBAN, and whether its check digits are right."""
    wanted, taken = IBAN[text[:2]], 0
    for place, letter in enumerate(text):
        taken += letter != " "
        if taken == wanted:
            after = text[place + 1 : place + 2]
            if after.isalnum():
                return None
            plain = text[: place + 1].replace(" ", "")
            turned = "".join(str(int(one, 36)) for one in plain[4:] + plain[:4])
            return place + 1, int(turned) % 97 == 1
    return None


@lru_cache(maxsize=4096)
def phone(text: str) -> bool | None:
    """Judge a number in international form; None where no country has such a number."""
    import phonenumbers  # noqa: PLC0415 - a tenth of a worker's start, and few files have one

    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.is_valid_number(number) if phonenumbers.is_possible_number(number) else None


def base58check(text: str) -> bytes | None:
    """Return what base58check holds, without its checksum; None where that is wrong."""
    number = 0
    for letter in text:
        number = number * 58 + _DIGIT[letter]
    zeros = len(text) - len(text.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = raw[:-4], raw[-4:]
    good = hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == check
    return body if good and len(raw) > 4 else None


def btc_base58(text: str) -> bool | None:
    """Judge an old Bitcoin address; None for what is all digits or letters of one case."""
    body = base58check(text)
    if body is not None and len(body) == 21 and body[0] in {0, 5}:
        return True
    mixed = text != text.lower() and text != text.upper() and not text.isalpha()
    return False if mixed else None


def trx(text: str) -> bool:
    """Say whether it is a Tron address."""
    body = base58check(text)
    return body is not None and len(body) == 21 and body[0] == 0x41


def bech32(text: str) -> bool:
    """Say whether it is a segwit address (BIP 173, BIP 350)."""
    lowered = text.lower()
    prefix, _, data = lowered.partition("1")
    values = [_BECH32[letter] for letter in data]
    check = 1
    spread = [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values]
    for value in spread:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_POLYMOD):
            check ^= generator if top >> bit & 1 else 0
    version = values[0]
    size = (len(values) - 7) * 5 // 8
    fits = version <= 16 and 2 <= size <= 40 and (version or size in {20, 32})
    return bool(fits) and check == (_BECH32M if version else 1)


def _keccak(data: bytes) -> bytes:
    from Crypto.Hash import keccak  # noqa: PLC0415 - the same

    return keccak.new(digest_bits=256, data=data).digest()


@lru_cache(maxsize=4096)
def eth(text: str) -> bool:
    """Say whether an Ethereum address has EIP-55's capitals, or (being older) none to check."""
    digits = text[2:]
    if len(set(digits.lower())) == 1:
        return False
    if digits in {digits.lower(), digits.upper()}:
        return True
    check = _keccak(digits.lower().encode()).hex()
    return all(
        not letter.isalpha() or letter.isupper() == (int(check[place], 16) >= 8)
        for place, letter in enumerate(digits)
    )


@lru_cache(maxsize=4096)
def xmr(text: str) -> bool:
    """Say whether it is a Monero address: base58 by blocks of 11, checksum by Keccak."""
    raw = b""
    for at in range(0, len(text), 11):
        block = text[at : at + 11]
        number = 0
        for letter in block:
            number = number * 58 + _DIGIT[letter]
        size = _MONERO_BLOCKS.get(len(block))
        if size is None or number >= 1 << 8 * size:
            return False
        raw += number.to_bytes(size, "big")
    return len(raw) in {69, 77} and raw[0] in _MONERO_NETS and _keccak(raw[:-4])[:4] == raw[-4:]


def onion(text: str) -> bool:
    """Say whether a version 3 onion name has its checksum."""
    raw = base64.b32decode(text[:56].upper())
    check = hashlib.sha3_256(b".onion checksum" + raw[:32] + raw[34:]).digest()[:2]
    return raw[34] == 3 and raw[32:34] == check


def telegram(text: str) -> bool:
    """Say whether the name is one that Telegram gives out, or the link an invitation."""
    name = re.split(r"[/@=]", text)[-1]
    invitation = "joinchat" in text or "invite=" in text or name.startswith("+")
    return invitation or re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{3,31}", name) is not None


def discord(text: str) -> bool:
    """Say whether the parts have the shapes that Discord gives them."""
    return "#" not in text or not text.endswith("#0000")


def whatsapp(text: str) -> bool:
    """Say whether a WhatsApp link or address names a number that can be, or a group."""
    if "chat." in text.lower() or text.lower().endswith("g.us"):
        return True
    digits = re.search(r"[0-9]{7,15}", text)
    return digits is not None and phone(f"+{digits[0]}") is True


def mac(text: str) -> bool:
    """Say whether a MAC address is some machine's: not null, not broadcast."""
    digits = re.sub("[^0-9a-f]", "", text.lower())
    return len(set(digits)) > 1


def gps(text: str) -> bool:
    """Say whether latitude and longitude lie on the Earth, and not at its zero point."""
    north, east = (float(one) for one in re.split("[,;]", re.sub("^geo:", "", text.lower())))
    return abs(north) <= 90 and abs(east) <= 180 and (north != 0 or east != 0)


def cve(text: str) -> bool:
    """Say whether the year is one of the programme's."""
    return int(text[4:8]) >= _OLDEST_CVE
